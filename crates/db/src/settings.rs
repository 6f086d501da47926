//! What an administrator sets at run time, by name.

use crate::audit::note;
use crate::engine::on_engine;
use crate::statements::{FIND_SETTING, UPSERT_SETTING};
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
