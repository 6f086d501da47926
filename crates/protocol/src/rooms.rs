//! Rooms: so far the direct room of two accounts.

use serde::{Deserialize, Serialize};

use crate::AccountId;

/// `PUT /api/v1/rooms/{room}`: opens the direct room with `peer`; the room's id must follow from both
/// accounts. Safe to repeat; answers 204.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OpenDirectRoom {
    /// The other account, or the asker's own for saved messages.
    pub peer: AccountId,
}

/// Answer to `GET /api/v1/rooms/{room}`, for members: the accounts that the room's id was made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DirectRoomFound {
    /// The lower account id.
    pub low: AccountId,
    /// The higher account id.
    pub high: AccountId,
}
