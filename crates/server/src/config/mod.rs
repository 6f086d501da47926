//! What an operator may set. Every value has a default that is right for one machine.
//!
//! One more setting is one more field with its reason and its default here, and a line in the commented
//! example file of the documentation.

mod blobs;
mod load;
mod network;
mod push;
mod secrets;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use http::Uri;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::error::StartError;

pub use blobs::{BlobsConfig, S3Config};
pub use load::Overrides;
pub use network::Network;
pub use push::PushConfig;
pub(crate) use secrets::{Secrets, make_folder, write as write_secret};

/// The server's configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder of the embedded database and, unless set apart, of the secrets.
    pub data: PathBuf,
    /// `sqlite:…` or `postgres://…`; `{data}/conclave.db` when absent.
    pub database: Option<String>,
    /// A file whose content is `database`, so that its password stands in no environment.
    pub database_file: Option<PathBuf>,
    /// Folder of the secrets; `{data}/secrets` when absent.
    pub secrets: Option<PathBuf>,
    /// Where Prometheus reads metrics, for example `127.0.0.1:9464`; health and readiness stand there too. Nothing is
    /// measured and nothing listens when absent: what is counted says something about people on a small server.
    pub metrics_listen: Option<SocketAddr>,
    /// The address people reach it by, for links, cookies and origin checks; where it listens when absent.
    pub public_url: Option<String>,
    /// The name that clients show.
    pub name: String,
    /// Networks whose `X-Forwarded-For` is believed. From everybody else the header is ignored, because
    /// anybody may write it.
    pub trusted_proxies: Vec<Network>,
    /// What is logged, as `tracing` filters.
    pub log: String,
    /// Logs as lines of JSON.
    pub log_json: bool,
    /// So many hours have to pass since a signed-in device of an account was seen before its person may start again
    /// under their name with the password alone. A stolen password must not push out somebody who is there; a person
    /// who lost everything waits a day at most. 0 lets them start again at once.
    pub reset_pause_hours: u32,
    /// A login ends so many days after it began, however much it is used; 0 for never.
    pub longest_login_days: u32,
    /// Bytes that the vault of one account may take; 0 for no bound but that of its records.
    pub vault_quota: u64,
    /// Where files lie, and how much they may take.
    pub blobs: BlobsConfig,
    /// Waking devices whose browsers are closed.
    pub push: PushConfig,
    /// How often things may be done.
    pub limits: LimitsConfig,
    /// The clock; moved by tests only.
    #[serde(skip)]
    pub clock: Clock,
    /// What is committed may be lost in a power cut: for the test that has to notice it. No file, variable or option
    /// sets it, and programs that people run are built without it.
    #[cfg(feature = "faults")]
    #[doc(hidden)]
    #[serde(skip)]
    pub unflushed: bool,
}

/// How often something may be done: `burst` times at once, then once every `every_ms`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// How many at once.
    pub burst: NonZeroU32,
    /// Milliseconds until one more.
    pub every_ms: NonZeroU64,
}

impl Pace {
    const fn new(burst: u32, every_ms: u64) -> Self {
        let burst = NonZeroU32::new(burst).expect("a burst is at least one");
        let every_ms = NonZeroU64::new(every_ms).expect("a period is not zero");
        Self { burst, every_ms }
    }
}

/// The limits that guard against guessing, draining and flooding.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Sign-in requests of one address. A sign-in is two requests and a household or office shares an address,
    /// so three at once would refuse honest people, while ten a minute still makes guessing hopeless.
    pub sign_in: Pace,
    /// Sign-ins to one handle, from anywhere, before each further one is slowed. It is slowed and never
    /// refused, so that a stranger cannot lock somebody out.
    pub sign_in_handle: Pace,
    /// Codes of one account's second step, behind the right password. A million codes of which three are right at a
    /// time: whoever has the password needs a year of guessing for one chance in three.
    pub second_step: Pace,
    /// Registration requests of one address.
    pub registration: Pace,
    /// Meeting places for new devices opened by one address.
    pub links: Pace,
    /// Entries offered to one account's chain. Each has the whole chain verified, and chains do not shrink.
    pub entries: Pace,
    /// Look-ups of handles by one account.
    pub look_ups: Pace,
    /// Entries offered to places' chains by one account. Putting somebody out and leaving are not counted.
    pub place_entries: Pace,
    /// Prekey claims by one account of one device; beyond it the last-resort bundle is handed out.
    pub prekey_claims: Pace,
    /// Prekey claims of one device by everybody; beyond it the last-resort bundle is handed out.
    pub prekey_claims_of_device: Pace,
    /// Uploads that one account begins.
    pub uploads: Pace,
    /// Frames on one connection; beyond it the server reads no faster.
    pub frames: Pace,
    /// Signals that somebody writes, on one connection; beyond it they are dropped.
    pub signals: Pace,
    /// Lists of whom a device watches, on one connection; beyond it the server reads no faster.
    pub watch_lists: Pace,
    /// Choices about presence and receipts of one account.
    pub choices: Pace,
    /// How often the devices of one account may say where they are woken, and for which rooms.
    pub push: Pace,
    /// Messages that one account reports.
    pub reports: Pace,
    /// Milliseconds that one write to a slow reader may take before its connection ends.
    pub slow_reader_ms: u64,
}

