//! The second step of sign-in: one-time codes by time (RFC 6238) and backup codes.

use serde::{Deserialize, Serialize};

/// `GET /api/v1/account/second-step`: how it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SecondStepFound {
    /// A code is asked for after the password.
    pub on: bool,
    /// Since when, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Backup codes that were not used.
    pub backup_codes: u32,
}

/// Answer to `POST /api/v1/account/second-step`: what the authenticator app is given. It counts once a code of it
/// came.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SecondStepBegun {
    /// The secret, base32.
    pub secret: String,
    /// The same as an `otpauth:` link, for a QR code.
    pub link: String,
}

impl std::fmt::Debug for SecondStepBegun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecondStepBegun(..)")
    }
}

/// `POST /api/v1/account/second-step/confirm`: a code of the app, which shows that it has the secret. Answered by
/// [`BackupCodes`].
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SecondStepConfirm {
    /// Six digits.
    pub code: String,
}

impl std::fmt::Debug for SecondStepConfirm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecondStepConfirm(..)")
    }
}

/// Codes for when the authenticator app is not there, each for one sign-in. Shown once: the server keeps hashes.
/// Also the answer to `POST /api/v1/account/second-step/backup-codes`, which replaces those before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BackupCodes {
    /// The codes.
    pub codes: Vec<String>,
}

impl std::fmt::Debug for BackupCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BackupCodes({})", self.codes.len())
    }
}
