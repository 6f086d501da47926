//! What jobs do to the database. Each is safe to run twice and at the same time as anything else.

use conclave_protocol::Timestamp;
use conclave_protocol::limits::{ACCESS_TOKEN_LIFE_MS, REFRESH_TOKEN_IDLE_MS};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    EXPIRE_DEVICE_ATTEMPTS, EXPIRE_IDLE_LOGINS, EXPIRE_INVITES, EXPIRE_LINKS, EXPIRE_LOGIN_ATTEMPTS,
    EXPIRE_PENDING_TOKENS, EXPIRE_RECOVERY_ATTEMPTS, EXPIRE_REVOKED_LOGINS, EXPIRE_TICKETS,
};
use crate::{Db, DbError};

/// A revoked login is listed for this long: four lives of the access tokens that it must stop.
const REVOKED_KEPT_MS: u64 = 4 * ACCESS_TOKEN_LIFE_MS;

impl Db {
    /// Deletes attempts, tickets, pending tokens, meeting places, invites and logins whose time is over;
    /// answers how many. A device's last login stays, unusable, as what says when the device was seen.
    pub async fn expire(&self, now: Timestamp) -> Result<u64, DbError> {
        let engine = self.engine();
        let before = |milliseconds| Timestamp(now.0.saturating_sub(milliseconds));
        let steps = [
            (EXPIRE_LOGIN_ATTEMPTS, now),
            (EXPIRE_DEVICE_ATTEMPTS, now),
            (EXPIRE_RECOVERY_ATTEMPTS, now),
            (EXPIRE_PENDING_TOKENS, now),
            (EXPIRE_LINKS, now),
            (EXPIRE_TICKETS, now),
            (EXPIRE_INVITES, now),
            (EXPIRE_IDLE_LOGINS, before(REFRESH_TOKEN_IDLE_MS)),
            (EXPIRE_REVOKED_LOGINS, before(REVOKED_KEPT_MS)),
        ];
        let mut expired = 0;
        for (statement, bound) in steps {
            // One transaction each, so that none holds its locks for the others.
            expired += on_engine!(
                self,
                write | connection | {
                    sqlx::query(statement.on(engine))
                        .bind(Column(bound))
                        .execute(&mut *connection)
                        .await?
                        .rows_affected()
                }
            );
        }
        Ok(expired)
    }
}
