//! Where the device's folder is and which server it belongs to.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use conclave_sdk::ServerAddress;
use etcetera::{BaseStrategy as _, choose_base_strategy};
use serde::{Deserialize, Serialize};

use crate::error::CliError;

const FILE: &str = "conclave.toml";

/// What is remembered between commands. Nothing here is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Address of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    /// Plain HTTP to another machine was allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allow_plain_http: bool,
}

impl Settings {
    /// What was remembered in a folder; nothing if there is none.
    pub(crate) fn read(folder: &Path) -> Result<Self, CliError> {
        let path = folder.join(FILE);
        let failed = |reason: String| CliError::Settings {
            path: path.display().to_string(),
            reason,
        };
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| failed(error.message().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Remembers in a folder that is there. Either the old settings stay or the new ones are whole.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), CliError> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let unfinished = folder.join(format!("{FILE}.part"));
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(unfinished, folder.join(FILE))?;
        Ok(())
    }

    /// The remembered server.
    pub(crate) fn server(&self) -> Result<Option<ServerAddress>, CliError> {
        let parsed = self
            .server
            .as_deref()
            .map(str::parse::<ServerAddress>)
            .transpose();
        Ok(parsed.map_err(conclave_sdk::SdkError::from)?)
    }
}

/// The device's folder: as named, or in the platform's folder for data.
pub(crate) fn folder(named: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let strategy = choose_base_strategy().map_err(|_| CliError::NoFolder)?;
    Ok(strategy.data_dir().join("conclave"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Settings::read(folder.path()).unwrap(), Settings::default());
        let settings = Settings {
            server: Some("https://chat.example.org".into()),
            allow_plain_http: false,
        };
        settings.write(folder.path()).unwrap();
        assert_eq!(Settings::read(folder.path()).unwrap(), settings);
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(text, "server = \"https://chat.example.org\"\n");
    }

    #[test]
    fn damaged_settings_are_named_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "server = ").unwrap();
        let error = Settings::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
