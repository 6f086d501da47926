//! Groups and communities: making one, its chain, where somebody is in.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::PlaceStanding;
use conclave_protocol::limits::{PLACE_ENTRIES_PAGE, PLACE_PAGE_BYTES};
use conclave_protocol::places::{
    AppendPlaceEntry, MakePlace, PlaceAppended, PlaceEntriesPage, PlacesFound, ReadByInvite,
};
use conclave_protocol::{ErrorCode, PlaceId};
use conclave_sigchain::room::{RoomBody, RoomEntry};
use serde::Deserialize;

use crate::error::ApiError;
use crate::extract::{Body, PathOf, QueryOf, SignedIn};
use crate::places;
use crate::state::App;

/// Which part of a chain.
#[derive(Deserialize)]
pub(crate) struct Page {
    after: Option<u32>,
}

/// `POST /api/v1/places`
pub(crate) async fn make(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(asked): Body<MakePlace>,
) -> Result<Body<PlaceAppended>, ApiError> {
    app.limits.place_entry(signed_in.account())?;
    let entry = RoomEntry::from_bytes(asked.entry.as_slice()).map_err(|_| ErrorCode::ChainRefused)?;
    if entry.place.is_some() {
        return Err(ErrorCode::ChainRefused.into());
    }
    Ok(Body(places::append(app, signed_in.address(), entry).await?))
}

/// `GET /api/v1/places`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<PlacesFound>, ApiError> {
    let places = app.db.list_places(signed_in.account()).await?;
    Ok(Body(PlacesFound { places }))
}

/// `POST /api/v1/places/{place}/entries`
pub(crate) async fn append(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(place): PathOf<PlaceId>,
    Body(asked): Body<AppendPlaceEntry>,
) -> Result<Body<PlaceAppended>, ApiError> {
    let entry = RoomEntry::from_bytes(asked.entry.as_slice()).map_err(|_| ErrorCode::ChainRefused)?;
    if entry.place != Some(place) {
        return Err(ErrorCode::ChainRefused.into());
    }
    // Putting somebody out, leaving, and making up for a lost device are never too fast.
    let is_urgent = matches!(
        entry.body,
        RoomBody::Remove { .. } | RoomBody::Ban { .. } | RoomBody::Leave { .. } | RoomBody::Observe { .. }
    );
    if !is_urgent {
        app.limits.place_entry(signed_in.account())?;
    }
    Ok(Body(places::append(app, signed_in.address(), entry).await?))
}

/// `GET /api/v1/places/{place}/entries?after={sequence}`
pub(crate) async fn list_entries(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(place): PathOf<PlaceId>,
    QueryOf(page): QueryOf<Page>,
) -> Result<Body<PlaceEntriesPage>, ApiError> {
    let account = signed_in.account();
    if app.db.place_standing(place, account).await? != PlaceStanding::Stranger {
        // Held until the page is read, so that nobody is handed anything behind the entry that put them out.
        let held = app
            .places
            .read(&app.db, place)
            .await?
            .ok_or(ErrorCode::NotFound)?;
        if held.concerns(account) {
            return Ok(Body(entries(&app, place, page.after).await?));
        }
    }
    // Whoever was in it reads on up to the entry that put them out: their devices that were not there see who did.
    let until = app.db.place_departure(place, account).await?;
    let until = until.ok_or(ErrorCode::NotFound)?;
    let entries = app
        .db
        .list_place_entries(
            place,
            page.after,
            Some(until),
            PLACE_ENTRIES_PAGE,
            PLACE_PAGE_BYTES,
        )
        .await?;
    Ok(Body(PlaceEntriesPage { entries, head: until }))
}

/// `POST /api/v1/places/{place}/invited-entries`
pub(crate) async fn list_invited_entries(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(place): PathOf<PlaceId>,
    Body(asked): Body<ReadByInvite>,
) -> Result<Body<PlaceEntriesPage>, ApiError> {
    let account = signed_in.account();
    app.limits.invited_reading(account)?;
    let proof: &[u8; 64] = asked
        .proof
        .as_slice()
        .try_into()
        .map_err(|_| ErrorCode::PlaceInviteInvalid)?;
    if !places::is_invited(&app, account, place, asked.invite, proof).await? {
        return Err(ErrorCode::PlaceInviteInvalid.into());
    }
    Ok(Body(entries(&app, place, asked.after).await?))
}

async fn entries(app: &App, place: PlaceId, after: Option<u32>) -> Result<PlaceEntriesPage, ApiError> {
    let entries = app
        .db
        .list_place_entries(place, after, None, PLACE_ENTRIES_PAGE, PLACE_PAGE_BYTES)
        .await?;
    // Read last, so that no entry of the page lies beyond it.
    let found = app.db.find_place(place).await?.ok_or(ErrorCode::NotFound)?;
    Ok(PlaceEntriesPage {
        entries,
        head: found.head,
    })
}
