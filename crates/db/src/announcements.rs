//! What the server says to everybody.

use conclave_protocol::announcements::{Announcement, AnnouncementKind, AnnouncementListed};
use conclave_protocol::limits::ANNOUNCEMENTS_MAX;
use conclave_protocol::{AccountId, AnnouncementId, Timestamp, Username};

use crate::audit::note;
use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    INSERT_ANNOUNCEMENT, LIST_ANNOUNCEMENTS, LIST_ANNOUNCEMENTS_IN_FORCE, WITHDRAW_ANNOUNCEMENT,
};
use crate::{Db, DbError, Noted};

type ListedRow = (
    Column<AnnouncementId>,
    Column<AnnouncementKind>,
    String,
    Column<Username>,
    Column<Timestamp>,
    Column<Timestamp>,
    Option<Column<Timestamp>>,
);
type InForceRow = (
    Column<AnnouncementId>,
    Column<AnnouncementKind>,
    String,
    Column<Timestamp>,
    Column<Timestamp>,
    Option<Column<Timestamp>>,
);

/// An announcement that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncementInForce {
    /// What was said.
    pub said: Announcement,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
}

impl Db {
    /// Says something to everybody; false where as much is said as may be.
    pub async fn insert_announcement(
        &self,
        said: &Announcement,
        by: AccountId,
        noted: &Noted,
    ) -> Result<bool, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let inserted = sqlx::query(INSERT_ANNOUNCEMENT.on(engine))
                    .bind(Column(said.id))
                    .bind(Column(said.kind))
                    .bind(said.text.as_str())
                    .bind(Column(by))
                    .bind(Column(said.said_at))
                    .bind(Column(said.ends_at))
                    .bind(Column(ANNOUNCEMENTS_MAX))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if inserted == 0 {
                    return Ok(false);
                }
                note!(transaction, engine, noted);
            }
        );
        Ok(true)
    }

    /// What was said, the newest first.
    pub async fn list_announcements(&self, limit: u32) -> Result<Vec<AnnouncementListed>, DbError> {
        let statement = LIST_ANNOUNCEMENTS.on(self.engine());
        let rows: Vec<ListedRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let listed =
            rows.into_iter().map(
                |(id, kind, text, by, said_at, ends_at, withdrawn_at)| AnnouncementListed {
                    announcement: id.0,
                    kind: kind.0,
                    text,
                    said_by: by.0,
                    said_at: said_at.0.0,
                    ends_at: ends_at.0.0,
                    withdrawn_at: withdrawn_at.map(|time| time.0.0),
                },
            );
        Ok(listed.collect())
    }

    /// What has not ended, in the order in which it was said; with what was taken back of it.
    pub async fn list_announcements_in_force(
        &self,
        now: Timestamp,
    ) -> Result<Vec<AnnouncementInForce>, DbError> {
        let statement = LIST_ANNOUNCEMENTS_IN_FORCE.on(self.engine());
        let rows: Vec<InForceRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(now))
                    .bind(Column(ANNOUNCEMENTS_MAX))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let in_force =
            rows.into_iter().map(
                |(id, kind, text, said_at, ends_at, withdrawn_at)| AnnouncementInForce {
                    said: Announcement {
                        id: id.0,
                        kind: kind.0,
                        said_at: said_at.0,
                        ends_at: ends_at.0,
                        text,
                    },
                    withdrawn_at: withdrawn_at.map(|time| time.0),
                },
            );
        Ok(in_force.collect())
    }

    /// Takes back what is said; false where nothing of this id is in force.
    pub async fn withdraw_announcement(&self, id: AnnouncementId, noted: &Noted) -> Result<bool, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let withdrawn = sqlx::query(WITHDRAW_ANNOUNCEMENT.on(engine))
                    .bind(Column(id))
                    .bind(Column(noted.now))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if withdrawn == 0 {
                    return Ok(false);
                }
                note!(transaction, engine, noted);
            }
        );
        Ok(true)
    }
}
