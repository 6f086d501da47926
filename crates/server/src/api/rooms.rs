//! Rooms: so far the direct room of two accounts.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::DirectRoom;
use conclave_protocol::rooms::{DirectRoomFound, OpenDirectRoom};
use conclave_protocol::{AccountId, ErrorCode, RoomId};
use http::StatusCode;

use crate::error::ApiError;
use crate::extract::{Body, PathOf, SignedIn};
use crate::former::is_former_of;
use crate::state::App;

/// `PUT /api/v1/rooms/{room}`
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<RoomId>,
    Body(asked): Body<OpenDirectRoom>,
) -> Result<StatusCode, ApiError> {
    let own = signed_in.account();
    if RoomId::direct(own, asked.peer) != id {
        return Err(ErrorCode::Forbidden.into());
    }
    let room = DirectRoom {
        id,
        low: own.min(asked.peer),
        high: own.max(asked.peer),
    };
    if app.db.insert_direct_room(&room, app.now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ErrorCode::UnknownPerson.into())
    }
}

/// `GET /api/v1/rooms/{room}`
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<RoomId>,
) -> Result<Body<DirectRoomFound>, ApiError> {
    let room = of_reader(&app, signed_in.account(), id).await?;
    Ok(Body(DirectRoomFound {
        low: room.low,
        high: room.high,
    }))
}

/// The room, for its members and for who was one of them before they started again; for others there is none.
pub(crate) async fn of_reader(app: &App, account: AccountId, id: RoomId) -> Result<DirectRoom, ApiError> {
    let room = app
        .membership
        .room(&app.db, id)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let may = room.low == account
        || room.high == account
        || is_former_of(app, room.low, account).await?
        || is_former_of(app, room.high, account).await?;
    if may {
        Ok(room)
    } else {
        Err(ErrorCode::NotFound.into())
    }
}
