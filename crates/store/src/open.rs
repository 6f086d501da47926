//! Opening and closing a store.

use std::time::Duration;

use rusqlite::Connection;

use crate::StoreError;
use crate::schema;
use crate::search::Words;

/// The device's database. It has one owner at a time: a second one is refused.
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) words: Words,
}

/// Statements that are kept ready; a few more than there are.
const STATEMENTS: usize = 60;

impl Store {
    /// Opens or makes the store at a path. The folder must be there.
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    pub fn open_native(path: &std::path::Path, key: &crate::StoreKey) -> Result<Self, StoreError> {
        make_private(path)?;
        let connection = Connection::open(path)?;
        // SQLCipher would write to standard error what a wrong key already says by `Locked`.
        connection.pragma_update_and_check(None, "cipher_log_level", "NONE", |_| Ok(()))?;
        let statement = zeroize::Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", key.to_hex().as_str()));
        connection.execute_batch(&statement)?;
        Self::set_up(connection, "WAL")
    }

    /// A store that is gone when it is dropped.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        Self::set_up(Connection::open_in_memory()?, "MEMORY")
    }

    /// Closes the store and reports what the last flush said. Dropping it closes it as well.
    pub fn close(self) -> Result<(), StoreError> {
        self.connection.close().map_err(|(_, error)| error.into())
    }

    pub(crate) fn set_up(mut connection: Connection, journal: &str) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        // The first look into the file: a wrong key ends here, and a newer version before anything is written.
        schema::find_version(&connection)?;
        connection.pragma_update_and_check(None, "journal_mode", journal, |_| Ok(()))?;
        // Acknowledged means on disk: each commit waits for it.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // A key that was deleted is overwritten, so that a later thief of file and key finds it no more.
        connection.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
        // Takes the file now, not at the first write: an owner knows at once that it is the only one.
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
        crate::search::add_functions(&connection)?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            connection,
            words: Words::default(),
        })
    }
}

/// Makes the file before SQLite does, readable by its owner alone; SQLite gives its journals the same rights.
#[cfg(unix)]
fn make_private(path: &std::path::Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let opened = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path);
    match opened {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Err(StoreError::Full),
        Err(_) => Err(StoreError::Failed(rusqlite::ffi::SQLITE_CANTOPEN)),
    }
}

#[cfg(not(any(unix, all(target_family = "wasm", target_os = "unknown"))))]
fn make_private(_path: &std::path::Path) -> Result<(), StoreError> {
    Ok(())
}
