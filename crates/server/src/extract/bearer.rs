//! Who is asking without being a signed-in device: a new device, or somebody who is about to get one.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use conclave_db::LinkSide;
use conclave_protocol::{AccountId, Token};
use http::header;
use http::request::Parts;

use super::SignedIn;
use crate::error::ApiError;
use crate::state::{App, token_hash};

/// Longer texts are not looked at.
const TOKEN_MAX: usize = 1024;

/// The token of `Authorization: Bearer`, of whatever kind.
pub(crate) struct Bearer(pub(crate) Token);

impl Bearer {
    fn of(parts: &Parts) -> Option<Self> {
        let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = value.strip_prefix("Bearer ")?.trim();
        (token.len() <= TOKEN_MAX).then(|| Self(Token(token.to_owned())))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, ApiError> {
        Ok(Self::of(parts))
    }
}

/// The account that is the asker's own: of a signed-in device, or of somebody who gave the right password or
/// proved the recovery key and has no device yet. Opens reading alone.
pub(crate) struct OwnAccount(pub(crate) AccountId);

impl FromRequestParts<Arc<App>> for OwnAccount {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let refusal = match SignedIn::from_request_parts(parts, app).await {
            Ok(signed_in) => return Ok(Self(signed_in.account())),
            Err(refusal) => refusal,
        };
        let Some(Bearer(token)) = Bearer::of(parts) else {
            return Err(refusal);
        };
        let found = app.db.find_pending_token(token_hash(&token), app.now()).await?;
        found.map(|(account, _)| Self(account)).ok_or(refusal)
    }
}

/// Somebody in a meeting place: a signed-in device, or whoever holds some other token. Whether it is the
/// place's, the place says.
pub(crate) struct AtLink(pub(crate) LinkSide);

impl FromRequestParts<Arc<App>> for AtLink {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        match SignedIn::from_request_parts(parts, app).await {
            Ok(signed_in) => Ok(Self(LinkSide::Device(signed_in.address()))),
            // An access token that has ended must not look like a place that is gone.
            Err(refusal) => match Bearer::of(parts) {
                Some(Bearer(token)) if !token.as_str().contains('.') => {
                    Ok(Self(LinkSide::Newcomer(token_hash(&token))))
                }
                _ => Err(refusal),
            },
        }
    }
}
