//! Registration invites.

use serde::{Deserialize, Serialize};

use crate::Token;

/// Answer to `POST /api/v1/invites`: one person may register with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InviteMade {
    /// The secret part of the link `/#/invite/{token}`; the server keeps its hash.
    pub token: Token,
    /// When it ends, in Unix milliseconds.
    pub expires: u64,
}
