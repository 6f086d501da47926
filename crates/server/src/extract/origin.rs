//! Keeps other websites out of what a cookie or a socket opens.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use conclave_protocol::ErrorCode;
use http::request::Parts;
use http::{HeaderMap, Uri, header};

use crate::error::ApiError;
use crate::state::App;

/// The request comes from our own pages, or from no page at all: a browser names the origin of every page
/// that posts or opens a socket, and no page can change that.
pub(crate) struct SameOrigin;

impl FromRequestParts<Arc<App>> for SameOrigin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Some(origin) = parts.headers.get(header::ORIGIN) else {
            return Ok(Self);
        };
        let origin = origin.to_str().map_err(|_| ErrorCode::OriginRefused)?;
        let ours = origin.eq_ignore_ascii_case(app.public.origin())
            || host(&parts.headers, &parts.uri).is_some_and(|host| is_of_host(origin, host));
        if ours {
            Ok(Self)
        } else {
            Err(ErrorCode::OriginRefused.into())
        }
    }
}

/// The host that the request was sent to.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    uri.authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()))
}

fn is_of_host(origin: &str, host: &str) -> bool {
    let authority = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_belongs_to_its_own_host_only() {
        assert!(is_of_host("https://chat.example.org", "chat.example.org"));
        assert!(is_of_host("http://127.0.0.1:8080", "127.0.0.1:8080"));
        for foreign in [
            "null",
            "https://evil.example",
            "https://chat.example.org.evil.example",
            "chat.example.org",
        ] {
            assert!(!is_of_host(foreign, "chat.example.org"), "{foreign}");
        }
        assert!(!is_of_host("http://127.0.0.1:9", "127.0.0.1:8080"));
    }
}
