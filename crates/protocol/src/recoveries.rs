//! Coming back to an account with the recovery key alone.
//!
//! Three steps: an attempt is begun for a handle, the recovery key proves itself and learns the account's
//! chain, then one chain entry, signed by the recovery key, adds this device, with a new password.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Bytes, Token, Username};

/// `POST /api/v1/recoveries/start`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecoveryStart {
    /// The handle.
    pub username: Username,
}

/// Answer to [`RecoveryStart`]; the same for a handle that nobody has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecoveryStarted {
    /// Names this attempt.
    pub attempt: Token,
    /// The server's clock in Unix milliseconds, for the entry to come.
    pub time: u64,
}

/// `POST /api/v1/recoveries/prove`: refused as `wrong_credentials`, whatever is wrong. Uses the attempt up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecoveryProof {
    /// From [`RecoveryStarted`].
    pub attempt: Token,
    /// By the recovery signing key over label `RECOVERY_PROOF`, the handle and the attempt.
    pub signature: Bytes,
    /// OPAQUE `RegistrationRequest` for the new password.
    pub opaque: Bytes,
}

/// Answer to [`RecoveryProof`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecoveryProved {
    /// The account.
    pub account: AccountId,
    /// Its chain from the beginning.
    pub entries: Vec<Bytes>,
    /// Opens the last step and the account's vault, for a quarter of an hour.
    pub token: Token,
    /// OPAQUE `RegistrationResponse`.
    pub opaque: Bytes,
}

/// `POST /api/v1/recoveries/finish`: answered by [`crate::logins::LoggedIn`] for the added device. The old
/// password opens nothing after it. `chain_moved` when the chain has grown since; then prove again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecoveryFinish {
    /// From [`RecoveryProved`].
    pub token: Token,
    /// An `add_device` entry by the recovery key.
    pub entry: Bytes,
    /// OPAQUE `RegistrationUpload`.
    pub opaque: Bytes,
    /// By the added device over label `RECOVERY`, the token, the entry's hash and the hash of the upload.
    pub signature: Bytes,
    /// True where the client keeps its refresh token itself (everything but a browser).
    pub native: bool,
}
