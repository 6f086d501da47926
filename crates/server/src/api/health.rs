//! Whether the server runs and can do its work, and what it is.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use conclave_protocol::accounts::ServerInfo;
use conclave_protocol::{ErrorCode, PROTOCOL_VERSION};
use tokio::time::timeout;

use crate::error::ApiError;
use crate::extract::Body;
use crate::settings;
use crate::state::App;

/// Longer than this the database counts as away.
const PING_WITHIN: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process runs.
pub(crate) async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`: it can answer people.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.stopping.is_cancelled() {
        return Err(ErrorCode::Unavailable.into());
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
        registration: settings::registration(&app.db).await?,
    }))
}
