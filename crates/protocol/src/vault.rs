//! The account's vault on the server: opaque records in one order, and the keys to them, sealed.
//!
//! Which keys are in force and how many records there are, the account's chain says; the server only keeps
//! bytes. Every endpoint takes the access token of a device, or the token of a
//! [`crate::logins::LoginPending`] or a [`crate::recoveries::RecoveryProved`], which may only read.

use serde::{Deserialize, Serialize};

use crate::{Bytes, Hash};

/// `POST /api/v1/vault/records`: appends records. `chain_moved` when `first` is not the next number. Safe to
/// repeat with the same bytes. Answered by [`VaultCount`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppendVaultRecords {
    /// Number of the first of them, from 0.
    pub first: u64,
    /// At most [`crate::limits::VAULT_APPEND_MAX`], each at most [`crate::limits::VAULT_RECORD_MAX`] bytes.
    pub records: Vec<Bytes>,
}

/// How many records the vault holds. Also the answer to `GET /api/v1/vault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VaultCount {
    /// The number of the next record.
    pub records: u64,
}

/// Answer to `GET /api/v1/vault/records?first=…&limit=…`: records in order from a number. What one answer does
/// not hold is asked for again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VaultRecordsPage {
    /// Number of the first of them.
    pub first: u64,
    /// In order; cut where the answer would exceed [`crate::limits::VAULT_PAGE_BYTES`], but never empty while
    /// there are more.
    pub records: Vec<Bytes>,
}

/// `PUT /api/v1/vault/keys`: keeps slots and wrapped keys under their hashes. The account's chain names those
/// in force; of the others the server forgets the oldest when there are more than
/// [`crate::limits::VAULT_KEYS_MAX`]. Answered by 204.
///
/// Also the answer to `GET /api/v1/vault/keys`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VaultKeys {
    /// Slots and wrapped keys.
    pub keys: Vec<VaultKeyBytes>,
}

/// A slot of the vault or a vault key wrapped to one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VaultKeyBytes {
    /// The hash that the account's chain names it by. The server does not compute it.
    pub hash: Hash,
    /// Opaque.
    pub bytes: Bytes,
}
