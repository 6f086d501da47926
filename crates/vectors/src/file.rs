//! The frame of every vector file, and how much of which kind was checked.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::refusal::{Context, same};

/// Version of the files' form.
const VERSION: u32 = 1;

const MADE_BY: &str = "cargo xtask generate, through the public functions of conclave-crypto and conclave-sigchain. Its \
                       randomness is fixed: block n is SHA-256(\"conclave vectors\" ‖ part ‖ n as u64).";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    header: Header,
    vectors: T,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    file: String,
    version: u32,
    protocol: String,
    made_by: String,
    about: Vec<String>,
}

/// How many vectors of each kind hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts(BTreeMap<String, usize>);

impl Counts {
    pub(crate) fn add(&mut self, kind: &str, count: usize) {
        *self.0.entry(kind.into()).or_default() += count;
    }

    /// Each kind and how many of it, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(kind, count)| (kind.as_str(), *count))
    }
}

/// A file's text: pretty, with a line feed at its end.
pub(crate) fn file<T: Serialize>(name: &str, about: &[&str], vectors: T) -> String {
    let file = File {
        header: Header {
            file: name.into(),
            version: VERSION,
            protocol: "docs/protocol.md, version 1, suite 1".into(),
            made_by: MADE_BY.into(),
            about: about.iter().map(|&line| line.into()).collect(),
        },
        vectors,
    };
    let mut text = serde_json::to_string_pretty(&file).expect("vectors are plain data");
    text.push('\n');
    text
}

/// The vectors of a file that must have this name.
pub(crate) fn read<T: DeserializeOwned>(name: &str, json: &str) -> Result<T, Refusal> {
    let file: File<T> = serde_json::from_str(json).context(name)?;
    same("the file's name", file.header.file.as_str(), name)?;
    same("the file's version", file.header.version, VERSION)?;
    Ok(file.vectors)
}
