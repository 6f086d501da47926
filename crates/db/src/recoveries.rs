//! Coming back with the recovery key: the attempt between its first two requests.

use conclave_protocol::{AccountId, Hash, Timestamp, Username};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{CLAIM_RECOVERY_ATTEMPT, FIND_RECOVERY, INSERT_RECOVERY_ATTEMPT};
use crate::{Db, DbError, RecoveryAttempt};

type AttemptRow = (Option<Column<AccountId>>, Column<[u8; 32]>, Column<Timestamp>);

impl Db {
    /// The account of a handle and the recovery verifying key that its chain has in force.
    pub async fn find_recovery(&self, username: &Username) -> Result<Option<(AccountId, [u8; 32])>, DbError> {
        let statement = FIND_RECOVERY.on(self.engine());
        let row: Option<(Column<AccountId>, Column<[u8; 32]>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(username.as_str())
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(account, key)| (account.0, key.0)))
    }

    /// Keeps a recovery's attempt until its second request.
    pub async fn insert_recovery_attempt(&self, attempt: &RecoveryAttempt) -> Result<(), DbError> {
        let statement = INSERT_RECOVERY_ATTEMPT.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(attempt.id))
                    .bind(attempt.account.map(Column))
                    .bind(Column(attempt.key))
                    .bind(Column(attempt.expires))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// Takes an attempt out; nobody gets it twice, and nobody after its end.
    pub async fn claim_recovery_attempt(
        &self,
        id: Hash,
        now: Timestamp,
    ) -> Result<Option<RecoveryAttempt>, DbError> {
        let statement = CLAIM_RECOVERY_ATTEMPT.on(self.engine());
        let rows: Vec<AttemptRow> = on_engine!(
            self,
            write | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let live = rows.into_iter().find(|(.., expires)| expires.0 > now);
        Ok(live.map(|(account, key, expires)| RecoveryAttempt {
            id,
            account: account.map(|account| account.0),
            key: key.0,
            expires: expires.0,
        }))
    }
}
