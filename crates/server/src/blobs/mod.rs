//! Where the bytes of blobs lie: a folder by default, an S3-compatible service by configuration.
//!
//! This module owns names and bytes in the store, and who may read a blob. It never looks into the bytes, and what it
//! is told by people (ids, hashes) names nothing in the store by itself: a blob's chunks lie under a name that the
//! server made, each by its number and hash, so that two writers of one chunk never share a file and a name that was
//! deleted never comes back.
//!
//! | file | what it does |
//! |---|---|
//! | `local`, `s3` | open the one store or the other; `connector` is HTTP for the latter |
//! | `range` | which part of which chunk a `Range` asks for |
//! | `reading` | who may read a blob, and which an envelope may claim |
//! | `slots` | how many chunks are under way at a time |
//! | `sweeping` | the jobs that delete what nobody needs |

mod connector;
mod local;
mod range;
mod reading;
mod s3;
mod slots;
mod sweeping;

use std::error::Error;
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conclave_protocol::{ErrorCode, Hash};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use http::Method;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{Error as Refusal, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload};
use thiserror::Error;

use crate::config::BlobsConfig;
use crate::error::{ApiError, StartError};

pub(crate) use range::{Asked, Piece, Range, pieces};
pub(crate) use reading::{claimable, may_read};
pub(crate) use slots::{Slot, Slots};
pub(crate) use sweeping::{SETTING, find_orphans, sweep};

/// The name of a blob's chunks in the store.
pub(crate) type Object = [u8; 16];

/// Seconds after which to try again when the store is away.
const AWAY_RETRY_SECONDS: u32 = 5;
/// Says whose store it is.
const OWNER: &str = "owner";
/// What the chunks lie under.
const CHUNKS: &str = "chunks";

/// Why the store did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// There is no room.
    #[error("there is no room for files")]
    Full,
    /// No such bytes.
    #[error("the bytes are not there")]
    Missing,
    /// It cannot be reached or refuses us.
    #[error("the store for files cannot be reached: {0}")]
    Away(String),
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        if matches!(refusal, Refusal::NotFound { .. }) {
            return Self::Missing;
        }
        let mut text = refusal.to_string();
        let mut below = refusal.source();
        while let Some(error) = below {
            let full = error.downcast_ref::<io::Error>().is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                )
            });
            if full {
                return Self::Full;
            }
            text = error.to_string();
            below = error.source();
        }
        Self::Away(text)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::from(ErrorCode::StorageFull).retry_after(AWAY_RETRY_SECONDS),
            StoreError::Missing => ErrorCode::BlobLost.into(),
            StoreError::Away(_) => {
                tracing::warn!(%error, "a file could not be stored or read");
                Self::from(ErrorCode::Unavailable).retry_after(AWAY_RETRY_SECONDS)
            }
        }
    }
}

/// The store.
#[derive(Clone, Debug)]
pub(crate) struct BlobStore {
    inner: Arc<dyn ObjectStore>,
    /// Signs addresses by which chunks are fetched past the server.
    signer: Option<Arc<dyn Signer>>,
    /// What every name begins with.
    prefix: Path,
    /// The folder, where it is one.
    folder: Option<Arc<FilePath>>,
}

/// A chunk: under which name, its number, its hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    pub(crate) object: Object,
    pub(crate) number: u32,
    pub(crate) hash: Hash,
}

impl BlobStore {
    /// Opens what is configured. A folder is made; a service is not asked before it is needed.
    pub(crate) fn open(config: &BlobsConfig, data: &FilePath) -> Result<Self, StartError> {
        match &config.s3 {
            Some(s3) => s3::open(s3, config.signed_links),
            None => local::open(&config.folder_in(data)),
        }
    }

    /// Stores a chunk, on disk when this returns.
    pub(crate) async fn put(&self, chunk: Chunk, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.inner.put(&self.path(chunk), PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// A part of a chunk, as it comes.
    pub(crate) async fn read(
        &self,
        chunk: Chunk,
        (begin, end): (u64, u64),
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(begin..end)),
            ..GetOptions::default()
        };
        let found = self.inner.get_opts(&self.path(chunk), options).await?;
        Ok(found.into_stream().map_err(StoreError::from).boxed())
    }

    /// The length of a chunk as it lies there.
    pub(crate) async fn length(&self, chunk: Chunk) -> Result<u64, StoreError> {
        Ok(self.inner.head(&self.path(chunk)).await?.size)
    }

    /// Deletes one chunk; one that is not there is fine.
    pub(crate) async fn delete_chunk(&self, chunk: Chunk) -> Result<(), StoreError> {
        match self.inner.delete(&self.path(chunk)).await {
            Ok(()) | Err(Refusal::NotFound { .. }) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Deletes all chunks under a name.
    pub(crate) async fn delete(&self, object: Object) -> Result<(), StoreError> {
        let folder = self.folder_of(object);
        let mut found = self.inner.list(Some(&folder));
        while let Some(found) = found.try_next().await? {
            match self.inner.delete(&found.location).await {
                Ok(()) | Err(Refusal::NotFound { .. }) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(())
    }

    /// Whether chunks can be fetched past the server.
    pub(crate) fn has_links(&self) -> bool {
        self.signer.is_some()
    }

    /// An address by which a chunk can be fetched for a while.
    pub(crate) async fn link(&self, chunk: Chunk, life: Duration) -> Result<String, StoreError> {
        let signer = self.signer.as_ref().ok_or(StoreError::Missing)?;
        let url = signer.signed_url(Method::GET, &self.path(chunk), life).await?;
        Ok(url.to_string())
    }

    fn path(&self, chunk: Chunk) -> Path {
        let name = format!("{}-{}", chunk.number, hex(&chunk.hash.0));
        self.folder_of(chunk.object).join(name)
    }

    /// Two letters first, so that no folder grows long.
    fn folder_of(&self, object: Object) -> Path {
        let name = hex(&object);
        let (first, _) = name.split_at(2);
        self.prefix.clone().join(CHUNKS).join(first).join(name.as_str())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Object> {
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    let mut object = Object::default();
    for (index, byte) in object.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_store_read_back() {
        let object: Object = std::array::from_fn(|index| u8::try_from(index * 16).unwrap());
        assert_eq!(from_hex(&hex(&object)), Some(object));
        for refused in ["", "zz", &"g".repeat(32), &"é".repeat(16)] {
            assert_eq!(from_hex(refused), None);
        }
    }

    #[test]
    fn a_full_disk_is_told_from_a_store_that_is_away() {
        let of = |kind| {
            StoreError::from(Refusal::Generic {
                store: "test",
                source: Box::new(io::Error::from(kind)),
            })
        };
        assert!(matches!(of(io::ErrorKind::StorageFull), StoreError::Full));
        assert!(matches!(
            of(io::ErrorKind::ConnectionRefused),
            StoreError::Away(_)
        ));
    }
}
