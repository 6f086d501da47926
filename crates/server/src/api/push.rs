//! Where the asking device is woken.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::PushSubscription;
use conclave_protocol::limits::{PUSH_ENDPOINT_MAX, PUSH_ROOMS_MAX};
use conclave_protocol::push::{PushState, PushSubscribe};
use conclave_protocol::{ErrorCode, Timestamp};
use http::StatusCode;

use crate::error::ApiError;
use crate::extract::{Body, SignedIn};
use crate::push::is_public_key;
use crate::state::App;

/// `GET /api/v1/push`
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<PushState>, ApiError> {
    let Some(push) = &app.push else {
        return Ok(Body(PushState {
            key: None,
            subscribed: false,
        }));
    };
    let by = app.db.find_push(signed_in.address()).await?;
    Ok(Body(PushState {
        key: Some(push.public_key()),
        // What an earlier login said ended with it.
        subscribed: by == Some(signed_in.login()),
    }))
}

/// `PUT /api/v1/push/subscription`: instead of what was said before.
pub(crate) async fn subscribe(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(body): Body<PushSubscribe>,
) -> Result<StatusCode, ApiError> {
    app.limits.push(signed_in.account())?;
    let push = app.push.as_ref().ok_or(ErrorCode::PushOff)?;
    if body.rooms.len() > PUSH_ROOMS_MAX || body.endpoint.len() > PUSH_ENDPOINT_MAX {
        return Err(ErrorCode::TooLarge.into());
    }
    if !push.sends_to(&body.endpoint) {
        return Err(ErrorCode::PushServiceUnknown.into());
    }
    let key = <[u8; 65]>::try_from(body.p256dh.0)
        .ok()
        .filter(|key| is_public_key(key));
    let secret = <[u8; 16]>::try_from(body.auth.0).ok();
    let (Some(key), Some(secret)) = (key, secret) else {
        return Err(ErrorCode::Malformed.into());
    };
    let levels = body.rooms.iter();
    let subscription = PushSubscription {
        device: signed_in.address(),
        login: signed_in.login(),
        endpoint: body.endpoint,
        key,
        secret,
        levels: levels
            .map(|room| (room.room, room.level, room.until.map(Timestamp)))
            .collect(),
    };
    app.db.put_push(&subscription, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/push/subscription`
pub(crate) async fn unsubscribe(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<StatusCode, ApiError> {
    app.db.delete_push(signed_in.address()).await?;
    Ok(StatusCode::NO_CONTENT)
}
