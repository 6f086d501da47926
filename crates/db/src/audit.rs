//! The audit log: what administrators and people do to accounts and to the server. Lines are only ever added, each with
//! a hash over the line before, so that a changed or missing line shows.
//!
//! One more act is noted by `note!` in the transaction that does it: either both are stored or neither.
//! Invariant: the head is the last lock that a transaction takes.

use conclave_protocol::admin::AuditLine;
use conclave_protocol::{AccountId, Hash, Timestamp};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{FIND_AUDIT_HEAD, LIST_AUDIT};
use crate::{Db, DbError, Noted};

/// What a line's hash begins with.
const LABEL: &[u8] = b"conclave audit 1";

type LineRow = (
    Column<u64>,
    Column<Timestamp>,
    Option<Column<AccountId>>,
    String,
    String,
    Column<Hash>,
);

/// Why a log is not the one that was written.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AuditBroken {
    /// A line was changed, or stands in the place of another one.
    #[error("line {0} of the audit log was changed")]
    Changed(u64),
    /// A line is missing.
    #[error("line {0} of the audit log is missing")]
    Missing(u64),
}

/// The hash of a line: over the one before and everything in it, each part with its length.
pub fn audit_hash(before: Hash, sequence: u64, noted: &Noted) -> Hash {
    line_hash(
        before,
        sequence,
        noted.now.0,
        noted.actor,
        noted.act,
        &noted.subject,
    )
}

fn line_hash(
    before: Hash,
    sequence: u64,
    time: u64,
    actor: Option<AccountId>,
    act: &str,
    subject: &str,
) -> Hash {
    let mut hash = Sha256::new();
    let sequence = sequence.to_be_bytes();
    let time = time.to_be_bytes();
    let actor = actor.map(|actor| actor.0);
    let parts: [&[u8]; 7] = [
        LABEL,
        &before.0,
        &sequence,
        &time,
        actor.as_ref().map_or(&[][..], <[u8; 32]>::as_slice),
        act.as_bytes(),
        subject.as_bytes(),
    ];
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    Hash(hash.finalize().into())
}

/// Verifies lines that follow on a line with this number and hash (0 and zeros before the first); answers the last.
pub fn verify_audit(mut last: (u64, Hash), lines: &[AuditLine]) -> Result<(u64, Hash), AuditBroken> {
    for line in lines {
        let next = last.0.saturating_add(1);
        if line.sequence != next {
            return Err(AuditBroken::Missing(next));
        }
        let hash = line_hash(last.1, next, line.time, line.actor, &line.act, &line.subject);
        if hash != line.hash {
            return Err(AuditBroken::Changed(next));
        }
        last = (next, hash);
    }
    Ok(last)
}

/// Adds a line in the transaction that does what it says.
macro_rules! note {
    ($transaction:expr, $engine:expr, $noted:expr) => {{
        use $crate::column::Column;
        use $crate::statements::{INSERT_AUDIT_LINE, LOCK_AUDIT_HEAD, MOVE_AUDIT_HEAD};
        let noted: &$crate::Noted = $noted;
        let heads: Vec<(Column<u64>, Column<conclave_protocol::Hash>)> =
            sqlx::query_as(LOCK_AUDIT_HEAD.on($engine))
                .bind(Column(conclave_protocol::Hash([0; 32])))
                .fetch_all(&mut *$transaction)
                .await?;
        let head = heads.into_iter().next();
        let (before, hash) = head.map_or((0, conclave_protocol::Hash([0; 32])), |head| (head.0.0, head.1.0));
        let sequence = before.saturating_add(1);
        let hash = $crate::audit::audit_hash(hash, sequence, noted);
        sqlx::query(INSERT_AUDIT_LINE.on($engine))
            .bind(Column(sequence))
            .bind(Column(noted.now))
            .bind(noted.actor.map(Column))
            .bind(noted.act)
            .bind(noted.subject.as_str())
            .bind(Column(hash))
            .execute(&mut *$transaction)
            .await?;
        sqlx::query(MOVE_AUDIT_HEAD.on($engine))
            .bind(Column(sequence))
            .bind(Column(hash))
            .execute(&mut *$transaction)
            .await?;
    }};
}
pub(crate) use note;

impl Db {
    /// Lines of the audit log behind a number, in order.
    pub async fn list_audit(&self, after: u64, limit: u32) -> Result<Vec<AuditLine>, DbError> {
        let statement = LIST_AUDIT.on(self.engine());
        let rows: Vec<LineRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(after))
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let lines = rows
            .into_iter()
            .map(|(sequence, time, actor, act, subject, hash)| AuditLine {
                sequence: sequence.0,
                time: time.0.0,
                actor: actor.map(|actor| actor.0),
                act,
                subject,
                hash: hash.0,
            });
        Ok(lines.collect())
    }

    /// The newest line's number and hash; 0 and zeros where there is none.
    pub async fn find_audit_head(&self) -> Result<(u64, Hash), DbError> {
        let statement = FIND_AUDIT_HEAD.on(self.engine());
        let row: Option<(Column<u64>, Column<Hash>)> = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_optional(&mut *connection).await? }
        );
        Ok(row.map_or((0, Hash([0; 32])), |(sequence, hash)| (sequence.0, hash.0)))
    }
}
