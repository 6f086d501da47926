//! What holds in the whole repository because a machine holds it.
//!
//! Each test is one invariant of ARCHITECTURE.md, and its failure says how to mend the code. One more
//! invariant is one more test; change a table here only together with the page that explains it.

mod asvs;
mod graph;
mod rust;
mod tree;
mod web;

use std::fs;
use std::path::{Path, PathBuf};

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
        .to_path_buf()
}

/// What is built, fetched or private, from the top.
const SKIPPED: [&str; 10] = [
    ".git",
    "target",
    "fuzz/artifacts",
    "fuzz/target",
    "data",
    "test-results",
    "conclave.toml",
    "secrets",
    "web/dist",
    "web/src/lib/engine/wasm",
];

/// The files below a folder, with their paths from the top; none if the folder is not there.
fn files_below(folder: &str) -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root.join(&folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            if path.ends_with("node_modules") || SKIPPED.iter().any(|skipped| path == Path::new(skipped)) {
                continue;
            }
            let kind = entry.file_type().expect("a file's type is known");
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text of a file named from the top; empty for what is no text.
fn text(path: &Path) -> String {
    let bytes = fs::read(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8(bytes).unwrap_or_default()
}

/// Fails with all that was found and how to mend it.
fn expect_none(found: &[String], mend: &str) {
    assert!(found.is_empty(), "\n  {}\nMend it: {mend}\n", found.join("\n  "));
}
