//! The directory of prekey bundles. The server does not look inside them.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::Prekey;
use conclave_protocol::limits::{ONE_TIME_PREKEYS, ONE_TIME_PREKEYS_LOW, PREKEY_BUNDLE_MAX};
use conclave_protocol::prekeys::{PrekeyClaimed, PrekeyUpload, PrekeysLeft, PrekeysUpload};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, ErrorCode};

use crate::error::ApiError;
use crate::extract::{Body, PathOf, SignedIn};
use crate::state::App;

/// `POST /api/v1/devices/prekeys`
pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(asked): Body<PrekeysUpload>,
) -> Result<Body<PrekeysLeft>, ApiError> {
    if asked.one_time.len() > ONE_TIME_PREKEYS {
        return Err(ErrorCode::TooLarge.into());
    }
    let one_time = asked
        .one_time
        .into_iter()
        .map(bounded)
        .collect::<Result<Vec<_>, _>>()?;
    let last_resort = asked.last_resort.map(bounded).transpose()?;
    let owner = signed_in.address();
    let (one_time, last_resort) = app
        .db
        .insert_prekeys(owner, &one_time, last_resort.as_ref(), asked.replace)
        .await?;
    Ok(Body(PrekeysLeft {
        one_time,
        last_resort,
    }))
}

/// `GET /api/v1/devices/prekeys`
pub(crate) async fn count(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<PrekeysLeft>, ApiError> {
    let (one_time, last_resort) = app.db.count_prekeys(signed_in.address()).await?;
    Ok(Body(PrekeysLeft {
        one_time,
        last_resort,
    }))
}

/// `POST /api/v1/accounts/{account}/devices/{device}/prekeys/claim`: a one-time bundle, or the last-resort one
/// where none is left or the asker claims too often. Draining a device thus costs its peers no conversation.
pub(crate) async fn claim(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf((account, device)): PathOf<(AccountId, DeviceId)>,
) -> Result<Body<PrekeyClaimed>, ApiError> {
    let owner = DeviceAddress { account, device };
    let bundle = if app.limits.one_time_claim(signed_in.account(), owner) {
        let bundle = app.db.claim_prekey(owner).await?;
        warn_when_low(&app, owner).await?;
        bundle
    } else {
        app.db.find_last_resort(owner).await?
    };
    let bundle = bundle.ok_or(ErrorCode::NoPrekeys)?;
    Ok(Body(PrekeyClaimed {
        bundle: Bytes(bundle),
    }))
}

async fn warn_when_low(app: &App, owner: DeviceAddress) -> Result<(), ApiError> {
    if !app.hub.is_connected(owner) {
        return Ok(());
    }
    let (left, _) = app.db.count_prekeys(owner).await?;
    if usize::try_from(left).is_ok_and(|left| left < ONE_TIME_PREKEYS_LOW) {
        app.hub.prekeys_low(owner, left);
    }
    Ok(())
}

fn bounded(upload: PrekeyUpload) -> Result<Prekey, ApiError> {
    if upload.bundle.as_slice().len() > PREKEY_BUNDLE_MAX {
        return Err(ErrorCode::TooLarge.into());
    }
    Ok(Prekey {
        id: upload.id,
        bundle: upload.bundle.0,
    })
}
