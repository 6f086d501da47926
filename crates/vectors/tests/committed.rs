//! The committed vectors are the ones that this code makes, and hold.

use std::path::{Path, PathBuf};

use conclave_vectors::{FILES, check};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crypto/vectors")
}

fn text(name: &str) -> String {
    let path = committed().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_committed_vectors_are_the_ones_that_this_code_makes() {
    for file in FILES {
        assert!(
            text(file.name) == file.generate().unwrap(),
            "{} is stale: type `cargo xtask generate`, and say in the commit what changed",
            file.name
        );
    }
}

#[test]
fn every_committed_vector_holds() {
    for file in FILES {
        let counts =
            check(file.name, &text(file.name)).unwrap_or_else(|refusal| panic!("{}: {refusal}", file.name));
        assert!(counts.iter().count() > 0, "{} is empty", file.name);
        for (kind, count) in counts.iter() {
            println!("vectors: {kind} {count}");
        }
    }
}

#[test]
fn no_file_of_vectors_is_forgotten() {
    let mut found: Vec<String> = std::fs::read_dir(committed())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "json"))
        .collect();
    let mut known: Vec<&str> = FILES.iter().map(|file| file.name).collect();
    found.sort();
    known.sort_unstable();
    assert_eq!(found, known);
}

/// Values that the code makes; each of their bytes counts.
const MADE: [&str; 16] = [
    "message",
    "bundle",
    "sealed",
    "message_hash",
    "state",
    "transcript_hash",
    "signed_bytes",
    "content",
    "distribution",
    "sealed_sha256",
    "slot_hash",
    "wrapped_key",
    "record",
    "code_of_one",
    "reveal",
    "grant",
];

#[test]
fn a_vector_that_was_tampered_with_does_not_hold() {
    for file in FILES {
        let text = text(file.name);
        // One digit of some of the values: each costs a check of the whole file.
        let values: Vec<usize> = MADE
            .iter()
            .flat_map(|name| {
                text.match_indices(&format!("\"{name}\": \""))
                    .map(|(at, key)| at + key.len())
                    .collect::<Vec<_>>()
            })
            .filter(|&at| {
                let value = text[at..].split('"').next().unwrap();
                value.len() > 10 && !section(&text[..at]).starts_with("refused_")
            })
            .collect();
        assert!(!values.is_empty(), "{}", file.name);
        for &at in values.iter().step_by(values.len() / 4 + 1) {
            let mut tampered = text.clone();
            let digit = if text.as_bytes()[at + 7] == b'0' { "1" } else { "0" };
            tampered.replace_range(at + 7..=at + 7, digit);
            assert!(check(file.name, &tampered).is_err(), "{}, byte {at}", file.name);
        }
    }
}

/// The name of the table that a text ends in.
fn section(text: &str) -> &str {
    text.rsplit_once("\n    \"").unwrap().1.split('"').next().unwrap()
}
