//! The own account's second step of sign-in: begin, confirm, new backup codes, off.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::Noted;
use conclave_protocol::second_step::{BackupCodes, SecondStepBegun, SecondStepConfirm, SecondStepFound};
use conclave_protocol::{AccountId, ErrorCode};
use http::StatusCode;

use crate::error::ApiError;
use crate::extract::{Body, Fresh, SignedIn};
use crate::second_step::{backup_codes, begin as begin_secret, link, step_of};
use crate::state::App;

/// `GET /api/v1/account/second-step`
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<SecondStepFound>, ApiError> {
    let found = app.db.find_second_step(signed_in.account()).await?;
    let on = found.filter(|step| step.on_since.is_some());
    Ok(Body(SecondStepFound {
        on: on.is_some(),
        since: on.as_ref().and_then(|step| step.on_since).map(|time| time.0),
        backup_codes: on.map(|step| step.backup_codes).unwrap_or_default(),
    }))
}

/// `POST /api/v1/account/second-step`: a secret, which counts once a code of it came.
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    Fresh(signed_in): Fresh,
) -> Result<Body<SecondStepBegun>, ApiError> {
    let account = app.db.find_account(signed_in.account()).await?;
    let account = account.ok_or(ErrorCode::SignInNeeded)?;
    let begun = begin_secret(&app.second_steps, account.id)?;
    if !app.db.begin_second_step(account.id, &begun.sealed).await? {
        return Err(ErrorCode::SecondStepOn.into());
    }
    Ok(Body(SecondStepBegun {
        link: link(&app.config.name, account.username.as_str(), &begun.text),
        secret: begun.text,
    }))
}

/// `POST /api/v1/account/second-step/confirm`
pub(crate) async fn confirm(
    State(app): State<Arc<App>>,
    Fresh(signed_in): Fresh,
    Body(asked): Body<SecondStepConfirm>,
) -> Result<Body<BackupCodes>, ApiError> {
    let account = signed_in.account();
    app.limits.second_step(account)?;
    let found = app.db.find_second_step(account).await?;
    let begun = found.ok_or(ErrorCode::NotFound)?;
    if begun.on_since.is_some() {
        return Err(ErrorCode::SecondStepOn.into());
    }
    let step = step_of(&app.second_steps, account, &begun.secret, &asked.code, app.now())?;
    let step = step.ok_or(ErrorCode::SecondStepWrong)?;
    let (codes, hashes) = backup_codes(&app.second_steps);
    let noted = noted(&app, account, "second step on");
    if !app.db.confirm_second_step(account, step, &hashes, &noted).await? {
        return Err(ErrorCode::SecondStepOn.into());
    }
    Ok(Body(BackupCodes { codes }))
}

/// `POST /api/v1/account/second-step/backup-codes`: new ones in the place of those before.
pub(crate) async fn renew_codes(
    State(app): State<Arc<App>>,
    Fresh(signed_in): Fresh,
) -> Result<Body<BackupCodes>, ApiError> {
    let account = signed_in.account();
    let (codes, hashes) = backup_codes(&app.second_steps);
    let noted = noted(&app, account, "backup codes replaced");
    if !app.db.replace_backup_codes(account, &hashes, &noted).await? {
        return Err(ErrorCode::NotFound.into());
    }
    Ok(Body(BackupCodes { codes }))
}

/// `DELETE /api/v1/account/second-step`
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Fresh(signed_in): Fresh,
) -> Result<StatusCode, ApiError> {
    let noted = noted(&app, signed_in.account(), "second step off");
    app.db.end_second_step(signed_in.account(), &noted).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn noted(app: &App, account: AccountId, act: &'static str) -> Noted {
    Noted {
        actor: Some(account),
        act,
        subject: account.to_string(),
        now: app.now(),
    }
}
