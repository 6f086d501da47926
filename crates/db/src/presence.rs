//! What accounts chose about signals and receipts. Signals themselves stand in no table.

use conclave_protocol::AccountId;
use conclave_protocol::presence::{Availability, Choices, LastSeen};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{FIND_CHOICES, UPSERT_CHOICES};
use crate::{Db, DbError};

type ChoicesRow = (Column<Availability>, Column<LastSeen>, bool, bool);

impl Db {
    /// What an account chose; the defaults where it never did.
    pub async fn find_choices(&self, account: AccountId) -> Result<Choices, DbError> {
        let statement = FIND_CHOICES.on(self.engine());
        let row: Option<ChoicesRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(
            row.map_or_else(Choices::default, |(availability, last_seen, receipts, typing)| {
                Choices {
                    availability: availability.0,
                    last_seen: last_seen.0,
                    receipts,
                    typing,
                }
            }),
        )
    }

    /// Keeps what an account chose.
    pub async fn put_choices(&self, account: AccountId, choices: Choices) -> Result<(), DbError> {
        let statement = UPSERT_CHOICES.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(account))
                    .bind(Column(choices.availability))
                    .bind(Column(choices.last_seen))
                    .bind(choices.receipts)
                    .bind(choices.typing)
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }
}
