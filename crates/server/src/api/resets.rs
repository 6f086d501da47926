//! Starting again under one's name with the password alone.
//!
//! Invariant: a password alone makes nobody a device of the old account, and gives no administration. It gives the name,
//! and what is sealed of the old account: its vault and the envelopes of its direct rooms, which only a password slot
//! opens. Contacts are told by their own devices that somebody else has it now. While a device of the
//! account was there not long ago nobody is reset, so that a stolen password cannot push out people who are there.

use std::sync::Arc;

use axum::extract::State;
use axum_extra::extract::CookieJar;
use conclave_auth::statements::reset_statement;
use conclave_db::{PendingKind, Reset};
use conclave_protocol::limits::REFRESH_TOKEN_IDLE_MS;
use conclave_protocol::logins::LoggedIn;
use conclave_protocol::resets::ResetIdentity;
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, ErrorCode, Timestamp};
use conclave_sigchain::{AccountChain, AccountEntry};

use crate::api::logins::{begin_login, signature};
use crate::chains::near;
use crate::error::{ApiError, code_of};
use crate::extract::{AskedFrom, Body, SameOrigin};
use crate::places;
use crate::state::{App, token_hash};

/// `POST /api/v1/resets`
pub(crate) async fn reset(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    AskedFrom(source): AskedFrom,
    cookies: CookieJar,
    Body(asked): Body<ResetIdentity>,
) -> Result<(CookieJar, Body<LoggedIn>), ApiError> {
    app.limits.sign_in(source)?;
    let now = app.now();
    let found = app.db.find_pending_token(token_hash(&asked.token), now).await?;
    let Some((account, PendingKind::Login)) = found else {
        return Err(ErrorCode::WrongCredentials.into());
    };
    let before = app.db.find_account(account).await?;
    let before = before
        .filter(|before| !before.closed && !before.suspended)
        .ok_or(ErrorCode::WrongCredentials)?;
    let genesis = AccountEntry::from_bytes(asked.genesis.as_slice())?;
    let chain = AccountChain::begin(&genesis)?;
    let address = DeviceAddress {
        account: chain.account(),
        device: DeviceId(0),
    };
    let device = chain.device(address.device).ok_or(ErrorCode::ChainRefused)?;
    let statement = reset_statement(
        before.username.as_str(),
        asked.token.as_str(),
        asked.genesis.as_slice(),
    );
    device.verify(&statement, &signature(&asked.signature)?)?;
    if !near(genesis.time, now) {
        return Err(ErrorCode::ChainRefused.into());
    }
    refuse_while_used(&app, account, now).await?;

    let username = before.username.clone();
    let reset = Reset {
        before,
        id: address.account,
        genesis: asked.genesis.0,
        recovery: *chain.recovery(),
        now,
    };
    let ended = app.db.reset_account(&reset).await?;
    for login in ended.ok_or(ErrorCode::WrongCredentials)? {
        app.end_login(login.id, login.address, ErrorCode::SignInNeeded);
    }
    tell_others(&app, account).await;
    begin_login(&app, cookies, address, username, false, asked.native).await
}

/// Those who share a room with the old account hear at once that somebody else has the name; others when they look.
async fn tell_others(app: &App, former: AccountId) {
    let mut watchers: Vec<AccountId> = places::fellows(app, former).await.into_iter().collect();
    match app.db.list_peers(former).await {
        Ok(peers) => watchers.extend(peers),
        Err(error) => {
            code_of(&error);
        }
    }
    watchers.sort_unstable();
    watchers.dedup();
    app.bus.chain_moved(former, &watchers);
}

/// Refuses while a device that is signed in was seen within the operator's pause, and says when to come back.
async fn refuse_while_used(app: &App, account: AccountId, now: Timestamp) -> Result<(), ApiError> {
    let pause = u64::from(app.config.reset_pause_hours).saturating_mul(60 * 60 * 1000);
    let in_force_since = Timestamp(now.0.saturating_sub(REFRESH_TOKEN_IDLE_MS));
    let devices = app.db.describe_devices(account, in_force_since).await?;
    let seen = devices.iter().filter(|device| device.signed_in);
    let Some(last) = seen.filter_map(|device| device.seen_at).max() else {
        return Ok(());
    };
    let free = last.plus(pause);
    if free <= now {
        return Ok(());
    }
    let seconds = free.since(now).div_ceil(1000);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    Err(ApiError::from(ErrorCode::ResetTooSoon).retry_after(seconds))
}
