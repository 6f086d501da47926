//! Signing in, staying signed in, signing out.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Bytes, DeviceAddress, DeviceId, LoginId, Token, Username};

/// `POST /api/v1/logins/start`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoginStart {
    /// The handle.
    pub username: Username,
    /// OPAQUE `CredentialRequest` (KE1).
    pub opaque: Bytes,
}

/// Answer to [`LoginStart`]; the same in form and time for a handle that nobody has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoginStarted {
    /// Names this attempt to [`LoginFinish`].
    pub attempt: Token,
    /// OPAQUE `CredentialResponse` (KE2).
    pub opaque: Bytes,
}

/// `POST /api/v1/logins/finish`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoginFinish {
    /// From [`LoginStarted`].
    pub attempt: Token,
    /// OPAQUE `CredentialFinalization` (KE3).
    pub opaque: Bytes,
    /// The device that signs in.
    pub device: DeviceId,
    /// Its signature over label `LOGIN`, the account, the device and the attempt.
    pub signature: Bytes,
    /// The code of the second step, where the account has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// True where the client keeps its refresh token itself (everything but a browser).
    pub native: bool,
}

/// A login was made or refreshed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoggedIn {
    /// Who signed in.
    pub account: AccountId,
    /// On which device.
    pub device: DeviceId,
    /// The handle.
    pub username: Username,
    /// True for an administrator of this server.
    pub administrator: bool,
    /// Bearer token for every other endpoint; kept in memory only.
    pub access_token: Token,
    /// Milliseconds until it ends.
    pub expires_in: u64,
    /// The next refresh token, for native clients. A browser gets it as a cookie that scripts cannot read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Token>,
}

/// `POST /api/v1/logins/refresh`, answered by [`LoggedIn`]: the cookie or, for native clients, the token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Refresh {
    /// The refresh token of a native client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Token>,
    /// Random, and kept by the client until the answer is there: with it the exchange may be repeated and has the
    /// same outcome. Without it a token that comes a second time was copied.
    pub attempt: Token,
}

/// `POST /api/v1/logins/sign-out` and `POST /api/v1/logins/ended/entries`: the cookie or, for native clients, the
/// token. Says whose login it is about and exchanges nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HeldLogin {
    /// The refresh token of a native client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Token>,
}

/// `POST /api/v1/ws/ticket`: a single-use ticket for [`crate::frames::Hello`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Ticket {
    /// The ticket; valid for [`crate::limits::TICKET_LIFE_MS`].
    pub ticket: Token,
}

/// `POST /api/v1/logins/pending`: the password is right, but this browser or program is no device of the
/// account yet. Uses the attempt of [`LoginStarted`] up; answered by [`LoginPending`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PendingLogin {
    /// From [`LoginStarted`].
    pub attempt: Token,
    /// OPAQUE `CredentialFinalization` (KE3).
    pub opaque: Bytes,
    /// The code of the second step, where the account has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Answer to [`PendingLogin`]: enough to ask one of the account's devices for approval and to read its vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoginPending {
    /// The account.
    pub account: AccountId,
    /// The handle.
    pub username: Username,
    /// Its chain from the beginning.
    pub entries: Vec<Bytes>,
    /// Opens a meeting place by code, the own account's chain, and the vault for reading, as
    /// `Authorization: Bearer`.
    pub token: Token,
    /// Milliseconds until it ends.
    pub expires_in: u64,
    /// The server's clock in Unix milliseconds.
    pub time: u64,
}

/// `POST /api/v1/logins/device/start`: the first sign-in of a device that was just approved needs no password.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceLoginStart {
    /// Which device.
    pub device: DeviceAddress,
}

/// Answer to [`DeviceLoginStart`]; the same for a device that does not exist.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceLoginStarted {
    /// Names this attempt.
    pub attempt: Token,
}

/// `POST /api/v1/logins/device/finish`: answered by [`LoggedIn`]. Refused as `wrong_credentials` unless the
/// device is active, was added within [`crate::limits::FIRST_LOGIN_WITHIN_MS`] and never had a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceLoginFinish {
    /// From [`DeviceLoginStarted`].
    pub attempt: Token,
    /// By the device over label `LOGIN`, as in [`LoginFinish`].
    pub signature: Bytes,
    /// True where the client keeps its refresh token itself (everything but a browser).
    pub native: bool,
}

/// `POST /api/v1/logins/prove`: the password once more, by somebody who is signed in. For
/// [`crate::limits::PROOF_LIFE_MS`] this login may then do what needs a fresh sign-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PasswordProof {
    /// From [`LoginStarted`].
    pub attempt: Token,
    /// OPAQUE `CredentialFinalization` (KE3).
    pub opaque: Bytes,
    /// The code of the second step, where the account has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// `GET /api/v1/logins`: where the account is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoginsFound {
    /// The newest first.
    pub logins: Vec<LoginFound>,
}

/// One login.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoginFound {
    /// Names it.
    pub login: LoginId,
    /// The device that signed in.
    pub device: DeviceId,
    /// When, in Unix milliseconds.
    pub created_at: u64,
    /// When it was refreshed last, in Unix milliseconds.
    pub refreshed_at: u64,
    /// Its device is connected now.
    pub connected: bool,
    /// The login that asks.
    pub current: bool,
}

/// Answer to `DELETE /api/v1/logins`, which ends all but the one that asks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoginsEnded {
    /// How many.
    pub ended: u32,
}
