//! What is deleted from the store: blobs that no envelope claims any more, uploads that were given up, and files that
//! no row names.
//!
//! A row goes first and its files second, so that a crash in between leaves files that nobody names, and never a row
//! without files. Those files are found by [`find_orphans`]. It is right at any moment: a row stands before the first
//! file under its name is written, and names do not come back.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_db::DbError;
use conclave_protocol::bytes::to_base64;
use futures_util::TryStreamExt;
use object_store::{ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{BlobStore, CHUNKS, OWNER, Object, StoreError, from_hex, local};
use crate::randomness;
use crate::state::App;

/// Files younger than this are left alone: nobody is in a hurry to delete.
const ORPHAN_AGE: Duration = Duration::from_hours(24);
/// Names that are looked up at a time.
const LOOKED_UP: usize = 64;
/// The setting that holds the name of whose store it is.
pub(crate) const SETTING: &str = "blob store";

/// Deletes what nothing claims, with its files. Answers how many blobs.
pub(crate) async fn sweep(app: &App) -> Result<u64, DbError> {
    let mut done = 0;
    loop {
        let (swept, more) = app.db.sweep_blobs(app.now()).await?;
        for blob in swept {
            done += 1;
            if let Err(error) = app.blobs.delete(blob.object).await {
                tracing::warn!(%error, "files of a deleted blob are left, and looked for later");
            }
        }
        if !more {
            return Ok(done);
        }
    }
}

/// Deletes files that no row names. Answers how many names.
pub(crate) async fn find_orphans(app: &App) -> Result<u64, DbError> {
    match owns(app).await? {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(
                "the store for files belongs to another server's database: nothing in it is cleared away; give each \
                 server a bucket, prefix or folder of its own"
            );
            return Ok(0);
        }
        Err(error) => {
            tracing::warn!(%error, "the store for files was not cleared");
            return Ok(0);
        }
    }
    let before = app.now().0.saturating_sub(milliseconds(ORPHAN_AGE));
    if let Some(folder) = app.blobs.folder.clone() {
        let unfinished = tokio::task::spawn_blocking(move || local::delete_unfinished(&folder, before)).await;
        if let Ok(Err(error)) = unfinished {
            tracing::warn!(%error, "files that were not written to their end could not be looked for");
        }
    }
    let mut orphans = 0;
    let chunks = app.blobs.prefix.clone().join(CHUNKS);
    let mut listed = app.blobs.inner.list(Some(&chunks));
    let mut names: BTreeSet<Object> = BTreeSet::new();
    loop {
        let found = match listed.try_next().await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "the store for files could not be listed to its end");
                None
            }
        };
        let ended = found.is_none();
        if let Some(found) = found {
            let written = u64::try_from(found.last_modified.timestamp_millis()).unwrap_or(u64::MAX);
            let name = found.location.parts().nth_back(1);
            if let Some(object) = name.and_then(|name| from_hex(name.as_ref()))
                && written <= before
            {
                names.insert(object);
            }
        }
        if names.len() >= LOOKED_UP || ended {
            orphans += delete_unknown(app, &std::mem::take(&mut names)).await?;
        }
        if ended {
            return Ok(orphans);
        }
    }
}

async fn delete_unknown(app: &App, names: &BTreeSet<Object>) -> Result<u64, DbError> {
    let listed: Vec<Object> = names.iter().copied().collect();
    // Asked for behind the listing: what is not known now was deleted, and stays so.
    let known: BTreeSet<Object> = app.db.find_objects(&listed).await?.into_iter().collect();
    let mut deleted = 0;
    for object in names.difference(&known) {
        match app.blobs.delete(*object).await {
            Ok(()) => deleted += 1,
            Err(error) => tracing::warn!(%error, "a file that nobody names could not be deleted"),
        }
    }
    Ok(deleted)
}

/// Whether the store is this database's. One that is nobody's becomes it.
async fn owns(app: &App) -> Result<Result<bool, StoreError>, DbError> {
    let made = to_base64(&randomness::bytes::<16>());
    let own = app.db.find_or_insert_setting(SETTING, &made).await?;
    Ok(app.blobs.is_owned_by(&own).await)
}

impl BlobStore {
    /// Whose store it says that it is.
    pub(crate) async fn owner(&self) -> Result<Option<String>, StoreError> {
        match self.inner.get(&self.prefix.clone().join(OWNER)).await {
            Ok(found) => {
                let bytes = found.bytes().await?;
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn is_owned_by(&self, own: &str) -> Result<bool, StoreError> {
        if let Some(owner) = self.owner().await? {
            return Ok(owner == own);
        }
        let create = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        let marked = PutPayload::from(own.as_bytes().to_vec());
        let path = self.prefix.clone().join(OWNER);
        match self.inner.put_opts(&path, marked, create).await {
            Ok(_) => Ok(true),
            // Somebody else was faster.
            Err(object_store::Error::AlreadyExists { .. }) => Ok(self.owner().await?.as_deref() == Some(own)),
            Err(error) => Err(error.into()),
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
