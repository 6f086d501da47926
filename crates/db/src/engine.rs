//! The two engines behind one [`Db`]: opening, the pools, and the macro that runs one body on either.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Executor};

use crate::line::{Bounds, Line};
use crate::statements::{PING, VERSION};
use crate::{DbError, migrate};

/// Which engine holds the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, one node, nothing to set up.
    Sqlite,
    /// For larger sites and several nodes.
    Postgres,
}

/// The database. Clones share their connections.
#[derive(Clone)]
pub struct Db {
    pub(crate) pools: Pools,
}

#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite {
        /// The one connection that writes: writers wait in line here instead of failing there.
        writer: Arc<Line>,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// Reading connections to SQLite; reads are short and the page cache is shared by the system.
const SQLITE_READERS: u32 = 8;
/// Connections of one node to PostgreSQL, well below its usual limit of 100.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Prepared statements kept per connection: every statement, the lists in all their lengths.
const STATEMENTS_KEPT: usize = 256;
/// How long a request waits for a connection before it is told to come back.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(2);
/// SQLite's writers wait in line for the one connection, behind at most a few commits of a slow disk.
const SQLITE_WRITE_WITHIN: Duration = Duration::from_secs(5);
/// What shares one commit on SQLite. Who is first in it waits for the last, and the disk takes longest.
const SQLITE_GROUP: Bounds = Bounds {
    turns: 128,
    within: Duration::from_millis(50),
    patience: SQLITE_WRITE_WITHIN,
};
/// How long SQLite waits for another process (a backup) that holds the file.
const SQLITE_BUSY: Duration = Duration::from_secs(5);
/// The WAL is cut back to this many bytes after a checkpoint.
const SQLITE_WAL_KEPT: &str = "67108864";

/// What every connection to PostgreSQL promises, whatever the server's defaults are. A row lock is waited for
/// as long as a batch may take; a node that hangs in a transaction must not hold its locks for ever.
const POSTGRES_SESSION: &str = "SET synchronous_commit = on; \
     SET default_transaction_isolation = 'read committed'; \
     SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '30s'";

/// Runs one body on either engine; it is type-checked once for each driver.
///
/// - `read`: a connection for statements that change nothing.
/// - `write`: a connection for one statement that changes something and is its own transaction.
/// - `transaction`: a write transaction, committed after the body. A body that returns early, by `?` or by
///   `return`, leaves nothing behind.
/// - `messages`: the transaction that does not wait behind others.
macro_rules! on_engine {
    ($db:expr, read |$connection:ident| $body:block) => {
        match &$db.pools {
            $crate::engine::Pools::Sqlite { readers, .. } => {
                let mut $connection = readers.acquire().await?;
                $body
            }
            $crate::engine::Pools::Postgres(pool) => {
                let mut $connection = pool.acquire().await?;
                $body
            }
        }
    };
    ($db:expr, write |$connection:ident| $body:block) => {
        match &$db.pools {
            $crate::engine::Pools::Sqlite { writer, .. } => {
                $crate::engine::in_turn!(writer, $crate::line::Lane::Others, $connection, $body)
            }
            $crate::engine::Pools::Postgres(pool) => {
                let mut $connection = pool.acquire().await?;
                $body
            }
        }
    };
    ($db:expr, transaction |$transaction:ident| $body:block) => {
        match &$db.pools {
            $crate::engine::Pools::Sqlite { writer, .. } => {
                $crate::engine::in_turn!(writer, $crate::line::Lane::Others, $transaction, $body)
            }
            $crate::engine::Pools::Postgres(pool) => $crate::engine::committed!(pool, $transaction, $body),
        }
    };
    ($db:expr, messages |$transaction:ident| $body:block) => {
        match &$db.pools {
            $crate::engine::Pools::Sqlite { writer, .. } => {
                $crate::engine::in_turn!(writer, $crate::line::Lane::Messages, $transaction, $body)
            }
            $crate::engine::Pools::Postgres(pool) => $crate::engine::committed!(pool, $transaction, $body),
        }
    };
}
pub(crate) use on_engine;

/// Runs a body in a turn of SQLite's line. What it says leaves it behind the commit, whichever way it ends.
macro_rules! in_turn {
    ($line:expr, $lane:expr, $connection:ident, $body:block) => {{
        let mut turn = $line.turn($lane).await?;
        let mut kept = None;
        // A body that returns early returns from this block.
        let left = async {
            let $connection = turn.connection()?;
            kept = Some($body);
            // Looked at by nobody: there is a value.
            Err($crate::DbError::Internal(String::new()))
        }
        .await;
        match kept {
            Some(value) => {
                turn.keep().await?;
                value
            }
            None => return turn.undo(left).await,
        }
    }};
}
pub(crate) use in_turn;

