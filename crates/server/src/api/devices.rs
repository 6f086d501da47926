//! The own account's chain as it grows, and its devices.

use std::sync::Arc;

use axum::extract::State;
use conclave_protocol::devices::{AppendEntry, DeviceFound, DevicesFound, EntryAppended};
use conclave_protocol::limits::REFRESH_TOKEN_IDLE_MS;
use conclave_protocol::{AccountId, DeviceAddress, ErrorCode, Timestamp};
use conclave_sigchain::{AccountBody, AccountEntry, Author};

use crate::chains::{Offered, chain_of, judge, store};
use crate::error::ApiError;
use crate::extract::{Body, SignedIn, check_fresh};
use crate::state::App;

/// `POST /api/v1/account/entries`
pub(crate) async fn append_entry(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(asked): Body<AppendEntry>,
) -> Result<Body<EntryAppended>, ApiError> {
    let entry = AccountEntry::from_bytes(asked.entry.as_slice())?;
    // Taking a device out is never too fast, or that device could hinder it by using the limit up.
    if !matches!(entry.body, AccountBody::RevokeDevice { .. }) {
        app.limits.entry(signed_in.account())?;
    }
    // A device speaks for itself, or carries what the recovery key says; never another device's words, unless this
    // server lost them.
    let lost = app
        .restore
        .is_some_and(|restore| restore.may_have_lost(entry.time));
    match entry.author {
        Author::Recovery => {}
        Author::Device(device) if device == signed_in.address().device => {}
        Author::Device(_) if lost => {}
        Author::Device(_) => return Err(ErrorCode::ChainRefused.into()),
    }
    let now = if lost { entry.time } else { app.now() };
    if matches!(entry.body, AccountBody::Close {}) {
        // The end of an account cannot be taken back.
        check_fresh(&app, &signed_in).await?;
        refuse_last_administrator(&app, signed_in.account()).await?;
    }
    let chain = chain_of(&app, signed_in.account()).await?;
    if let Offered::Next(judged) = judge(chain, &entry, None, now)? {
        store(&app, *judged).await?;
    }
    Ok(Body(EntryAppended {
        sequence: entry.sequence,
    }))
}

/// A server without an administrator could never be administered again.
async fn refuse_last_administrator(app: &App, account: AccountId) -> Result<(), ApiError> {
    let found = app.db.find_account(account).await?;
    if found.is_some_and(|found| found.administrator) && app.db.count_administrators().await? <= 1 {
        return Err(ErrorCode::LastAdministrator.into());
    }
    Ok(())
}

/// `GET /api/v1/devices`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<DevicesFound>, ApiError> {
    let account = signed_in.account();
    let in_force_since = Timestamp(app.now().0.saturating_sub(REFRESH_TOKEN_IDLE_MS));
    let described = app.db.describe_devices(account, in_force_since).await?;
    let devices = described.into_iter().map(|device| DeviceFound {
        device: device.device,
        added_at: device.added_at,
        seen_at: device.seen_at,
        connected: app.hub.is_connected(DeviceAddress {
            account,
            device: device.device,
        }),
        signed_in: device.signed_in,
    });
    Ok(Body(DevicesFound {
        devices: devices.collect(),
    }))
}
