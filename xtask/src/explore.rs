//! `cargo xtask explore [rounds]`: the property tests and the random months on inputs that no ordinary run tries.
//!
//! An ordinary run tries the same inputs every time, so that what it says of a change is about that change. The search
//! for what nobody thought of is here: each round draws a new seed and says it, and a seed that refutes something does
//! so again. What is found becomes a test of its own.

use std::hash::{BuildHasher as _, Hasher as _};

use crate::failure::{Failure, Result};
use crate::native::{self, PROPERTY_SEED, Whose};
use crate::setup::{self, Need};

/// Rounds where nothing else is said; each takes some minutes.
const ROUNDS: u32 = 5;

/// Packages with property tests.
const PACKAGES: [&str; 7] = [
    "conclave-client",
    "conclave-crypto",
    "conclave-encoding",
    "conclave-protocol",
    "conclave-sigchain",
    "conclave-store",
    "conclave-testing",
];

/// Which random month the tests of `crates/testing` play.
const MONTH: &str = "CONCLAVE_TEST_MONTH";

/// Runs some rounds, to the end of the first that refutes something.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let rounds = rounds(arguments)?;
    setup::ensure(&[Need::CCompiler, Need::OpenSsl])?;
    for round in 1..=rounds {
        let seed = drawn();
        let month = seed >> 32;
        eprintln!("\n== round {round} of {rounds}: {PROPERTY_SEED}={seed} {MONTH}={month}");
        let ended = native::tests(Whose::Of(&PACKAGES))?
            .env(PROPERTY_SEED, seed.to_string())
            .env(MONTH, month.to_string())
            .tee()?;
        if !ended.ok {
            return Err(Failure::new(format!(
                "something was refuted. The same again: {PROPERTY_SEED}={seed} {MONTH}={month} cargo xtask test crypto \
                 engine rust. Mend it, and keep a test that would have caught it"
            )));
        }
    }
    println!("nothing was refuted in {rounds} rounds");
    Ok(())
}

fn rounds(arguments: &[String]) -> Result<u32> {
    match arguments {
        [] => Ok(ROUNDS),
        [rounds] => rounds
            .parse()
            .map_err(|_| Failure::new(format!("`{rounds}` is no number of rounds"))),
        _ => Err(Failure::new("explore takes a number of rounds and nothing else")),
    }
}

/// A number that was not drawn before.
fn drawn() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_rounds_is_a_number() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(rounds(&words(&[])).unwrap(), ROUNDS);
        assert_eq!(rounds(&words(&["3"])).unwrap(), 3);
        assert!(rounds(&words(&["many"])).is_err());
        assert!(rounds(&words(&["3", "4"])).is_err());
    }
}
