//! Installing what the other commands need, and nothing that is there already.
//!
//! A need is probed by what it is used for (a program, a header), never by a package manager's records, so
//! that it may come from anywhere. One more need is one more variant of [`Need`] with its row in
//! [`Need::tool`].

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{self, Run};
use crate::failure::{Context, Failure, Result};
use crate::{web, workspace};

/// Something that must be on the machine before a step can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Need {
    /// A linker and C compiler for the machine itself, which Rust needs too.
    CCompiler,
    /// A C compiler that makes WASM: the device's SQLite is C.
    Clang,
    /// The Rust standard library for the browser.
    WasmTarget,
    /// OpenSSL's headers: the native device store is SQLCipher.
    OpenSsl,
    /// The browser of the end-to-end tests.
    Chromium,
    /// PostgreSQL's programs: tests start servers of their own.
    Postgres,
    /// `docker compose`, only to check our compose file.
    Compose,
    /// Python with its `venv`: the second implementation of the cryptography.
    Python,
    /// Node, and the web app's packages as its lock file says.
    Node,
}

pub(crate) const ALL: &[Need] = &[
    Need::CCompiler,
    Need::Clang,
    Need::WasmTarget,
    Need::OpenSsl,
    Need::Chromium,
    Need::Postgres,
    Need::Compose,
    Need::Python,
    Need::Node,
];

/// A program or header that a package manager installs.
struct Tool {
    what: &'static str,
    is_there: fn() -> bool,
    apt: &'static [&'static str],
    brew: &'static [&'static str],
    dnf: &'static [&'static str],
    pacman: &'static [&'static str],
}

impl Need {
    fn tool(self) -> Option<Tool> {
        let tool = match self {
            Self::CCompiler => Tool {
                what: "a C compiler",
                is_there: || command::exists("cc"),
                apt: &["build-essential"],
                brew: &["gcc"],
                dnf: &["gcc"],
                pacman: &["base-devel"],
            },
            Self::Clang => Tool {
                what: "clang and llvm-ar, able to make WASM",
                is_there: || wasm_compiler().is_some(),
                apt: &["clang", "llvm"],
                brew: &["llvm"],
                dnf: &["clang", "llvm"],
                pacman: &["clang", "llvm"],
            },
            Self::OpenSsl => Tool {
                what: "OpenSSL's headers and pkg-config",
                is_there: || {
                    Run::new("pkg-config")
                        .args(["--exists", "openssl"])
                        .quiet()
                        .is_some()
                },
                apt: &["libssl-dev", "pkg-config"],
                brew: &["openssl@3", "pkgconf"],
                dnf: &["openssl-devel", "pkgconf-pkg-config"],
                pacman: &["openssl", "pkgconf"],
            },
            Self::Chromium => Tool {
                what: "Chromium",
                is_there: || chromium().is_some(),
                apt: &["chromium"],
                brew: &["--cask", "chromium"],
                dnf: &["chromium"],
                pacman: &["chromium"],
            },
            Self::Postgres => Tool {
                what: "PostgreSQL's server programs",
                is_there: has_postgres,
                apt: &["postgresql"],
                brew: &["postgresql@17"],
                dnf: &["postgresql-server"],
                pacman: &["postgresql"],
            },
            Self::Compose => Tool {
                what: "docker compose",
                is_there: || compose().is_some(),
                apt: &["docker-compose"],
                brew: &["docker-compose"],
                dnf: &["docker-compose"],
                pacman: &["docker-compose"],
            },
            Self::Python => Tool {
                what: "Python 3.11 or newer, able to make virtual environments",
                is_there: || {
                    let probe = "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))";
                    Run::new("python3").args(["-c", probe]).quiet().is_some()
                },
                apt: &["python3", "python3-venv"],
                brew: &["python@3.13"],
                dnf: &["python3"],
                pacman: &["python"],
            },
            Self::WasmTarget | Self::Node => return None,
        };
        Some(tool)
    }
}

/// Installs what is missing of these needs, or says in one line how to.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    // The server embeds this folder, so the compiler wants it even before the web app is built.
    let dist = web::dist();
    fs::create_dir_all(&dist).context(format!("creating {}", dist.display()))?;

    install_packages(needs)?;
    if needs.contains(&Need::WasmTarget) {
        install_wasm_target()?;
    }
    if needs.contains(&Need::Node) {
        check_node()?;
        web::install_packages()?;
    }
    Ok(())
}

