//! From a request to a socket.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use conclave_protocol::ErrorCode;
use conclave_protocol::limits::FRAME_MAX;

use super::connection;
use crate::error::ApiError;
use crate::extract::SameOrigin;
use crate::state::App;

/// What the socket library takes in before it gives up by itself. It lies over [`FRAME_MAX`], so that a frame
/// that is a little too large is read and its connection told why it ends.
const HARD_MAX: usize = 2 * FRAME_MAX;

/// What the socket library reads at once: a connection holds it for as long as it lives, and most are quiet.
const READ_BUFFER: usize = 8 * 1024;
/// What the socket library gathers before it writes: small, because it is held once more for a reader that is stuck.
const WRITE_BUFFER: usize = 16 * 1024;

/// `GET /api/v1/ws`: the ticket comes in the first frame, so no secret stands in the address.
pub(crate) async fn upgrade(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    if app.stopping.is_cancelled() {
        return Err(ApiError::from(ErrorCode::Unavailable).retry_after(2));
    }
    let upgrade = upgrade.map_err(|_| ErrorCode::Malformed)?;
    let tasks = app.tasks.clone();
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(HARD_MAX)
        .max_frame_size(HARD_MAX)
        .on_upgrade(move |socket| tasks.track_future(connection::run(app, socket))))
}
