//! Python in environments of their own, each with exactly the packages that a file names.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Run;
use crate::failure::{Context, Result};
use crate::workspace::{self, Fingerprint};

/// Makes the environment of this name where it lacks or names other packages, and returns the folder of its programs.
pub(crate) fn environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let environment = workspace::scratch()?.join(name);
    let programs = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let version = Run::new("python3").args(["--version"]).capture()?;
    let wanted = Fingerprint::default()
        .words(&version)
        .file(requirements)?
        .finish();
    let stamp = environment.join("conclave-stamp");
    if !fs::read_to_string(&stamp).is_ok_and(|written| written == wanted) {
        Run::new("python3")
            .args(["-m", "venv", "--clear"])
            .args([&environment])
            .run()?;
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ];
        Run::new(programs.join("python"))
            .args(install)
            .args([requirements])
            .run()?;
        fs::write(&stamp, wanted).context(format!("writing {}", stamp.display()))?;
    }
    Ok(programs)
}