impl LimitsConfig {
    /// Practically none, for load generators and for tests that share one address.
    pub const fn unlimited() -> Self {
        let pace = Pace::new(1_000_000, 1);
        Self {
            sign_in: pace,
            sign_in_handle: pace,
            second_step: pace,
            registration: pace,
            links: pace,
            entries: pace,
            look_ups: pace,
            place_entries: pace,
            prekey_claims: pace,
            prekey_claims_of_device: pace,
            uploads: pace,
            frames: pace,
            signals: pace,
            watch_lists: pace,
            choices: pace,
            push: pace,
            reports: pace,
            slow_reader_ms: 10_000,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            sign_in: Pace::new(10, 6_000),
            sign_in_handle: Pace::new(10, 6_000),
            second_step: Pace::new(5, 5 * 60_000),
            registration: Pace::new(10, 6_000),
            links: Pace::new(10, 6_000),
            entries: Pace::new(30, 10_000),
            look_ups: Pace::new(60, 1_000),
            place_entries: Pace::new(120, 1_000),
            prekey_claims: Pace::new(6, 10 * 60_000),
            prekey_claims_of_device: Pace::new(60, 60_000),
            uploads: Pace::new(120, 1_000),
            frames: Pace::new(120, 17),
            signals: Pace::new(10, 1_000),
            watch_lists: Pace::new(5, 5_000),
            choices: Pace::new(20, 6_000),
            push: Pace::new(30, 6_000),
            reports: Pace::new(10, 60_000),
            slow_reader_ms: 10_000,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            data: PathBuf::from("data"),
            database: None,
            database_file: None,
            secrets: None,
            metrics_listen: None,
            public_url: None,
            name: "Conclave".to_owned(),
            trusted_proxies: Vec::new(),
            log: "info".to_owned(),
            log_json: false,
            reset_pause_hours: 24,
            longest_login_days: 0,
            vault_quota: 2 * 1024 * 1024 * 1024,
            blobs: BlobsConfig::default(),
            push: PushConfig::default(),
            limits: LimitsConfig::default(),
            clock: Clock::default(),
            #[cfg(feature = "faults")]
            unflushed: false,
        }
    }
}

impl Config {
    /// The database's address.
    pub(crate) fn database_address(&self) -> Result<String, StartError> {
        if let Some(path) = &self.database_file {
            return std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| StartError::File {
                    path: path.clone(),
                    error,
                });
        }
        Ok(self
            .database
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", self.data.join("conclave.db").display())))
    }

    /// The folder of the secrets.
    pub(crate) fn secrets_folder(&self) -> PathBuf {
        self.secrets.clone().unwrap_or_else(|| self.data.join("secrets"))
    }

    /// The public address of a server that listens on `bound`.
    pub(crate) fn public(&self, bound: SocketAddr) -> Result<PublicUrl, StartError> {
        match &self.public_url {
            Some(url) => PublicUrl::parse(url),
            None => PublicUrl::parse(&format!("http://{bound}")),
        }
    }
}

/// The origin that people reach the server by: scheme and authority, nothing behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    origin: String,
    https: bool,
}

impl PublicUrl {
    fn parse(text: &str) -> Result<Self, StartError> {
        let refused = || {
            StartError::Config(format!(
                "public_url has to look like https://chat.example.org, with no path, but is {text:?}"
            ))
        };
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refused());
        };
        let bare = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
        if !bare || !matches!(scheme, "http" | "https") {
            return Err(refused());
        }
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        Ok(Self {
            https: scheme == "https",
            origin,
        })
    }

    /// As an `Origin` header names it.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether cookies and transport are protected by TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// A link whose secret stands behind `#`, where neither this server nor a proxy sees it.
    pub(crate) fn link(&self, kind: &str, token: &str) -> String {
        format!("{}/#/{kind}/{token}", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin_and_nothing_more() {
        let url = PublicUrl::parse("https://Chat.example.org/").unwrap();
        assert_eq!((url.origin(), url.is_https()), ("https://chat.example.org", true));
        assert_eq!(url.link("invite", "x"), "https://chat.example.org/#/invite/x");
        for refused in [
            "chat.example.org",
            "ftp://a",
            "https://a/chat",
            "https://a/?b",
            "https://u@a",
            "",
        ] {
            assert!(PublicUrl::parse(refused).is_err(), "{refused}");
        }
    }
}
