//! Counting tests from what their runners print.
//!
//! Each function returns `None` when it finds no summary at all, which the caller counts as a failure: a
//! runner that ran nothing must not pass for one that found nothing wrong.

use std::ops::AddAssign;

/// How many tests passed and how many failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0 };
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1 };

    /// What a suite counts for: its own numbers, and one failure more when it ended badly without saying so
    /// (a crash, code that does not compile) or ran nothing.
    pub(crate) fn of_suite(ended_well: bool, counted: Option<Self>) -> Self {
        let tally = counted.unwrap_or_default();
        let ran_nothing = tally.passed + tally.failed == 0;
        if ran_nothing || (!ended_well && tally.failed == 0) {
            return Self {
                failed: tally.failed + 1,
                ..tally
            };
        }
        tally
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Adds up cargo's `test result: ok. 3 passed; 1 failed; …` lines.
pub(crate) fn cargo(output: &str) -> Option<Tally> {
    let mut total = None;
    for line in output.lines() {
        let Some(result) = line.trim_start().strip_prefix("test result: ") else {
            continue;
        };
        let counts = result.split_once(". ").map_or(result, |(_, counts)| counts);
        let tally = Tally {
            passed: before(counts, " passed")?,
            failed: before(counts, " failed")?,
        };
        *total.get_or_insert_with(Tally::default) += tally;
    }
    total
}

/// Reads the closing line of our own runners, `12 passed, 0 failed` with perhaps `web: ` before and
/// `, 1 skipped` behind, or the `pass` and `fail` lines that close a run of Node's; the last one counts.
pub(crate) fn summary(output: &str) -> Option<Tally> {
    let mut found = None;
    let mut node = Tally::default();
    for line in output.lines().map(str::trim) {
        if let Some(tally) = own_summary(line) {
            found = Some(tally);
        }
        let Some(closing) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) else {
            continue;
        };
        if let Some(count) = count_behind(closing, "pass ") {
            node.passed = count;
        } else if let Some(count) = count_behind(closing, "fail ") {
            node.failed = count;
            found = Some(node);
        }
    }
    found
}

fn own_summary(line: &str) -> Option<Tally> {
    let (passed, rest) = line.split_once(" passed, ")?;
    let failed = rest
        .strip_suffix(" failed")
        .or_else(|| Some(rest.split_once(" failed, ")?.0))?;
    let passed = passed.split_once(": ").map_or(passed, |(_, passed)| passed);
    Some(Tally {
        passed: passed.parse().ok()?,
        failed: failed.parse().ok()?,
    })
}

fn count_behind(line: &str, word: &str) -> Option<u64> {
    line.strip_prefix(word)?.parse().ok()
}

/// The number that stands before a word, as in `3 passed; 1 failed`.
fn before(text: &str, word: &str) -> Option<u64> {
    let (head, _) = text.split_once(word)?;
    head.rsplit([' ', ';']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_results_add_up_over_test_programs() {
        let output = "running 3 tests\n\
             test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
             noise\n\
             test result: FAILED. 11 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0s\n";
        assert_eq!(
            cargo(output),
            Some(Tally {
                passed: 14,
                failed: 2
            })
        );
    }

    #[test]
    fn output_without_a_summary_counts_nothing() {
        assert_eq!(cargo("error: could not compile"), None);
        assert_eq!(summary("Error: no browser"), None);
    }

    #[test]
    fn our_own_summary_line_is_the_last_of_its_kind() {
        let output = "1 passed, 0 failed\nstory: 40 passed, then some\n  12 passed, 3 failed\n";
        assert_eq!(
            summary(output),
            Some(Tally {
                passed: 12,
                failed: 3
            })
        );
    }

    #[test]
    fn a_summary_may_name_its_runner_and_what_it_skipped() {
        let expected = Some(Tally { passed: 7, failed: 0 });
        assert_eq!(summary("web: 7 passed, 0 failed, 2 skipped"), expected);
        assert_eq!(summary("7 passed, 0 failed, 2 skipped"), expected);
    }

    #[test]
    fn a_run_of_node_is_read_by_its_closing_lines() {
        assert_eq!(
            summary("ok 1 - a\n# tests 5\n# pass 4\n# fail 1\n"),
            Some(Tally { passed: 4, failed: 1 })
        );
    }

    #[test]
    fn a_suite_that_ended_badly_fails_even_when_it_counted_no_failure() {
        let green = Some(Tally { passed: 5, failed: 0 });
        assert_eq!(Tally::of_suite(false, green), Tally { passed: 5, failed: 1 });
        assert_eq!(Tally::of_suite(true, green), Tally { passed: 5, failed: 0 });
        let red = Some(Tally { passed: 5, failed: 2 });
        assert_eq!(Tally::of_suite(false, red), Tally { passed: 5, failed: 2 });
    }

    #[test]
    fn a_suite_that_ran_nothing_fails() {
        assert_eq!(Tally::of_suite(true, None), Tally::FAILED);
        assert_eq!(Tally::of_suite(true, Some(Tally::default())), Tally::FAILED);
    }
}
