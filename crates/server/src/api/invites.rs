//! Registration invites.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::{Db, DbError};
use conclave_protocol::invites::InviteMade;
use conclave_protocol::limits::INVITE_LIFE_MS;
use conclave_protocol::{AccountId, Timestamp};

use crate::error::ApiError;
use crate::extract::{Administrator, Body};
use crate::randomness;
use crate::state::{App, token_hash};

/// `POST /api/v1/invites`
pub(crate) async fn make(
    State(app): State<Arc<App>>,
    Administrator(administrator): Administrator,
) -> Result<Body<InviteMade>, ApiError> {
    Ok(Body(insert(&app.db, administrator.account(), app.now()).await?))
}

/// Makes an invite in an administrator's name.
pub(crate) async fn insert(db: &Db, made_by: AccountId, now: Timestamp) -> Result<InviteMade, DbError> {
    let token = randomness::token();
    let expires = now.plus(INVITE_LIFE_MS);
    db.insert_invite(token_hash(&token), made_by, expires, now)
        .await?;
    Ok(InviteMade {
        token,
        expires: expires.0,
    })
}
