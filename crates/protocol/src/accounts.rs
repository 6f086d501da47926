//! Registration and finding people.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Bytes, RestoreEpoch, Token, Username};

/// `POST /api/v1/accounts/registration/start`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RegistrationStart {
    /// The handle that is asked for.
    pub username: Username,
    /// The set-up token or a registration invite.
    pub invite: Token,
    /// OPAQUE `RegistrationRequest`.
    pub opaque: Bytes,
}

/// Answer to [`RegistrationStart`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RegistrationStarted {
    /// OPAQUE `RegistrationResponse`.
    pub opaque: Bytes,
    /// The server's clock in Unix milliseconds; the genesis entry is refused when its time is far off.
    pub time: u64,
}

/// `POST /api/v1/accounts/registration/finish`: answered by [`crate::logins::LoggedIn`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RegistrationFinish {
    /// As at the start.
    pub username: Username,
    /// As at the start; used up by success.
    pub invite: Token,
    /// OPAQUE `RegistrationUpload`.
    pub opaque: Bytes,
    /// The account chain's genesis entry.
    pub genesis: Bytes,
    /// Signature by the genesis device over label `REGISTRATION`, username, invite and the hash of the
    /// upload: the account's device wants this handle and this password record, nobody else's.
    pub signature: Bytes,
    /// True where the client keeps its refresh token itself (everything but a browser).
    pub native: bool,
}

/// `GET /api/v1/accounts/by-username/{username}` and `GET /api/v1/accounts/{account}`: whom a handle names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AccountFound {
    /// The account.
    pub account: AccountId,
    /// Its handle.
    pub username: Username,
    /// Its chain from the beginning.
    pub entries: Vec<Bytes>,
}

/// `GET /api/v1/accounts/{account}/entries?after=…`: the chain's entries behind a sequence.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EntriesPage {
    /// Entries in order.
    pub entries: Vec<Bytes>,
    /// True when more follow.
    pub more: bool,
}

/// `GET /api/v1/server`: what a client shows before anybody is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ServerInfo {
    /// The name its operator gave it.
    pub name: String,
    /// Version of the protocol it speaks.
    pub protocol: u8,
    /// True until the first administrator was made.
    pub needs_setup: bool,
    /// Absent until the server was put back from a backup, and another one after each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<RestoreEpoch>,
}
