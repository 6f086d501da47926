//! Starting again under one's name: the new account takes the name and the password of the old one, which ends with
//! its devices, logins and mailboxes. Its chain stays readable for those who knew it, and its vault and its direct
//! rooms for the new account: sealed, so that only who can open the vault reads them.

use conclave_protocol::{AccountId, DeviceAddress, DeviceId, RoomId, Timestamp};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    DELETE_CLAIMED_PREKEYS, DELETE_LAST_RESORT, DELETE_MAILBOX, DELETE_PREKEYS, INSERT_ACCOUNT,
    INSERT_DEVICE, INSERT_ENTRY, LOCK_ACCOUNT, LOCK_DEVICES_OF_ACCOUNT, LOCK_ROOMS_OF_ACCOUNT,
    MOVE_BACKUP_CODES, MOVE_SECOND_STEP, REPLACE_ACCOUNT, REVOKE_DEVICE, REVOKE_LOGINS_OF_DEVICE,
    UPSERT_RECOVERY_KEY,
};
use crate::{Db, DbError, EndedLogin, Reset};

/// What the name of a replaced account becomes: no name has a tilde.
fn tombstone(account: AccountId) -> String {
    format!("~{account}")
}

impl Db {
    /// Replaces an account by a new one in one transaction. None where the old one ended, or its password was
    /// replaced, since it was looked at; else the logins that ended.
    pub async fn reset_account(&self, reset: &Reset) -> Result<Option<Vec<EndedLogin>>, DbError> {
        let engine = self.engine();
        let old = &reset.before;
        let outcome = on_engine!(
            self,
            transaction | transaction | {
                // Invariant: account, rooms, devices, logins, in this order, as everywhere.
                let _: Option<(Option<Column<Timestamp>>,)> = sqlx::query_as(LOCK_ACCOUNT.on(engine))
                    .bind(Column(old.id))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let _: Vec<(Column<RoomId>,)> = sqlx::query_as(LOCK_ROOMS_OF_ACCOUNT.on(engine))
                    .bind(Column(old.id))
                    .fetch_all(&mut *transaction)
                    .await?;
                let devices: Vec<(Column<DeviceId>,)> = sqlx::query_as(LOCK_DEVICES_OF_ACCOUNT.on(engine))
                    .bind(Column(old.id))
                    .fetch_all(&mut *transaction)
                    .await?;
                let freed = sqlx::query(REPLACE_ACCOUNT.on(engine))
                    .bind(Column(old.id))
                    .bind(Column(old.password))
                    .bind(tombstone(old.id))
                    .bind(Column(reset.now))
                    .bind(Column(reset.id))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected()
                    == 1;
                // What the account administered, the new one does not: a password alone makes no administrator.
                let stored = freed
                    && sqlx::query(INSERT_ACCOUNT.on(engine))
                        .bind(Column(reset.id))
                        .bind(Column(old.username.clone()))
                        .bind(false)
                        .bind(old.opaque_record.as_slice())
                        .bind(Column(reset.now))
                        .execute(&mut *transaction)
                        .await?
                        .rows_affected()
                        == 1;
                if !stored {
                    return Ok(None);
                }
                sqlx::query(INSERT_ENTRY.on(engine))
                    .bind(Column(reset.id))
                    .bind(Column(0_u32))
                    .bind(reset.genesis.as_slice())
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(INSERT_DEVICE.on(engine))
                    .bind(Column(reset.id))
                    .bind(Column(DeviceId(0)))
                    .bind(Column(reset.now))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(UPSERT_RECOVERY_KEY.on(engine))
                    .bind(Column(reset.id))
                    .bind(Column(reset.recovery))
                    .execute(&mut *transaction)
                    .await?;
                // The second step goes with the name, as the password does: starting again must not switch it off.
                for statement in [MOVE_SECOND_STEP, MOVE_BACKUP_CODES] {
                    sqlx::query(statement.on(engine))
                        .bind(Column(old.id))
                        .bind(Column(reset.id))
                        .execute(&mut *transaction)
                        .await?;
                }
                let mut ended = Vec::new();
                for (device,) in devices {
                    let device = device.0;
                    sqlx::query(REVOKE_DEVICE.on(engine))
                        .bind(Column(old.id))
                        .bind(Column(device))
                        .bind(Column(reset.now))
                        .execute(&mut *transaction)
                        .await?;
                    let logins: Vec<(Column<[u8; 16]>,)> = sqlx::query_as(REVOKE_LOGINS_OF_DEVICE.on(engine))
                        .bind(Column(old.id))
                        .bind(Column(device))
                        .bind(Column(reset.now))
                        .fetch_all(&mut *transaction)
                        .await?;
                    ended.extend(logins.into_iter().map(|(id,)| EndedLogin {
                        id: id.0,
                        address: DeviceAddress {
                            account: old.id,
                            device,
                        },
                    }));
                    for statement in [
                        DELETE_MAILBOX,
                        DELETE_PREKEYS,
                        DELETE_LAST_RESORT,
                        DELETE_CLAIMED_PREKEYS,
                    ] {
                        sqlx::query(statement.on(engine))
                            .bind(Column(old.id))
                            .bind(Column(device))
                            .execute(&mut *transaction)
                            .await?;
                    }
                }
                ended
            }
        );
        Ok(Some(outcome))
    }
}
