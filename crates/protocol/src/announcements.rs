//! What the server says to everybody: an administrator's words, signed by the server's own key, so that nobody on the
//! way and no member can say something in its name, and shown as the server's and never as a person's.
//!
//! A client keeps the key that it saw first and believes no other before its person does.

use std::fmt;
use std::str::FromStr;

use conclave_encoding::{DecodeError, Reader, Writer, labels};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::ANNOUNCEMENT_MAX;
use crate::{AnnouncementId, Bytes, Timestamp, Username};

/// Version of both signed forms.
const VERSION: u8 = 1;

/// Why bytes are no statement of a server.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("this is no announcement")]
pub struct StatementError;

impl From<DecodeError> for StatementError {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

/// What sort of announcement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AnnouncementKind {
    /// Something to know.
    Notice,
    /// Something to be careful about.
    Warning,
    /// The server will be away.
    Maintenance,
}

impl AnnouncementKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Maintenance => "maintenance",
        }
    }
}

impl fmt::Display for AnnouncementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AnnouncementKind {
    type Err = StatementError;

    fn from_str(text: &str) -> Result<Self, StatementError> {
        [Self::Notice, Self::Warning, Self::Maintenance]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(StatementError)
    }
}

/// What the server says to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Its id.
    pub id: AnnouncementId,
    /// What sort it is.
    pub kind: AnnouncementKind,
    /// Since when.
    pub said_at: Timestamp,
    /// Until when it is shown.
    pub ends_at: Timestamp,
    /// The words.
    pub text: String,
}

/// What the server signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// It says something.
    Announcement(Announcement),
    /// It takes back what it said.
    Withdrawal {
        /// Which announcement.
        id: AnnouncementId,
        /// When.
        at: Timestamp,
    },
}

impl Statement {
    /// What is signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Announcement(said) => Writer::new(labels::ANNOUNCEMENT)
                .u8(VERSION)
                .fixed(&said.id.0)
                .u8(match said.kind {
                    AnnouncementKind::Notice => 0,
                    AnnouncementKind::Warning => 1,
                    AnnouncementKind::Maintenance => 2,
                })
                .u64(said.said_at.0)
                .u64(said.ends_at.0)
                .bytes(said.text.as_bytes())
                .finish(),
            Self::Withdrawal { id, at } => Writer::new(labels::ANNOUNCEMENT_WITHDRAWAL)
                .u8(VERSION)
                .fixed(&id.0)
                .u64(at.0)
                .finish(),
        }
    }

    /// Reads what was signed. Whoever does must have checked the signature, or check it before anything is believed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementError> {
        match Reader::new(labels::ANNOUNCEMENT, bytes) {
            Ok(reader) => announcement(reader).map(Self::Announcement),
            Err(_) => withdrawal(Reader::new(labels::ANNOUNCEMENT_WITHDRAWAL, bytes)?),
        }
    }
}

fn announcement(mut reader: Reader<'_>) -> Result<Announcement, StatementError> {
    version(&mut reader)?;
    let id = AnnouncementId(reader.fixed()?);
    let kind = match reader.u8()? {
        0 => AnnouncementKind::Notice,
        1 => AnnouncementKind::Warning,
        2 => AnnouncementKind::Maintenance,
        _ => return Err(StatementError),
    };
    let (said_at, ends_at) = (Timestamp(reader.u64()?), Timestamp(reader.u64()?));
    let text = std::str::from_utf8(reader.bytes(ANNOUNCEMENT_MAX)?).map_err(|_| StatementError)?;
    let text = text.to_owned();
    reader.finish()?;
    Ok(Announcement {
        id,
        kind,
        said_at,
        ends_at,
        text,
    })
}

fn withdrawal(mut reader: Reader<'_>) -> Result<Statement, StatementError> {
    version(&mut reader)?;
    let id = AnnouncementId(reader.fixed()?);
    let at = Timestamp(reader.u64()?);
    reader.finish()?;
    Ok(Statement::Withdrawal { id, at })
}

