//! A server that plays tricks: between the devices and the real server it sees and changes whatever a server sees
//! and may change. It holds no key, so what it brings about any hostile server could.
//!
//! It passes everything on until a story gives it a trick. Tricks look at a whole answer of the REST interface or
//! at a frame of the live connection, and know whose it is: the server always does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use conclave_protocol::bytes::from_base64;
use conclave_protocol::frames::{ClientFrame, ServerFrame};
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, Token};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message as RealMessage;

/// Largest body that is passed on.
const BODY_MAX: usize = 4 * 1024 * 1024;
/// Frames that wait to be injected into a connection.
const INJECTED: usize = 64;

/// Whose request or frame it is; none before they signed in.
pub type Traveller = Option<DeviceAddress>;

type AnswerTrick = Box<dyn FnMut(Traveller, &str, &mut Value) + Send>;
type QuestionTrick = Box<dyn FnMut(Traveller, &str, &mut Value) + Send>;
type DeliveryTrick = Box<dyn FnMut(Traveller, ServerFrame) -> Vec<ServerFrame> + Send>;
type Loss = Box<dyn FnMut() -> bool + Send>;
type SendTrick = Box<dyn FnMut(Traveller, ClientFrame) -> Vec<ClientFrame> + Send>;

/// The hostile server. Clones are the same one.
#[derive(Clone)]
pub struct Hostile {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    real: SocketAddr,
    client: Client<HttpConnector, Body>,
    tricks: Mutex<Tricks>,
}

#[derive(Default)]
struct Tricks {
    answer: Option<AnswerTrick>,
    question: Option<QuestionTrick>,
    delivery: Option<DeliveryTrick>,
    send: Option<SendTrick>,
    loss: Option<Loss>,
    /// Whose socket ticket it is.
    tickets: Vec<(Token, DeviceAddress)>,
    /// Ways into open connections.
    open: Vec<(Traveller, mpsc::Sender<ServerFrame>)>,
}

