//! What a front end gets of a search.

use serde::{Deserialize, Serialize};

use crate::views::Position;

/// A page of what was found, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SearchPageView {
    /// What was found.
    pub hits: Vec<SearchHitView>,
    /// Where the next page begins; none behind the last one.
    pub next: Option<SearchPosition>,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SearchHitView {
    /// Message id.
    pub message: String,
    /// Room id.
    pub room: String,
    /// Account id of its author.
    pub author: String,
    /// The author's handle, where it is known here.
    pub username: Option<String>,
    /// Sent by the own account.
    pub mine: bool,
    /// When it was sent, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub sent_at: u64,
    /// The part of its text around the first match, in one line.
    pub excerpt: String,
    /// Where the matches are in it: beginnings and ends, counted in UTF-16 units as JavaScript does.
    pub matches: Vec<(u32, u32)>,
    /// Its place in the room.
    pub position: Position,
}

/// A place among what was found, for paging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SearchPosition {
    /// The last one seen.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub number: u64,
    /// No word begins with what was typed, and words that contain it were found instead.
    pub inside: bool,
}
