//! Logins that ended while access tokens of theirs may still be about.

use conclave_protocol::Timestamp;
use conclave_protocol::limits::ACCESS_TOKEN_LIFE_MS;
use dashmap::DashMap;

use crate::access::LoginId;

/// Asked on every request, so it is kept in memory; filled from the database at start.
#[derive(Default)]
pub(crate) struct Revocations(DashMap<LoginId, Timestamp>);

impl Revocations {
    /// From now on the login's access tokens are refused.
    pub(crate) fn add(&self, login: LoginId, now: Timestamp) {
        self.0.insert(login, now);
    }

    pub(crate) fn contains(&self, login: &LoginId) -> bool {
        self.0.contains_key(login)
    }

    /// Drops those whose last access token has ended.
    pub(crate) fn forget_old(&self, now: Timestamp) {
        self.0.retain(|_, at| now.since(*at) <= ACCESS_TOKEN_LIFE_MS);
    }
}
