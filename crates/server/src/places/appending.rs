//! An entry on its way into a place's chain: judged, stored with what it changes, and told.

use std::sync::Arc;

use conclave_db::{PlaceEntryStored, PlaceStanding};
use conclave_protocol::frames::{PlaceMoved, ServerFrame};
use conclave_protocol::places::PlaceAppended;
use conclave_protocol::{Bytes, DeviceAddress, ErrorCode, PlaceId};
use conclave_sigchain::room::{RoomChain, RoomChange, RoomEntry, RoomState};

use super::changes;
use super::judging::{self, Chains, Offer};
use super::memory::{Held, Place};
use crate::chains::near;
use crate::error::{ApiError, code_of};
use crate::state::App;

/// How often an entry is judged anew because an account's chain grew meanwhile.
const JUDGEMENTS_MAX: u32 = 5;

/// Appends an entry that the asking device signed, or makes a place by it.
pub(crate) async fn append(
    app: Arc<App>,
    by: DeviceAddress,
    entry: RoomEntry,
) -> Result<PlaceAppended, ApiError> {
    // In a task of its own, which nobody gives up: what is on disk is told, also where the asker has gone meanwhile.
    let tasks = app.tasks.clone();
    let appending = tasks.spawn(async move { append_to_its_end(&app, by, &entry).await });
    appending
        .await
        .unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
}

async fn append_to_its_end(
    app: &Arc<App>,
    by: DeviceAddress,
    entry: &RoomEntry,
) -> Result<PlaceAppended, ApiError> {
    // A device speaks for itself, never for another one.
    if (entry.author.account, entry.author.device) != (by.account, by.device) {
        return Err(ErrorCode::ChainRefused.into());
    }
    for _ in 0..JUDGEMENTS_MAX {
        let appended = match entry.place {
            None => make(app, entry).await?,
            Some(place) => go_on(app, place, entry).await?,
        };
        if let Some(place) = appended {
            return Ok(PlaceAppended {
                place,
                sequence: entry.sequence,
            });
        }
    }
    Err(ApiError::from(ErrorCode::Unavailable).retry_after(1))
}

/// None: an account's chain grew meanwhile.
async fn make(app: &Arc<App>, entry: &RoomEntry) -> Result<Option<PlaceId>, ApiError> {
    let chains = claims(app, entry).await?;
    let (chain, change) = RoomChain::begin(entry).map_err(|_| ErrorCode::ChainRefused)?;
    let id = chain.place();
    if app.db.find_place(id).await?.is_some() {
        // The answer to an earlier try was lost.
        return Ok(Some(id));
    }
    if !near(entry.time, app.now()) {
        return Err(ErrorCode::ChainRefused.into());
    }
    let mut held = app.places.hold_new(id).await;
    store(app, &mut held, Place::made(chain, 0), &change, entry, &chains).await
}

/// None: an account's chain grew meanwhile.
async fn go_on(app: &Arc<App>, id: PlaceId, entry: &RoomEntry) -> Result<Option<PlaceId>, ApiError> {
    let Some(mut held) = app.places.hold(&app.db, id).await? else {
        return Err(judging::unknown(&entry.body).into());
    };
    let Some(place) = held.loaded(&app.db, id).await? else {
        return Err(judging::unknown(&entry.body).into());
    };
    let Offer::Next { is_member } = judging::receive(&place.chain, entry, app.now())? else {
        return Ok(Some(id));
    };
    let chains = claims(app, entry).await?;

    let Some(mut place) = held.take() else {
        return Err(ErrorCode::Internal.into());
    };
    let change = match judging::append(&mut place.chain, entry, is_member) {
        Ok(change) => change,
        Err(error) => {
            // Invariant: a refused entry leaves the chain as it was.
            held.put(place);
            return Err(error.into());
        }
    };
    store(app, &mut held, place, &change, entry, &chains).await
}

/// Stores what was judged, and tells those whom it concerns. None: an account's chain grew meanwhile.
async fn store(
    app: &Arc<App>,
    held: &mut Held,
    mut place: Place,
    change: &RoomChange,
    entry: &RoomEntry,
    chains: &Chains,
) -> Result<Option<PlaceId>, ApiError> {
    let new = changes::of_entry(&place.chain, change, entry.to_bytes(), chains);
    let revision = match app.db.append_place_entry(&new).await? {
        PlaceEntryStored::Done(revision) => revision,
        // Another node was faster; the place is read anew.
        PlaceEntryStored::Already => return Ok(Some(new.place)),
        PlaceEntryStored::Moved => return Err(ErrorCode::ChainMoved.into()),
        PlaceEntryStored::JudgedByOthers => return Ok(None),
        PlaceEntryStored::TooMany => return Err(ErrorCode::PlacesFull.into()),
    };
    // A revision in between is that of a member's account who lost a device.
    let is_whole = change.sequence == 0 || revision == place.revision.saturating_add(1);
    place.revision = revision;
    for account in &new.settles {
        place.owed.remove(account);
    }
    place.owed.extend(new.owes.iter().copied());
    let keep = place.snapshot_due();
    tell(app, place.chain.state(), change, new.bytes);
    if is_whole {
        held.put(place);
    }
    if let Some(snapshot) = keep {
        let app = Arc::clone(app);
        // Nobody waits for it, and without it the next start verifies more entries, that is all.
        app.tasks.clone().spawn(async move {
            if let Err(error) = app.db.upsert_place_snapshot(new.place, &snapshot).await {
                code_of(&error);
            }
        });
    }
    Ok(Some(new.place))
}

/// Tells the connected devices of members, of those who wait, and of those whom this entry put out; what waits for a
/// device in rooms that its account no longer reads is dropped in the same step.
fn tell(app: &App, state: &RoomState, change: &RoomChange, entry: Vec<u8>) {
    let place = state.place();
    let moved = ServerFrame::PlaceMoved(PlaceMoved {
        place,
        head: change.sequence,
        entry: Bytes(entry),
    });
    let frame = bytes::Bytes::from(moved.to_bytes());
    let inside = state.members().map(|(account, _)| account);
    let waiting = state.requests().map(|(account, _)| account);
    let put_out = changes::touched(&change.events)
        .into_iter()
        .filter(|account| changes::standing(state, *account) == PlaceStanding::Stranger);
    for account in inside.chain(waiting).chain(put_out) {
        app.bus
            .place_moved(account, place, &frame, |room| state.is_reader(account, room));
    }
}

/// The account chains that an entry speaks of, each compared with what it says of it.
async fn claims(app: &App, entry: &RoomEntry) -> Result<Chains, ApiError> {
    let mut chains = Chains::new();
    for account in judging::named(entry) {
        let chain = app.places.account(&app.db, account).await?;
        chains.insert(account, chain.ok_or(ErrorCode::ChainRefused)?);
    }
    judging::check_claims(entry, &chains)?;
    Ok(chains)
}
