//! Blobs and their uploads: what is stored, who uploaded it, and which envelopes claim it. The bytes lie elsewhere.
//!
//! Claims are written by [`Db::append`] with their envelope. A blob is deleted by the sweep alone, or by its uploader
//! while nothing claims it; either holds the blob's row and only then looks for claims, in a statement of its own that
//! sees what was committed before the lock was got. So a blob that is being claimed is never lost.

use conclave_protocol::blobs::{blob_hash, chunk_count};
use conclave_protocol::limits::{BLOB_UNCLAIMED_MS, UPLOADS_MAX};
use conclave_protocol::{AccountId, BlobId, Hash, RoomId, Timestamp};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    COUNT_STORAGE, COUNT_STORAGE_OF_ACCOUNT, DELETE_BLOB, DELETE_CLAIMS_OF_ROOM, EXPIRE_CLAIMS, FIND_BLOB,
    FIND_BLOB_CHUNK, FIND_BLOB_CLAIM, FIND_DIRECT_CLAIM, FIND_OBJECTS, FINISH_BLOB, INSERT_BLOB,
    INSERT_BLOB_CHUNK, KEEP_BLOB, LIST_BLOB_CHUNKS, LIST_BLOBS, LIST_DIRECT_CLAIMS, LIST_POST_CLAIMS,
    LOCK_BLOB, LOCK_BLOBS_TO_SWEEP, LOCK_UPLOADER, padded_pieces,
};
use crate::{Db, DbError, DirectRoom};

/// Blobs or claims that one transaction deletes at most.
const AT_ONCE: u32 = 100;
/// Direct rooms of a blob that are looked at for somebody who started again.
const DIRECT_CLAIMS_MAX: u32 = 256;

type BlobRow = (
    Column<BlobId>,
    Column<AccountId>,
    Column<[u8; 16]>,
    Column<u64>,
    Option<Column<Timestamp>>,
);

/// When an account was closed, and when it was suspended.
type UploaderRow = (Option<Column<Timestamp>>, Option<Column<Timestamp>>);

/// An upload to begin.
#[derive(Clone, Copy, Debug)]
pub struct NewBlob {
    /// Its id, made by the device.
    pub id: BlobId,
    /// Who uploads it.
    pub account: AccountId,
    /// The name of its chunks in the store, made by the server and never used before.
    pub object: [u8; 16],
    /// Bytes of the whole.
    pub size: u64,
    /// The server's clock.
    pub now: Timestamp,
}

/// How many bytes blobs may take; nothing bounds them where none is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlobQuota {
    /// Those of one account.
    pub account: Option<u64>,
    /// All together.
    pub all: Option<u64>,
}

/// A blob, finished or under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobFound {
    /// Its id.
    pub id: BlobId,
    /// Who uploaded it.
    pub account: AccountId,
    /// The name of its chunks in the store.
    pub object: [u8; 16],
    /// Bytes of the whole.
    pub size: u64,
    /// Whether all of it is there.
    pub finished: bool,
}

/// What became of an upload that was to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadBegun {
    /// It is begun, now or before.
    Done(BlobFound),
    /// The id is somebody else's, or this account's for another size.
    IdReused,
    /// The account's blobs take as much as they may.
    QuotaFull,
    /// All blobs together take as much as they may.
    StorageFull,
    /// The account has too many unfinished uploads.
    UploadsFull,
    /// The account ended, is suspended or does not exist.
    NoAccount,
}

/// What became of a chunk whose bytes are in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkStored {
    /// It is noted, now or before.
    Done,
    /// Another chunk was stored under the number.
    Other,
    /// There is no such upload (any more).
    Gone,
}

/// What became of an upload that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadFinished {
    /// All of it is there, now or before.
    Done,
    /// Chunks are missing.
    Incomplete,
    /// The chunks are not those of the hash.
    Wrong,
    /// There is no such upload.
    Gone,
}

/// What became of a blob that its uploader gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobDeleted {
    /// It is gone; its chunks can be deleted.
    Done(SweptBlob),
    /// An envelope claims it.
    Claimed,
    /// There is none of this account.
    Gone,
}

/// A blob that is gone, whose chunks lie in the store still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweptBlob {
    /// The name of its chunks in the store.
    pub object: [u8; 16],
}

/// What an account's blobs take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageUsed {
    /// Bytes, those of unfinished uploads in whole.
    pub bytes: u64,
    /// Unfinished uploads.
    pub uploads: u32,
}

/// Whose claims end.
#[derive(Clone, Copy)]
pub(crate) enum Released {
    /// Those of envelopes whose time is over.
    Expired,
    /// Those in a room that was deleted.
    Room(RoomId),
}

