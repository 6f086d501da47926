//! What the rest of the repository holds.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{expect_none, files_below, root, text};

/// Folders that only somebody's own machine has. Written in halves, so that this file does not hold them.
fn private_folders() -> Vec<String> {
    let mut folders = vec![concat!("/ro", "ot/").to_owned(), concat!("/wo", "rk/").to_owned()];
    folders.push(format!("{}/", root().display()));
    folders.extend(
        std::env::var("HOME")
            .ok()
            .filter(|home| home.len() > 1)
            .map(|home| format!("{home}/")),
    );
    folders
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<String> {
        let files = files_below(&format!("migrations/{engine}"));
        files
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    let found: Vec<String> = sqlite.symmetric_difference(&postgres).cloned().collect();
    expect_none(
        &found,
        "give the migration its twin of the same name in migrations/sqlite and migrations/postgres",
    );
    assert!(!sqlite.is_empty(), "there are no migrations");
}

#[test]
fn no_file_names_a_path_of_somebodys_machine() {
    let (private, mut found) = (private_folders(), Vec::new());
    for path in files_below("") {
        for (number, line) in (1..).zip(text(&path).lines()) {
            if let Some(private) = private.iter().find(|folder| line.contains(folder.as_str())) {
                found.push(format!("{}:{number} names {private}", path.display()));
            }
        }
    }
    expect_none(
        &found,
        "name the path from the top of the repository, or find it at run time",
    );
}

#[test]
fn no_secret_is_kept_beside_its_explanation() {
    let ignored = text(Path::new("secrets/.gitignore"));
    let rules: Vec<&str> = ignored
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    assert_eq!(
        rules,
        ["*", "!.gitignore", "!README.md"],
        "secrets/.gitignore must ignore all but itself and the README: what else lies there is secret"
    );
}

/// The role itself is tried on a real PostgreSQL by `crates/server/tests/api/database_role.rs`; here, that Compose makes
/// and uses it.
#[test]
fn the_server_of_compose_signs_in_as_the_role_that_is_no_superuser() {
    let compose = text(Path::new("docker-compose.yml"));
    let service = |name: &str| -> String {
        let head = format!("  {name}:");
        let lines = compose.lines().skip_while(|line| *line != head).skip(1);
        lines
            .take_while(|line| line.is_empty() || line.starts_with("    "))
            .flat_map(|line| [line, "\n"])
            .collect()
    };
    let (postgres, conclave) = (service("postgres"), service("conclave"));
    assert!(
        postgres.contains("- ./docker/database.sql:/docker-entrypoint-initdb.d/database.sql:ro\n"),
        "PostgreSQL's image runs docker/database.sql at its first start"
    );
    assert!(
        !postgres.contains("POSTGRES_USER") && !postgres.contains("POSTGRES_DB:"),
        "what the image makes itself belongs to its superuser"
    );
    let secrets = |service: &str| -> Vec<String> {
        let lines = service.lines().skip_while(|line| *line != "    secrets:").skip(1);
        let names = lines.map_while(|line| line.strip_prefix("      - "));
        names.map(str::to_owned).collect()
    };
    assert_eq!(secrets(&postgres), ["postgres_password", "database_password"]);
    assert_eq!(
        secrets(&conclave),
        ["database_url"],
        "the server gets no password of the superuser"
    );
    let explained = text(Path::new("secrets/README.md"));
    assert!(explained.contains("postgres://conclave:%s@postgres:5432/conclave"));
    let role = text(Path::new("docker/database.sql"));
    for part in [
        "CREATE ROLE conclave LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION",
        "CREATE DATABASE conclave OWNER conclave",
        "cat /run/secrets/database_password",
    ] {
        assert!(role.contains(part), "docker/database.sql: {part}");
    }
}

#[test]
fn every_package_from_npm_is_pinned_by_its_hash() {
    let mut found = Vec::new();
    for folder in ["web", "benches/crypto/node"] {
        let lock = text(&Path::new(folder).join("package-lock.json"));
        let lock: serde_json::Value = serde_json::from_str(&lock).expect("the lock file is JSON");
        let packages = lock
            .get("packages")
            .and_then(serde_json::Value::as_object)
            .expect("the lock file has packages");
        let loose = packages
            .iter()
            .filter(|(name, package)| !name.is_empty() && package.get("integrity").is_none());
        found.extend(loose.map(|(name, _)| format!("{folder}: {name}")));
    }
    expect_none(
        &found,
        "use the package from the registry: no folder, no link, no repository",
    );
}

#[test]
fn continuous_integration_runs_what_developers_run() {
    let script = text(Path::new(".ci/run"));
    let commands: Vec<&str> = script
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .collect();
    assert_eq!(
        commands.last().copied(),
        Some("exec cargo xtask test"),
        ".ci/run must end in `exec cargo xtask test`: a check that only runs there surprises people"
    );
    assert!(root().join(".ci/run").is_file());
}

#[test]
fn every_attack_of_the_hostile_server_says_which_check_stops_it() {
    let folder = Path::new("crates/testing/tests/hostile");
    let list = text(&folder.join("checks.toml"));
    let list: toml::Table = list.parse().expect("the list of checks is TOML");
    let checks = list["check"].as_array().expect("a list of checks");
    let listed: BTreeSet<&str> = checks
        .iter()
        .map(|check| check["attack"].as_str().expect("an attack has a name"))
        .collect();
    let mut attacks = BTreeSet::new();
    for file in files_below("crates/testing/tests/hostile") {
        let module = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
            .to_owned();
        let code = text(&file);
        for test in code.split("#[tokio::test").skip(1) {
            let name = test
                .split("async fn ")
                .nth(1)
                .and_then(|rest| rest.split('(').next());
            attacks.insert(format!("{module}::{}", name.expect("a test has a name")));
        }
    }
    let attacks: BTreeSet<&str> = attacks.iter().map(String::as_str).collect();
    assert_eq!(
        listed, attacks,
        "checks.toml and the tests beside it name the same attacks"
    );
    assert!(attacks.len() >= 15, "at least fifteen attacks");
    for check in checks {
        for edit in check
            .get("edit")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            let (file, find) = (edit["file"].as_str(), edit["find"].as_str());
            let (file, find) = (
                file.expect("an edit has a file"),
                find.expect("an edit finds something"),
            );
            assert_eq!(
                text(Path::new(file)).matches(find).count(),
                1,
                "the check of {} stands once in {file}",
                check["attack"]
            );
        }
    }
}

/// A name of a test is a sentence: words of small letters, at least five.
fn is_a_sentence(name: &str) -> bool {
    name.split('_').count() >= 5
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn every_test_that_the_pages_name_exists() {
    let code: String = files_below("crates")
        .iter()
        .chain(&files_below("xtask"))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| text(path))
        .collect();
    let mut missing = BTreeSet::new();
    for page in ["docs/threat-model.md", "ARCHITECTURE.md"] {
        let page = text(Path::new(page));
        let names = page
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| is_a_sentence(name));
        missing.extend(
            names
                .filter(|name| !code.contains(&format!("fn {name}(")))
                .map(str::to_owned),
        );
    }
    expect_none(
        &missing.into_iter().collect::<Vec<_>>(),
        "a page names a test that is not there",
    );
}
