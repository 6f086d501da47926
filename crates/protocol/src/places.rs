//! Groups and communities: their chains as the server stores, checks and hands them out. Who is in, and what
//! they may do, says the chain (`conclave_sigchain`), never these answers.

use serde::{Deserialize, Serialize};

use crate::frames::Returned;
use crate::{Bytes, PlaceId};

/// `POST /api/v1/places`: makes a place by the first entry of its chain (answered by [`PlaceAppended`]). Safe to
/// repeat with the same bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MakePlace {
    /// The signed first entry; the place's id is its hash.
    pub entry: Bytes,
}

/// `POST /api/v1/places/{place}/entries`: appends one entry to the place's chain (answered by [`PlaceAppended`]).
/// Safe to repeat with the same bytes. `chain_moved` when the entry is not the next one, `chain_refused` when it
/// breaks a rule or its time is off, `place_invite_invalid` and `banned` for who joins.
///
/// The author is the asking device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppendPlaceEntry {
    /// The signed entry.
    pub entry: Bytes,
}

/// Answer to [`MakePlace`] and [`AppendPlaceEntry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PlaceAppended {
    /// The place.
    pub place: PlaceId,
    /// The entry's place in the chain.
    pub sequence: u32,
}

/// Answer to `GET /api/v1/places`: where the asker's account is a member or waits to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PlacesFound {
    /// In order of their ids.
    pub places: Vec<PlaceFound>,
    /// Members of these places whose person started again under their name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returned: Vec<Returned>,
}

/// One place of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PlaceFound {
    /// The place.
    pub place: PlaceId,
    /// Sequence of its newest entry.
    pub head: u32,
    /// False while the account waits to be let in.
    pub member: bool,
}

/// Answer to `GET /api/v1/places/{place}/entries?after={sequence}`, for members and those who wait to be let in,
/// and to [`ReadByInvite`]: the chain's entries behind a sequence, from the first where none is named. A page ends
/// at [`crate::limits::PLACE_ENTRIES_PAGE`] entries or [`crate::limits::PLACE_PAGE_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PlaceEntriesPage {
    /// Entries in order.
    pub entries: Vec<Bytes>,
    /// Sequence of the newest entry.
    pub head: u32,
}

/// `POST /api/v1/places/{place}/invited-entries`: the chain for somebody who holds an invite's link and is no
/// member (answered by [`PlaceEntriesPage`]). `place_invite_invalid` for everything that is wrong with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReadByInvite {
    /// The invite: the sequence of the entry that made it.
    pub invite: u32,
    /// Signature by the invite's key over label `place-invite-read`, place (32), invite (`u32`) and the asker's
    /// account (32).
    pub proof: Bytes,
    /// The last sequence that is known; none from the first entry on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}
