//! A JSON body.

use axum::extract::FromRequest;
use axum::extract::rejection::BytesRejection;
use axum::extract::rejection::FailedToBufferBody;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use conclave_protocol::{ErrorCode, Username};
use http::{HeaderMap, Request, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// JSON in and out.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<axum::body::Body>, state: &S) -> Result<Self, ApiError> {
        // A form of another website cannot send this type without asking first, so this is also a fence.
        if !is_json(request.headers()) {
            return Err(ErrorCode::Malformed.into());
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| match rejection {
                BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                    ErrorCode::TooLarge
                }
                _ => ErrorCode::Malformed,
            })?;
        match serde_json::from_slice(&bytes) {
            Ok(body) => Ok(Self(body)),
            Err(_) if names_nobody(&bytes) => Err(ErrorCode::UsernameInvalid.into()),
            Err(_) => Err(ErrorCode::Malformed.into()),
        }
    }
}

impl<T: Serialize> IntoResponse for Body<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => (
                StatusCode::OK,
                [(header::CONTENT_TYPE, "application/json")],
                bytes,
            )
                .into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                ApiError::from(ErrorCode::Internal).into_response()
            }
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    kind.split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Whether what is wrong with a body is its username, which a person can put right.
fn names_nobody(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Named {
        username: String,
    }
    serde_json::from_slice::<Named>(bytes).is_ok_and(|named| named.username.parse::<Username>().is_err())
}
