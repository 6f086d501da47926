//! `cargo xtask run` and `cargo xtask dist`.

use std::fs;
use std::path::PathBuf;

use crate::command::Run;
use crate::failure::{Context, Failure, Result};
use crate::setup::{self, Need};
use crate::{web, workspace};

const SERVER: &str = "conclave-server";
const CLI: &str = "conclave-cli";

/// Builds everything and becomes the server, on embedded SQLite in `./data` unless the server's configuration
/// says otherwise. The server itself prints its address and, on its first start, the link to set it up.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let server = build(&[SERVER])?.join(program("conclave-server"));
    let mut server = Run::new(server).args(["serve"]).args(arguments);
    if is_unconfigured(arguments) {
        // Browsers take `localhost` for a safe origin, and people type it rather than the number.
        server = server.env("CONCLAVE_PUBLIC_URL", "http://localhost:8080");
    }
    #[cfg(unix)]
    return Err(server.replace());
    #[cfg(not(unix))]
    server.run()
}

/// The programs that people get, by what `cargo xtask dist` calls them.
const PROGRAMS: &[(&str, &str, &str)] = &[("server", SERVER, "conclave-server"), ("cli", CLI, "conclave")];

/// Builds the release programs, the web app inside the server, into `target/dist`: those named, or all.
pub(crate) fn dist(names: &[String]) -> Result<()> {
    let chosen: Vec<_> = PROGRAMS
        .iter()
        .filter(|(name, ..)| names.is_empty() || names.iter().any(|chosen| chosen == name))
        .collect();
    if chosen.len() < names.len() {
        return Err(Failure::new("the programs are `server` and `cli`"));
    }
    let packages: Vec<&str> = chosen.iter().map(|(_, package, _)| *package).collect();
    let built = build(&packages)?;
    let folder = workspace::target()?.join("dist");
    fs::create_dir_all(&folder).context(format!("creating {}", folder.display()))?;
    for (_, _, name) in chosen {
        let (from, to) = (built.join(program(name)), folder.join(program(name)));
        fs::copy(&from, &to).context(format!("copying {} to {}", from.display(), to.display()))?;
        println!("{}", to.display());
    }
    Ok(())
}

/// Builds these packages optimised, the web app first when the server embeds it; returns their folder.
fn build(packages: &[&str]) -> Result<PathBuf> {
    setup::ensure(&[Need::CCompiler])?;
    if packages.contains(&SERVER) {
        web::build()?;
    }
    if packages.contains(&CLI) {
        setup::ensure(&[Need::OpenSsl])?;
    }
    let selected = packages.iter().flat_map(|package| ["--package", package]);
    Run::cargo().args(["build", "--release"]).args(selected).run()?;
    Ok(workspace::target()?.join("release"))
}

/// Whether nobody said where to listen, so that the server's own defaults hold.
fn is_unconfigured(arguments: &[String]) -> bool {
    let settings = ["CONCLAVE_CONFIG", "CONCLAVE_LISTEN", "CONCLAVE_PUBLIC_URL"];
    arguments.is_empty()
        && !workspace::root().join("conclave.toml").exists()
        && settings.iter().all(|name| std::env::var_os(name).is_none())
}

fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}
