//! Posts what other programs tell it into a room. The gateway is a member like any other: everybody sees it in the
//! list of people and can put it out, and it seals its messages itself. The chat's server sees none of them, so
//! the gateway belongs on a machine that may read the room.
//!
//! ```sh
//! conclave --data ./gateway register alerts 'https://chat.example.org/#/invite/…'
//! conclave --data ./gateway join 'https://chat.example.org/#/join/…'
//! WEBHOOK_SECRET=… cargo run -p conclave-sdk --example webhook_gateway -- \
//!     https://chat.example.org ./gateway 'Operations' 127.0.0.1:9000
//!
//! curl http://127.0.0.1:9000/ -H 'Authorization: Bearer …' -H 'Content-Type: application/json' \
//!     -d '{"text":"Disk of web-3 is at 91 %"}'
//! ```
//!
//! The answer is 202 with the message's id when the text is on the gateway's disk; it is sent as soon as the
//! server can be reached, once. A caller that repeats a request gives it an `Idempotency-Key`, a UUID: the same key
//! posts once. Put something that speaks TLS in front of it where the callers are on other machines.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use conclave_protocol::{EnvelopeId, RoomId};
use conclave_sdk::{Device, Options, SdkError};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

/// The longest request that is read. The engine has its own, shorter limit of a text.
const MAX_BODY: usize = 64 * 1024;
/// How long the server is waited for at the start.
const NEWS_WITHIN: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, folder, chat, listen] = arguments.as_slice() else {
        return Err("usage: WEBHOOK_SECRET=… webhook_gateway SERVER FOLDER CHAT ADDRESS:PORT".into());
    };
    let secret = std::env::var("WEBHOOK_SECRET").map_err(|_| "WEBHOOK_SECRET is not set")?;
    if secret.len() < 16 {
        return Err(
            "WEBHOOK_SECRET is shorter than 16 characters; make one with: openssl rand -hex 16".into(),
        );
    }
    let device = Device::open(Options::new(server, folder))?;
    // The name of a room that was just joined comes with the news.
    device.wait_until_settled(NEWS_WITHIN).await?;
    let room = room_called(&device, chat)
        .await?
        .ok_or("this account is in no chat, or in more than one, of that name; see: conclave chats")?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, routes(device.clone(), room, secret))
        .with_graceful_shutdown(async {
            // Without signals it runs until it is killed.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(device.close().await?)
}

/// The room of a chat by its name, if there is exactly one.
pub(crate) async fn room_called(device: &Device, title: &str) -> Result<Option<RoomId>, SdkError> {
    let mut rooms = device
        .list_chats()
        .await?
        .into_iter()
        .filter(|chat| chat.title.as_deref() == Some(title))
        .filter_map(|chat| chat.room.parse().ok());
    let first = rooms.next();
    Ok(if rooms.next().is_none() { first } else { None })
}

/// What the gateway answers with.
type Answer = (StatusCode, Json<Value>);

struct Gateway {
    device: Device,
    room: RoomId,
    secret: String,
}

/// The gateway's one route.
pub(crate) fn routes(device: Device, room: RoomId, secret: String) -> Router {
    Router::new()
        .route("/", post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(Gateway { device, room, secret }))
}

async fn receive(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: String) -> Answer {
    if !gateway.knows(&headers) {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "Send the header `Authorization: Bearer` with the secret.",
        );
    }
    let Some(text) = text_of(&body) else {
        return refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Send JSON with one text: {\"text\": \"…\"}.",
        );
    };
    let sent = match headers.get("idempotency-key") {
        None => gateway.device.send_text(gateway.room, &text).await,
        Some(key) => {
            let Some(id) = key.to_str().ok().and_then(|key| key.parse::<EnvelopeId>().ok()) else {
                return refusal(StatusCode::BAD_REQUEST, "Make the Idempotency-Key a UUID.");
            };
            gateway.device.send_text_once(gateway.room, id, &text).await
        }
    };
    match sent {
        Ok(id) => (StatusCode::ACCEPTED, Json(json!({ "id": id.to_string() }))),
        Err(SdkError::Failed(failure)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({ "error": failure.message, "code": failure.code })),
        ),
        Err(_) => refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "The gateway cannot write to its disk. Try again later.",
        ),
    }
}

impl Gateway {
    fn knows(&self, headers: &HeaderMap) -> bool {
        headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
            .is_some_and(|given| bool::from(given.ct_eq(self.secret.as_bytes())))
    }
}

fn text_of(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    let text = value.get("text")?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn refusal(status: StatusCode, text: &str) -> Answer {
    (status, Json(json!({ "error": text })))
}