impl Db {
    /// Begins an upload, which takes its whole size of the quota at once. What all blobs take together is counted
    /// without a lock: uploads that begin at the same moment may go beyond by their sizes.
    pub async fn begin_upload(&self, blob: &NewBlob, quota: &BlobQuota) -> Result<UploadBegun, DbError> {
        let engine = self.engine();
        let all = match quota.all {
            Some(all) => all.saturating_sub(self.count_storage().await?),
            None => u64::MAX,
        };
        Ok(on_engine!(
            self,
            transaction | transaction | {
                let uploader: Option<UploaderRow> = sqlx::query_as(LOCK_UPLOADER.on(engine))
                    .bind(Column(blob.account))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if !matches!(uploader, Some((None, None))) {
                    return Ok(UploadBegun::NoAccount);
                }
                let before: Option<BlobRow> = sqlx::query_as(FIND_BLOB.on(engine))
                    .bind(Column(blob.id))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if let Some(before) = before.map(found) {
                    let same = before.account == blob.account && before.size == blob.size;
                    return Ok(if same {
                        UploadBegun::Done(before)
                    } else {
                        UploadBegun::IdReused
                    });
                }
                let (bytes, uploads): (Column<u64>, Column<u32>) =
                    sqlx::query_as(COUNT_STORAGE_OF_ACCOUNT.on(engine))
                        .bind(Column(blob.account))
                        .fetch_one(&mut *transaction)
                        .await?;
                if uploads.0 >= UPLOADS_MAX {
                    return Ok(UploadBegun::UploadsFull);
                }
                let most = quota.account.unwrap_or(u64::MAX);
                if bytes.0.saturating_add(blob.size) > most {
                    return Ok(UploadBegun::QuotaFull);
                }
                if blob.size > all {
                    return Ok(UploadBegun::StorageFull);
                }
                let inserted = sqlx::query(INSERT_BLOB.on(engine))
                    .bind(Column(blob.id))
                    .bind(Column(blob.account))
                    .bind(Column(blob.object))
                    .bind(Column(blob.size))
                    .bind(Column(blob.now))
                    .bind(Column(blob.now.plus(BLOB_UNCLAIMED_MS)))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if inserted == 0 {
                    // Somebody else took it at this moment.
                    UploadBegun::IdReused
                } else {
                    UploadBegun::Done(BlobFound {
                        id: blob.id,
                        account: blob.account,
                        object: blob.object,
                        size: blob.size,
                        finished: false,
                    })
                }
            }
        ))
    }

