//! `cargo xtask passwords`: the list of common passwords that clients refuse, and the set that they carry of it.
//!
//! The list comes out of a package that the web app is built with anyway (its dictionary of passwords, ordered by how
//! often they were found, under the MIT licence), so its version and hash stand in `web/package-lock.json`. It is
//! committed, so that a build needs no Node; the set is made of it, and a test compares.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use crate::failure::{Context, Failure, Result};
use crate::workspace;

#[path = "../../crates/client/src/password/filter.rs"]
mod filter;
#[path = "../../crates/client/src/password/patterns.rs"]
mod patterns;

/// The dictionary in the package.
const PACKAGE: &str = "web/node_modules/@zxcvbn-ts/language-common";
/// How many are refused, at least.
const COUNT: usize = 3000;
/// What a password has to have anyway.
const LENGTH_MIN: usize = 8;
/// What belongs here and stands in no list of what was found elsewhere, or further down.
const OURS: &[&str] = &[
    "administrator",
    "asdfghjkl",
    "changeme",
    "changeme123",
    "conclave",
    "correcthorsebatterystaple",
    "dragon123",
    "iloveyou",
    "letmein1",
    "letmein123",
    "master123",
    "monkey123",
    "p@ssw0rd",
    "passw0rd",
    "qwerty123",
    "test1234",
    "trustno1",
    "welcome1",
    "welcome123",
    "zxcvbnm123",
];

fn list_path() -> PathBuf {
    workspace::root().join("crates/client/src/password/common.txt")
}

fn set_path() -> PathBuf {
    workspace::root().join("crates/client/src/password/common.set")
}

/// Takes the list from the package and writes the set.
pub(crate) fn write() -> Result<()> {
    let folder = workspace::root().join(PACKAGE);
    let dictionary = fs::read_to_string(folder.join("src/passwords.json"))
        .context("reading the dictionary: `cargo xtask setup` brings the web app's packages")?;
    let dictionary: Vec<String> = serde_json::from_str(&dictionary).context("reading the dictionary")?;
    let manifest =
        fs::read_to_string(folder.join("package.json")).context("reading the package's version")?;
    let manifest: serde_json::Value =
        serde_json::from_str(&manifest).context("reading the package's version")?;
    let version = manifest["version"].as_str().unwrap_or("unknown");

    let mut text = format!(
        "# The most common passwords of eight characters and more, the most common first, and some of ours in front.\n\
         # From @zxcvbn-ts/language-common {version} (MIT) by `cargo xtask passwords`; do not edit.\n"
    );
    for word in take(&dictionary) {
        text.push_str(&word);
        text.push('\n');
    }
    fs::write(list_path(), &text).context("writing the list")?;
    fs::write(set_path(), set_of(&text)?).context("writing the set")
}

/// The words that are refused, in small letters.
fn take(dictionary: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    let common = dictionary
        .iter()
        .map(|word| word.to_lowercase())
        .filter(|word| word.chars().count() >= LENGTH_MIN)
        .filter(|word| seen.insert(word.clone()))
        .take(COUNT);
    let common: Vec<String> = common.collect();
    let ours = OURS.iter().map(|word| (*word).to_owned());
    ours.filter(|word| !common.contains(word))
        .chain(common.iter().cloned())
        .collect()
}

/// The set of a list's words, but for those that are a pattern.
fn set_of(list: &str) -> Result<Vec<u8>> {
    let words: Vec<&str> = list
        .lines()
        .filter(|line| !line.starts_with("# ") && !line.is_empty())
        .filter(|word| !patterns::is_pattern(word))
        .collect();
    let count = u16::try_from(words.len()).context("more words than the set can say")?;
    let mut places: Vec<u64> = words
        .iter()
        .map(|word| filter::place(word, u64::from(count)))
        .collect();
    places.sort_unstable();

    let (mut bits, mut before) = (Vec::new(), 0);
    for place in places {
        let step = place - before;
        bits.extend((0..step >> filter::BITS).map(|_| true));
        bits.push(false);
        bits.extend((0..filter::BITS).rev().map(|at| (step >> at) & 1 == 1));
        before = place;
    }
    let mut set = count.to_be_bytes().to_vec();
    for byte in bits.chunks(8) {
        let value = (0..8).fold(0_u8, |value, at| {
            (value << 1) | u8::from(byte.get(at).copied().unwrap_or(false))
        });
        set.push(value);
    }
    match words.iter().find(|word| !filter::contains(&set, word)) {
        None => Ok(set),
        Some(word) => Err(Failure::new(format!("the set lacks `{word}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_set_of_common_passwords_is_the_one_of_the_committed_list() {
        let list = fs::read_to_string(list_path()).expect("the list is there");
        let set = fs::read(set_path()).expect("the set is there");
        assert!(
            set_of(&list).expect("the list has its set") == set,
            "write both anew: cargo xtask passwords"
        );
    }

    #[test]
    fn the_most_common_come_first_once_and_in_small_letters() {
        let dictionary: Vec<String> = ["short", "Sunshine", "sunshine", "zaubertrank"]
            .into_iter()
            .map(str::to_owned)
            .collect();
        let taken = take(&dictionary);
        assert_eq!(taken[OURS.len()..], ["sunshine", "zaubertrank"]);
    }
}
