//! The account's vault: opaque records in one order, and opaque keys.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::{VaultAppended, VaultKey};
use conclave_protocol::limits::{
    VAULT_APPEND_MAX, VAULT_KEY_MAX, VAULT_KEYS_MAX, VAULT_PAGE_BYTES, VAULT_RECORD_MAX, VAULT_RECORDS_PAGE,
};
use conclave_protocol::vault::{AppendVaultRecords, VaultCount, VaultKeyBytes, VaultKeys, VaultRecordsPage};
use conclave_protocol::{AccountId, Bytes, ErrorCode, Hash};
use http::StatusCode;
use serde::Deserialize;

use crate::chains::chain_of;
use crate::error::ApiError;
use crate::extract::{Body, OwnAccount, QueryOf, SignedIn};
use crate::former::own_or_former;
use crate::state::App;

/// Whose vault: one's own, or that of an account that one had before one started again.
#[derive(Deserialize)]
pub(crate) struct Whose {
    of: Option<AccountId>,
}

/// `GET /api/v1/vault?of=…`
pub(crate) async fn count(
    State(app): State<Arc<App>>,
    OwnAccount(account): OwnAccount,
    QueryOf(whose): QueryOf<Whose>,
) -> Result<Body<VaultCount>, ApiError> {
    let account = own_or_former(&app, account, whose.of).await?;
    let records = app.db.count_vault_records(account).await?;
    Ok(Body(VaultCount { records }))
}

/// `POST /api/v1/vault/records`
pub(crate) async fn append(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(asked): Body<AppendVaultRecords>,
) -> Result<Body<VaultCount>, ApiError> {
    let too_large = asked.records.len() > VAULT_APPEND_MAX
        || asked
            .records
            .iter()
            .any(|record| record.as_slice().len() > VAULT_RECORD_MAX);
    if too_large {
        return Err(ErrorCode::TooLarge.into());
    }
    let quota = match app.config.vault_quota {
        0 => u64::MAX,
        quota => quota,
    };
    let appended = app
        .db
        .append_vault_records(signed_in.account(), asked.first, &asked.records, quota)
        .await?;
    match appended {
        VaultAppended::Done(records) => Ok(Body(VaultCount { records })),
        VaultAppended::Moved => Err(ErrorCode::ChainMoved.into()),
        VaultAppended::Full => Err(ErrorCode::VaultFull.into()),
    }
}

/// Which records.
#[derive(Deserialize)]
pub(crate) struct From {
    first: Option<u64>,
    limit: Option<u32>,
    of: Option<AccountId>,
}

/// `GET /api/v1/vault/records?first=…&limit=…&of=…`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    OwnAccount(account): OwnAccount,
    QueryOf(page): QueryOf<From>,
) -> Result<Body<VaultRecordsPage>, ApiError> {
    let account = own_or_former(&app, account, page.of).await?;
    let first = page.first.unwrap_or_default();
    let limit = page.limit.unwrap_or(VAULT_RECORDS_PAGE).min(VAULT_RECORDS_PAGE);
    let records = app
        .db
        .list_vault_records(account, first, limit, VAULT_PAGE_BYTES)
        .await?;
    Ok(Body(VaultRecordsPage { first, records }))
}

/// `PUT /api/v1/vault/keys`
pub(crate) async fn put_keys(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(asked): Body<VaultKeys>,
) -> Result<StatusCode, ApiError> {
    let too_large = asked.keys.len() > VAULT_KEYS_MAX
        || asked
            .keys
            .iter()
            .any(|key| key.bytes.as_slice().len() > VAULT_KEY_MAX);
    if too_large {
        return Err(ErrorCode::TooLarge.into());
    }
    let account = signed_in.account();
    let chain = chain_of(&app, account).await?;
    let slots = chain
        .vault()
        .map(|vault| vault.slots.as_slice())
        .unwrap_or_default();
    let in_force: Vec<Hash> = slots.iter().flat_map(|slot| [slot.slot, slot.wrapped]).collect();
    let keys: Vec<VaultKey> = asked
        .keys
        .into_iter()
        .map(|key| VaultKey {
            hash: key.hash,
            bytes: key.bytes.0,
        })
        .collect();
    app.db.put_vault_keys(account, &keys, &in_force).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/vault/keys`
pub(crate) async fn list_keys(
    State(app): State<Arc<App>>,
    OwnAccount(account): OwnAccount,
) -> Result<Body<VaultKeys>, ApiError> {
    let keys = app.db.list_vault_keys(account).await?;
    let keys = keys.into_iter().map(|key| VaultKeyBytes {
        hash: key.hash,
        bytes: Bytes(key.bytes),
    });
    Ok(Body(VaultKeys { keys: keys.collect() }))
}
