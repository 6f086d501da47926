//! What can go wrong below a statement, and how the engines' own codes map to it.

use std::io;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use thiserror::Error;

/// Why a statement did not do what was asked. `Conflict`-like outcomes are results of their own, not errors.
#[derive(Clone, Debug, Error)]
pub enum DbError {
    /// The database was written by a newer version of Conclave.
    #[error(
        "the database was made by a newer version of Conclave (schema {found}, this version knows {known}); start that version, or restore a backup made before the upgrade"
    )]
    Newer {
        /// Schema version found.
        found: i64,
        /// Newest schema version that this build knows.
        known: i64,
    },
    /// The database's schema is older than this build, and was to be left as it is.
    #[error(
        "the database is of an older version of Conclave (schema {found}, this version has {known}); use the program that serves it, or bring it up to date with `conclave-server migrate` while no server runs"
    )]
    Older {
        /// Schema version found.
        found: i64,
        /// Newest schema version that this build knows.
        known: i64,
    },
    /// No room on the disk (or the database's quota): nothing was stored.
    #[error("the disk is full")]
    Full,
    /// The database cannot be reached or is busy beyond the wait: nothing is known to be stored. A commit may
    /// have come through when only its answer was lost; every write is safe to repeat.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The database URL is not of a known kind.
    #[error("the database address is not valid: {0}")]
    Address(String),
    /// Anything else: a bug or a damaged database.
    #[error("the database failed: {0}")]
    Internal(String),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;

        match &error {
            E::Configuration(reason) => Self::Address(reason.to_string()),
            E::Database(refusal) => from_engine(refusal.as_ref()),
            E::Io(failure) if failure.kind() == io::ErrorKind::StorageFull => Self::Full,
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::BeginFailed => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<MigrateError> for DbError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::Internal(other.to_string()),
        }
    }
}

fn from_engine(refusal: &dyn DatabaseError) -> DbError {
    let code = refusal.code().unwrap_or_default();
    // Only PostgreSQL's codes have five characters; SQLite's are numbers of up to four digits.
    let kind = if code.len() == 5 {
        postgres_kind(&code)
    } else {
        sqlite_kind(code.parse().unwrap_or_default())
    };
    match kind {
        Kind::Full => DbError::Full,
        Kind::Unavailable => DbError::Unavailable(refusal.to_string()),
        // The engines' messages name tables and constraints but never the values of a row; PostgreSQL puts
        // those into the detail, which is not taken over.
        Kind::Internal => DbError::Internal(format!("{code}: {}", refusal.message())),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Full,
    Unavailable,
    Internal,
}

/// SQLite's extended result codes; the low byte is the primary code.
fn sqlite_kind(code: i32) -> Kind {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const IOERR_SHMSIZE: i32 = 0x130A;

    match (code, code & 0xFF) {
        // No room for the file that the WAL's readers share.
        (IOERR_SHMSIZE, _) | (_, FULL) => Kind::Full,
        (_, BUSY | LOCKED | CANTOPEN) => Kind::Unavailable,
        _ => Kind::Internal,
    }
}

/// PostgreSQL's SQLSTATE codes.
fn postgres_kind(code: &str) -> Kind {
    match code {
        "53100" => Kind::Full,
        // Too many connections, out of memory; serialization failure, deadlock; read-only (a standby);
        // lock not available; cancelled by a timeout; idle transaction ended.
        "53300" | "53200" | "40001" | "40P01" | "25006" | "55P03" | "57014" | "25P03" => Kind::Unavailable,
        // The operator stopped or the server crashed.
        _ if code.starts_with("57P") => Kind::Unavailable,
        // The connection broke.
        _ if code.starts_with("08") => Kind::Unavailable,
        _ => Kind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_busy_engine_and_from_a_bug() {
        assert_eq!(sqlite_kind(13), Kind::Full);
        assert_eq!(sqlite_kind(4874), Kind::Full);
        assert_eq!(sqlite_kind(5), Kind::Unavailable);
        assert_eq!(sqlite_kind(517), Kind::Unavailable);
        assert_eq!(sqlite_kind(1555), Kind::Internal);
        assert_eq!(postgres_kind("53100"), Kind::Full);
        assert_eq!(postgres_kind("57P01"), Kind::Unavailable);
        assert_eq!(postgres_kind("08006"), Kind::Unavailable);
        assert_eq!(postgres_kind("40P01"), Kind::Unavailable);
        assert_eq!(postgres_kind("23505"), Kind::Internal);
    }

    #[test]
    fn a_pool_without_a_free_connection_is_unavailable() {
        assert!(matches!(
            DbError::from(sqlx::Error::PoolTimedOut),
            DbError::Unavailable(_)
        ));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(matches!(DbError::from(sqlx::Error::Io(full)), DbError::Full));
    }
}
