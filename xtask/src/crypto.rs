//! The part `crypto` of `cargo xtask test`: the cryptography's own tests, and its vectors in every place.
//!
//! Tests and checks say how much of which kind they compared, in lines such as `vectors: handshake 4` and `cases:
//! ratchet 256`. [`Compared`] adds them up by kind and place, so that a table says what was proven, and a kind of
//! vectors that some place left out is a failure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::command::Run;
use crate::failure::{Failure, Result};
use crate::native::Whose;
use crate::setup::{self, Need};
use crate::test::Checks;
use crate::workspace;
use crate::{native, python, tally, vectors, wasm};

/// What the part needs.
pub(crate) const NEEDS: &[Need] = &[
    Need::CCompiler,
    Need::WasmTarget,
    Need::Python,
    Need::Chromium,
    Need::Node,
];

/// Whose tests run here, and so not among the other Rust tests.
pub(crate) const PACKAGES: [&str; 3] = ["conclave-crypto", vectors::PACKAGE, "conclave-fuzzing"];

pub(crate) fn check(checks: &mut Checks) {
    let mut compared = Compared::default();
    checks.suite("cargo test", tally::cargo, || {
        let ended = native::tests(Whose::Of(&PACKAGES))?
            .args(["--", "--show-output"])
            .tee()?;
        compared.add("Rust", &ended.output);
        Ok(ended)
    });
    checks.check("the style of the second implementation", || {
        style(&["check", "--no-cache"])?.run()?;
        style(&["format", "--check", "--no-cache"])?.run()
    });
    checks.check("the vectors by the second implementation", || {
        compared.run("Python", program()?.args(["vectors"]).args([vectors::folder()]))
    });
    checks.check("conversations with the second implementation", || {
        compared.run(
            "Python",
            program()?.args(["exchange"]).args([vectors::program_of_all()?]),
        )
    });
    checks.check("the vectors in WASM, under Node and in Chromium", || {
        let browser = setup::chromium().ok_or_else(|| Failure::new("Chromium is missing"))?;
        let script = interop().join("wasm.mjs");
        let run = Run::new("node")
            .args([script, wasm::build_vectors()?, vectors::folder()])
            .env("CONCLAVE_TEST_CHROMIUM", browser);
        compared.run("Node", run)
    });
    checks.check("every place met every vector", || compared.agree());
    println!("{compared}");
}

fn interop() -> PathBuf {
    workspace::root().join("crates/crypto/interop")
}

/// The second implementation.
fn program() -> Result<Run> {
    // No compiled files beside the sources.
    Ok(python()?.args([Path::new("-B"), &interop().join("check.py")]))
}

/// What looks at its style.
fn style(words: &[&str]) -> Result<Run> {
    Ok(python()?.args(["-m", "ruff"]).args(words).args([interop()]))
}

/// Python with exactly the packages that the second implementation names.
fn python() -> Result<Run> {
    Ok(Run::new(
        python::environment("interop", &interop().join("requirements.txt"))?.join("python"),
    ))
}

/// How much of which kind was compared, and where.
#[derive(Default)]
struct Compared(BTreeMap<String, BTreeMap<&'static str, u64>>);

/// Where, in the order of the table.
const PLACES: [&str; 4] = ["Rust", "Python", "Node", "Chromium"];

/// What a line may count.
const WORDS: [&str; 3] = ["vectors", "cases", "refused by type"];

impl Compared {
    /// Runs a program that counts, and adds up what it printed.
    fn run(&mut self, place: &'static str, run: Run) -> Result<()> {
        let ended = run.tee()?;
        self.add(place, &ended.output);
        if ended.ok {
            Ok(())
        } else {
            Err(Failure::new("it failed; what it printed says where"))
        }
    }

    /// Adds up the lines of a program. A line `checked in …` says where those behind it belong.
    fn add(&mut self, mut place: &'static str, output: &str) {
        for line in output.lines().map(str::trim) {
            if let Some(named) = line.strip_prefix("checked in ") {
                place = PLACES.into_iter().find(|known| *known == named).unwrap_or(place);
            }
            let Some((word, rest)) = line.split_once(": ").filter(|(word, _)| WORDS.contains(word)) else {
                continue;
            };
            if let Some((kind, count)) = rest.rsplit_once(' ')
                && let Ok(count) = count.parse::<u64>()
            {
                let places = self.0.entry(format!("{word}: {kind}")).or_default();
                *places.entry(place).or_default() += count;
            }
        }
    }

    /// Refuses a kind of vectors that one place met and another did not, or not as often. Kinds of one place alone are
    /// its own: published vectors, made-up cases, conversations.
    fn agree(&self) -> Result<()> {
        let odd: Vec<&str> = self
            .0
            .iter()
            .filter(|(_, places)| {
                places.len() > 1
                    && PLACES
                        .iter()
                        .any(|place| places.get(place) != places.values().next())
            })
            .map(|(kind, _)| kind.as_str())
            .collect();
        let met_everywhere = self.0.values().any(|places| places.len() == PLACES.len());
        if !odd.is_empty() {
            return Err(Failure::new(format!("the places differ in {}", odd.join("; "))));
        }
        if !met_everywhere {
            return Err(Failure::new("no vector was met everywhere"));
        }
        Ok(())
    }
}

impl std::fmt::Display for Compared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = self.0.keys().map(String::len).max().unwrap_or_default();
        write!(formatter, "\n{:<width$}", "compared")?;
        for place in PLACES {
            write!(formatter, " {place:>9}")?;
        }
        for (kind, places) in &self.0 {
            write!(formatter, "\n{kind:<width$}")?;
            for place in PLACES {
                match places.get(place) {
                    Some(count) => write!(formatter, " {count:>9}")?,
                    None => write!(formatter, " {:>9}", "–")?,
                }
            }
        }
        for word in WORDS {
            write!(formatter, "\n{:<width$}", format!("all {word}"))?;
            for place in PLACES {
                let rows = self
                    .0
                    .iter()
                    .filter(|(kind, _)| kind.split(':').next() == Some(word));
                let total: u64 = rows.filter_map(|(_, places)| places.get(place)).sum();
                write!(formatter, " {total:>9}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(place_and_output: &[(&'static str, &str)]) -> Compared {
        let mut compared = Compared::default();
        for (place, output) in place_and_output {
            compared.add(place, output);
        }
        compared
    }

    #[test]
    fn counts_add_up_by_kind_and_place() {
        let output = "test a ... ok\nvectors: X25519 of RFC 7748 3\nvectors: X25519 of RFC 7748 2\ncases: ratchet 9\n\
                      checked in Chromium\nvectors: X25519 of RFC 7748 7\nnoise: 3\nvectors: none\n";
        let found = compared(&[("Rust", output)]).0;
        let rows: Vec<_> = found
            .iter()
            .map(|(kind, places)| {
                (
                    kind.as_str(),
                    places.get("Rust").copied(),
                    places.get("Chromium").copied(),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("cases: ratchet", Some(9), None),
                ("vectors: X25519 of RFC 7748", Some(5), Some(7))
            ]
        );
    }

    #[test]
    fn a_vector_that_one_place_left_out_is_a_failure() {
        let everywhere = PLACES.map(|place| (place, "vectors: handshake 4\n"));
        assert!(compared(&everywhere).agree().is_ok());
        let mut fewer = everywhere.to_vec();
        fewer[1].1 = "vectors: handshake 3\n";
        assert!(compared(&fewer).agree().is_err());
        assert!(compared(&everywhere[..3]).agree().is_err());
        assert!(compared(&[("Rust", "cases: ratchet 9\n")]).agree().is_err());
    }
}
