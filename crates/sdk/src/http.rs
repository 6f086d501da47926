//! HTTP requests of the engine.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conclave_client::{HttpCall, HttpOutcome};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::tls::{Connector, with_causes};
use crate::{Direction, ServerAddress, Tap};

/// From the first byte sent to the last received.
const WITHIN: Duration = Duration::from_secs(30);
/// Largest answer: a page of the largest envelopes in base64, with room.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// Requests of one device at a time.
const AT_ONCE: usize = 8;
/// How this program names itself.
const AGENT: &str = concat!("conclave/", env!("CARGO_PKG_VERSION"));

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes requests to one server. Redirections are not followed: a token goes to its server or nowhere.
#[derive(Clone)]
pub(crate) struct HttpDoor {
    client: Client<Connector, Full<Bytes>>,
    address: ServerAddress,
    permits: Arc<Semaphore>,
    tap: Option<Tap>,
}

impl HttpDoor {
    pub(crate) fn new(connector: Connector, address: ServerAddress, tap: Option<Tap>) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self {
            client,
            address,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            tap,
        }
    }

    /// Makes one request. Whatever keeps it from an answer is the same to the engine.
    pub(crate) async fn call(&self, call: HttpCall) -> HttpOutcome {
        let Ok(_permit) = self.permits.acquire().await else {
            return HttpOutcome::Unreachable;
        };
        let (id, method, area) = (call.id, call.method.as_str(), area(&call.path).to_owned());
        match timeout(WITHIN, self.answer(call)).await {
            Ok(Ok((status, body))) => {
                tracing::debug!(id, method, area, status, "a request was answered");
                HttpOutcome::Answered { status, body }
            }
            Ok(Err(error)) => {
                let reason = with_causes(error.as_ref());
                tracing::debug!(id, method, area, reason, "a request got no answer");
                HttpOutcome::Unreachable
            }
            Err(_) => {
                tracing::debug!(id, method, area, "a request took too long");
                HttpOutcome::Unreachable
            }
        }
    }

    async fn answer(&self, call: HttpCall) -> Result<(u16, Vec<u8>), Failure> {
        let request = self.request(call)?;
        let response: Response<_> = self.client.request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_MAX)
            .collect()
            .await?
            .to_bytes();
        if let Some(tap) = &self.tap {
            tap(Direction::Received, &body);
        }
        Ok((status, body.into()))
    }

    fn request(&self, call: HttpCall) -> Result<Request<Full<Bytes>>, Failure> {
        let uri = self.address.http(&call.path).ok_or("the path has no form")?;
        let mut request = Request::builder().method(call.method.as_str()).uri(uri);
        if let Some(headers) = request.headers_mut() {
            headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            if let Some(bearer) = &call.bearer {
                let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.as_str()))?;
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
            if call.body.is_some() {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
        }
        let body = call.body.map(|body| Bytes::from(body.0)).unwrap_or_default();
        if let Some(tap) = self.tap.as_ref().filter(|_| !body.is_empty()) {
            tap(Direction::Sent, &body);
        }
        Ok(request.body(Full::new(body))?)
    }
}

/// What a request is about, for the log: who it is about stays out.
fn area(path: &str) -> &str {
    path.trim_start_matches("/api/v1/")
        .split(['/', '?'])
        .next()
        .unwrap_or_default()
}