/// Refuses a Rust older than the workspace asks for, before cargo prints a page of errors.
pub(crate) fn check_toolchain() -> Result<()> {
    let packages = &workspace::metadata()?.packages;
    let Some(wanted) = packages
        .iter()
        .filter_map(|package| package.rust_version.as_ref())
        .max()
    else {
        return Err(Failure::new("the workspace names no rust-version"));
    };
    let printed = Run::new("rustc").args(["--version"]).capture()?;
    let found = printed.split_whitespace().nth(1).unwrap_or_default();
    if version(found) >= version(&wanted.to_string()) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "Conclave needs Rust {wanted} or newer, and this is {found}. Type `rustup update stable`, or install a \
         newer Rust the way you installed this one."
    )))
}

/// Where the browser of the end-to-end tests is.
pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("CONCLAVE_TEST_CHROMIUM").map(PathBuf::from) {
        return chosen.is_file().then_some(chosen);
    }
    let mac = Path::new("/Applications/Chromium.app/Contents/MacOS/Chromium");
    [
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
    ]
    .into_iter()
    .find_map(command::find)
    .or_else(|| mac.is_file().then(|| mac.to_path_buf()))
}

/// Whether a PostgreSQL of any version can be started; Debian keeps each version in a folder of its own.
fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    command::exists("initdb")
        || versions
            .map(|version| version.path())
            .any(|path| path.join("bin/initdb").is_file())
}

/// How to call Compose here: the plugin of the `docker` program, or the program of its own.
pub(crate) fn compose() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    WAYS.into_iter().find(|words| {
        let (program, rest) = words.split_first().expect("each way has a program");
        Run::new(program).args(rest).args(["version"]).quiet().is_some()
    })
}

/// A clang that knows WASM (Apple's does not), and its archiver.
pub(crate) fn wasm_compiler() -> Option<(PathBuf, PathBuf)> {
    let homes = ["/opt/homebrew/opt/llvm/bin", "/usr/local/opt/llvm/bin"].map(Path::new);
    let in_path = (command::find("clang"), command::find("llvm-ar"));
    let mut found = homes
        .iter()
        .map(|home| (home.join("clang"), home.join("llvm-ar")))
        .collect::<Vec<_>>();
    if let (Some(clang), Some(archiver)) = in_path {
        found.insert(0, (clang, archiver));
    }
    found.into_iter().find(|(clang, archiver)| {
        archiver.is_file()
            && Run::new(clang)
                .args(["--print-targets"])
                .quiet()
                .is_some_and(|targets| targets.contains("wasm32"))
    })
}

fn install_packages(needs: &[Need]) -> Result<()> {
    let missing = missing_tools(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.what).collect();
    eprintln!("Missing here: {}.", names.join(", "));
    if !command::exists("apt-get") {
        return Err(Failure::new(format!(
            "please type this line, then try again:\n  {}",
            one_line(&missing)
        )));
    }
    let Some(root) = root_prefix() else {
        return Err(Failure::new(format!(
            "please type this line as root, then try again:\n  {}",
            one_line(&missing)
        )));
    };
    let packages = gather(&missing, |tool| tool.apt);
    apt(root, &["update"]).or_else(|_| apt(root, &["update"]))?;
    apt(
        root,
        &[&["install", "-y", "--no-install-recommends"], packages.as_slice()].concat(),
    )?;

    let still: Vec<&str> = missing_tools(needs).iter().map(|tool| tool.what).collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} installed without an error, yet this is still missing: {}",
        packages.join(" "),
        still.join(", ")
    )))
}

fn missing_tools(needs: &[Need]) -> Vec<Tool> {
    needs
        .iter()
        .filter_map(|need| need.tool())
        .filter(|tool| !(tool.is_there)())
        .collect()
}

fn gather(tools: &[Tool], packages: fn(&Tool) -> &'static [&'static str]) -> Vec<&'static str> {
    tools.iter().flat_map(packages).copied().collect()
}