    /// The blob of this id, finished or under way.
    pub async fn find_blob(&self, id: BlobId) -> Result<Option<BlobFound>, DbError> {
        let statement = FIND_BLOB.on(self.engine());
        let row: Option<BlobRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(found))
    }

    /// Blobs behind an id, in order of their ids.
    pub async fn list_blobs(&self, after: BlobId, limit: u32) -> Result<Vec<BlobFound>, DbError> {
        let statement = LIST_BLOBS.on(self.engine());
        let rows: Vec<BlobRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(after))
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().map(found).collect())
    }

    /// The stored chunks of a blob with their hashes, in order.
    pub async fn list_blob_chunks(&self, id: BlobId) -> Result<Vec<(u32, Hash)>, DbError> {
        let statement = LIST_BLOB_CHUNKS.on(self.engine());
        let rows: Vec<(Column<u32>, Column<Hash>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows
            .into_iter()
            .map(|(number, hash)| (number.0, hash.0))
            .collect())
    }

    /// Notes a chunk whose bytes are in the store. The first one under a number stays.
    pub async fn insert_blob_chunk(
        &self,
        id: BlobId,
        account: AccountId,
        (number, hash): (u32, Hash),
        now: Timestamp,
    ) -> Result<ChunkStored, DbError> {
        let engine = self.engine();
        Ok(on_engine!(
            self,
            transaction | transaction | {
                let row: Option<BlobRow> = sqlx::query_as(LOCK_BLOB.on(engine))
                    .bind(Column(id))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let Some(blob) = row.map(found).filter(|blob| blob.account == account) else {
                    return Ok(ChunkStored::Gone);
                };
                if !blob.finished {
                    sqlx::query(INSERT_BLOB_CHUNK.on(engine))
                        .bind(Column(id))
                        .bind(Column(number))
                        .bind(Column(hash))
                        .execute(&mut *transaction)
                        .await?;
                    sqlx::query(KEEP_BLOB.on(engine))
                        .bind(Column(id))
                        .bind(Column(now.plus(BLOB_UNCLAIMED_MS)))
                        .execute(&mut *transaction)
                        .await?;
                }
                let stored: Option<(Column<Hash>,)> = sqlx::query_as(FIND_BLOB_CHUNK.on(engine))
                    .bind(Column(id))
                    .bind(Column(number))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if stored.is_some_and(|(stored,)| stored.0 == hash) {
                    ChunkStored::Done
                } else {
                    ChunkStored::Other
                }
            }
        ))
    }

    /// Ends an upload when all its chunks are there and are those of the hash.
    pub async fn finish_upload(
        &self,
        id: BlobId,
        account: AccountId,
        hash: Hash,
        now: Timestamp,
    ) -> Result<UploadFinished, DbError> {
        let engine = self.engine();
        Ok(on_engine!(
            self,
            transaction | transaction | {
                let row: Option<BlobRow> = sqlx::query_as(LOCK_BLOB.on(engine))
                    .bind(Column(id))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let Some(blob) = row.map(found).filter(|blob| blob.account == account) else {
                    return Ok(UploadFinished::Gone);
                };
                let chunks: Vec<(Column<u32>, Column<Hash>)> = sqlx::query_as(LIST_BLOB_CHUNKS.on(engine))
                    .bind(Column(id))
                    .fetch_all(&mut *transaction)
                    .await?;
                if u64::try_from(chunks.len()).unwrap_or(u64::MAX) < chunk_count(blob.size) {
                    return Ok(UploadFinished::Incomplete);
                }
                let hashes: Vec<Hash> = chunks.into_iter().map(|(_, hash)| hash.0).collect();
                if blob_hash(blob.size, &hashes) != hash {
                    return Ok(UploadFinished::Wrong);
                }
                if !blob.finished {
                    sqlx::query(FINISH_BLOB.on(engine))
                        .bind(Column(id))
                        .bind(Column(now))
                        .bind(Column(now.plus(BLOB_UNCLAIMED_MS)))
                        .execute(&mut *transaction)
                        .await?;
                }
                UploadFinished::Done
            }
        ))
    }

    /// Deletes an account's blob or upload that no envelope claims.
    pub async fn delete_blob(&self, id: BlobId, account: AccountId) -> Result<BlobDeleted, DbError> {
        let engine = self.engine();
        Ok(on_engine!(
            self,
            transaction | transaction | {
                let row: Option<BlobRow> = sqlx::query_as(LOCK_BLOB.on(engine))
                    .bind(Column(id))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let Some(blob) = row.map(found).filter(|blob| blob.account == account) else {
                    return Ok(BlobDeleted::Gone);
                };
                let claim: Option<(i32,)> = sqlx::query_as(FIND_BLOB_CLAIM.on(engine))
                    .bind(Column(id))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if claim.is_some() {
                    return Ok(BlobDeleted::Claimed);
                }
                sqlx::query(DELETE_BLOB.on(engine))
                    .bind(Column(id))
                    .execute(&mut *transaction)
                    .await?;
                BlobDeleted::Done(SweptBlob { object: blob.object })
            }
        ))
    }

    /// Deletes some blobs and uploads whose time is over and that no envelope claims, and answers them; with `more`
    /// where others may be left. Those that are claimed after all are kept.
    pub async fn sweep_blobs(&self, now: Timestamp) -> Result<(Vec<SweptBlob>, bool), DbError> {
        let engine = self.engine();
        Ok(on_engine!(
            self,
            transaction | transaction | {
                let rows: Vec<BlobRow> = sqlx::query_as(LOCK_BLOBS_TO_SWEEP.on(engine))
                    .bind(Column(now))
                    .bind(Column(AT_ONCE))
                    .fetch_all(&mut *transaction)
                    .await?;
                let more = u32::try_from(rows.len()).is_ok_and(|count| count == AT_ONCE);
                let mut swept = Vec::new();
                for blob in rows.into_iter().map(found) {
                    // Invariant: looked for behind the lock and by a statement of its own. Within one statement an
                    // engine may answer by what it saw before it waited.
                    let claim: Option<(i32,)> = sqlx::query_as(FIND_BLOB_CLAIM.on(engine))
                        .bind(Column(blob.id))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    if claim.is_some() {
                        sqlx::query(KEEP_BLOB.on(engine))
                            .bind(Column(blob.id))
                            .bind(None::<Column<Timestamp>>)
                            .execute(&mut *transaction)
                            .await?;
                    } else {
                        sqlx::query(DELETE_BLOB.on(engine))
                            .bind(Column(blob.id))
                            .execute(&mut *transaction)
                            .await?;
                        swept.push(SweptBlob { object: blob.object });
                    }
                }
                (swept, more)
            }
        ))
    }

    /// Which of these names of the store belong to a blob.
    pub async fn find_objects(&self, objects: &[[u8; 16]]) -> Result<Vec<[u8; 16]>, DbError> {
        let engine = self.engine();
        let mut known = Vec::new();
        on_engine!(
            self,
            read | connection | {
                for piece in padded_pieces(objects) {
                    let mut query = FIND_OBJECTS.start();
                    let mut names = query.separated(", ");
                    for name in piece {
                        names.push_bind(Column(name));
                    }
                    query.push(FIND_OBJECTS.end(engine));
                    let rows: Vec<(Column<[u8; 16]>,)> =
                        query.build_query_as().fetch_all(&mut *connection).await?;
                    known.extend(rows.into_iter().map(|(name,)| name.0));
                }
            }
        );
        Ok(known)
    }

    /// What an account's blobs take.
    pub async fn count_storage_of(&self, account: AccountId) -> Result<StorageUsed, DbError> {
        let statement = COUNT_STORAGE_OF_ACCOUNT.on(self.engine());
        let (bytes, uploads): (Column<u64>, Column<u32>) = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_one(&mut *connection)
                    .await?
            }
        );
        Ok(StorageUsed {
            bytes: bytes.0,
            uploads: uploads.0,
        })
    }

    async fn count_storage(&self) -> Result<u64, DbError> {
        let statement = COUNT_STORAGE.on(self.engine());
        let (bytes,): (Column<u64>,) = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_one(&mut *connection).await? }
        );
        Ok(bytes.0)
    }

    /// Whether an envelope of a direct room of the account claims a blob.
    pub async fn is_claimed_for(&self, blob: BlobId, account: AccountId) -> Result<bool, DbError> {
        let statement = FIND_DIRECT_CLAIM.on(self.engine());
        let row: Option<(i32,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(blob))
                    .bind(Column(account))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.is_some())
    }

    /// The direct rooms in which an envelope claims a blob.
    pub async fn list_direct_claims(&self, blob: BlobId) -> Result<Vec<DirectRoom>, DbError> {
        let statement = LIST_DIRECT_CLAIMS.on(self.engine());
        let rows: Vec<(Column<RoomId>, Column<AccountId>, Column<AccountId>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(blob))
                    .bind(Column(DIRECT_CLAIMS_MAX))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let room = |(id, low, high): (Column<RoomId>, Column<AccountId>, Column<AccountId>)| DirectRoom {
            id: id.0,
            low: low.0,
            high: high.0,
        };
        Ok(rows.into_iter().map(room).collect())
    }

    /// The rooms of the account's places in which a message that has not expired claims a blob, each with the newest
    /// entry that the sender of such a message saw. Who reads a room says its chain.
    pub async fn list_post_claims(
        &self,
        blob: BlobId,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(RoomId, u32)>, DbError> {
        let statement = LIST_POST_CLAIMS.on(self.engine());
        let rows: Vec<(Column<RoomId>, Column<u32>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(blob))
                    .bind(Column(account))
                    .bind(Column(now))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().map(|(room, head)| (room.0, head.0)).collect())
    }

    /// Drops some claims and lets their blobs go with the next sweep, unless another envelope claims them. True where
    /// others may be left.
    pub(crate) async fn release_blobs(&self, released: Released, now: Timestamp) -> Result<bool, DbError> {
        let engine = self.engine();
        Ok(on_engine!(
            self,
            transaction | transaction | {
                let query = match released {
                    Released::Expired => sqlx::query_as(EXPIRE_CLAIMS.on(engine)).bind(Column(now)),
                    Released::Room(room) => {
                        sqlx::query_as(DELETE_CLAIMS_OF_ROOM.on(engine)).bind(Column(room))
                    }
                };
                let rows: Vec<(Column<BlobId>,)> =
                    query.bind(Column(AT_ONCE)).fetch_all(&mut *transaction).await?;
                let more = u32::try_from(rows.len()).is_ok_and(|count| count == AT_ONCE);
                let mut blobs: Vec<BlobId> = rows.into_iter().map(|(blob,)| blob.0).collect();
                blobs.sort_unstable();
                blobs.dedup();
                for blob in blobs {
                    sqlx::query(KEEP_BLOB.on(engine))
                        .bind(Column(blob))
                        .bind(Column(now))
                        .execute(&mut *transaction)
                        .await?;
                }
                more
            }
        ))
    }
}

fn found((id, account, object, size, finished): BlobRow) -> BlobFound {
    BlobFound {
        id: id.0,
        account: account.0,
        object: object.0,
        size: size.0,
        finished: finished.is_some(),
    }
}
