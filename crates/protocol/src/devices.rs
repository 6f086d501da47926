//! The devices of an account: what its chain says, and what the server adds about each.

use serde::{Deserialize, Serialize};

use crate::{Bytes, DeviceId, Timestamp};

/// `POST /api/v1/account/entries`: appends one entry to the own account's chain (answered by
/// [`EntryAppended`]). Safe to repeat with the same bytes. `chain_moved` when the entry is not the next one,
/// `chain_refused` when it breaks a rule or its time is off.
///
/// The author is the asking device or the recovery key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppendEntry {
    /// The signed entry.
    pub entry: Bytes,
}

/// Answer to [`AppendEntry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EntryAppended {
    /// Its place in the chain.
    pub sequence: u32,
}

/// Answer to `GET /api/v1/devices`: what the server knows of the own account's active devices. Their names are
/// sealed and not here; who they are says the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DevicesFound {
    /// In order of their ids.
    pub devices: Vec<DeviceFound>,
}

/// One active device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceFound {
    /// Which one.
    pub device: DeviceId,
    /// When it was added, by the server's clock.
    pub added_at: Timestamp,
    /// When it was last seen: a login made or refreshed. None when it never signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// Connected now.
    pub connected: bool,
    /// Has a login in force.
    pub signed_in: bool,
}