impl Hostile {
    pub(crate) async fn before(real: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let inner = Arc::new(Inner {
            real,
            client: Client::builder(TokioExecutor::new()).build_http(),
            tricks: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inner }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes answers of the REST interface: `trick` gets whose request it was, its path and the answer.
    pub fn answers(&self, trick: impl FnMut(Traveller, &str, &mut Value) + Send + 'static) {
        self.inner.tricks().answer = Some(Box::new(trick));
    }

    /// Changes what devices send to the REST interface.
    pub fn hears(&self, trick: impl FnMut(Traveller, &str, &mut Value) + Send + 'static) {
        self.inner.tricks().question = Some(Box::new(trick));
    }

    /// Changes, doubles or drops what is delivered over live connections.
    pub fn delivers(&self, trick: impl FnMut(Traveller, ServerFrame) -> Vec<ServerFrame> + Send + 'static) {
        self.inner.tricks().delivery = Some(Box::new(trick));
    }

    /// Changes, doubles or drops what devices send over live connections.
    pub fn takes(&self, trick: impl FnMut(Traveller, ClientFrame) -> Vec<ClientFrame> + Send + 'static) {
        self.inner.tricks().send = Some(Box::new(trick));
    }

    /// Loses what is under way, as a bad network does, whenever `loss` says so: a request before it arrived or after it
    /// was answered, a live connection with a frame in either direction.
    pub fn loses(&self, loss: impl FnMut() -> bool + Send + 'static) {
        self.inner.tricks().loss = Some(Box::new(loss));
    }

    /// Says something to a device that is connected, out of nothing.
    pub async fn says(&self, device: DeviceAddress, frame: ServerFrame) {
        let open: Vec<_> = {
            let tricks = self.inner.tricks();
            let open = tricks.open.iter().filter(|(whose, _)| *whose == Some(device));
            open.map(|(_, way)| way.clone()).collect()
        };
        for way in open {
            // A connection that ended meanwhile hears nothing.
            let _ = way.send(frame.clone()).await;
        }
    }

    /// Plays no trick any more.
    pub fn behaves(&self) {
        let mut tricks = self.inner.tricks();
        tricks.answer = None;
        tricks.question = None;
        tricks.delivery = None;
        tricks.send = None;
        tricks.loss = None;
    }
}

impl Inner {
    /// A story whose trick panicked is told by that panic; the others go on.
    fn tricks(&self) -> std::sync::MutexGuard<'_, Tricks> {
        self.tricks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is under way now gets lost.
    fn is_lost(&self) -> bool {
        self.tricks().loss.as_mut().is_some_and(|loss| loss())
    }
}

async fn pass(
    State(inner): State<Arc<Inner>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    if let Ok(upgrade) = upgrade {
        return upgrade.on_upgrade(move |socket| pass_frames(inner, socket));
    }
    match pass_request(&inner, request).await {
        Ok(response) => response,
        Err(reason) => (StatusCode::BAD_GATEWAY, reason).into_response(),
    }
}

async fn pass_request(inner: &Inner, request: Request) -> Result<Response, String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let (mut parts, body) = request.into_parts();
    let traveller = bearer(parts.headers.get(header::AUTHORIZATION));
    let path = parts.uri.path().to_owned();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    parts.uri = format!("http://{}{target}", inner.real)
        .parse::<Uri>()
        .map_err(|error| failed(&error))?;
    parts.headers.remove(header::HOST);
    parts.headers.remove(header::CONTENT_LENGTH);
    let body = to_bytes(body, BODY_MAX).await.map_err(|error| failed(&error))?;
    if inner.is_lost() {
        return Err("lost before it arrived".to_owned());
    }
    let body = change(body, |value| {
        if let Some(trick) = &mut inner.tricks().question {
            trick(traveller, &path, value);
        }
    });
    let request = Request::from_parts(parts, Body::from(body));
    let answer = inner
        .client
        .request(request)
        .await
        .map_err(|error| failed(&error))?;
    let (mut parts, body) = answer.into_parts();
    let body = to_bytes(Body::new(body), BODY_MAX)
        .await
        .map_err(|error| failed(&error))?;
    if inner.is_lost() {
        return Err("lost after it was answered".to_owned());
    }
    let body = change(body, |value| {
        let mut tricks = inner.tricks();
        if let Some(trick) = &mut tricks.answer {
            trick(traveller, &path, value);
        }
        if path.ends_with("/ws/ticket")
            && let (Some(device), Some(ticket)) = (traveller, value.get("ticket").and_then(Value::as_str))
        {
            tricks.tickets.push((Token(ticket.to_owned()), device));
        }
    });
    parts.headers.remove(header::TRANSFER_ENCODING);
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// A JSON body after a trick; any other body as it is.
fn change(body: Bytes, trick: impl FnOnce(&mut Value)) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    let before = value.clone();
    trick(&mut value);
    if value == before {
        body
    } else {
        Bytes::from(value.to_string())
    }
}

/// Who an access token speaks for: any server can read its own tokens.
fn bearer(header: Option<&HeaderValue>) -> Traveller {
    let token = header?.to_str().ok()?.strip_prefix("Bearer ")?;
    let claims = from_base64(token.split('.').nth(1)?)?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let account: AccountId = claims.get("sub")?.as_str()?.parse().ok()?;
    let device = u32::try_from(claims.get("device")?.as_u64()?).ok()?;
    Some(DeviceAddress {
        account,
        device: DeviceId(device),
    })
}

async fn pass_frames(inner: Arc<Inner>, device: WebSocket) {
    let Ok((real, _)) = tokio_tungstenite::connect_async(format!("ws://{}/api/v1/ws", inner.real)).await
    else {
        return;
    };
    let (mut to_real, mut from_real) = real.split();
    let (mut to_device, mut from_device) = device.split();
    let (way, mut injected) = mpsc::channel(INJECTED);
    let mut traveller = None;
    loop {
        tokio::select! {
            message = from_device.next() => {
                let Some(Ok(Message::Binary(bytes))) = message else {
                    if matches!(message, Some(Ok(Message::Ping(_) | Message::Pong(_)))) { continue }
                    break;
                };
                let frames = match ClientFrame::from_bytes(&bytes) {
                    Ok(frame) => {
                        let mut tricks = inner.tricks();
                        if let ClientFrame::Hello(hello) = &frame {
                            traveller = tricks.tickets.iter().find(|(ticket, _)| *ticket == hello.ticket)
                                .map(|(_, device)| *device);
                            tricks.open.push((traveller, way.clone()));
                        }
                        match &mut tricks.send {
                            Some(trick) => trick(traveller, frame),
                            None => vec![frame],
                        }
                    }
                    Err(_) => Vec::new(),
                };
                if inner.is_lost() { return }
                for frame in frames {
                    if to_real.send(RealMessage::binary(frame.to_bytes())).await.is_err() { return }
                }
            }
            message = from_real.next() => {
                let Some(Ok(RealMessage::Binary(bytes))) = message else {
                    if matches!(message, Some(Ok(RealMessage::Ping(_) | RealMessage::Pong(_)))) { continue }
                    break;
                };
                let frames = match ServerFrame::from_bytes(&bytes) {
                    Ok(frame) => match &mut inner.tricks().delivery {
                        Some(trick) => trick(traveller, frame),
                        None => vec![frame],
                    },
                    Err(_) => Vec::new(),
                };
                if inner.is_lost() { return }
                for frame in frames {
                    if to_device.send(Message::Binary(frame.to_bytes().into())).await.is_err() { return }
                }
            }
            Some(frame) = injected.recv() => {
                let frame: ServerFrame = frame;
                if to_device.send(Message::Binary(frame.to_bytes().into())).await.is_err() { return }
            }
        }
    }
    let _ = to_real.close().await;
    let _ = to_device.close().await;
}
