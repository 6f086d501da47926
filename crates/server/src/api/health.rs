//! Whether the server runs and can do its work, and what it is.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use conclave_protocol::accounts::ServerInfo;
use conclave_protocol::{ErrorCode, PROTOCOL_VERSION};
use http::header;
use tokio::time::{Instant, timeout};

use crate::error::ApiError;
use crate::extract::Body;
use crate::measuring::{self, Moment};
use crate::settings;
use crate::state::App;

/// Longer than this the database counts as away.
const PING_WITHIN: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process runs.
pub(crate) async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`: it can answer people, and store what they send.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.stopping.is_cancelled() || !app.writer.is_open() {
        return Err(ErrorCode::Unavailable.into());
    }
    if app.health.storage_is_full() {
        return Err(ErrorCode::StorageFull.into());
    }
    match timeout(PING_WITHIN, app.db.ping()).await {
        Ok(answer) => Ok(answer.map(|()| "ready")?),
        Err(_) => Err(ErrorCode::Unavailable.into()),
    }
}

/// `GET /api/v1/server`
pub(crate) async fn server(State(app): State<Arc<App>>) -> Result<Body<ServerInfo>, ApiError> {
    let needs_setup = app.needs_setup().await?;
    Ok(Body(ServerInfo {
        name: app.config.name.clone(),
        protocol: PROTOCOL_VERSION,
        needs_setup,
        restore: app.restore.map(|restore| restore.epoch),
        registration: settings::registration(&app.db).await?,
    }))
}

/// `GET /metrics`, on the second listener.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let Some(handle) = measuring::begin() else {
        return ApiError::from(ErrorCode::Internal).into_response();
    };
    let began = Instant::now();
    let answered = timeout(PING_WITHIN, app.db.ping()).await;
    let moment = Moment {
        writer_queue: app.writer.queue(),
        database: matches!(answered, Ok(Ok(()))).then(|| began.elapsed()),
        storage_full: app.health.storage_is_full(),
    };
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, measuring::render(handle, &moment)).into_response()
}
