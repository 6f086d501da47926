//! The test vectors of the cryptography: where they are, and writing them.

use std::path::PathBuf;

use crate::command::Run;
use crate::failure::Result;
use crate::{native, workspace};

/// The package that makes and checks them, and its program.
pub(crate) const PACKAGE: &str = "conclave-vectors";

/// Where the committed vectors are.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("crates/crypto/vectors")
}

/// Writes the committed vectors anew.
pub(crate) fn generate() -> Result<()> {
    Run::new(program()?).args(["write"]).args([folder()]).run()
}

/// The native program, built with all others, as the checks have it.
pub(crate) fn program_of_all() -> Result<PathBuf> {
    Ok(native::programs()?.join(name()))
}

/// The native program, built alone.
fn program() -> Result<PathBuf> {
    Run::cargo().args(["build", "--package", PACKAGE]).run()?;
    Ok(workspace::target()?.join("debug").join(name()))
}

fn name() -> String {
    format!("{PACKAGE}{}", std::env::consts::EXE_SUFFIX)
}
