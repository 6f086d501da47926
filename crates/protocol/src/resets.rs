//! Starting again under one's name, without a device and without the recovery key.
//!
//! The password is proven as for a new device (`logins/start`, `logins/pending`). Then one request makes a new account
//! with the name and the password of the old one, which ends.

use serde::{Deserialize, Serialize};

use crate::{Bytes, Token};

/// `POST /api/v1/resets`: answered by [`crate::logins::LoggedIn`] for the new account's device 0. Refused as
/// `reset_too_soon` while a device of the account was seen within the operator's pause.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ResetIdentity {
    /// From [`crate::logins::LoginPending`]; used up by success.
    pub token: Token,
    /// The new account's genesis entry.
    pub genesis: Bytes,
    /// By the new account's device over label `RESET`, the name, the token and the hash of the entry.
    pub signature: Bytes,
    /// True where the client keeps its refresh token itself (everything but a browser).
    pub native: bool,
}
