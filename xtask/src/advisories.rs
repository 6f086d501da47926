//! `cargo xtask advisories`: whether something that we depend on has a weakness that somebody published.
//!
//! Crates are compared with a copy of RustSec's database, packages from npm by asking its registry. Neither is fetched
//! here: the checks run where there is no network, too. What could not be looked up is said, and is no failure but
//! with `--must`, as for a release.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use cargo_metadata::semver::{Version, VersionReq};
use serde_json::Value;

use crate::command::Run;
use crate::failure::{Context, Failure, Result};
use crate::{web, workspace};

/// Names a copy of <https://github.com/rustsec/advisory-db>, where the usual places have none.
const VARIABLE: &str = "CONCLAVE_ADVISORY_DB";
/// What could not be looked up is a failure.
const MUST: &str = "--must";

/// What looking things up gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// Everything was compared; these have something against them.
    Up(Vec<String>),
    /// Nothing was compared, for this reason.
    NotUp(String),
}

/// The command.
pub(crate) fn run(words: &[String]) -> Result<()> {
    if let Some(unknown) = words.iter().find(|word| *word != MUST) {
        return Err(Failure::new(format!(
            "there is no option `{unknown}`; there is {MUST}"
        )));
    }
    let must = !words.is_empty();
    let outcomes = [told("crates", crates()?, must), told("npm", packages()?, must)];
    outcomes.into_iter().collect()
}

/// One part of the checks: what could not be looked up is said and passes.
pub(crate) fn check(subject: &str, looked: Looked) -> Result<()> {
    told(subject, looked, false)
}

fn told(subject: &str, looked: Looked, must: bool) -> Result<()> {
    match looked {
        Looked::Up(found) if found.is_empty() => {
            println!("advisories for {subject}: looked up, nothing found");
            Ok(())
        }
        Looked::Up(found) => Err(Failure::new(format!(
            "advisories for {subject}:\n  {}\n  replace them within the time that SECURITY.md gives",
            found.join("\n  ")
        ))),
        Looked::NotUp(why) => {
            let said = format!("advisories for {subject}: NOT looked up: {why}");
            println!("{said}");
            if must { Err(Failure::new(said)) } else { Ok(()) }
        }
    }
}

/// Crates of the lock file against RustSec's database.
pub(crate) fn crates() -> Result<Looked> {
    let Some(database) = database() else {
        return Ok(Looked::NotUp(format!(
            "there is no copy of RustSec's database; clone https://github.com/rustsec/advisory-db and name it by {VARIABLE}"
        )));
    };
    let metadata = MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .exec()
        .context("reading the dependency graph")?;
    let ignored = ignored()?;
    let mut found = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some())
    {
        let folder = database.join("crates").join(package.name.as_str());
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let advisory = Advisory::read(&text).context(path.display())?;
            if advisory.is_about(&package.version) && !ignored.contains(&advisory.id) {
                found.push(format!(
                    "{} {}: {} ({})",
                    package.name, package.version, advisory.id, advisory.kind
                ));
            }
        }
    }
    found.sort();
    Ok(Looked::Up(found))
}

/// Packages of the web app's lock file, by npm's registry.
pub(crate) fn packages() -> Result<Looked> {
    let said = Run::new("npm")
        .args(["audit", "--package-lock-only", "--json"])
        .env("NO_UPDATE_NOTIFIER", "1")
        .in_folder(workspace::root().join("web"))
        .said();
    Ok(match said {
        Some(said) => answer_of(&said),
        None => Looked::NotUp(format!(
            "npm is missing; {} has the packages that it would look up",
            web::LOCK
        )),
    })
}

/// What `npm audit --json` means.
fn answer_of(said: &str) -> Looked {
    let answer: Value = serde_json::from_str(said).unwrap_or_default();
    let Some(weak) = answer.get("vulnerabilities").and_then(Value::as_object) else {
        let why = answer.get("message").and_then(Value::as_str);
        return Looked::NotUp(format!(
            "the registry did not answer ({})",
            why.unwrap_or("it said nothing that can be read")
        ));
    };
    let found = weak.iter().map(|(name, about)| {
        let severity = about.get("severity").and_then(Value::as_str).unwrap_or("unknown");
        let titles = about.get("via").and_then(Value::as_array).into_iter().flatten();
        let titles: Vec<&str> = titles.filter_map(|via| via.get("title")?.as_str()).collect();
        format!("{name}: {severity}: {}", titles.join("; "))
    });
    Looked::Up(found.collect())
}

/// Where a copy of the database lies: named, or where cargo-audit and cargo-deny put theirs.
fn database() -> Option<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE) {
        return Some(PathBuf::from(named)).filter(|folder| is_database(folder));
    }
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".cargo"))
    })?;
    let several = fs::read_dir(home.join("advisory-dbs"))
        .into_iter()
        .flatten()
        .flatten();
    let mut places = vec![home.join("advisory-db")];
    places.extend(several.map(|entry| entry.path()));
    places.into_iter().find(|folder| is_database(folder))
}

