//! Administration of the server. Nothing here reveals content, and nothing adds a device or a member.

use serde::{Deserialize, Serialize};

use crate::accounts::Registration;
use crate::{AccountId, Hash, Username};

/// `GET /api/v1/admin/registration` and `PUT` of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RegistrationSetting {
    /// Who may register.
    pub registration: Registration,
}

/// `GET /api/v1/admin/accounts?search=…&after=…`: a page of accounts, the oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AccountsPage {
    /// Accounts in order.
    pub accounts: Vec<AccountListed>,
    /// True when more follow behind the last one.
    pub more: bool,
}

/// An account as its server knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AccountListed {
    /// The account.
    pub account: AccountId,
    /// Its handle.
    pub username: Username,
    /// Administers this server.
    pub administrator: bool,
    /// When it was made, in Unix milliseconds.
    pub created_at: u64,
    /// When a login of it was refreshed last, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<u64>,
    /// Since when it is suspended, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<u64>,
    /// Since when it is closed, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<u64>,
    /// Devices that speak for it.
    pub devices: u32,
    /// A code is asked for after its password.
    pub second_step: bool,
    /// Bytes of the blobs that it uploaded.
    #[serde(default)]
    pub stored_bytes: u64,
}

/// `GET /api/v1/admin/audit?after=…`: a page of the audit log, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// Lines in order.
    pub lines: Vec<AuditLine>,
    /// True when more follow.
    pub more: bool,
    /// The newest line's number.
    pub head: u64,
    /// The newest line's hash.
    pub head_hash: Hash,
}

/// A line of the audit log. `hash` covers the line before and everything here: see `docs/protocol.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AuditLine {
    /// Its number, from 1.
    pub sequence: u64,
    /// When, in Unix milliseconds.
    pub time: u64,
    /// Who: an account, or nobody for the server's command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<AccountId>,
    /// What was done.
    pub act: String,
    /// To what.
    pub subject: String,
    /// The line's hash.
    pub hash: Hash,
}

/// `GET /api/v1/admin/figures`: how much there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Figures {
    /// Bytes of the database.
    pub database_bytes: u64,
    /// Rows that matter, by name.
    pub counts: Vec<Figure>,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Figure {
    /// Of what.
    pub name: String,
    /// How many.
    pub count: u64,
}
