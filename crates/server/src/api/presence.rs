//! What the own account chose about signals and receipts.

use std::sync::Arc;

use axum::extract::State;
use conclave_protocol::presence::Choices;
use http::StatusCode;

use crate::error::ApiError;
use crate::extract::{Body, SignedIn};
use crate::state::App;

/// `GET /api/v1/account/presence`
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<Choices>, ApiError> {
    Ok(Body(app.db.find_choices(signed_in.account()).await?))
}

/// `PUT /api/v1/account/presence`: in force when it is answered.
pub(crate) async fn choose(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(choices): Body<Choices>,
) -> Result<StatusCode, ApiError> {
    let account = signed_in.account();
    app.limits.choice(account)?;
    app.db.put_choices(account, choices).await?;
    app.signals.choose(account, choices);
    app.hub.tell_choices(account, choices);
    Ok(StatusCode::NO_CONTENT)
}
