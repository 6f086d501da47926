//! The Rust code built for this machine: once, with one selection of packages and features, whoever needs it.
//!
//! Cargo joins the features of all selected packages, so that another selection compiles the libraries below them
//! once more. The parts of `cargo xtask test` therefore all build the whole workspace, and a runner decides whose
//! test programs are run: cargo starts it in the place of each, and it starts the program or does not.

use std::path::PathBuf;
use std::process::Command;

use crate::bindings;
use crate::command::Run;
use crate::failure::{Context, Failure, Result};
use crate::workspace;

/// The command of `cargo xtask` that cargo calls as its runner.
pub(crate) const RUNNER: &str = "run-tests-of";

/// Where property tests read the seed of their inputs.
pub(crate) const PROPERTY_SEED: &str = "PROPTEST_RNG_SEED";
/// It is the same in every ordinary run: what a run says of a change is then about that change, and `cargo xtask
/// explore` looks further.
const ORDINARY_SEED: &str = "1";

/// Whose tests are run.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'a> {
    Of(&'a [&'a str]),
    AllBut(&'a [&'a str]),
}

/// What every build selects: everything but xtask, which is running.
fn selection() -> Result<Vec<String>> {
    let mut words: Vec<String> = ["--workspace", "--exclude", "xtask"].map(str::to_owned).into();
    words.extend(bindings::features()?);
    Ok(words)
}

/// The tests of some packages, about to run.
pub(crate) fn tests(whose: Whose<'_>) -> Result<Run> {
    let (word, packages) = match whose {
        Whose::Of(packages) => ("of", packages),
        Whose::AllBut(packages) => ("all-but", packages),
    };
    let xtask = std::env::current_exe().context("finding xtask itself")?;
    // Cargo splits it at spaces, and a folder may have some: it is found by its name.
    let (folder, name) = (xtask.parent(), xtask.file_name());
    let (Some(folder), Some(name)) = (folder, name) else {
        return Err(Failure::new("xtask does not know where it is"));
    };
    let mut path = vec![folder.to_path_buf()];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let seed = std::env::var_os(PROPERTY_SEED).unwrap_or_else(|| ORDINARY_SEED.into());
    let runner = format!(
        "{} {RUNNER} {word} {}",
        name.to_string_lossy(),
        packages.join(",")
    );
    Ok(Run::cargo()
        .args(["test", "--no-fail-fast"])
        .args(selection()?)
        .args(["--lib", "--bins", "--tests", "--examples"])
        .env(&runner_variable()?, runner)
        .env(PROPERTY_SEED, seed)
        .env(
            "PATH",
            std::env::join_paths(path).map_err(|_| Failure::new("PATH cannot hold xtask's folder"))?,
        ))
}

/// The examples in the documentation of all packages.
pub(crate) fn documentation() -> Result<Run> {
    Ok(Run::cargo()
        .args(["test", "--no-fail-fast", "--doc"])
        .args(selection()?))
}

/// Builds the programs, and returns their folder.
pub(crate) fn programs() -> Result<PathBuf> {
    // With the examples come the features of what only tests use, as in the builds of the tests.
    Run::cargo()
        .args(["build"])
        .args(selection()?)
        .args(["--bins", "--examples"])
        .run()?;
    Ok(workspace::target()?.join("debug"))
}

/// Where cargo looks for the runner of this machine's programs.
fn runner_variable() -> Result<String> {
    let version = Run::new("rustc").args(["-vV"]).capture()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| Failure::new("rustc does not say for which machine it is"))?;
    Ok(format!(
        "CARGO_TARGET_{}_RUNNER",
        host.trim().to_uppercase().replace('-', "_")
    ))
}

/// The runner: starts a test program, if it is one of those asked for. Cargo names the package.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let [word, packages, program, rest @ ..] = arguments else {
        return Err(Failure::new(format!("`{RUNNER}` is for cargo")));
    };
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    if !is_meant(word, packages, &package) {
        return Ok(());
    }
    let status = Command::new(program)
        .args(rest)
        .status()
        .context(format!("starting {program}"))?;
    if status.success() {
        return Ok(());
    }
    if status.code().is_none() {
        eprintln!("error: {program} did not end by itself: {status}");
    }
    Err(Failure::silent())
}

fn is_meant(word: &str, packages: &str, package: &str) -> bool {
    packages.split(',').any(|named| named == package) == (word == "of")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_is_meant_by_the_part_that_names_it_or_by_the_one_that_names_the_others() {
        let named = "conclave-client,conclave-sigchain";
        for (package, by_name) in [
            ("conclave-client", true),
            ("conclave-sigchain", true),
            ("conclave", false),
            ("conclave-server", false),
        ] {
            assert_eq!(is_meant("of", named, package), by_name, "{package}");
            assert_eq!(is_meant("all-but", named, package), !by_name, "{package}");
        }
    }
}
