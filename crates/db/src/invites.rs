//! Registration invites. [`Db::insert_account`] uses them up.

use conclave_protocol::{AccountId, Hash, Timestamp, Username};

use crate::audit::note;
use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{FIND_INVITE, INSERT_INVITE, LIST_INVITES, REVOKE_INVITE};
use crate::{Db, DbError, InviteListed, Noted};

type InviteRow = (
    Column<Hash>,
    Column<Username>,
    Column<Timestamp>,
    Column<Timestamp>,
    Column<u32>,
    Column<u32>,
    Option<Column<Timestamp>>,
);

impl Db {
    /// Stores an invite for one registration.
    pub async fn insert_invite(
        &self,
        hash: Hash,
        made_by: AccountId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), DbError> {
        self.insert_invite_for(hash, made_by, expires, 1, now).await
    }

    /// Stores an invite for so many registrations.
    pub async fn insert_invite_for(
        &self,
        hash: Hash,
        made_by: AccountId,
        expires: Timestamp,
        uses_max: u32,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let engine = self.engine();
        let noted = Noted {
            actor: Some(made_by),
            act: "invite made",
            subject: hash.to_string(),
            now,
        };
        on_engine!(
            self,
            transaction | transaction | {
                sqlx::query(INSERT_INVITE.on(engine))
                    .bind(Column(hash))
                    .bind(Column(made_by))
                    .bind(Column(now))
                    .bind(Column(expires))
                    .bind(Column(uses_max))
                    .execute(&mut *transaction)
                    .await?;
                note!(transaction, engine, &noted);
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

    /// The invites that have not expired, the newest first.
    pub async fn list_invites(&self, now: Timestamp, limit: u32) -> Result<Vec<InviteListed>, DbError> {
        let statement = LIST_INVITES.on(self.engine());
        let rows: Vec<InviteRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(now))
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let listed = rows.into_iter().map(
            |(hash, made_by, created_at, expires_at, uses, uses_max, revoked_at)| InviteListed {
                hash: hash.0,
                made_by: made_by.0,
                created_at: created_at.0,
                expires_at: expires_at.0,
                uses: uses.0,
                uses_max: uses_max.0,
                revoked_at: revoked_at.map(|time| time.0),
            },
        );
        Ok(listed.collect())
    }

    /// Withdraws an invite; false when it was not in force.
    pub async fn revoke_invite(&self, hash: Hash, noted: &Noted) -> Result<bool, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let revoked = sqlx::query(REVOKE_INVITE.on(engine))
                    .bind(Column(hash))
                    .bind(Column(noted.now))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if revoked == 0 {
                    return Ok(false);
                }
                note!(transaction, engine, noted);
            }
        );
        Ok(true)
    }
}
