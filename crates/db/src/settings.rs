//! What an administrator sets at run time, by name.

use crate::audit::note;
use crate::engine::on_engine;
use crate::statements::{FIND_SETTING, INSERT_SETTING, UPSERT_SETTING};
use crate::{Db, DbError, Noted};

impl Db {
    /// The value of a setting, where somebody set one.
    pub async fn find_setting(&self, name: &str) -> Result<Option<String>, DbError> {
        let statement = FIND_SETTING.on(self.engine());
        let row: Option<(String,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(name)
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(value,)| value))
    }

    /// The value of one that is made once and never changed; `made` where there was none.
    pub async fn find_or_insert_setting(&self, name: &str, made: &str) -> Result<String, DbError> {
        if let Some(value) = self.find_setting(name).await? {
            return Ok(value);
        }
        let statement = INSERT_SETTING.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(name)
                    .bind(made)
                    .execute(&mut *connection)
                    .await?;
            }
        );
        // Somebody else may have been faster.
        Ok(self.find_setting(name).await?.unwrap_or_else(|| made.to_owned()))
    }

    /// Sets one.
    pub async fn put_setting(&self, name: &str, value: &str, noted: &Noted) -> Result<(), DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                sqlx::query(UPSERT_SETTING.on(engine))
                    .bind(name)
                    .bind(value)
                    .execute(&mut *transaction)
                    .await?;
                note!(transaction, engine, noted);
            }
        );
        Ok(())
    }
}