/// What a person types to install these tools on this kind of machine.
fn one_line(tools: &[Tool]) -> String {
    let (install, packages): (&str, fn(&Tool) -> &'static [&'static str]) = if command::exists("apt-get") {
        ("apt-get install -y --no-install-recommends", |tool| tool.apt)
    } else if command::exists("brew") {
        ("brew install", |tool| tool.brew)
    } else if command::exists("dnf") {
        ("sudo dnf install -y", |tool| tool.dnf)
    } else if command::exists("pacman") {
        ("sudo pacman -S --needed", |tool| tool.pacman)
    } else {
        ("(your package manager's install command)", |tool| tool.apt)
    };
    format!("{install} {}", gather(tools, packages).join(" "))
}

/// What stands before a command that only root may run; `None` when there is no way.
fn root_prefix() -> Option<&'static [&'static str]> {
    if is_root() {
        return Some(&[]);
    }
    if !command::exists("sudo") {
        return None;
    }
    // Without a terminal nobody can type a password.
    if std::io::stdin().is_terminal() {
        return Some(&["sudo"]);
    }
    Run::new("sudo")
        .args(["-n", "true"])
        .quiet()
        .map(|_| ["sudo", "-n"].as_slice())
}

fn is_root() -> bool {
    Run::new("id")
        .args(["-u"])
        .quiet()
        .is_some_and(|id| id.trim() == "0")
}

fn apt(root: &[&str], arguments: &[&str]) -> Result<()> {
    // Two of them at once wait for each other; a question would wait for nobody.
    let lock = ["-o", "DPkg::Lock::Timeout=300"];
    let words = [
        root,
        &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
        &lock,
        arguments,
    ]
    .concat();
    let (program, rest) = words.split_first().expect("apt-get is among the words");
    Run::new(program).args(rest).run()
}

fn install_wasm_target() -> Result<()> {
    install_target(wasm_target())
}

/// Sees to it that Rust's standard library for a target is there.
pub(crate) fn install_target(target: &str) -> Result<()> {
    if has_target(target) {
        return Ok(());
    }
    if command::exists("rustup") {
        Run::new("rustup").args(["target", "add", target]).run()?;
    }
    if has_target(target) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "Rust's {target} standard library is missing. Type `rustup target add {target}`, or install it the way you \
         installed Rust."
    )))
}

fn has_target(target: &str) -> bool {
    let folder = Run::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .quiet();
    folder.is_some_and(|folder| {
        fs::read_dir(folder.trim()).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
            })
        })
    })
}

/// What the browser's engine is compiled for.
pub(crate) const fn wasm_target() -> &'static str {
    "wasm32-unknown-unknown"
}

fn check_node() -> Result<()> {
    let advice =
        "Install Node 20 or newer with npm; the web app's own packages bring the newer one that it needs.";
    let found = Command::new("node")
        .arg("--version")
        .stderr(Stdio::null())
        .output();
    let Ok(found) = found else {
        return Err(Failure::new(format!("there is no `node` in the PATH. {advice}")));
    };
    let found = String::from_utf8_lossy(&found.stdout)
        .trim()
        .trim_start_matches('v')
        .to_owned();
    if version(&found) < version("20") {
        return Err(Failure::new(format!("this is Node {found}. {advice}")));
    }
    if !command::exists("npm") {
        return Err(Failure::new(format!("there is no `npm` in the PATH. {advice}")));
    }
    Ok(())
}

/// `1.95.0-nightly` as comparable numbers.
fn version(text: &str) -> [u64; 3] {
    let release = text.split(['-', '+', ' ']).next().unwrap_or_default();
    let mut parts = release.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_not_by_letter() {
        assert!(version("1.100.0") > version("1.95"));
        assert!(version("1.95.0-nightly") >= version("1.95"));
        assert!(version("1.94.9") < version("1.95"));
        assert!(version("") < version("1"));
    }

    #[test]
    fn every_need_but_two_says_which_packages_hold_it() {
        for need in ALL {
            match need.tool() {
                Some(tool) => assert!(
                    ![tool.apt, tool.brew, tool.dnf, tool.pacman]
                        .iter()
                        .any(|packages| packages.is_empty()),
                    "{} lacks a package name",
                    tool.what
                ),
                None => assert!(
                    matches!(need, Need::WasmTarget | Need::Node),
                    "{need:?} lacks its row"
                ),
            }
        }
    }
}
