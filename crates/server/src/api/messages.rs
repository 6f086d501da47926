//! History pages.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::PageBound;
use conclave_protocol::limits::ENVELOPES_PAGE;
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::{ErrorCode, RoomId};
use serde::Deserialize;

use crate::api::rooms::of_reader;
use crate::error::ApiError;
use crate::extract::{Body, PathOf, QueryOf, SignedIn};
use crate::places;
use crate::state::App;

/// Which part of a room's history.
#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    after: u64,
    before: Option<u64>,
    limit: Option<u32>,
}

/// `GET /api/v1/rooms/{room}/envelopes?after={sequence}&limit={n}`, or with `before={sequence}` the newest that
/// lie before it.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<RoomId>,
    QueryOf(page): QueryOf<Page>,
) -> Result<Body<EnvelopesPage>, ApiError> {
    let limit = page.limit.unwrap_or(ENVELOPES_PAGE).clamp(1, ENVELOPES_PAGE);
    let room = match of_reader(&app, signed_in.account(), id).await {
        Ok(room) => room,
        Err(refused) if refused.code == ErrorCode::NotFound => {
            let bound = page
                .before
                .map_or(PageBound::After(page.after), PageBound::Before);
            let page = places::history(&app, signed_in.account(), id, bound, limit).await?;
            return Ok(Body(page));
        }
        Err(failed) => return Err(failed),
    };
    Ok(Body(match page.before {
        Some(before) => app.db.list_envelopes_before(room.id, before, limit).await?,
        None => app.db.list_envelopes(room.id, page.after, limit).await?,
    }))
}
