//! The test vectors of the cryptography: where they are, and writing them.

use std::path::PathBuf;

use crate::command::Run;
use crate::failure::Result;
use crate::workspace;

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

/// The native program, built.
pub(crate) fn program() -> Result<PathBuf> {
    Run::cargo().args(["build", "--package", PACKAGE]).run()?;
    let name = format!("{PACKAGE}{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace::target()?.join("debug").join(name))
}
