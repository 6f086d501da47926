//! The folder on this machine: each chunk a file, on disk before it counts.

use std::fs;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use object_store::local::LocalFileSystem;
use object_store::path::Path;

use super::BlobStore;
use crate::config::make_folder;
use crate::error::StartError;

/// Opens the folder, which is made when it is missing.
pub(super) fn open(folder: &FilePath) -> Result<BlobStore, StartError> {
    make_folder(folder)?;
    let refused = |error| StartError::File {
        path: folder.to_owned(),
        error,
    };
    let folder = fs::canonicalize(folder).map_err(refused)?;
    let store = LocalFileSystem::new_with_prefix(&folder)
        .map_err(|error| refused(std::io::Error::other(error)))?
        .with_fsync(true)
        .with_automatic_cleanup(true);
    Ok(BlobStore {
        inner: Arc::new(store),
        signer: None,
        prefix: Path::default(),
        folder: Some(Arc::from(folder)),
    })
}

/// Deletes files that a write left half done: the library writes `name#1` and then gives it its name. Only
/// those from before a time in Unix milliseconds; answers how many.
pub(super) fn delete_unfinished(folder: &FilePath, before: u64) -> std::io::Result<u64> {
    let mut deleted = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(found) = entry.metadata() else { continue };
        if found.is_dir() {
            deleted += delete_unfinished(&entry.path(), before)?;
            continue;
        }
        let is_unfinished = entry.file_name().to_string_lossy().contains('#');
        let written = found
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let is_old = written.is_some_and(|written| written.as_millis() <= before.into());
        if is_unfinished && is_old && fs::remove_file(entry.path()).is_ok() {
            deleted += 1;
        }
    }
    Ok(deleted)
}
