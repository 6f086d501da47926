//! What a front end gets of what the server says to everybody.

use conclave_protocol::announcements::{Announcement, AnnouncementListed};
use serde::Serialize;

/// What the server says now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AnnouncementsView {
    /// What its person has not put away, the newest first.
    pub announcements: Vec<AnnouncementView>,
    /// The server signs with another key than it did when this account first came to it. Nothing signed by the new one
    /// is shown before its person accepts it.
    pub key_changed: bool,
}

/// Something that the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AnnouncementView {
    /// Names it.
    pub id: String,
    /// What sort it is.
    #[cfg_attr(feature = "ts", ts(type = "'notice' | 'warning' | 'maintenance'"))]
    pub kind: String,
    /// The words.
    pub text: String,
    /// Since when, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub said_at: u64,
    /// Until when, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub ends_at: u64,
}

impl AnnouncementView {
    pub(super) fn of(said: &Announcement) -> Self {
        Self {
            id: said.id.to_string(),
            kind: said.kind.to_string(),
            text: said.text.clone(),
            said_at: said.said_at.0,
            ends_at: said.ends_at.0,
        }
    }
}

/// Something that the server says or said, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AnnouncementListedView {
    /// Names it.
    pub id: String,
    /// What sort it is.
    #[cfg_attr(feature = "ts", ts(type = "'notice' | 'warning' | 'maintenance'"))]
    pub kind: String,
    /// The words.
    pub text: String,
    /// Which administrator wrote it.
    pub said_by: String,
    /// Since when, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub said_at: u64,
    /// Until when, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub ends_at: u64,
    /// When it was taken back, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub withdrawn_at: Option<u64>,
}

impl AnnouncementListedView {
    pub(crate) fn of(listed: &AnnouncementListed) -> Self {
        Self {
            id: listed.announcement.to_string(),
            kind: listed.kind.to_string(),
            text: listed.text.clone(),
            said_by: listed.said_by.to_string(),
            said_at: listed.said_at,
            ends_at: listed.ends_at,
            withdrawn_at: listed.withdrawn_at,
        }
    }
}
