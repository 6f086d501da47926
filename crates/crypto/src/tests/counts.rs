//! How much the tests have compared, for whoever asks.
//!
//! Each known-answer test says how many vectors it met, each property test how many cases, in one line that
//! `--nocapture` shows. `cargo xtask` adds them up by kind.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Says how many published vectors of a kind were compared.
pub(crate) fn vectors(kind: &str, count: usize) {
    println!("vectors: {kind} {count}");
}

/// Says how many published vectors cannot be written with this crate's types: what they try, the types refuse.
pub(crate) fn refused_by_type(kind: &str, count: usize) {
    println!("refused by type: {kind} {count}");
}

/// Says how many made-up cases of a kind were tried.
pub(crate) fn cases(kind: &str, count: usize) {
    println!("cases: {kind} {count}");
}

/// As many cases as a test asks for, or fewer when `PROPTEST_CASES` says so: mutation testing runs everything
/// many hundred times.
pub(crate) fn wanted(count: u32) -> u32 {
    let most = std::env::var("PROPTEST_CASES").ok();
    most.and_then(|text| text.parse().ok())
        .map_or(count, |most: u32| most.clamp(1, count))
}

/// Tries a statement on that many values, shrinks what refutes it, and says how many there were.
pub(crate) fn for_all<S: Strategy>(kind: &str, count: u32, strategy: S, statement: impl Fn(S::Value)) {
    let count = wanted(count);
    let mut runner = TestRunner::new(Config {
        cases: count,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&strategy, |value| {
        statement(value);
        Ok::<(), TestCaseError>(())
    });
    outcome.unwrap_or_else(|refuted| panic!("{kind}: {refuted}"));
    cases(kind, usize::try_from(count).unwrap());
}
