//! The second step of sign-in. Secrets come sealed and codes hashed; the keys to both stand in no table.

use conclave_protocol::{AccountId, Hash, Timestamp};

use crate::audit::note;
use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    BEGIN_SECOND_STEP, CONFIRM_SECOND_STEP, DELETE_BACKUP_CODES, DELETE_SECOND_STEP, FIND_SECOND_STEP,
    HOLD_SECOND_STEP, INSERT_BACKUP_CODE, TAKE_BACKUP_CODE, TAKE_STEP,
};
use crate::{Db, DbError, Noted, SecondStep};

type StepRow = (Vec<u8>, Option<Column<Timestamp>>, Column<u64>, Column<u32>);

impl Db {
    /// Keeps a sealed secret that counts once it is confirmed; false where a second step is on.
    pub async fn begin_second_step(&self, account: AccountId, secret: &[u8]) -> Result<bool, DbError> {
        let statement = BEGIN_SECOND_STEP.on(self.engine());
        let begun = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(account))
                    .bind(secret)
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(begun > 0)
    }

    /// The second step of an account, on or only begun.
    pub async fn find_second_step(&self, account: AccountId) -> Result<Option<SecondStep>, DbError> {
        let statement = FIND_SECOND_STEP.on(self.engine());
        let row: Option<StepRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(secret, on_since, last_step, backup_codes)| SecondStep {
            secret,
            on_since: on_since.map(|time| time.0),
            last_step: last_step.0,
            backup_codes: backup_codes.0,
        }))
    }

    /// Switches a second step on that was begun, by the code of a time step, with the hashes of its backup codes;
    /// false where none was begun.
    pub async fn confirm_second_step(
        &self,
        account: AccountId,
        step: u64,
        codes: &[Hash],
        noted: &Noted,
    ) -> Result<bool, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let confirmed = sqlx::query(CONFIRM_SECOND_STEP.on(engine))
                    .bind(Column(account))
                    .bind(Column(step))
                    .bind(Column(noted.now))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if confirmed == 0 {
                    return Ok(false);
                }
                sqlx::query(DELETE_BACKUP_CODES.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?;
                for code in codes {
                    sqlx::query(INSERT_BACKUP_CODE.on(engine))
                        .bind(Column(account))
                        .bind(Column(*code))
                        .execute(&mut *transaction)
                        .await?;
                }
                note!(transaction, engine, noted);
            }
        );
        Ok(true)
    }

    /// Takes the code of a time step; false where it, or a later one, was taken before.
    pub async fn take_step(&self, account: AccountId, step: u64) -> Result<bool, DbError> {
        let statement = TAKE_STEP.on(self.engine());
        let taken = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(account))
                    .bind(Column(step))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(taken > 0)
    }

    /// Takes a backup code; false where there is none of this hash.
    pub async fn take_backup_code(&self, account: AccountId, code: Hash) -> Result<bool, DbError> {
        let statement = TAKE_BACKUP_CODE.on(self.engine());
        let taken = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(account))
                    .bind(Column(code))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(taken > 0)
    }

    /// Replaces the backup codes of a second step that is on; false where none is.
    pub async fn replace_backup_codes(
        &self,
        account: AccountId,
        codes: &[Hash],
        noted: &Noted,
    ) -> Result<bool, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let held = sqlx::query(HOLD_SECOND_STEP.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if held == 0 {
                    return Ok(false);
                }
                sqlx::query(DELETE_BACKUP_CODES.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?;
                for code in codes {
                    sqlx::query(INSERT_BACKUP_CODE.on(engine))
                        .bind(Column(account))
                        .bind(Column(*code))
                        .execute(&mut *transaction)
                        .await?;
                }
                note!(transaction, engine, noted);
            }
        );
        Ok(true)
    }

    /// Switches a second step off, or forgets one that was begun; false where there was none.
    pub async fn end_second_step(&self, account: AccountId, noted: &Noted) -> Result<bool, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let ended = sqlx::query(DELETE_SECOND_STEP.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if ended == 0 {
                    return Ok(false);
                }
                sqlx::query(DELETE_BACKUP_CODES.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?;
                note!(transaction, engine, noted);
            }
        );
        Ok(true)
    }
}
