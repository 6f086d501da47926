//! Messages that readers revealed to the administrators.

use conclave_protocol::reports::{Reason, ReportListed};
use conclave_protocol::{
    AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, PlaceId, ReportId, RoomId, Timestamp, Username,
};

use crate::audit::note;
use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    CLOSE_REPORT, COUNT_OPEN_REPORTS, FIND_REPORT_OF_MESSAGE, INSERT_REPORT, LIST_CLOSED_REPORTS,
    LIST_OPEN_REPORTS,
};
use crate::{Db, DbError, Noted};

/// A report whose proof was checked.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// Names it.
    pub id: ReportId,
    /// Who reported.
    pub reporter: AccountId,
    /// The room and the message's place in it.
    pub spot: (RoomId, u64),
    /// The message.
    pub message: EnvelopeId,
    /// Of which group or community the room is.
    pub place: Option<PlaceId>,
    /// Who sent it.
    pub accused: DeviceAddress,
    /// When it was accepted.
    pub sent_at: Timestamp,
    /// When it was reported.
    pub reported_at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// What the reporter says to it.
    pub note: String,
    /// What it opened to.
    pub content: Vec<u8>,
}

impl Db {
    /// Keeps a report; the earlier one of the same reporter about the same message where there is one.
    pub async fn insert_report(&self, report: &NewReport) -> Result<(ReportId, bool), DbError> {
        let engine = self.engine();
        let inserted = on_engine!(
            self,
            write | connection | {
                sqlx::query(INSERT_REPORT.on(engine))
                    .bind(Column(report.id))
                    .bind(Column(report.reporter))
                    .bind(Column(report.spot.0))
                    .bind(Column(report.spot.1))
                    .bind(Column(report.message))
                    .bind(report.place.map(Column))
                    .bind(Column(report.accused.account))
                    .bind(Column(report.accused.device))
                    .bind(Column(report.sent_at))
                    .bind(Column(report.reported_at))
                    .bind(Column(report.reason))
                    .bind(report.note.as_str())
                    .bind(report.content.as_slice())
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        if inserted > 0 {
            return Ok((report.id, false));
        }
        let known: Option<(Column<ReportId>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(FIND_REPORT_OF_MESSAGE.on(engine))
                    .bind(Column(report.reporter))
                    .bind(Column(report.spot.0))
                    .bind(Column(report.spot.1))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok((known.map_or(report.id, |(id,)| id.0), true))
    }

    /// Reports, the newest first, behind so many.
    pub async fn list_reports(
        &self,
        closed: bool,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<ReportListed>, DbError> {
        let statement = if closed {
            LIST_CLOSED_REPORTS
        } else {
            LIST_OPEN_REPORTS
        };
        let statement = statement.on(self.engine());
        let rows: Vec<ReportRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(limit))
                    .bind(Column(skip))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().map(listed).collect())
    }

    /// How many reports nobody has closed.
    pub async fn count_open_reports(&self) -> Result<u64, DbError> {
        let statement = COUNT_OPEN_REPORTS.on(self.engine());
        let (count,): (Column<u64>,) = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_one(&mut *connection).await? }
        );
        Ok(count.0)
    }

    /// Closes a report; false where none of this id is open.
    pub async fn close_report(
        &self,
        id: ReportId,
        by: AccountId,
        outcome: &str,
        noted: &Noted,
    ) -> Result<bool, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let closed = sqlx::query(CLOSE_REPORT.on(engine))
                    .bind(Column(id))
                    .bind(Column(noted.now))
                    .bind(Column(by))
                    .bind(outcome)
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if closed == 0 {
                    return Ok(false);
                }
                note!(transaction, engine, noted);
            }
        );
        Ok(true)
    }
}

/// More columns than a tuple holds.
#[derive(sqlx::FromRow)]
struct ReportRow {
    id: Column<ReportId>,
    reporter: Column<AccountId>,
    reporter_name: Column<Username>,
    accused: Column<AccountId>,
    accused_name: Column<Username>,
    device: Column<DeviceId>,
    suspended: bool,
    room: Column<RoomId>,
    place: Option<Column<PlaceId>>,
    sent_at: Column<Timestamp>,
    reported_at: Column<Timestamp>,
    reason: Column<Reason>,
    note: String,
    content: Vec<u8>,
    closed_at: Option<Column<Timestamp>>,
    closed_by: Option<Column<Username>>,
    outcome: Option<String>,
}

fn listed(row: ReportRow) -> ReportListed {
    ReportListed {
        report: row.id.0,
        reporter: row.reporter.0,
        reporter_name: row.reporter_name.0,
        accused: row.accused.0,
        accused_name: row.accused_name.0,
        device: row.device.0,
        suspended: row.suspended,
        room: row.room.0,
        place: row.place.map(|place| place.0),
        sent_at: row.sent_at.0.0,
        reported_at: row.reported_at.0.0,
        reason: row.reason.0,
        note: row.note,
        content: Bytes(row.content),
        closed_at: row.closed_at.map(|time| time.0.0),
        closed_by: row.closed_by.map(|name| name.0),
        outcome: row.outcome,
    }
}