fn is_database(folder: &Path) -> bool {
    folder.join("crates").is_dir()
}

/// What `deny.toml` says was read and does not concern us.
fn ignored() -> Result<Vec<String>> {
    let text = fs::read_to_string(workspace::root().join("deny.toml")).context("reading deny.toml")?;
    let rules: toml::Table = text.parse().context("reading deny.toml")?;
    let list = rules
        .get("advisories")
        .and_then(|section| section.get("ignore"))
        .and_then(toml::Value::as_array);
    let ids = list.into_iter().flatten().filter_map(|entry| {
        let id = entry.as_str().or_else(|| entry.get("id")?.as_str());
        id.map(str::to_owned)
    });
    Ok(ids.collect())
}

/// One advisory of RustSec's.
struct Advisory {
    id: String,
    /// `weakness`, or what else it tells: `unmaintained`, `unsound`, `notice`.
    kind: String,
    withdrawn: bool,
    /// Versions that do not have it.
    without: Vec<VersionReq>,
}

impl Advisory {
    /// Reads the head of its file: TOML in a fence.
    fn read(text: &str) -> Result<Self> {
        let head = text
            .split_once("```toml")
            .and_then(|(_, rest)| rest.split_once("```"))
            .ok_or_else(|| Failure::new("it has no head"))?;
        let head: toml::Table = head.0.parse().context("its head is no TOML")?;
        let about = head.get("advisory").and_then(toml::Value::as_table);
        let about = about.ok_or_else(|| Failure::new("its head lacks [advisory]"))?;
        let word = |name: &str| about.get(name).and_then(toml::Value::as_str).map(str::to_owned);
        let versions = head.get("versions").and_then(toml::Value::as_table);
        let mut without = Vec::new();
        for list in ["patched", "unaffected"] {
            let list = versions.and_then(|versions| versions.get(list)?.as_array());
            for version in list.into_iter().flatten().filter_map(toml::Value::as_str) {
                without.push(VersionReq::parse(version).context(version)?);
            }
        }
        Ok(Self {
            id: word("id").ok_or_else(|| Failure::new("it has no id"))?,
            kind: word("informational").unwrap_or_else(|| "weakness".to_owned()),
            withdrawn: about.contains_key("withdrawn"),
            without,
        })
    }

    fn is_about(&self, version: &Version) -> bool {
        !self.withdrawn && !self.without.iter().any(|range| range.matches(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2099-0001\"\npackage = \"otter\"\n\n[versions]\n\
                        patched = [\">= 1.2.3, < 2.0.0\", \">= 2.0.1\"]\nunaffected = [\"< 0.9\"]\n```\n\n# Otter\n";

    fn version(text: &str) -> Version {
        text.parse().expect("it is a version")
    }

    #[test]
    fn an_advisory_is_about_the_versions_that_are_neither_mended_nor_unaffected() {
        let advisory = Advisory::read(TEXT).expect("it is an advisory");
        assert_eq!(
            (advisory.id.as_str(), advisory.kind.as_str()),
            ("RUSTSEC-2099-0001", "weakness")
        );
        for (number, is_about) in [
            ("0.8.7", false),
            ("0.9.0", true),
            ("1.2.2", true),
            ("1.2.3", false),
            ("2.0.0", true),
            ("2.0.1", false),
        ] {
            assert_eq!(advisory.is_about(&version(number)), is_about, "{number}");
        }
        let withdrawn = TEXT.replace("package =", "withdrawn = \"2099-01-02\"\npackage =");
        let withdrawn = Advisory::read(&withdrawn).expect("it is an advisory");
        assert!(!withdrawn.is_about(&version("1.0.0")));
    }

    #[test]
    fn a_registry_that_does_not_answer_is_no_clean_bill() {
        let refused = r#"{"message": "405 Method Not Allowed", "error": {"summary": ""}}"#;
        let Looked::NotUp(why) = answer_of(refused) else {
            panic!("it was not looked up");
        };
        assert!(why.contains("405"), "{why}");
        assert!(matches!(answer_of("<html>"), Looked::NotUp(_)));
        assert_eq!(answer_of(r#"{"vulnerabilities": {}}"#), Looked::Up(Vec::new()));
        let weak = r#"{"vulnerabilities": {"otter": {"severity": "high", "via": [{"title": "It bites"}, "weasel"]}}}"#;
        assert_eq!(
            answer_of(weak),
            Looked::Up(vec!["otter: high: It bites".to_owned()])
        );
    }

    #[test]
    fn what_was_not_looked_up_passes_a_check_and_no_release() {
        let not_up = || Looked::NotUp("no network".to_owned());
        assert!(told("crates", not_up(), false).is_ok());
        assert!(told("crates", not_up(), true).is_err());
        assert!(told("crates", Looked::Up(vec!["otter".to_owned()]), false).is_err());
        assert!(told("crates", Looked::Up(Vec::new()), true).is_ok());
    }
}
