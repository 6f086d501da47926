//! Who is there and who may know it: signals that are told to whoever is connected and kept nowhere, and what an
//! account chose about them.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::{AccountId, RoomId, Timestamp};

/// How an account wants to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// As its devices say: online, idle or not there.
    #[default]
    #[n(0)]
    Automatic,
    /// There, and not to be disturbed.
    #[n(1)]
    DoNotDisturb,
    /// As if no device were connected.
    #[n(2)]
    Invisible,
}

/// Who is told when an account was there last. Nobody is told more exactly than they tell others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum LastSeen {
    /// Everybody who may see whether the account is there.
    #[n(0)]
    Everyone,
    /// Of these, its contacts.
    #[default]
    #[n(1)]
    Contacts,
    /// All of these, in steps of a day, a week and a month.
    #[n(2)]
    Approximate,
    /// Nobody.
    #[n(3)]
    Nobody,
}

/// What an account chose about signals and receipts: `GET` and `PUT /api/v1/account/presence`, and a frame to its
/// connected devices when it changed. An account that never chose has the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cbor(array)]
pub struct Choices {
    /// How it is seen.
    #[n(0)]
    pub availability: Availability,
    /// Who is told when it was there last.
    #[n(1)]
    pub last_seen: LastSeen,
    /// It gives receipts and gets them.
    #[n(2)]
    pub receipts: bool,
    /// It says when it writes, and is told when others write.
    #[n(3)]
    pub typing: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            availability: Availability::default(),
            last_seen: LastSeen::default(),
            receipts: true,
            typing: true,
        }
    }
}

/// Whether somebody is there, as it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PresenceState {
    /// Not there, invisible, unknown, or not for the asker to know: always the same answer.
    #[default]
    #[n(0)]
    Offline,
    /// A device is connected, and nobody uses any.
    #[n(1)]
    Idle,
    /// There, and not to be disturbed.
    #[n(2)]
    DoNotDisturb,
    /// There.
    #[n(3)]
    Online,
}

/// When somebody was there last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Seen {
    /// In this minute.
    #[n(0)]
    At(#[n(0)] Timestamp),
    /// Not longer ago than this.
    #[n(1)]
    Within(#[n(0)] Span),
}

/// Steps of an approximate time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Span {
    /// A day.
    #[n(0)]
    Day,
    /// Seven days.
    #[n(1)]
    Week,
    /// Thirty days, which is as long as the server remembers.
    #[n(2)]
    Month,
}

/// Whether an account is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Presence {
    /// Whose.
    #[n(0)]
    pub account: AccountId,
    /// How it is seen.
    #[n(1)]
    pub state: PresenceState,
    /// When it was there last; only of somebody who is not, and only for whoever may know.
    #[n(2)]
    pub seen: Option<Seen>,
}

/// An account that a device wants to hear of and lets hear of its own account: each sees only who sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Watched {
    /// Which one.
    #[n(0)]
    pub account: AccountId,
    /// It is a contact.
    #[n(1)]
    pub contact: bool,
}

/// The device's person writes in a room, or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Typing {
    /// Where.
    #[n(0)]
    pub room: RoomId,
    /// Writes; else stopped.
    #[n(1)]
    pub active: bool,
}

/// Somebody writes in a room, or stopped. So the server says: a hint, signed by nobody and never kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct TypingOf {
    /// Where.
    #[n(0)]
    pub room: RoomId,
    /// Who.
    #[n(1)]
    pub account: AccountId,
    /// Writes; else stopped.
    #[n(2)]
    pub active: bool,
}
