//! Meeting places of a new device and one of its account's devices.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::{InLink, LinkOpened as Opened, NewLink, PendingKind};
use conclave_protocol::limits::{LINK_LIFE_MS, LINK_MESSAGE_MAX, LINK_OPENING_MAX, LINK_PAGE_BYTES};
use conclave_protocol::links::{LinkMessage, LinkMessages, LinkOpened, LinkWay, LinksWaiting, OpenLink};
use conclave_protocol::{ErrorCode, LinkId};
use http::StatusCode;
use serde::Deserialize;

use crate::error::ApiError;
use crate::extract::{AskedFrom, AtLink, Bearer, Body, PathOf, QueryOf, SignedIn};
use crate::randomness;
use crate::state::{App, token_hash};

/// Seconds after which an account whose places are all in use may try again: one of them has ended by then, or
/// somebody is playing.
const FULL_RETRY_SECONDS: u32 = 60;

/// `POST /api/v1/links`
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    AskedFrom(source): AskedFrom,
    bearer: Option<Bearer>,
    Body(asked): Body<OpenLink>,
) -> Result<Body<LinkOpened>, ApiError> {
    app.limits.link(source)?;
    if asked.message.as_slice().len() > LINK_OPENING_MAX {
        return Err(ErrorCode::TooLarge.into());
    }
    let now = app.now();
    let account = match asked.way {
        LinkWay::Scan => None,
        LinkWay::Code => {
            let Bearer(token) = bearer.ok_or(ErrorCode::SignInNeeded)?;
            let found = app.db.find_pending_token(token_hash(&token), now).await?;
            let Some((account, PendingKind::Login)) = found else {
                return Err(ErrorCode::SignInNeeded.into());
            };
            Some(account)
        }
    };
    let token = randomness::token();
    let new = NewLink {
        id: asked.id,
        way: asked.way,
        token: token_hash(&token),
        account,
        message: asked.message.0,
        expires: now.plus(LINK_LIFE_MS),
    };
    match app.db.open_link(&new, now).await? {
        Opened::Done => {}
        Opened::IdTaken => return Err(ErrorCode::IdReused.into()),
        Opened::TooMany => return Err(ApiError::from(ErrorCode::TooFast).retry_after(FULL_RETRY_SECONDS)),
    }
    if let Some(account) = account {
        app.bus.link_waiting(account, new.id);
    }
    Ok(Body(LinkOpened {
        token,
        expires: new.expires,
    }))
}

/// `GET /api/v1/links`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<LinksWaiting>, ApiError> {
    let links = app.db.list_links_waiting(signed_in.account(), app.now()).await?;
    Ok(Body(LinksWaiting { links }))
}

/// `POST /api/v1/links/{link}/messages`
pub(crate) async fn add_message(
    State(app): State<Arc<App>>,
    AtLink(side): AtLink,
    PathOf(link): PathOf<LinkId>,
    Body(message): Body<LinkMessage>,
) -> Result<StatusCode, ApiError> {
    if message.message.as_slice().len() > LINK_MESSAGE_MAX {
        return Err(ErrorCode::TooLarge.into());
    }
    let added = app.db.add_link_message(link, side, &message, app.now()).await?;
    done(added)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a page begins.
#[derive(Deserialize)]
pub(crate) struct After {
    after: Option<u32>,
}

/// `GET /api/v1/links/{link}/messages?after=…`
pub(crate) async fn list_messages(
    State(app): State<Arc<App>>,
    AtLink(side): AtLink,
    PathOf(link): PathOf<LinkId>,
    QueryOf(page): QueryOf<After>,
) -> Result<Body<LinkMessages>, ApiError> {
    let after = page.after.unwrap_or_default();
    let messages = app
        .db
        .list_link_messages(link, side, after, LINK_PAGE_BYTES, app.now())
        .await?;
    Ok(Body(LinkMessages {
        messages: done(messages)?,
    }))
}

/// `DELETE /api/v1/links/{link}`
pub(crate) async fn close(
    State(app): State<Arc<App>>,
    AtLink(side): AtLink,
    PathOf(link): PathOf<LinkId>,
) -> Result<StatusCode, ApiError> {
    done(app.db.close_link(link, side, app.now()).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

fn done<T>(outcome: InLink<T>) -> Result<T, ErrorCode> {
    match outcome {
        InLink::Done(value) => Ok(value),
        InLink::Gone => Err(ErrorCode::LinkGone),
        InLink::Taken => Err(ErrorCode::LinkTaken),
        InLink::OutOfTurn => Err(ErrorCode::Malformed),
        InLink::NumberReused => Err(ErrorCode::IdReused),
    }
}
