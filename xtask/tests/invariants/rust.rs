//! What Rust files and manifests hold.

use std::path::{Path, PathBuf};

use crate::{expect_none, files_below, root, text};

/// Crates that read what strangers wrote: no input may make them panic.
const PANIC_FREE: [&str; 5] = ["protocol", "encoding", "sigchain", "crypto", "client"];

const PANIC_LINTS: &str = "#![cfg_attr(not(test),deny(clippy::unwrap_used,clippy::expect_used,clippy::panic,\
                           clippy::indexing_slicing,clippy::arithmetic_side_effects))]";

/// The only crates that may hold SQL.
const SQL_HOMES: [&str; 2] = ["crates/db/", "crates/store/"];

/// The root files of every library and program of ours.
fn crate_roots() -> Vec<PathBuf> {
    let files = ["benches", "crates", "xtask"].into_iter().flat_map(files_below);
    files
        .filter(|path| {
            ["src/lib.rs", "src/main.rs"]
                .iter()
                .any(|end| path.ends_with(end))
        })
        .collect()
}

fn sources() -> impl Iterator<Item = PathBuf> {
    let files = files_below("crates").into_iter();
    files.filter(|path| {
        path.extension().is_some_and(|end| end == "rs") && path.iter().any(|part| part == "src")
    })
}

#[test]
fn every_crate_says_what_it_is_before_anything_else() {
    let silent = crate_roots()
        .into_iter()
        .filter(|path| !text(path).starts_with("//!"));
    let found: Vec<String> = silent.map(|path| path.display().to_string()).collect();
    expect_none(
        &found,
        "begin the file with a `//!` page: what it is, what it must never know, how to add one more",
    );
}

#[test]
fn crates_that_read_strangers_bytes_cannot_panic() {
    let lacking = PANIC_FREE.iter().filter(|name| {
        let root: String = text(Path::new(&format!("crates/{name}/src/lib.rs")))
            .split_whitespace()
            .collect();
        // rustfmt may leave a comma behind the last lint.
        !root.replace(",)", ")").contains(PANIC_LINTS)
    });
    let found: Vec<String> = lacking.map(|name| format!("crates/{name}/src/lib.rs")).collect();
    expect_none(&found, &format!("put this on top of the file: {PANIC_LINTS}"));
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    let manifests = ["benches", "crates", "xtask"]
        .into_iter()
        .flat_map(files_below)
        .filter(|path| path.ends_with("Cargo.toml"));
    let strays = manifests.filter(|path| {
        let manifest: toml::Table = text(path).parse().expect("a manifest is TOML");
        let inherited = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace")?.as_bool());
        inherited != Some(true)
    });
    let found: Vec<String> = strays.map(|path| path.display().to_string()).collect();
    expect_none(&found, "add `[lints]` with `workspace = true`");
}

#[test]
fn sql_lives_in_the_two_database_crates() {
    let mut found = Vec::new();
    for path in sources().filter(|path| !SQL_HOMES.iter().any(|home| path.starts_with(home))) {
        for (number, line) in (1..).zip(text(&path).lines()) {
            if holds_sql(line) {
                found.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    expect_none(
        &found,
        "make it a method of crates/db, with its contract test (on a device: of crates/store)",
    );
}

/// Whether a line holds SQL outside a comment.
fn holds_sql(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or(line);
    let selects = code
        .split_once("SELECT ")
        .is_some_and(|(_, rest)| rest.contains(" FROM "));
    let updates = code
        .split_once("UPDATE ")
        .is_some_and(|(_, rest)| rest.contains(" SET "));
    let others = [
        "INSERT INTO ",
        "DELETE FROM ",
        "CREATE TABLE ",
        "ALTER TABLE ",
        "DROP TABLE ",
        "PRAGMA ",
    ];
    selects || updates || others.iter().any(|words| code.contains(words))
}

#[test]
fn sql_is_told_from_prose_and_comments() {
    assert!(holds_sql(r#"let text = "SELECT id FROM rooms";"#));
    assert!(holds_sql(r#""INSERT INTO rooms (id) VALUES ($1)""#));
    assert!(!holds_sql("// SELECT id FROM rooms"));
    assert!(!holds_sql("/// Selects from what is there."));
}

#[test]
fn nothing_makes_cargo_fetch_a_toolchain() {
    let named = ["rust-toolchain", "rust-toolchain.toml"]
        .into_iter()
        .filter(|name| root().join(name).exists());
    let found: Vec<String> = named.map(String::from).collect();
    expect_none(
        &found,
        "remove it; `rust-version` in Cargo.toml is what `cargo xtask` checks",
    );
}
