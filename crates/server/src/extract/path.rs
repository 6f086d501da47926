//! Ids in the path and values behind the question mark.

use axum::extract::{FromRequestParts, Path, Query};
use conclave_protocol::ErrorCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// What the path names; what is not an id names nothing.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| ErrorCode::NotFound)?;
        Ok(Self(path.0))
    }
}

/// The query's values.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state)
            .await
            .map_err(|_| ErrorCode::Malformed)?;
        Ok(Self(query.0))
    }
}
