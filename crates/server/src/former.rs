//! Accounts whose person started again: what of the old one the new one may fetch. All of it is sealed; who holds the name
//! and cannot open the vault reads nothing of it.

use conclave_protocol::{AccountId, ErrorCode};

use crate::error::ApiError;
use crate::state::App;

/// So often may somebody have started again, and still be shown what they had first.
const STEPS_MAX: usize = 8;

/// Whether the person of `former` started again as `account`, at once or in several steps.
pub(crate) async fn is_former_of(app: &App, former: AccountId, account: AccountId) -> Result<bool, ApiError> {
    let mut at = former;
    for _ in 0..STEPS_MAX {
        match app.db.find_successor(at).await? {
            Some(next) if next == account => return Ok(true),
            Some(next) => at = next,
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// The account as which somebody is here now, who started again as `account`.
pub(crate) async fn newest(app: &App, account: AccountId) -> Result<AccountId, ApiError> {
    let mut at = account;
    for _ in 0..STEPS_MAX {
        match app.db.find_successor(at).await? {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(at)
}

/// The account whose vault is asked for: one's own, or one that one had.
pub(crate) async fn own_or_former(
    app: &App,
    own: AccountId,
    of: Option<AccountId>,
) -> Result<AccountId, ApiError> {
    match of {
        Some(former) if former != own => {
            if is_former_of(app, former, own).await? {
                Ok(former)
            } else {
                Err(ErrorCode::NotFound.into())
            }
        }
        _ => Ok(own),
    }
}
