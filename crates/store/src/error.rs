//! Why the store could not do something.

use conclave_client::ReadError;
use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the store could not do something. Never holds a value, a key or a statement.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The key does not open the file, or the file is no store.
    #[error("the store cannot be opened with this key")]
    Locked,
    /// A newer version made the store; nothing was changed.
    #[error("the store has version {found}, this program knows {known}")]
    Newer {
        /// Version of the file.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// There is no room left on the disk, or the browser grants no more.
    #[error("there is no room left")]
    Full,
    /// Another process, tab or worker has the store open.
    #[error("the store is in use by somebody else")]
    InUse,
    /// The browser has no storage of the kind that the store needs.
    #[error("this browser cannot keep a store")]
    NotSupported,
    /// A value in the store is not of its form.
    #[error("the store holds a value that is not of its form")]
    Damaged,
    /// Anything else that SQLite or the disk reports, by SQLite's extended code.
    #[error("the store failed with code {0}")]
    Failed(i32),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // The text of the error stays behind: it may hold a statement, and a statement may hold the key.
        let Some(failure) = error.sqlite_error() else {
            return Self::Damaged;
        };
        match failure.code {
            ErrorCode::NotADatabase => Self::Locked,
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::InUse,
            _ => Self::Failed(failure.extended_code),
        }
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}
