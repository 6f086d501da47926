//! Registration invites.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::{Db, DbError, Noted};
use conclave_protocol::invites::{InviteFound, InviteMade, InvitesFound};
use conclave_protocol::limits::{INVITE_DAYS_MAX, INVITE_LIFE_MS, INVITE_USES_MAX};
use conclave_protocol::{AccountId, ErrorCode, Hash, Timestamp};
use http::StatusCode;
use serde::Deserialize;

use crate::error::ApiError;
use crate::extract::{Administrator, Body, PathOf, QueryOf};
use crate::randomness;
use crate::state::{App, token_hash};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Invites in one answer; older ones are beyond what anybody looks after.
const LISTED_MAX: u32 = 500;

/// For how many and how long.
#[derive(Deserialize)]
pub(crate) struct Terms {
    uses: Option<u32>,
    days: Option<u32>,
}

/// `POST /api/v1/invites?uses=…&days=…`
pub(crate) async fn make(
    State(app): State<Arc<App>>,
    Administrator(administrator): Administrator,
    QueryOf(terms): QueryOf<Terms>,
) -> Result<Body<InviteMade>, ApiError> {
    let uses = terms.uses.unwrap_or(1);
    let days = terms.days;
    if !(1..=INVITE_USES_MAX).contains(&uses)
        || days.is_some_and(|days| !(1..=INVITE_DAYS_MAX).contains(&days))
    {
        return Err(ErrorCode::Malformed.into());
    }
    let life = days.map_or(INVITE_LIFE_MS, |days| u64::from(days).saturating_mul(DAY_MS));
    let made = insert_for(&app.db, administrator.account(), uses, life, app.now()).await?;
    Ok(Body(made))
}

/// `GET /api/v1/invites`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Administrator,
) -> Result<Body<InvitesFound>, ApiError> {
    let listed = app.db.list_invites(app.now(), LISTED_MAX).await?;
    let invites = listed.into_iter().map(|invite| InviteFound {
        invite: invite.hash,
        made_by: invite.made_by,
        created_at: invite.created_at.0,
        expires_at: invite.expires_at.0,
        uses: invite.uses,
        uses_max: invite.uses_max,
        revoked_at: invite.revoked_at.map(|time| time.0),
    });
    Ok(Body(InvitesFound {
        invites: invites.collect(),
    }))
}

/// `DELETE /api/v1/invites/{invite}`: nobody registers with it any more.
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Administrator(administrator): Administrator,
    PathOf(invite): PathOf<Hash>,
) -> Result<StatusCode, ApiError> {
    let noted = Noted {
        actor: Some(administrator.account()),
        act: "invite revoked",
        subject: invite.to_string(),
        now: app.now(),
    };
    if !app.db.revoke_invite(invite, &noted).await? {
        return Err(ErrorCode::NotFound.into());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an invite for one person in an administrator's name.
pub(crate) async fn insert(db: &Db, made_by: AccountId, now: Timestamp) -> Result<InviteMade, DbError> {
    insert_for(db, made_by, 1, INVITE_LIFE_MS, now).await
}

async fn insert_for(
    db: &Db,
    made_by: AccountId,
    uses: u32,
    life: u64,
    now: Timestamp,
) -> Result<InviteMade, DbError> {
    let token = randomness::token();
    let expires = now.plus(life);
    db.insert_invite_for(token_hash(&token), made_by, expires, uses, now)
        .await?;
    Ok(InviteMade {
        token,
        expires: expires.0,
    })
}
