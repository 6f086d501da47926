//! `cargo xtask mutants [word…]`: the deciding modules with one change at a time; a test must notice each.
//!
//! `.cargo/mutants.toml` says which files are changed; `mutants.md` of `crates/crypto` and of `crates/sigchain` explain
//! what no test notices. A word is a piece of a path or of a change, such as `src/ratchet/`. It takes hours for all.

use crate::command::Run;
use crate::failure::Result;
use crate::setup::{self, Need};
use crate::{tools, workspace};

/// Made-up cases of each property test: everything runs many hundred times.
const CASES: &str = "24";

/// Whose code is changed.
const PACKAGES: [&str; 2] = ["conclave-crypto", "conclave-sigchain"];

/// Changes all, or what the words name.
pub(crate) fn run(words: &[String]) -> Result<()> {
    setup::ensure(&[Need::CCompiler])?;
    let program = tools::MUTANTS.ensure()?;
    let output = workspace::scratch()?;
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    let words = words.iter().flat_map(|word| ["--re", word.as_str()]);
    Run::new(program)
        .args(["mutants", "--no-shuffle", "--output"])
        .args([&output])
        .args(packages)
        .args(words)
        .env("PROPTEST_CASES", CASES)
        .run()
}
