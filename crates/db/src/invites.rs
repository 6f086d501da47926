//! Registration invites. [`Db::insert_account`] uses them up.

use conclave_protocol::{AccountId, Hash, Timestamp};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{FIND_INVITE, INSERT_INVITE};
use crate::{Db, DbError};

impl Db {
    /// Stores an invite for one registration.
    pub async fn insert_invite(
        &self,
        hash: Hash,
        made_by: AccountId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let statement = INSERT_INVITE.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(hash))
                    .bind(Column(made_by))
                    .bind(Column(now))
                    .bind(Column(expires))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// Whether somebody could register with this invite now.
    pub async fn invite_is_open(&self, hash: Hash, now: Timestamp) -> Result<bool, DbError> {
        let statement = FIND_INVITE.on(self.engine());
        let found = on_engine!(
            self,
            read | connection | {
                sqlx::query(statement)
                    .bind(Column(hash))
                    .bind(Column(now))
                    .fetch_optional(&mut *connection)
                    .await?
                    .is_some()
            }
        );
        Ok(found)
    }
}
