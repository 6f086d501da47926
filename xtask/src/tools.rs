//! Programs of other people that cargo installs, each below cargo's target folder and of a known version.
//!
//! Nothing here is linked into what ships, and nothing is put into anybody's home.

use std::path::PathBuf;

use crate::command::Run;
use crate::failure::Result;
use crate::workspace;

/// A program from the registry.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

/// libFuzzer for cargo.
pub(crate) const FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    version: "0.13.2",
};

/// Changes the code and asks whether a test notices.
pub(crate) const MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    version: "27.1.0",
};

impl Tool {
    /// Where the program is; installs it first where it lacks.
    pub(crate) fn ensure(&self) -> Result<PathBuf> {
        let folder = workspace::scratch()?.join(format!("{}-{}", self.name, self.version));
        let program = folder
            .join("bin")
            .join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX));
        if !program.is_file() {
            Run::cargo()
                .args(["install", "--locked", "--version", self.version, "--root"])
                .args([&folder])
                .args([self.name])
                .run()?;
        }
        Ok(program)
    }
}
