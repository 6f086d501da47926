//! Reports: a reader reveals one message to the administrators, with the proof of what it said and who sent it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Bytes, DeviceId, EnvelopeId, IdError, PlaceId, ReportId, RoomId, Username};

/// Why somebody reports a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Unwanted advertising or fraud.
    Spam,
    /// Insults, threats, harassment.
    Abuse,
    /// What the law forbids.
    Illegal,
    /// Something else, which the words say.
    Other,
}

impl Reason {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Abuse => "abuse",
            Self::Illegal => "illegal",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        [Self::Spam, Self::Abuse, Self::Illegal, Self::Other]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or(IdError::Malformed)
    }
}

/// `POST /api/v1/reports`: what is revealed is the key of one message, and what it opens. Nothing of it says what the
/// message is: that stands on record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportMessage {
    /// The room of the message.
    pub room: RoomId,
    /// Its place there.
    pub sequence: u64,
    /// Its id.
    pub message: EnvelopeId,
    /// The key of this one message: see `docs/protocol.md`, "Reports".
    pub proof: Bytes,
    /// In a room of a group or community: its author's signed word on the chain of keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Bytes>,
    /// Why.
    pub reason: Reason,
    /// What the reporter says to it; may be empty.
    #[serde(default)]
    pub note: String,
}

/// The answer to [`ReportMessage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportTaken {
    /// Names the report.
    pub report: ReportId,
    /// The same reporter had reported the same message before; that report stands as it was.
    pub repeated: bool,
}

/// `GET /api/v1/admin/reports?state={open|closed}&skip={n}`: the newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportsPage {
    /// A page of them.
    pub reports: Vec<ReportListed>,
    /// More follow.
    pub more: bool,
    /// How many are open.
    pub open: u64,
}

/// A report as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportListed {
    /// Names it.
    pub report: ReportId,
    /// Who reported it.
    pub reporter: AccountId,
    /// Their handle.
    pub reporter_name: Username,
    /// Who sent the message.
    pub accused: AccountId,
    /// Their handle.
    pub accused_name: Username,
    /// From which of their devices.
    pub device: DeviceId,
    /// The accused is kept out already.
    pub suspended: bool,
    /// The room.
    pub room: RoomId,
    /// The group or community that the room is of; none for a direct chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceId>,
    /// When the server accepted the message, in Unix milliseconds.
    pub sent_at: u64,
    /// When it was reported, in Unix milliseconds.
    pub reported_at: u64,
    /// Why.
    pub reason: Reason,
    /// What the reporter says to it.
    pub note: String,
    /// What was sealed, as the proof opened it.
    pub content: Bytes,
    /// When it was closed, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<u64>,
    /// Who closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<Username>,
    /// What came of it, in an administrator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// `POST /api/v1/admin/reports/{report}/close`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CloseReport {
    /// What came of it; may be empty.
    #[serde(default)]
    pub outcome: String,
}
