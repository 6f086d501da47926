//! Registration and finding people.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Bytes, RestoreEpoch, Token, Username};

/// `POST /api/v1/accounts/registration/start`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RegistrationStart {
    /// The handle that is asked for.
    pub username: Username,
    /// The set-up token or a registration invite; empty where registration is open to everybody.
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
    /// Who may register.
    #[serde(default)]
    pub registration: Registration,
}

/// Who may register. An administrator changes it at run time: `PUT /api/v1/admin/registration`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Everybody.
    Open,
    /// Who has an invite.
    #[default]
    Invite,
    /// Nobody.
    Closed,
}

impl Registration {
    /// As it stands in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for Registration {
    type Err = crate::IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Open, Self::Invite, Self::Closed]
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or(crate::IdError::Malformed)
    }
}

/// `POST /api/v1/account/password/start`: a new password, by a login with a fresh proof of the old one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PasswordChangeStart {
    /// OPAQUE `RegistrationRequest`.
    pub opaque: Bytes,
}

/// Answer to [`PasswordChangeStart`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PasswordChangeStarted {
    /// OPAQUE `RegistrationResponse`.
    pub opaque: Bytes,
}

/// `POST /api/v1/account/password/finish`: answered by [`crate::logins::LoginsEnded`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PasswordChangeFinish {
    /// OPAQUE `RegistrationUpload`.
    pub opaque: Bytes,
    /// By the device over label `REGISTRATION`, the handle, the words `password change` in the place of an invite and
    /// the hash of the upload: the account's device wants this password record, nobody else's.
    pub signature: Bytes,
    /// Ends every other login.
    pub end_others: bool,
}
