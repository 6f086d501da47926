//! Somebody who has just shown that they are there: what is dangerous asks for it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use conclave_protocol::ErrorCode;
use conclave_protocol::limits::PROOF_LIFE_MS;
use http::request::Parts;

use super::{Administrator, SignedIn};
use crate::error::ApiError;
use crate::state::App;

/// A signed-in device whose login showed the password or the recovery key within the last ten minutes. Kept with the
/// login, so that a stolen access token of another one opens nothing.
pub(crate) struct Fresh(pub(crate) SignedIn);

/// An administrator of whom the same is true.
pub(crate) struct FreshAdministrator(pub(crate) SignedIn);

impl FromRequestParts<Arc<App>> for Fresh {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        check(app, &signed_in).await?;
        Ok(Self(signed_in))
    }
}

impl FromRequestParts<Arc<App>> for FreshAdministrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Administrator(signed_in) = Administrator::from_request_parts(parts, app).await?;
        check(app, &signed_in).await?;
        Ok(Self(signed_in))
    }
}

/// Refuses a login without a fresh proof.
pub(crate) async fn check(app: &App, signed_in: &SignedIn) -> Result<(), ApiError> {
    let proved_at = app.db.find_proof(signed_in.login()).await?;
    let fresh = proved_at.is_some_and(|time| app.now().since(time) <= PROOF_LIFE_MS);
    fresh
        .then_some(())
        .ok_or_else(|| ErrorCode::FreshSignInNeeded.into())
}
