//! A store in a browser: the origin's private file system, in a dedicated worker.
//!
//! The file system's synchronous handles are exclusive, so two workers never write one store: the second gets
//! [`StoreError::InUse`] until the first one is gone.

use std::time::Duration;

use rsqlite_vfs::{OsCallback, VfsResult};
use rusqlite::{Connection, OpenFlags};
use sqlite_wasm_vfs::sahpool::{OpfsSAHError, OpfsSAHPoolCfgBuilder, install};
use zeroize::Zeroizing;

use crate::{Store, StoreError, StoreKey};

/// Where all stores of this origin are.
const FOLDER: &str = "conclave";
const VFS: &str = "conclave-opfs";
/// The same files through the cipher; SQLite makes it when it is first asked for.
const ENCRYPTED_VFS: &str = "multipleciphers-conclave-opfs";
/// Slots of the pool: the stores, a journal each, and room for one being made.
const SLOTS: usize = 6;

impl Store {
    /// Opens or makes the store of this name.
    pub async fn open_in_browser(name: &str, key: &StoreKey) -> Result<Self, StoreError> {
        take_files().await?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags_and_vfs(name, flags, ENCRYPTED_VFS)?;
        let statement = Zeroizing::new(format!(
            "PRAGMA cipher = 'chacha20'; PRAGMA key = 'raw:{}'",
            key.to_hex().as_str()
        ));
        connection.execute_batch(&statement)?;
        // A commit is one flush of the log; a rollback journal takes four. Shared memory, which a log needs where
        // several connections read it, is not to be had and not needed: the file has one owner.
        Self::set_up(connection, "WAL")
    }
}

/// Takes the origin's files at the first call. They are let go of when the worker ends.
async fn take_files() -> Result<(), StoreError> {
    let options = OpfsSAHPoolCfgBuilder::new()
        .vfs_name(VFS)
        .directory(FOLDER)
        .initial_capacity(SLOTS)
        .build();
    install::<BrowserCallbacks>(&options, false)
        .await
        .map_err(|error| opfs(&error))?;
    Ok(())
}

fn opfs(error: &OpfsSAHError) -> StoreError {
    match error {
        OpfsSAHError::NotSupported => StoreError::NotSupported,
        OpfsSAHError::Opfs { value, operation, .. } => match name_of(value).as_deref() {
            Some("NoModificationAllowedError" | "InvalidStateError") => StoreError::InUse,
            Some("QuotaExceededError") => StoreError::Full,
            // Private windows and blocked site data refuse already here.
            Some("SecurityError" | "NotAllowedError" | "NotSupportedError" | "UnknownError")
                if matches!(*operation, "get OPFS root" | "get pool directory") =>
            {
                StoreError::NotSupported
            }
            _ => StoreError::Failed(rusqlite::ffi::SQLITE_IOERR),
        },
        OpfsSAHError::OutOfMemory => StoreError::Failed(rusqlite::ffi::SQLITE_NOMEM),
        OpfsSAHError::InvalidHeader { .. } | OpfsSAHError::DuplicateFilename(_) => StoreError::Damaged,
        _ => StoreError::Failed(rusqlite::ffi::SQLITE_CANTOPEN),
    }
}

fn name_of(value: &js_sys::wasm_bindgen::JsValue) -> Option<String> {
    js_sys::Reflect::get(value, &"name".into()).ok()?.as_string()
}

/// What SQLite asks of its surroundings, for the names of temporary files and the like.
#[derive(Default)]
struct BrowserCallbacks;

impl OsCallback for BrowserCallbacks {
    /// A worker's only connection never waits for a lock.
    fn sleep(&self, _duration: Duration) {}

    #[expect(
        clippy::disallowed_methods,
        reason = "SQLite takes no argument for its randomness"
    )]
    fn random(&self, bytes: &mut [u8]) -> usize {
        if getrandom::fill(bytes).is_ok() {
            bytes.len()
        } else {
            0
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    fn epoch_timestamp_in_ms(&self) -> VfsResult<i64> {
        Ok(js_sys::Date::now() as i64)
    }
}
