//! The database as a whole: every table read in one consistent view, and every table filled in one transaction.
//!
//! What is written stands whole or not at all: it is read again and compared before the commit. This module knows
//! rows and no meaning.

mod values;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Postgres, QueryBuilder, Row as _, Sqlite, Transaction};
use thiserror::Error;

use crate::engine::Pools;
use crate::restores::{self, Restore};
use crate::statements::{
    BEGIN_EXPORT, BEGIN_FILL, ROWS, export_text, fill_text, is_empty_text, lock_text, pieces,
};
use crate::tables::{Kind, TABLES, Table};
use crate::{Db, DbError, Engine};

pub use values::{Row, Summing, TableSum, Value};

/// Why the database was not taken over as a whole.
#[derive(Debug, Error)]
pub enum TransferError {
    /// Below a statement.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Something stands in the target.
    #[error(
        "the target is not empty: its table {0} holds rows; give an empty file or database, nothing was changed"
    )]
    NotEmpty(&'static str),
    /// What was written reads differently.
    #[error("table {0} reads differently in the target than it was written; nothing was kept there")]
    Differs(String),
    /// A row does not fit its table.
    #[error("a row does not fit table {0}; nothing was kept")]
    Misfit(&'static str),
}

impl From<sqlx::Error> for TransferError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

macro_rules! decode {
    ($row:expr, $table:expr) => {{
        let mut values = Vec::with_capacity($table.columns.len());
        for (at, (_, kind)) in $table.columns.iter().enumerate() {
            let value = match kind {
                Kind::Bytes => $row.try_get::<Option<Vec<u8>>, _>(at)?.map(Value::Bytes),
                Kind::Text => $row.try_get::<Option<String>, _>(at)?.map(Value::Text),
                Kind::Number => $row.try_get::<Option<i64>, _>(at)?.map(Value::Number),
                Kind::Truth => $row.try_get::<Option<bool>, _>(at)?.map(Value::Truth),
            };
            values.push(value.unwrap_or(Value::Null));
        }
        Ok(values)
    }};
}

fn from_sqlite(row: &SqliteRow, table: &Table) -> Result<Row, sqlx::Error> {
    decode!(row, table)
}

fn from_postgres(row: &PgRow, table: &Table) -> Result<Row, sqlx::Error> {
    decode!(row, table)
}

/// The rows behind `$after`, at most [`ROWS`] of them.
macro_rules! read_batch {
    ($transaction:expr, $engine:expr, $table:expr, $after:expr, $decode:ident) => {{
        let text = export_text($table, $engine, $after.is_some());
        let mut query = sqlx::query(AssertSqlSafe(text));
        if let Some(after) = $after {
            for at in $table.key_positions() {
                query = match after.get(at) {
                    Some(Value::Bytes(value)) => query.bind(value.clone()),
                    Some(Value::Text(value)) => query.bind(value.clone()),
                    Some(Value::Number(value)) => query.bind(*value),
                    Some(Value::Truth(value)) => query.bind(*value),
                    Some(Value::Null) | None => return Err(DbError::Internal("a key is absent".to_owned())),
                };
            }
        }
        let rows = query.fetch_all(&mut **$transaction).await?;
        let rows: Result<Vec<Row>, sqlx::Error> = rows.iter().map(|row| $decode(row, $table)).collect();
        Ok(rows?)
    }};
}

macro_rules! fill_batch {
    ($transaction:expr, $engine:ty, $table:expr, $rows:expr) => {{
        for piece in pieces($rows) {
            let mut query = QueryBuilder::<$engine>::new(fill_text($table));
            query.push_values(piece, |mut separated, row: &Row| {
                for (value, (_, kind)) in row.iter().zip($table.columns) {
                    match (value, kind) {
                        (Value::Bytes(value), _) => separated.push_bind(Some(value.clone())),
                        (Value::Text(value), _) => separated.push_bind(Some(value.clone())),
                        (Value::Number(value), _) => separated.push_bind(Some(*value)),
                        (Value::Truth(value), _) => separated.push_bind(Some(*value)),
                        (Value::Null, Kind::Bytes) => separated.push_bind(None::<Vec<u8>>),
                        (Value::Null, Kind::Text) => separated.push_bind(None::<String>),
                        (Value::Null, Kind::Number) => separated.push_bind(None::<i64>),
                        (Value::Null, Kind::Truth) => separated.push_bind(None::<bool>),
                    };
                }
            });
            query.build().execute(&mut **$transaction).await?;
        }
    }};
}

async fn read_sqlite(
    transaction: &mut Transaction<'static, Sqlite>,
    table: &'static Table,
    after: Option<&Row>,
) -> Result<Vec<Row>, DbError> {
    read_batch!(transaction, Engine::Sqlite, table, after, from_sqlite)
}

async fn read_postgres(
    transaction: &mut Transaction<'static, Postgres>,
    table: &'static Table,
    after: Option<&Row>,
) -> Result<Vec<Row>, DbError> {
    read_batch!(transaction, Engine::Postgres, table, after, from_postgres)
}

enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Open {
    async fn read(&mut self, table: &'static Table, after: Option<&Row>) -> Result<Vec<Row>, DbError> {
        match self {
            Self::Sqlite(transaction) => read_sqlite(transaction, table, after).await,
            Self::Postgres(transaction) => read_postgres(transaction, table, after).await,
        }
    }
}

/// All tables as they stood at one moment, whatever is written meanwhile.
pub struct Snapshot(Open);

impl Snapshot {
    /// The rows of a table behind `after`, in the order of its key; a batch of them, none at the end.
    pub async fn read(&mut self, table: &'static Table, after: Option<&Row>) -> Result<Vec<Row>, DbError> {
        self.0.read(table, after).await
    }

    /// Sums every table up.
    pub async fn sums(&mut self) -> Result<Vec<TableSum>, DbError> {
        let mut sums = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            sums.push(sum(&mut self.0, table).await?);
        }
        Ok(sums)
    }
}