/// Runs a body in a transaction of PostgreSQL.
macro_rules! committed {
    ($pool:expr, $transaction:ident, $body:block) => {{
        let mut transaction = $pool.begin().await?;
        let value = {
            let $transaction = &mut *transaction;
            $body
        };
        transaction.commit().await?;
        value
    }};
}
pub(crate) use committed;

impl Db {
    /// Opens the database at `sqlite:/path/to/file.db`, which is made when missing, or `postgres://…`, and
    /// brings its schema up to date.
    pub async fn open(address: &str) -> Result<Self, DbError> {
        Self::open_limited(address, None).await
    }

    /// As [`Self::open`], with a bound on the size of SQLite's file in pages of 4 KiB. At the bound, writes
    /// fail with [`DbError::Full`] as they do on a full disk; PostgreSQL bounds by its own means.
    pub async fn open_limited(address: &str, sqlite_pages: Option<u32>) -> Result<Self, DbError> {
        let pools = if let Some(path) = address.strip_prefix("sqlite:") {
            let path = sqlite_path(path)?;
            create_private(&path)?;
            let synchronous = SqliteSynchronous::Full;
            connect_sqlite(&path, sqlite_pages, synchronous, Schema::UpToDate).await?
        } else {
            connect_postgres(address, Schema::UpToDate).await?
        };
        Ok(Self { pools })
    }

    /// As [`Self::open`] for SQLite, but a power cut may lose what was committed. It exists so that the test of power
    /// cuts can be seen to fail.
    #[cfg(feature = "faults")]
    #[doc(hidden)]
    pub async fn open_unflushed(address: &str) -> Result<Self, DbError> {
        let path = sqlite_path(address.strip_prefix("sqlite:").unwrap_or_default())?;
        create_private(&path)?;
        let pools = connect_sqlite(&path, None, SqliteSynchronous::Normal, Schema::UpToDate).await?;
        Ok(Self { pools })
    }

    /// Opens a database that is there, without changing its schema: for what only reads, beside a server that may
    /// run. One of another version is refused.
    pub async fn open_existing(address: &str) -> Result<Self, DbError> {
        let pools = if let Some(path) = address.strip_prefix("sqlite:") {
            let path = sqlite_path(path)?;
            if !path.is_file() {
                let missing = format!("{} is not there", path.display());
                return Err(DbError::Unavailable(missing));
            }
            connect_sqlite(&path, None, SqliteSynchronous::Full, Schema::AsItIs).await?
        } else {
            connect_postgres(address, Schema::AsItIs).await?
        };
        Ok(Self { pools })
    }

    /// Which engine holds the data.
    pub fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        let statement = PING.on(self.engine());
        on_engine!(
            self,
            read | connection | {
                sqlx::query(statement).fetch_optional(&mut *connection).await?;
            }
        );
        Ok(())
    }

    /// What looks whether the database answers, where it is a server of its own that may be away.
    pub fn pulse(&self) -> Option<Pulse> {
        match &self.pools {
            Pools::Sqlite { .. } => None,
            Pools::Postgres(pool) => Some(Pulse {
                options: PgConnectOptions::clone(&pool.connect_options()),
                connection: None,
            }),
        }
    }

    /// How often SQLite's one writer has committed since it was opened; nobody counts for PostgreSQL.
    pub fn commits(&self) -> Option<u64> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => Some(writer.commits()),
            Pools::Postgres(_) => None,
        }
    }

    /// The version of the engine, in its own words.
    pub async fn version(&self) -> Result<String, DbError> {
        let statement = VERSION.on(self.engine());
        Ok(on_engine!(
            self,
            read | connection | { sqlx::query_scalar(statement).fetch_one(&mut *connection).await? }
        ))
    }

    /// Waits for the connections in use and closes all; a later call is [`DbError::Unavailable`].
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                // The last connection to close writes the WAL back, so that is the one which may write.
                readers.close().await;
                writer.pool().close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Asks the database for a sign of life over a connection of its own, so that no queue for the others is mistaken for
