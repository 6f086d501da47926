//! History pages of a room.

use serde::{Deserialize, Serialize};

use crate::frames::Class;
use crate::{AccountId, Bytes, DeviceId, EnvelopeId};

/// One stored envelope, for `GET /api/v1/rooms/{room}/envelopes?after={sequence}&limit={n}`; with
/// `before={sequence}` instead of `after`, the newest that lie before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StoredEnvelope {
    /// Its place in the room.
    pub sequence: u64,
    /// The id its sender gave it.
    pub id: EnvelopeId,
    /// Whose device sent it.
    pub account: AccountId,
    /// Which device.
    pub device: DeviceId,
    /// When the server accepted it, in Unix milliseconds.
    pub received_at: u64,
    /// Whether it counts as unread.
    pub class: Class,
    /// In a direct room: sequences of the account chains' heads that the sender saw, of the room's lower account id,
    /// then of the higher one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<(u32, u32)>,
    /// In a room of a group or community: the epoch under whose keys it is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// In a room of a group or community: sequence of the newest entry of the place's chain that the sender saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<u32>,
    /// The message that an annotation belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<EnvelopeId>,
    /// The first message of its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<EnvelopeId>,
    /// When the server deletes it, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// The sealed body.
    pub body: Bytes,
}

/// A page of a room's history, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EnvelopesPage {
    /// Envelopes behind the asked sequence, or the last ones before it; always in order.
    pub envelopes: Vec<StoredEnvelope>,
    /// The room's newest sequence.
    pub head: u64,
}