async fn sum(open: &mut Open, table: &'static Table) -> Result<TableSum, DbError> {
    let mut summing = Summing::new(table);
    let mut batch = open.read(table, None).await?;
    loop {
        for row in &batch {
            summing.add(row);
        }
        let full = batch.len() == ROWS;
        let Some(last) = batch.pop().filter(|_| full) else {
            return Ok(summing.end());
        };
        batch = open.read(table, Some(&last)).await?;
    }
}

/// A database that is being filled. Nothing of it stands before [`Filling::commit`].
pub struct Filling(Open);

impl Filling {
    /// Adds rows to a table.
    pub async fn insert(&mut self, table: &'static Table, rows: &[Row]) -> Result<(), TransferError> {
        let fits = |row: &Row| {
            row.len() == table.columns.len()
                && row
                    .iter()
                    .zip(table.columns)
                    .all(|(value, (_, kind))| value.fits(*kind))
        };
        if !rows.iter().all(fits) {
            return Err(TransferError::Misfit(table.name));
        }
        match &mut self.0 {
            Open::Sqlite(transaction) => fill_batch!(transaction, Sqlite, table, rows),
            Open::Postgres(transaction) => fill_batch!(transaction, Postgres, table, rows),
        }
        Ok(())
    }

    /// Reads everything again, compares it with what it should be, and keeps it.
    pub async fn commit(mut self, expected: &[TableSum]) -> Result<(), TransferError> {
        self.compare(expected).await?;
        self.keep().await
    }

    /// As [`Filling::commit`] for what comes from a backup: what is used once is dropped, numbers go on behind
    /// all that may have been given out since, and the restore is noted. See `restores`.
    pub async fn commit_restored(
        mut self,
        expected: &[TableSum],
        restore: &Restore,
    ) -> Result<(), TransferError> {
        self.compare(expected).await?;
        match &mut self.0 {
            Open::Sqlite(transaction) => restores::note_sqlite(transaction, restore).await?,
            Open::Postgres(transaction) => restores::note_postgres(transaction, restore).await?,
        }
        self.keep().await
    }

    async fn compare(&mut self, expected: &[TableSum]) -> Result<(), TransferError> {
        for table in TABLES {
            let found = sum(&mut self.0, table).await?;
            if !expected.contains(&found) {
                return Err(TransferError::Differs(found.table));
            }
        }
        Ok(())
    }

    async fn keep(self) -> Result<(), TransferError> {
        match self.0 {
            Open::Sqlite(transaction) => transaction.commit().await?,
            Open::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

impl Db {
    /// One consistent view of all tables. It holds one connection; others go on writing.
    pub async fn snapshot(&self) -> Result<Snapshot, DbError> {
        let begin = BEGIN_EXPORT.on(self.engine());
        Ok(Snapshot(match &self.pools {
            Pools::Sqlite { readers, .. } => Open::Sqlite(readers.begin_with(begin).await?),
            Pools::Postgres(pool) => Open::Postgres(pool.begin_with(begin).await?),
        }))
    }

    /// Begins to fill this database, which must be empty. Nobody else writes to it until that ended.
    pub async fn fill(&self) -> Result<Filling, TransferError> {
        let begin = BEGIN_FILL.on(self.engine());
        let mut open = match &self.pools {
            Pools::Sqlite { writer, .. } => Open::Sqlite(writer.pool().begin_with(begin).await?),
            Pools::Postgres(pool) => Open::Postgres(pool.begin_with(begin).await?),
        };
        for table in TABLES {
            let filled = match &mut open {
                Open::Sqlite(transaction) => {
                    let text = AssertSqlSafe(is_empty_text(table));
                    sqlx::query(text)
                        .fetch_optional(&mut **transaction)
                        .await?
                        .is_some()
                }
                Open::Postgres(transaction) => {
                    let lock = AssertSqlSafe(lock_text(table));
                    sqlx::query(lock).execute(&mut **transaction).await?;
                    let text = AssertSqlSafe(is_empty_text(table));
                    sqlx::query(text)
                        .fetch_optional(&mut **transaction)
                        .await?
                        .is_some()
                }
            };
            if filled {
                return Err(TransferError::NotEmpty(table.name));
            }
        }
        Ok(Filling(open))
    }

    /// Takes everything over from another database into this one, which must be empty. Answers what was moved.
    /// It stands here whole and compared, or not at all.
    pub async fn take_over(&self, from: &Self) -> Result<Vec<TableSum>, TransferError> {
        let mut snapshot = from.snapshot().await?;
        let mut filling = self.fill().await?;
        let mut sums = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            let mut summing = Summing::new(table);
            let mut batch = snapshot.read(table, None).await?;
            loop {
                for row in &batch {
                    summing.add(row);
                }
                filling.insert(table, &batch).await?;
                let full = batch.len() == ROWS;
                let Some(last) = batch.pop().filter(|_| full) else {
                    break;
                };
                batch = snapshot.read(table, Some(&last)).await?;
            }
            sums.push(summing.end());
        }
        filling.commit(&sums).await?;
        Ok(sums)
    }
}
