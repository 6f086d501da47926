//! What a database goes through that comes from a backup, so that whoever went on meanwhile can go on.

use conclave_protocol::limits::{BLOB_UNCLAIMED_MS, ENTRY_CLOCK_SKEW_MS};
use conclave_protocol::{RestoreEpoch, Timestamp};
use sqlx::{Postgres, Sqlite, Transaction};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    DROP_DEVICE_ATTEMPTS, DROP_JOBS, DROP_LINKS, DROP_LOGIN_ATTEMPTS, DROP_PENDING_TOKENS, DROP_PREKEYS,
    DROP_PUSH_MOVES, DROP_PUSH_WAKES, DROP_RECOVERY_ATTEMPTS, DROP_TICKETS, DROP_UPLOADS, FIND_RESTORE,
    KEEP_UNCLAIMED_BLOBS, LEAP_MAILBOXES, LEAP_PLACE_ROOMS, LEAP_ROOMS, Statement, UPSERT_RESTORE,
};
use crate::{Db, DbError, Engine};

/// Sequences of rooms and mailboxes go on so far behind those in the backup: more than came in any of them between
/// a backup and its restore. A device takes a sequence that it has seen for a repeat, and so would miss what is new.
pub const LEAP: u64 = 1 << 20;

/// In this order: what refers to another stands before it.
const DROPS: [Statement; 11] = [
    DROP_PREKEYS,
    DROP_TICKETS,
    DROP_LOGIN_ATTEMPTS,
    DROP_DEVICE_ATTEMPTS,
    DROP_RECOVERY_ATTEMPTS,
    DROP_PENDING_TOKENS,
    DROP_LINKS,
    DROP_JOBS,
    DROP_UPLOADS,
    DROP_PUSH_WAKES,
    DROP_PUSH_MOVES,
];
const LEAPS: [Statement; 3] = [LEAP_ROOMS, LEAP_PLACE_ROOMS, LEAP_MAILBOXES];

/// That a database was put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restore {
    /// Another one each time.
    pub epoch: RestoreEpoch,
    /// When it was put back.
    pub restored_at: Timestamp,
    /// Of which time the backup is.
    pub made_at: Timestamp,
}

impl Restore {
    /// Whether what has this time may have come after the backup and before the restore, by clocks that differ as
    /// far as is allowed.
    pub fn may_have_lost(&self, time: Timestamp) -> bool {
        time.plus(ENTRY_CLOCK_SKEW_MS) >= self.made_at && time <= self.restored_at.plus(ENTRY_CLOCK_SKEW_MS)
    }
}

macro_rules! note {
    ($transaction:expr, $engine:expr, $restore:expr) => {{
        for statement in DROPS {
            sqlx::query(statement.on($engine))
                .execute(&mut **$transaction)
                .await?;
        }
        for statement in LEAPS {
            let query = sqlx::query(statement.on($engine)).bind(Column(LEAP));
            query.execute(&mut **$transaction).await?;
        }
        // What claimed them may have come behind the backup, and comes again.
        sqlx::query(KEEP_UNCLAIMED_BLOBS.on($engine))
            .bind(Column($restore.restored_at.plus(BLOB_UNCLAIMED_MS)))
            .execute(&mut **$transaction)
            .await?;
        sqlx::query(UPSERT_RESTORE.on($engine))
            .bind(Column($restore.epoch))
            .bind(Column($restore.restored_at))
            .bind(Column($restore.made_at))
            .execute(&mut **$transaction)
            .await?;
        Ok(())
    }};
}

pub(crate) async fn note_sqlite(
    transaction: &mut Transaction<'static, Sqlite>,
    restore: &Restore,
) -> Result<(), DbError> {
    note!(transaction, Engine::Sqlite, restore)
}

pub(crate) async fn note_postgres(
    transaction: &mut Transaction<'static, Postgres>,
    restore: &Restore,
) -> Result<(), DbError> {
    note!(transaction, Engine::Postgres, restore)
}

impl Db {
    /// The restore behind which this database lives; none when it was never put back.
    pub async fn find_restore(&self) -> Result<Option<Restore>, DbError> {
        let statement = FIND_RESTORE.on(self.engine());
        let row: Option<(Column<RestoreEpoch>, Column<Timestamp>, Column<Timestamp>)> = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_optional(&mut *connection).await? }
        );
        Ok(row.map(|(epoch, restored_at, made_at)| Restore {
            epoch: epoch.0,
            restored_at: restored_at.0,
            made_at: made_at.0,
        }))
    }
}
