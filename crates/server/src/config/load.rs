//! Reads the configuration: defaults, then the TOML file, then `CONCLAVE_…` variables, then the command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::Serialize;

use super::Config;
use crate::error::StartError;

/// Prefix of the variables; a double underscore goes one level down (`CONCLAVE_LIMITS__SLOW_READER_MS`).
const PREFIX: &str = "CONCLAVE_";
/// Read when no file is named and this one is there.
const DEFAULT_FILE: &str = "conclave.toml";

/// What the command line may set.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub struct Overrides {
    /// The configuration file (default: conclave.toml here, when there is one).
    #[arg(long, global = true, env = "CONCLAVE_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where to listen, for example 127.0.0.1:8080.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// The data folder.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The database: sqlite:path or postgres://…
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The address people reach this server by, for example https://chat.example.org.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
}

impl Config {
    /// The configuration of this process. A key that nobody knows is refused, so that a misspelt one does not
    /// silently leave its default in force.
    pub fn load(overrides: &Overrides) -> Result<Self, StartError> {
        let file = match &overrides.config {
            Some(file) if file.is_file() => Some(file.clone()),
            Some(file) => return Err(StartError::Config(format!("{} cannot be read", file.display()))),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.is_file()),
        };
        read(file.as_deref(), overrides)
    }
}

/// Variables with our prefix that are none of this program's settings.
const OTHERS: [&str; 5] = [
    "config",
    "home",
    "password",
    "backup_passphrase",
    "backup_passphrase_file",
];

fn read(file: Option<&Path>, overrides: &Overrides) -> Result<Config, StartError> {
    let mut figment = Figment::new();
    if let Some(file) = file {
        figment = figment.merge(Toml::file_exact(file));
    }
    // CONCLAVE_CONFIG is read above; some others belong to the command line client and to tests.
    let environment = Env::prefixed(PREFIX)
        .filter(|key| {
            !OTHERS.contains(&key.as_str().to_ascii_lowercase().as_str())
                && !key.as_str().to_ascii_lowercase().starts_with("test_")
        })
        .split("__");
    figment
        .merge(environment)
        .merge(Serialized::defaults(overrides))
        .extract()
        .map_err(|error| StartError::Config(explain(&error)))
}

fn explain(error: &figment::Error) -> String {
    let Kind::UnknownField(field, known) = &error.kind else {
        return error.to_string();
    };
    let place = error
        .metadata
        .as_ref()
        .map(|source| format!(" in {}", source.name))
        .unwrap_or_default();
    let nearest = known.iter().min_by_key(|known| distance(field, known));
    match nearest {
        Some(nearest) => format!("{field:?}{place} is not a setting; did you mean {nearest:?}?"),
        None => format!("{field:?}{place} is not a setting"),
    }
}

/// How many letters have to change (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Config, StartError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("conclave.toml");
        std::fs::write(&file, text).unwrap();
        read(Some(&file), &Overrides::default())
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let error = of("publicurl = \"https://a\"").unwrap_err().to_string();
        assert!(
            error.contains("\"publicurl\"") && error.contains("\"public_url\""),
            "{error}"
        );
        let error = of("[limits]\nsignin = { burst = 1, every_ms = 1 }")
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"sign_in\""), "{error}");
    }

    #[test]
    fn a_file_sets_what_it_names_and_leaves_the_rest() {
        let config = of("name = \"Elm\"\ntrusted_proxies = [\"127.0.0.1\"]\n[limits]\nframes = { burst = 7, every_ms = 5 }")
            .unwrap();
        assert_eq!(
            (config.name.as_str(), config.limits.frames.burst.get()),
            ("Elm", 7)
        );
        assert_eq!(config.limits.look_ups.burst.get(), 60);
        assert_eq!(config.trusted_proxies.len(), 1);
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("conclave.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"").unwrap();
        let overrides = Overrides {
            listen: Some("127.0.0.1:2".parse().unwrap()),
            ..Overrides::default()
        };
        assert_eq!(read(Some(&file), &overrides).unwrap().listen.port(), 2);
    }
}
