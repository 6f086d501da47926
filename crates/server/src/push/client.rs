//! One request to a push service. It follows no redirect, reads no body, resolves names itself and goes to no address
//! that is not public.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use conclave_protocol::Timestamp;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use tokio::net::lookup_host;
use tokio::time::timeout;
use tower::Service;

use super::services::{Endpoint, is_public};

/// Time for one address to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Time for the whole request.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Connections that wait for the next request, to one push service.
const IDLE_MAX: usize = 4;
/// How long they wait.
const IDLE: Duration = Duration::from_mins(1);

pub(super) struct Client(Hyper<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>);

/// What a push service said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It carries it.
    Taken,
    /// It knows this address no more.
    Gone,
    /// Not now; after so many milliseconds, where it said so.
    Later(Option<u64>),
    /// Not this, whenever it is sent.
    Refused,
}

/// A message for a push service.
pub(super) struct Message {
    pub(super) authorization: String,
    /// Seconds for which it is kept for a browser that is away.
    pub(super) life: u64,
    /// It may wait until the machine is in use.
    pub(super) softly: bool,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn new(loopback: bool) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut tcp = HttpConnector::new_with_resolver(Resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_WITHIN));
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_native_roots()?
            .with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(config);
        let connector = if loopback {
            builder.https_or_http().enable_http1().wrap_connector(tcp)
        } else {
            builder.https_only().enable_http1().wrap_connector(tcp)
        };
        let client = Hyper::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .build(connector);
        Ok(Self(client))
    }

    pub(super) async fn send(&self, endpoint: &Endpoint, message: Message, now: Timestamp) -> Said {
        let request = Request::builder()
            .method(Method::POST)
            .uri(endpoint.uri.clone())
            .header(header::AUTHORIZATION, message.authorization)
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header("ttl", message.life)
            .header("urgency", if message.softly { "normal" } else { "high" })
            // What waits for a browser that is away is replaced: one wake says all that ten do.
            .header("topic", "wake")
            .body(Full::new(Bytes::from(message.body)));
        let Ok(request) = request else {
            return Said::Refused;
        };
        match timeout(ANSWER_WITHIN, self.0.request(request)).await {
            // The body is not read.
            Ok(Ok(response)) => said(response.status(), response.headers(), now),
            Ok(Err(_)) | Err(_) => Said::Later(None),
        }
    }
}

fn said(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Said {
    match status.as_u16() {
        200..=299 => Said::Taken,
        404 | 410 => Said::Gone,
        429 | 500..=599 => Said::Later(retry_after(headers, now)),
        // Redirects, too: who carries a push stands in its address.
        _ => Said::Refused,
    }
}

/// Milliseconds to wait, said in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    let at = u64::try_from(since.as_millis()).ok()?;
    Some(at.saturating_sub(now.0))
}

/// Resolves names to public addresses.
#[derive(Clone, Debug)]
struct Resolver;

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "no public address",
                ));
            }
            Ok(public.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(784_111_777_000);

    fn answer(status: u16, after: Option<&str>) -> Said {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, after.parse().unwrap());
        }
        said(StatusCode::from_u16(status).unwrap(), &headers, NOW)
    }

    #[test]
    fn an_answer_says_whether_it_was_taken_is_gone_or_comes_again() {
        assert_eq!(answer(201, None), Said::Taken);
        assert_eq!(answer(404, None), Said::Gone);
        assert_eq!(answer(410, None), Said::Gone);
        assert_eq!(answer(429, Some("120")), Said::Later(Some(120_000)));
        assert_eq!(
            answer(503, Some("Sun, 06 Nov 1994 08:50:37 GMT")),
            Said::Later(Some(60_000))
        );
        assert_eq!(answer(503, Some("soon")), Said::Later(None));
        assert_eq!(answer(500, None), Said::Later(None));
        for refused in [302, 307, 400, 401, 403, 413] {
            assert_eq!(answer(refused, None), Said::Refused, "{refused}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_into_this_machine_is_not_followed() {
        let name: Name = "localhost".parse().unwrap();
        let refused = Resolver.call(name).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }
}
