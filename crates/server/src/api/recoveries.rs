//! Coming back to an account with the recovery key alone.
//!
//! Invariant: until the key has proved itself, a handle that nobody has is asked for, looked up, kept and
//! checked by the same steps as one that somebody has.

use std::sync::Arc;

use axum::extract::State;
use axum_extra::extract::CookieJar;
use conclave_auth::server::password_record;
use conclave_auth::statements::{recovery_proof_statement, recovery_statement};
use conclave_db::{PendingKind, PendingToken, RecoveryAttempt};
use conclave_protocol::limits::{ENTRIES_PAGE, PENDING_LOGIN_LIFE_MS};
use conclave_protocol::logins::LoggedIn;
use conclave_protocol::recoveries::{
    RecoveryFinish, RecoveryProof, RecoveryProved, RecoveryStart, RecoveryStarted,
};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, ErrorCode};
use conclave_sigchain::{AccountBody, AccountEntry, Author};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

use crate::api::logins::{begin_login, signature};
use crate::chains::{Offered, chain_of, entries, judge, store};
use crate::error::ApiError;
use crate::extract::{AskedFrom, Body, SameOrigin};
use crate::randomness;
use crate::state::{App, token_hash};

/// Time between the first two requests: a signature takes no time, but the words may still have to be stretched.
const ATTEMPT_LIFE_MS: u64 = 2 * 60 * 1000;

/// `POST /api/v1/recoveries/start`
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    AskedFrom(source): AskedFrom,
    Body(asked): Body<RecoveryStart>,
) -> Result<Body<RecoveryStarted>, ApiError> {
    app.limits.sign_in(source)?;
    tokio::time::sleep(app.limits.slowing(&asked.username)).await;

    // Made whether it is needed or not, so that the time does not say which.
    let nobodys = SigningKey::from_bytes(&randomness::bytes())
        .verifying_key()
        .to_bytes();
    let found = app.db.find_recovery(&asked.username).await?;
    let attempt = randomness::token();
    let now = app.now();
    let kept = RecoveryAttempt {
        id: token_hash(&attempt),
        account: found.map(|(account, _)| account),
        key: found.map_or(nobodys, |(_, key)| key),
        expires: now.plus(ATTEMPT_LIFE_MS),
    };
    app.db.insert_recovery_attempt(&kept).await?;
    Ok(Body(RecoveryStarted { attempt, time: now.0 }))
}

/// `POST /api/v1/recoveries/prove`
pub(crate) async fn prove(
    State(app): State<Arc<App>>,
    AskedFrom(source): AskedFrom,
    Body(asked): Body<RecoveryProof>,
) -> Result<Body<RecoveryProved>, ApiError> {
    app.limits.sign_in(source)?;
    let attempt = app
        .db
        .claim_recovery_attempt(token_hash(&asked.attempt), app.now())
        .await?
        .ok_or(ErrorCode::WrongCredentials)?;
    let account = app
        .db
        .find_account(attempt.account.unwrap_or(AccountId([0; 32])))
        .await?;
    let username = account.as_ref().map_or("", |account| account.username.as_str());
    let statement = recovery_proof_statement(username, asked.attempt.as_str());
    let proved = signature(&asked.signature).is_ok_and(|signature| {
        VerifyingKey::from_bytes(&attempt.key).is_ok_and(|key| {
            key.verify_strict(&statement, &Signature::from_bytes(&signature))
                .is_ok()
        })
    });
    let account = account.filter(|_| proved).ok_or(ErrorCode::WrongCredentials)?;
    if account.closed {
        return Err(ErrorCode::AccountClosed.into());
    }
    if account.suspended {
        return Err(ErrorCode::AccountSuspended.into());
    }
    let chain = chain_of(&app, account.id).await?;
    if *chain.recovery() != attempt.key {
        // Another recovery key has taken over since.
        return Err(ErrorCode::WrongCredentials.into());
    }

    let opaque = app
        .opaque
        .register(account.username.as_str(), asked.opaque.as_slice())?;
    let token = randomness::token();
    app.db
        .insert_pending_token(&PendingToken {
            id: token_hash(&token),
            account: account.id,
            kind: PendingKind::Recovery,
            password: account.password,
            expires: app.now().plus(PENDING_LOGIN_LIFE_MS),
        })
        .await?;
    Ok(Body(RecoveryProved {
        account: account.id,
        entries: entries(&app, account.id, None, ENTRIES_PAGE).await?,
        token,
        opaque: Bytes(opaque),
    }))
}

/// `POST /api/v1/recoveries/finish`: the device, the new password and the end of the old one, or nothing.
pub(crate) async fn finish(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    AskedFrom(source): AskedFrom,
    cookies: CookieJar,
    Body(asked): Body<RecoveryFinish>,
) -> Result<(CookieJar, Body<LoggedIn>), ApiError> {
    app.limits.sign_in(source)?;
    let found = app
        .db
        .find_pending_token(token_hash(&asked.token), app.now())
        .await?;
    let Some((account, PendingKind::Recovery)) = found else {
        return Err(ErrorCode::WrongCredentials.into());
    };
    let entry = AccountEntry::from_bytes(asked.entry.as_slice())?;
    if entry.author != Author::Recovery || !matches!(entry.body, AccountBody::AddDevice { .. }) {
        return Err(ErrorCode::ChainRefused.into());
    }
    let record = password_record(asked.opaque.as_slice())?;
    let chain = chain_of(&app, account).await?;
    let offered = judge(chain, &entry, Some(record), app.now())?;

    // Before anything is stored: the new device itself wants this entry with this password.
    let chain = match &offered {
        Offered::Stands(chain) => chain,
        Offered::Next(judged) => &judged.chain,
    };
    let added = DeviceId(entry.sequence);
    let device = chain.device(added).ok_or(ErrorCode::ChainRefused)?;
    let statement = recovery_statement(
        asked.token.as_str(),
        asked.entry.as_slice(),
        asked.opaque.as_slice(),
    );
    device
        .verify(&statement, &signature(&asked.signature)?)
        .map_err(|_| ErrorCode::WrongCredentials)?;

    // A repeat of what is stored makes one more login: the answer to the first try may have been lost.
    if let Offered::Next(judged) = offered {
        store(&app, *judged).await?;
    }
    let found = app.db.find_account(account).await?;
    let found = found.ok_or(ErrorCode::WrongCredentials)?;
    let address = DeviceAddress {
        account,
        device: added,
    };
    begin_login(
        &app,
        cookies,
        address,
        found.username,
        found.administrator,
        asked.native,
    )
    .await
}