/// an absence.
pub struct Pulse {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl Pulse {
    /// Waits until the database answers. A database that stands still does not say so: who asks sets a time, and after
    /// it a connection anew is made the next time.
    pub async fn beat(&mut self) -> Result<(), DbError> {
        // Taken out: a connection that failed, or whose answer nobody waited for, is not asked again.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.options).await?,
        };
        connection.ping().await?;
        self.connection = Some(connection);
        Ok(())
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.engine()).finish()
    }
}

fn sqlite_path(rest: &str) -> Result<PathBuf, DbError> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.starts_with(':') || path.contains('?') {
        return Err(DbError::Address(
            "sqlite: must be followed by the path of a file".to_owned(),
        ));
    }
    Ok(PathBuf::from(path))
}

/// What opening does to the schema.
#[derive(Clone, Copy)]
enum Schema {
    /// Brings it up to date.
    UpToDate,
    /// Leaves it, and refuses one of another version.
    AsItIs,
}

async fn connect_sqlite(
    path: &Path,
    pages: Option<u32>,
    synchronous: SqliteSynchronous,
    schema: Schema,
) -> Result<Pools, DbError> {
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .pragma("journal_size_limit", SQLITE_WAL_KEPT)
        .pragma("temp_store", "MEMORY")
        .pragma("trusted_schema", "OFF");
    if let Some(pages) = pages {
        options = options.pragma("max_page_count", pages.to_string());
    }

    let writer = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(SQLITE_WRITE_WITHIN)
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                // A failed statement can end its transaction inside SQLite (an I/O error may); the rollback
                // behind it then fails and the driver counts the transaction as open for ever. Such a
                // connection is replaced.
                if connection.is_in_transaction() {
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options.clone())
        .await?;
    match schema {
        Schema::UpToDate => migrate::run_sqlite(&writer).await?,
        Schema::AsItIs => migrate::check_sqlite(&writer).await?,
    }

    let readers = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(SQLITE_READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ACQUIRE_WITHIN)
        .test_before_acquire(false)
        .connect_with(options.pragma("query_only", "ON"))
        .await?;
    Ok(Pools::Sqlite {
        writer: Line::new(writer, SQLITE_GROUP),
        readers,
    })
}

/// Makes the file when it is missing, for its owner alone; SQLite gives the files beside it the same rights.
fn create_private(path: &Path) -> Result<(), DbError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Err(DbError::Full),
        Err(error) => Err(DbError::Unavailable(format!("{}: {error}", path.display()))),
    }
}

async fn connect_postgres(address: &str, schema: Schema) -> Result<Pools, DbError> {
    if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
        // The address may hold a password, so it is not repeated.
        return Err(DbError::Address(
            "it begins neither with sqlite: nor with postgres://".to_owned(),
        ));
    }
    let options = PgConnectOptions::from_str(address)?
        .application_name("conclave")
        .statement_cache_capacity(STATEMENTS_KEPT);
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_WITHIN)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(sqlx::raw_sql(POSTGRES_SESSION)).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    match schema {
        Schema::UpToDate => migrate::run_postgres(&pool).await?,
        Schema::AsItIs => migrate::check_postgres(&pool).await?,
    }
    Ok(Pools::Postgres(pool))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_may_follow_sqlite() {
        assert_eq!(sqlite_path("/data/a.db").unwrap(), PathBuf::from("/data/a.db"));
        assert_eq!(sqlite_path("///data/a.db").unwrap(), PathBuf::from("/data/a.db"));
        assert_eq!(sqlite_path("//a.db").unwrap(), PathBuf::from("a.db"));
        for refused in ["", "//", ":memory:", "a.db?mode=ro"] {
            assert!(
                matches!(sqlite_path(refused), Err(DbError::Address(_))),
                "{refused}"
            );
        }
    }

    /// With less than `FULL` a power cut loses messages that were acknowledged.
    #[tokio::test]
    async fn sqlite_writes_durably_and_reads_only_where_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite:{}", folder.path().join("a.db").display()))
            .await
            .unwrap();
        let Pools::Sqlite { writer, readers } = &db.pools else {
            panic!("not SQLite")
        };
        let mut connection = writer.pool().acquire().await.unwrap();
        for (pragma, value) in [("synchronous", 2), ("foreign_keys", 1), ("query_only", 0)] {
            let text = sqlx::AssertSqlSafe(format!("PRAGMA {pragma}"));
            let found: i64 = sqlx::query_scalar(text)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            assert_eq!(found, value, "{pragma}");
        }
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(mode, "wal");
        assert!(sqlx::query("DELETE FROM setup").execute(readers).await.is_err());
    }
}
