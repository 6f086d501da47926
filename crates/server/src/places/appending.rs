//! An entry on its way into a place's chain: judged, stored with what it changes, and told.

use std::sync::Arc;

use conclave_db::{PlaceEntryStored, PlaceStanding};
use conclave_protocol::frames::{PlaceMoved, ServerFrame};
use conclave_protocol::places::PlaceAppended;
use conclave_protocol::{AccountId, Bytes, DeviceAddress, ErrorCode, PlaceId};
use conclave_sigchain::AccountChain;
use conclave_sigchain::room::{
    RoomBody, RoomChain, RoomChainError, RoomChange, RoomEntry, RoomState, join_proof_bytes,
};

use super::changes::{self, Chains};
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
    let chains = author_chain(app, entry).await?;
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
        return Err(unknown(&entry.body).into());
    };
    let Some(place) = held.loaded(&app.db, id).await? else {
        return Err(unknown(&entry.body).into());
    };
    // The answer to an earlier try may have been lost: that comes before everything that has gone on since.
    if place.chain.hash_at(entry.sequence) == Some(entry.hash()) {
        return Ok(Some(id));
    }
    let state = place.chain.state();
    admit(state, entry)?;
    if place.chain.head().checked_add(1) != Some(entry.sequence)
        || entry.previous != Some(place.chain.head_hash())
    {
        return Err(ErrorCode::ChainMoved.into());
    }
    if !near(entry.time, app.now()) {
        return Err(ErrorCode::ChainRefused.into());
    }
    let is_member = state.member(entry.author.account).is_some();
    let chains = claims(app, entry).await?;

    let Some(mut place) = held.take() else {
        return Err(ErrorCode::Internal.into());
    };
    let change = match place.chain.append(entry) {
        Ok(change) => change,
        Err(error) => {
            // Invariant: a refused entry leaves the chain as it was.
            held.put(place);
            return Err(refusal(error, is_member).into());
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

/// Whether the author may offer anything to this place. Who has no part in it and holds no invite is told what they
/// would be told of a place that does not exist.
fn admit(state: &RoomState, entry: &RoomEntry) -> Result<(), ErrorCode> {
    let account = entry.author.account;
    if state.member(account).is_some() {
        return Ok(());
    }
    match &entry.body {
        RoomBody::Join { invite, proof } | RoomBody::Request { invite, proof } => {
            let bytes = join_proof_bytes(state.place(), *invite, account, entry.author.head);
            let is_invited = state
                .invite(*invite)
                .is_some_and(|terms| !terms.has_expired(entry.time) && terms.signed(&bytes, proof));
            if !is_invited {
                Err(ErrorCode::PlaceInviteInvalid)
            } else if state.is_banned(account) {
                Err(ErrorCode::Banned)
            } else {
                Ok(())
            }
        }
        _ if state.request(account).is_some() => Ok(()),
        body => Err(unknown(body)),
    }
}

/// The answer about a place that does not exist.
fn unknown(body: &RoomBody) -> ErrorCode {
    match body {
        RoomBody::Join { .. } | RoomBody::Request { .. } => ErrorCode::PlaceInviteInvalid,
        _ => ErrorCode::NotFound,
    }
}

fn refusal(error: RoomChainError, is_member: bool) -> ErrorCode {
    match error {
        RoomChainError::Gap | RoomChainError::Fork => ErrorCode::ChainMoved,
        RoomChainError::Banned if !is_member => ErrorCode::Banned,
        RoomChainError::NoSuchInvite
        | RoomChainError::InviteExpired
        | RoomChainError::InviteKind
        | RoomChainError::Proof
            if !is_member =>
        {
            ErrorCode::PlaceInviteInvalid
        }
        _ => ErrorCode::ChainRefused,
    }
}

/// The account chains that an entry speaks of, each compared with what it says of it.
async fn claims(app: &App, entry: &RoomEntry) -> Result<Chains, ApiError> {
    let mut chains = author_chain(app, entry).await?;
    if let Some((account, head)) = entry.body.named_head() {
        let chain = stored(app, account).await?;
        head.check(&chain).map_err(|_| ErrorCode::ChainRefused)?;
        if matches!(entry.body, RoomBody::Add { .. }) && chain.is_closed() {
            return Err(ErrorCode::ChainRefused.into());
        }
        chains.insert(account, chain);
    }
    if let RoomBody::Approve { account } = &entry.body {
        let chain = stored(app, *account).await?;
        if chain.is_closed() {
            return Err(ErrorCode::ChainRefused.into());
        }
        chains.insert(*account, chain);
    }
    Ok(chains)
}

/// The author's chain: its device speaks for the account, by this key, at the head that it names and still now.
async fn author_chain(app: &App, entry: &RoomEntry) -> Result<Chains, ApiError> {
    let author = entry.author;
    let chain = stored(app, author.account).await?;
    author.check(&chain).map_err(|_| ErrorCode::ChainRefused)?;
    if chain.device(author.device).is_none() {
        return Err(ErrorCode::DeviceRevoked.into());
    }
    Ok(Chains::from([(author.account, chain)]))
}

async fn stored(app: &App, account: AccountId) -> Result<Arc<AccountChain>, ApiError> {
    let chain = app.places.account(&app.db, account).await?;
    chain.ok_or_else(|| ErrorCode::ChainRefused.into())
}
