//! Registration invites.

use serde::{Deserialize, Serialize};

use crate::{Hash, Token, Username};

/// Answer to `POST /api/v1/invites?uses=…&days=…`: one person may register with it, or as many as were asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InviteMade {
    /// The secret part of the link `/#/invite/{token}`; the server keeps its hash.
    pub token: Token,
    /// When it ends, in Unix milliseconds.
    pub expires: u64,
}

/// `GET /api/v1/invites`: the registration invites that have not expired.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InvitesFound {
    /// The newest first.
    pub invites: Vec<InviteFound>,
}

/// A registration invite, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InviteFound {
    /// Names it: the hash of its secret.
    pub invite: Hash,
    /// The administrator in whose name it was made.
    pub made_by: Username,
    /// When, in Unix milliseconds.
    pub created_at: u64,
    /// When it ends, in Unix milliseconds.
    pub expires_at: u64,
    /// How many registered with it.
    pub uses: u32,
    /// How many may.
    pub uses_max: u32,
    /// When it was withdrawn, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<u64>,
}
