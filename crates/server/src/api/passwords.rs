//! A new password for somebody who is signed in and has just shown the old one.

use std::sync::Arc;

use axum::extract::State;
use conclave_auth::server::password_record;
use conclave_auth::statements::registration_statement;
use conclave_db::Noted;
use conclave_protocol::accounts::{PasswordChangeFinish, PasswordChangeStart, PasswordChangeStarted};
use conclave_protocol::logins::LoginsEnded;
use conclave_protocol::{Bytes, ErrorCode};

use crate::api::logins::{end_all, signature};
use crate::chains::chain_of;
use crate::error::ApiError;
use crate::extract::{Body, Fresh};
use crate::state::App;

/// What stands in the place of the invite in the statement that the device signs. No token has a space.
const PURPOSE: &str = "password change";

/// `POST /api/v1/account/password/start`
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    Fresh(signed_in): Fresh,
    Body(asked): Body<PasswordChangeStart>,
) -> Result<Body<PasswordChangeStarted>, ApiError> {
    let account = app.db.find_account(signed_in.account()).await?;
    let account = account.ok_or(ErrorCode::SignInNeeded)?;
    let opaque = app
        .opaque
        .register(account.username.as_str(), asked.opaque.as_slice())?;
    Ok(Body(PasswordChangeStarted {
        opaque: Bytes(opaque),
    }))
}

/// `POST /api/v1/account/password/finish`
pub(crate) async fn finish(
    State(app): State<Arc<App>>,
    Fresh(signed_in): Fresh,
    Body(asked): Body<PasswordChangeFinish>,
) -> Result<Body<LoginsEnded>, ApiError> {
    let record = password_record(asked.opaque.as_slice())?;
    let account = app.db.find_account(signed_in.account()).await?;
    let account = account.ok_or(ErrorCode::SignInNeeded)?;
    let statement = registration_statement(account.username.as_str(), PURPOSE, asked.opaque.as_slice());
    let chain = chain_of(&app, account.id).await?;
    let device = chain
        .device(signed_in.address().device)
        .ok_or(ErrorCode::DeviceRevoked)?;
    device
        .verify(&statement, &signature(&asked.signature)?)
        .map_err(|_| ErrorCode::WrongCredentials)?;
    let noted = Noted {
        actor: Some(account.id),
        act: "password changed",
        subject: account.id.to_string(),
        now: app.now(),
    };
    let but = asked.end_others.then(|| signed_in.login());
    let ended = app
        .db
        .change_password(account.id, account.password, &record, but, &noted)
        .await?;
    let ended = ended.ok_or(ErrorCode::WrongCredentials)?;
    Ok(Body(end_all(&app, &ended, ErrorCode::LoginRevoked)))
}