fn version(reader: &mut Reader<'_>) -> Result<(), StatementError> {
    if reader.u8()? == VERSION {
        Ok(())
    } else {
        Err(StatementError)
    }
}

/// A statement with its signature, as it goes to devices.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Signed {
    /// The statement's bytes.
    #[n(0)]
    pub statement: Bytes,
    /// The server key's Ed25519 signature over them.
    #[n(1)]
    pub signature: Bytes,
}

/// `POST /api/v1/admin/announcements`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Announce {
    /// What sort it is.
    pub kind: AnnouncementKind,
    /// The words.
    pub text: String,
    /// Until when it is shown, in Unix milliseconds; 90 days where nothing is said, and at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<u64>,
}

/// The answer to [`Announce`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Announced {
    /// Names it.
    pub announcement: AnnouncementId,
    /// Until when it is shown, in Unix milliseconds.
    pub ends_at: u64,
}

/// `GET /api/v1/admin/announcements`: the newest first, those that ended included.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AnnouncementsFound {
    /// Each of them.
    pub announcements: Vec<AnnouncementListed>,
}

/// An announcement as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AnnouncementListed {
    /// Names it.
    pub announcement: AnnouncementId,
    /// What sort it is.
    pub kind: AnnouncementKind,
    /// The words.
    pub text: String,
    /// Which administrator wrote it.
    pub said_by: Username,
    /// When, in Unix milliseconds.
    pub said_at: u64,
    /// Until when it is shown, in Unix milliseconds.
    pub ends_at: u64,
    /// When it was taken back, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Announcement {
        Announcement {
            id: AnnouncementId([7; 16]),
            kind: AnnouncementKind::Maintenance,
            said_at: Timestamp(1_700_000_000_000),
            ends_at: Timestamp(1_700_003_600_000),
            text: "Away at 9.".to_owned(),
        }
    }

    #[test]
    fn what_a_server_signs_has_one_form() {
        let withdrawal = Statement::Withdrawal {
            id: AnnouncementId([7; 16]),
            at: Timestamp(1_700_000_000_001),
        };
        for (statement, length) in [(Statement::Announcement(said()), 73), (withdrawal, 61)] {
            let bytes = statement.to_bytes();
            assert_eq!(bytes.len(), length);
            assert_eq!(Statement::from_bytes(&bytes), Ok(statement));
            for cut in 0..bytes.len() {
                assert_eq!(Statement::from_bytes(&bytes[..cut]), Err(StatementError));
            }
            assert_eq!(
                Statement::from_bytes(&[&bytes[..], &[0]].concat()),
                Err(StatementError)
            );
        }
    }

    /// The vector of `docs/protocol.md`.
    #[test]
    fn the_form_is_the_one_of_the_document() {
        let expected = concat!(
            "18",
            "636f6e636c6176652f76312f616e6e6f756e63656d656e74",
            "01",
            "07070707070707070707070707070707",
            "02",
            "0000018bcfe56800",
            "0000018bd01c5680",
            "0000000a",
            "4177617920617420392e",
        );
        let bytes = Statement::Announcement(said()).to_bytes();
        let hex = bytes.iter().fold(String::new(), |mut text, byte| {
            use std::fmt::Write as _;
            write!(text, "{byte:02x}").unwrap();
            text
        });
        assert_eq!(hex, expected);
    }

    #[test]
    fn another_kind_or_version_or_a_longer_text_is_none() {
        let bytes = Statement::Announcement(said()).to_bytes();
        let version_at = 1 + labels::ANNOUNCEMENT.as_bytes().len();
        for (at, value) in [(version_at, 2), (version_at + 17, 3)] {
            let mut altered = bytes.clone();
            altered[at] = value;
            assert_eq!(Statement::from_bytes(&altered), Err(StatementError));
        }
        let long = Announcement {
            text: "x".repeat(ANNOUNCEMENT_MAX + 1),
            ..said()
        };
        assert_eq!(
            Statement::from_bytes(&Statement::Announcement(long).to_bytes()),
            Err(StatementError)
        );
    }
}
