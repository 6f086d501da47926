//! Who is asking.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use conclave_protocol::{AccountId, DeviceAddress, ErrorCode};
use http::header;
use http::request::Parts;

use crate::access::{Holder, LoginId};
use crate::error::ApiError;
use crate::state::App;

/// A device with a valid access token whose login has not ended.
pub(crate) struct SignedIn(Holder);

impl SignedIn {
    pub(crate) fn account(&self) -> AccountId {
        self.0.address.account
    }

    pub(crate) fn address(&self) -> DeviceAddress {
        self.0.address
    }

    pub(crate) fn login(&self) -> LoginId {
        self.0.login
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let bearer = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let holder = bearer
            .and_then(|value| value.strip_prefix("Bearer "))
            .and_then(|token| app.access.verify(token.trim(), app.now()))
            .ok_or(ErrorCode::SignInNeeded)?;
        match app.revocations.why(&holder.login) {
            None => Ok(Self(holder)),
            Some(why) => Err(why.into()),
        }
    }
}

/// An administrator of this server: by the token, and still by the database.
pub(crate) struct Administrator(pub(crate) SignedIn);

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        if !signed_in.0.administrator {
            return Err(ErrorCode::Forbidden.into());
        }
        match app.db.find_account(signed_in.account()).await? {
            Some(account) if account.administrator => Ok(Self(signed_in)),
            _ => Err(ErrorCode::Forbidden.into()),
        }
    }
}
