//! Where a server is asked, over a connection for each request, and what it answers. The server may be away: that is
//! an answer too.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use conclave_protocol::{ErrorCode, Problem, Token};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything takes that is not stuck.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door(pub(crate) SocketAddr);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.retry_after();
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{}, retry after {after:?}: {body}", self.status)
    }
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{self:?}");
        serde_json::from_slice(&self.body).expect("an answer of the protocol")
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        let problem: Problem = serde_json::from_slice(&self.body).ok()?;
        Some(problem.code)
    }

    /// Seconds after which to try again.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.headers.get("retry-after")?.to_str().ok()?.parse().ok()
    }
}

impl Door {
    /// The answer, or none where nobody answers or the answer breaks off.
    pub(crate) async fn try_ask(
        self,
        method: Method,
        path: &str,
        access: Option<&Token>,
        body: Option<Vec<u8>>,
    ) -> Option<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.0.to_string());
        if let Some(access) = access {
            request = request.header("authorization", format!("Bearer {}", access.as_str()));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request
            .body(Full::<Bytes>::from(body.unwrap_or_default()))
            .expect("a request");
        let asked = async {
            let stream = TcpStream::connect(self.0).await.ok()?;
            let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            let (mut sender, connection) = handshake.ok()?;
            tokio::spawn(connection);
            let (parts, body) = sender.send_request(request).await.ok()?.into_parts();
            Some(Answer {
                status: parts.status,
                headers: parts.headers,
                body: body.collect().await.ok()?.to_bytes(),
            })
        };
        timeout(PATIENCE, asked)
            .await
            .expect("no request is left hanging")
    }

    pub(crate) async fn try_get(self, path: &str, access: Option<&Token>) -> Option<Answer> {
        self.try_ask(Method::GET, path, access, None).await
    }

    pub(crate) async fn try_post(
        self,
        path: &str,
        access: Option<&Token>,
        body: &impl Serialize,
    ) -> Option<Answer> {
        let body = serde_json::to_vec(body).expect("a body");
        self.try_ask(Method::POST, path, access, Some(body)).await
    }

    /// As [`Self::try_get`], of a server that is there.
    pub(crate) async fn get(self, path: &str, access: Option<&Token>) -> Answer {
        self.try_get(path, access).await.expect("an answer")
    }

    /// As [`Self::try_post`], of a server that is there.
    pub(crate) async fn post(self, path: &str, access: Option<&Token>, body: &impl Serialize) -> Answer {
        self.try_post(path, access, body).await.expect("an answer")
    }
}
