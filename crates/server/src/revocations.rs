//! Logins that ended while access tokens of theirs may still be about.

use conclave_db::Ended;
use conclave_protocol::limits::ACCESS_TOKEN_LIFE_MS;
use conclave_protocol::{ErrorCode, Timestamp};
use dashmap::DashMap;

use crate::access::LoginId;

/// Asked on every request, so it is kept in memory; filled from the database at start.
#[derive(Default)]
pub(crate) struct Revocations(DashMap<LoginId, (Timestamp, ErrorCode)>);

impl Revocations {
    /// From now on the login's access tokens are refused, with this code.
    pub(crate) fn add(&self, login: LoginId, why: ErrorCode, now: Timestamp) {
        self.0.insert(login, (now, why));
    }

    /// Why a login is over, when it is.
    pub(crate) fn why(&self, login: &LoginId) -> Option<ErrorCode> {
        self.0.get(login).map(|ended| ended.1)
    }

    /// Drops those whose last access token has ended.
    pub(crate) fn forget_old(&self, now: Timestamp) {
        self.0.retain(|_, (at, _)| now.since(*at) <= ACCESS_TOKEN_LIFE_MS);
    }
}

/// What a request with an access token of such a login is told.
pub(crate) fn refusal(ended: Ended) -> ErrorCode {
    match ended {
        Ended::SignedOut => ErrorCode::SignInNeeded,
        Ended::DeviceRevoked => ErrorCode::DeviceRevoked,
        Ended::AccountClosed => ErrorCode::AccountClosed,
    }
}
