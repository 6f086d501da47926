//! What an account reads of places.

use std::collections::{BTreeSet, HashMap};

use conclave_db::{DbError, PageBound, PlaceStanding};
use conclave_protocol::frames::Cursor;
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::{AccountId, ErrorCode, PlaceId, RoomId, Timestamp};
use conclave_sigchain::room::{InviteId, invite_read_bytes};

use super::changes;
use super::memory::{Place, Reading};
use crate::error::{ApiError, code_of};
use crate::state::App;

impl Place {
    /// Whether an account is a member or waits to be let in.
    pub(crate) fn concerns(&self, account: AccountId) -> bool {
        changes::standing(self.chain.state(), account) != PlaceStanding::Stranger
    }

    /// Whether an account is handed a message of a room that was sent by somebody who saw the chain up to `head`.
    pub(crate) fn hands_out(&self, account: AccountId, room: RoomId, head: u32) -> bool {
        let since = self.chain.state().history_from(account, room);
        since.is_some_and(|since| head >= since)
    }
}

/// A page of a place's room, for those who read it; for others there is none.
pub(crate) async fn history(
    app: &App,
    account: AccountId,
    room: RoomId,
    bound: PageBound,
    limit: u32,
) -> Result<EnvelopesPage, ApiError> {
    let id = app
        .places
        .of_room(&app.db, room)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    // Held until the page is read, so that nobody is handed anything behind the entry that put them out.
    let place = app.places.read(&app.db, id).await?.ok_or(ErrorCode::NotFound)?;
    let since = place.chain.state().history_from(account, room);
    let since = since.ok_or(ErrorCode::NotFound)?;
    Ok(app.db.list_posts(room, bound, since, app.now(), limit).await?)
}

/// The rooms of places that an account reads and that stand further than their cursor.
pub(crate) async fn list_moved(
    app: &App,
    account: AccountId,
    cursors: &[Cursor],
) -> Result<Vec<Cursor>, DbError> {
    let known: HashMap<RoomId, u64> = cursors
        .iter()
        .map(|cursor| (cursor.room, cursor.sequence))
        .collect();
    let mut moved = Vec::new();
    let mut reading: Option<(PlaceId, Option<Reading>)> = None;
    for room in app.db.list_place_rooms(account).await? {
        if room.head <= known.get(&room.id).copied().unwrap_or_default() {
            continue;
        }
        // A group's room is read by all its members; who reads a channel says the chain. Rooms come place by place.
        let is_read = if room.channel.is_none() {
            true
        } else {
            if reading.as_ref().is_none_or(|(place, _)| *place != room.place) {
                drop(reading.take());
                reading = Some((room.place, app.places.read(&app.db, room.place).await?));
            }
            let place = reading.as_ref().and_then(|(_, place)| place.as_ref());
            place.is_some_and(|place| place.chain.state().is_reader(account, room.id))
        };
        if is_read {
            moved.push(Cursor {
                room: room.id,
                sequence: room.head,
            });
        }
    }
    Ok(moved)
}

/// Whether an account may read a place's chain by an invite. Everything that is wrong is wrong in the same way.
pub(crate) async fn is_invited(
    app: &App,
    account: AccountId,
    place: PlaceId,
    invite: u32,
    proof: &[u8; 64],
) -> Result<bool, ApiError> {
    let Some(found) = app.places.read(&app.db, place).await? else {
        return Ok(false);
    };
    let state = found.chain.state();
    let invite = InviteId(invite);
    let is_in_force = |now: Timestamp| {
        state.invite(invite).is_some_and(|terms| {
            !terms.has_expired(now) && terms.signed(&invite_read_bytes(place, invite, account), proof)
        })
    };
    Ok(!state.is_closed() && !state.is_banned(account) && is_in_force(app.now()))
}

/// The accounts that share a place with one: those who have to know when its chain grows.
pub(crate) async fn fellows(app: &App, account: AccountId) -> BTreeSet<AccountId> {
    let mut fellows = BTreeSet::new();
    let places = app.db.list_places(account).await.unwrap_or_else(|error| {
        // They are refused what they seal without knowing, and find out.
        code_of(&error);
        Vec::new()
    });
    for place in places.into_iter().filter(|place| place.member) {
        match app.places.read(&app.db, place.place).await {
            Ok(Some(found)) => fellows.extend(found.chain.state().members().map(|(account, _)| account)),
            Ok(None) => {}
            Err(error) => {
                code_of(&error);
            }
        }
    }
    fellows
}
