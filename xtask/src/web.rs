//! The web app's packages, scripts and build.
//!
//! `web/package.json` is the web app's own; from here only its scripts are called: `build`, `format`,
//! `format:check`, `lint`, `check`, `test` and `e2e`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::command::Run;
use crate::failure::{Context, Failure, Result};
use crate::setup::{self, Need};
use crate::workspace::{self, Fingerprint, Stamp};
use crate::{compress, wasm};

fn folder() -> PathBuf {
    workspace::root().join("web")
}

/// The web app's lock file, from the top of the repository.
pub(crate) const LOCK: &str = "web/package-lock.json";

/// The built web app, which the server embeds.
pub(crate) fn dist() -> PathBuf {
    folder().join("dist")
}

/// Installs exactly the packages of the web app's lock file, when they are not in place.
pub(crate) fn install_packages() -> Result<()> {
    install_packages_of(&folder())
}

/// The same for any folder with a `package.json`.
pub(crate) fn install_packages_of(folder: &Path) -> Result<()> {
    let (package, lock) = (folder.join("package.json"), folder.join("package-lock.json"));
    if !lock.is_file() {
        return Err(Failure::new(format!(
            "{} is missing: type `npm install` beside it and commit it",
            lock.display()
        )));
    }
    // npm writes this file last, so it stands for the whole folder.
    let installed = folder.join("node_modules/.package-lock.json");
    let stamp_file = folder.join("node_modules/.conclave-stamp");
    let wanted = Fingerprint::default().file(&package)?.file(&lock)?.finish();
    if installed.is_file() && fs::read_to_string(&stamp_file).is_ok_and(|written| written == wanted) {
        return Ok(());
    }
    let arguments = ["ci", "--no-audit", "--no-fund"];
    Run::new("npm")
        .args(arguments)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .in_folder(folder)
        .run()?;
    fs::write(&stamp_file, wanted).context(format!("writing {}", stamp_file.display()))
}

/// The Node that the web app's packages bring, with their programs beside it.
pub(crate) fn node() -> Result<Run> {
    Ok(Run::new(node_path()).env("PATH", path()?))
}

/// Where that Node lies.
pub(crate) fn node_path() -> PathBuf {
    folder().join("node_modules/node/bin/node")
}

/// Prettier as the web app has it, for a folder outside of `web/`.
pub(crate) fn prettier(mode: &str, folder: &str) -> Result<Run> {
    // It looks for its plugins from the folder that it runs in.
    let outside = format!("../{folder}");
    let run = Run::new("prettier").args(["--config", ".prettierrc.json", mode, &outside]);
    Ok(run.env("PATH", path()?).in_folder(self::folder()))
}

/// A script of `web/package.json`, run by the Node that the web app's packages bring.
pub(crate) fn script(name: &str) -> Result<Run> {
    let run = Run::new("npm")
        .args(["run", "--silent", name])
        .env("PATH", path()?)
        .in_folder(folder());
    Ok(run.env("NO_UPDATE_NOTIFIER", "1"))
}

/// Builds the web app with its engine, compressed. Within one run of xtask, at most once.
pub(crate) fn build() -> Result<()> {
    static BUILT: OnceLock<Result<()>> = OnceLock::new();
    BUILT.get_or_init(build_now).clone()
}

fn build_now() -> Result<()> {
    setup::ensure(&[Need::Node])?;
    wasm::build()?;
    let inputs = Fingerprint::default().tree(&folder(), &["node_modules", "dist", "test-results"])?;
    let stamp = Stamp::new("web", inputs, dist())?;
    if stamp.is_fresh() {
        return Ok(());
    }
    script("build")?.run()?;
    if !dist().join("index.html").is_file() {
        return Err(Failure::new("`npm run build` in web/ made no dist/index.html"));
    }
    compress::write_siblings(&dist())?;
    stamp.write()
}

/// The PATH with the web app's own programs first, its Node before all.
fn path() -> Result<OsString> {
    let modules = folder().join("node_modules");
    let before = [modules.join("node/bin"), modules.join(".bin")];
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(before.into_iter().chain(std::env::split_paths(&inherited)))
        .context("setting the PATH")
}
