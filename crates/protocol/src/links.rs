//! The meeting place in which a new device and one of its account's devices agree on a key. The server passes
//! sealed and public messages on; it forgets the place after [`crate::limits::LINK_LIFE_MS`].
//!
//! The new device opens a place with message 1 and gets a [`Token`] for its side. One signed-in device of an
//! account takes the other side. Messages have numbers from 1; odd ones come from the new device, even ones
//! from the other, each once and in order.

use serde::{Deserialize, Serialize};

use crate::{Bytes, LinkId, Timestamp, Token};

/// How the two devices know each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkWay {
    /// The old device scans what the new one shows. Anybody may open such a place.
    Scan,
    /// Six digits are carried from the new device to the old one. The new device has signed in with the
    /// password, so the server knows the account and tells its devices.
    Code,
}

/// `POST /api/v1/links`: opens a meeting place (answered by [`LinkOpened`]). For [`LinkWay::Code`] with the
/// bearer token of a [`crate::logins::LoginPending`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OpenLink {
    /// Made by the new device at random.
    pub id: LinkId,
    /// How the devices know each other.
    pub way: LinkWay,
    /// Message 1.
    pub message: Bytes,
}

/// Answer to [`OpenLink`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LinkOpened {
    /// Opens the new device's side, as `Authorization: Bearer`.
    pub token: Token,
    /// When the place is forgotten.
    pub expires: Timestamp,
}

/// `POST /api/v1/links/{link}/messages`: adds the next message of one's side; repeating the same one is safe.
/// The first message (number 2) of a signed-in device takes the account's side; another device then gets
/// `link_taken`. `link_gone` when the place was forgotten or declined.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LinkMessage {
    /// Its number.
    pub number: u32,
    /// The message.
    pub message: Bytes,
}

/// Answer to `GET /api/v1/links/{link}/messages?after={number}`: the messages behind a number, both sides'.
/// Answered at once; whoever waits asks again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LinkMessages {
    /// In order.
    pub messages: Vec<LinkMessage>,
}

/// Answer to `GET /api/v1/links`: new devices that wait for this account's approval by code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LinksWaiting {
    /// The newest first.
    pub links: Vec<LinkWaiting>,
}

/// A new device that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LinkWaiting {
    /// The meeting place.
    pub id: LinkId,
    /// When it is forgotten.
    pub expires: Timestamp,
}

// `DELETE /api/v1/links/{link}`: either side ends the meeting; answered by 204.
