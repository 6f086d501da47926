//! Blobs over HTTP: uploads in chunks that can be repeated and resumed, and reading with ranges.
//!
//! Who may not read a blob is told what they are told of one that does not exist. Chunks may come in any order and
//! several at a time: each is a file of its own in the store, so that no chunk waits for another, and what a broken
//! line left out is asked for with [`find_upload`].

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body as Raw;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use conclave_db::{BlobDeleted, BlobFound, ChunkStored, NewBlob, UploadBegun, UploadFinished};
use conclave_protocol::blobs::{
    BeginUpload, BlobLinks, FinishUpload, StorageFound, UploadState, chunk_length, is_sealed_size,
};
use conclave_protocol::bytes::from_base64;
use conclave_protocol::limits::BLOB_CHUNK;
use conclave_protocol::{AccountId, BlobId, ErrorCode, Hash};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::access::LoginId;
use crate::blobs::{Asked, Chunk, Piece, Range, Slot, StoreError, may_read, pieces};
use crate::error::ApiError;
use crate::extract::{Body, PathOf, SignedIn};
use crate::randomness;
use crate::state::App;

/// How long nothing of a chunk may come before its sender is given up.
const QUIET_MAX: Duration = Duration::from_secs(30);
/// How long an address works by which a chunk is fetched past the server.
const LINK_LIFE: Duration = Duration::from_mins(1);
/// Whose hash stands in `Content-Digest`.
const ALGORITHM: &str = "sha-256=:";

/// `GET /api/v1/account/storage`
pub(crate) async fn storage(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<StorageFound>, ApiError> {
    let used = app.db.count_storage_of(signed_in.account()).await?;
    Ok(Body(StorageFound {
        used: used.bytes,
        quota: app.config.blobs.quotas().account,
        largest: app.config.blobs.largest(),
        uploads: used.uploads,
    }))
}

/// `PUT /api/v1/blobs/{blob}`: begins an upload; repeated, says how far it is.
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<BlobId>,
    Body(asked): Body<BeginUpload>,
) -> Result<Body<UploadState>, ApiError> {
    if asked.size > app.config.blobs.largest() {
        return Err(ErrorCode::TooLarge.into());
    }
    if !is_sealed_size(asked.size) {
        return Err(ErrorCode::Malformed.into());
    }
    app.limits.upload(signed_in.account())?;
    let new = NewBlob {
        id,
        account: signed_in.account(),
        object: randomness::bytes(),
        size: asked.size,
        now: app.now(),
    };
    match app.db.begin_upload(&new, &app.config.blobs.quotas()).await? {
        UploadBegun::Done(blob) => Ok(Body(state_of(&app, &blob).await?)),
        UploadBegun::IdReused => Err(ErrorCode::IdReused.into()),
        UploadBegun::QuotaFull => Err(ErrorCode::QuotaFull.into()),
        UploadBegun::StorageFull => Err(ErrorCode::StorageFull.into()),
        UploadBegun::UploadsFull => Err(ErrorCode::UploadsFull.into()),
        UploadBegun::NoAccount => Err(ErrorCode::SignInNeeded.into()),
    }
}

/// `GET /api/v1/blobs/{blob}/upload`: how far one's own upload is.
pub(crate) async fn find_upload(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<BlobId>,
) -> Result<Body<UploadState>, ApiError> {
    let blob = own(&app, signed_in.account(), id).await?;
    Ok(Body(state_of(&app, &blob).await?))
}

/// `PUT /api/v1/blobs/{blob}/chunks/{chunk}`: stores a chunk, on disk when this answers.
pub(crate) async fn put_chunk(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf((id, number)): PathOf<(BlobId, u32)>,
    headers: HeaderMap,
    body: Raw,
) -> Result<StatusCode, ApiError> {
    let account = signed_in.account();
    let blob = own(&app, account, id).await?;
    let length = chunk_length(blob.size, number.into()).ok_or(ErrorCode::NotFound)?;
    let hash = digest_in(&headers).ok_or(ErrorCode::Malformed)?;
    let chunk = Chunk {
        object: blob.object,
        number,
        hash,
    };
    let _slot = app.uploads.take(account)?;
    let bytes = receive(body, length).await?;
    if Sha256::digest(&bytes).as_slice() != hash.0 {
        return Err(ErrorCode::ChunkWrong.into());
    }
    let stored = app.db.list_blob_chunks(id).await?;
    match stored.iter().find(|(stored, _)| *stored == number) {
        Some((_, stored)) if *stored == hash => return Ok(StatusCode::NO_CONTENT),
        Some(_) => return Err(ErrorCode::IdReused.into()),
        None => app.blobs.put(chunk, bytes).await?,
    }
    let refusal = match app
        .db
        .insert_blob_chunk(id, account, (number, hash), app.now())
        .await?
    {
        ChunkStored::Done => return Ok(StatusCode::NO_CONTENT),
        ChunkStored::Other => ErrorCode::IdReused,
        ChunkStored::Gone => ErrorCode::NotFound,
    };
    // No row names this file: under its hash it is nobody else's.
    app.blobs.delete_chunk(chunk).await?;
    Err(refusal.into())
}

/// `POST /api/v1/blobs/{blob}/finish`
pub(crate) async fn finish(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<BlobId>,
    Body(asked): Body<FinishUpload>,
) -> Result<Body<UploadState>, ApiError> {
    let account = signed_in.account();
    match app.db.finish_upload(id, account, asked.hash, app.now()).await? {
        UploadFinished::Done => {
            let blob = own(&app, account, id).await?;
            Ok(Body(state_of(&app, &blob).await?))
        }
        UploadFinished::Incomplete => Err(ErrorCode::UploadIncomplete.into()),
        UploadFinished::Wrong => Err(ErrorCode::UploadWrong.into()),
        UploadFinished::Gone => Err(ErrorCode::NotFound.into()),
    }
}

/// `DELETE /api/v1/blobs/{blob}`: gives up an upload, or a blob that no envelope claims.
pub(crate) async fn give_up(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<BlobId>,
) -> Result<StatusCode, ApiError> {
    match app.db.delete_blob(id, signed_in.account()).await? {
        BlobDeleted::Done(deleted) => {
            if let Err(error) = app.blobs.delete(deleted.object).await {
                // Nobody names these files any more; they are found later.
                tracing::warn!(%error, "files of a deleted blob are left");
            }
            Ok(StatusCode::NO_CONTENT)
        }
        BlobDeleted::Claimed => Err(ErrorCode::BlobClaimed.into()),
        BlobDeleted::Gone => Err(ErrorCode::NotFound.into()),
    }
}

/// `GET /api/v1/blobs/{blob}`: the bytes, or the part that `Range` asks for.
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<BlobId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let blob = readable(&app, signed_in.account(), id).await?;
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let (range, status) = match Range::asked(asked, blob.size) {
        Asked::Whole => (
            Range {
                begin: 0,
                end: blob.size,
            },
            StatusCode::OK,
        ),
        Asked::Part(range) => (range, StatusCode::PARTIAL_CONTENT),
        Asked::Unsatisfiable => {
            let mut refused = ApiError::from(ErrorCode::RangeInvalid).into_response();
            insert(
                &mut refused,
                header::CONTENT_RANGE,
                &format!("bytes */{}", blob.size),
            );
            return Ok(refused);
        }
    };
    let slot = app.downloads.take(signed_in.account())?;
    let chunks = app.db.list_blob_chunks(id).await?;
    let source = Source {
        app: Arc::clone(&app),
        blob,
        hashes: chunks.into_iter().map(|(_, hash)| hash).collect(),
        login: signed_in.login(),
        _slot: slot,
    };
    let mut left = pieces(range);
    // What is missing or away is said before the answer begins.
    let first = match left.next() {
        Some(piece) => source.read(piece).await?.left_stream(),
        None => stream::empty().right_stream(),
    };
    let rest = stream::try_unfold((source, left), |(source, mut left)| async move {
        let Some(piece) = left.next() else { return Ok(None) };
        if source.app.revocations.why(&source.login).is_some() {
            return Err(StoreError::Away("the login has ended".to_owned()));
        }
        let read = source.read(piece).await?;
        Ok(Some((read, (source, left))))
    });
    let body = first.chain(rest.try_flatten()).inspect_err(|error| {
        tracing::warn!(%error, "a download was cut");
    });
    let mut response = Raw::from_stream(body).into_response();
    *response.status_mut() = status;
    insert(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    insert(&mut response, header::CONTENT_LENGTH, &range.length().to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = range.end.saturating_sub(1);
        let text = format!("bytes {}-{last}/{}", range.begin, blob.size);
        insert(&mut response, header::CONTENT_RANGE, &text);
    }
    Ok(response)
}

/// `GET /api/v1/blobs/{blob}/links`
pub(crate) async fn links(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(id): PathOf<BlobId>,
) -> Result<Body<BlobLinks>, ApiError> {
    let blob = readable(&app, signed_in.account(), id).await?;
    let life = u64::try_from(LINK_LIFE.as_millis()).unwrap_or(u64::MAX);
    let mut links = BlobLinks {
        chunks: Vec::new(),
        expires: app.now().plus(life).0,
    };
    if app.blobs.has_links() {
        for (number, hash) in app.db.list_blob_chunks(id).await? {
            let chunk = Chunk {
                object: blob.object,
                number,
                hash,
            };
            links.chunks.push(app.blobs.link(chunk, LINK_LIFE).await?);
        }
    }
    Ok(Body(links))
}

/// A blob that is being read. It holds its slot to the end.
struct Source {
    app: Arc<App>,
    blob: BlobFound,
    hashes: Vec<Hash>,
    login: LoginId,
    _slot: Slot,
}

impl Source {
    async fn read(
        &self,
        piece: Piece,
    ) -> Result<impl Stream<Item = Result<Bytes, StoreError>> + Send + use<>, StoreError> {
        let index = usize::try_from(piece.chunk).unwrap_or(usize::MAX);
        let hash = *self.hashes.get(index).ok_or(StoreError::Missing)?;
        let chunk = Chunk {
            object: self.blob.object,
            number: piece.chunk,
            hash,
        };
        self.app.blobs.read(chunk, (piece.begin, piece.end)).await
    }
}

/// The account's own blob; for others there is none.
async fn own(app: &App, account: AccountId, id: BlobId) -> Result<BlobFound, ApiError> {
    let found = app.db.find_blob(id).await?;
    Ok(found
        .filter(|blob| blob.account == account)
        .ok_or(ErrorCode::NotFound)?)
}

/// A whole blob, for who may read it; for others there is none.
async fn readable(app: &App, account: AccountId, id: BlobId) -> Result<BlobFound, ApiError> {
    let found = app.db.find_blob(id).await?;
    let blob = found.filter(|blob| blob.finished).ok_or(ErrorCode::NotFound)?;
    if may_read(app, account, &blob).await? {
        Ok(blob)
    } else {
        Err(ErrorCode::NotFound.into())
    }
}

async fn state_of(app: &App, blob: &BlobFound) -> Result<UploadState, ApiError> {
    let chunks = app.db.list_blob_chunks(blob.id).await?;
    Ok(UploadState {
        size: blob.size,
        chunk: BLOB_CHUNK,
        stored: chunks.into_iter().map(|(number, _)| number).collect(),
        finished: blob.finished,
    })
}

/// A body of exactly this length.
async fn receive(body: Raw, length: u64) -> Result<Vec<u8>, ApiError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    let mut parts = body.into_data_stream();
    loop {
        let part = timeout(QUIET_MAX, parts.try_next())
            .await
            .map_err(|_| ErrorCode::TimedOut)?;
        // A body that breaks off.
        let Some(part) = part.map_err(|_| ErrorCode::Malformed)? else {
            break;
        };
        if part.len() > length.saturating_sub(bytes.len()) {
            return Err(ErrorCode::TooLarge.into());
        }
        bytes.extend_from_slice(&part);
    }
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(ErrorCode::ChunkWrong.into())
    }
}

/// The SHA-256 in `Content-Digest` (RFC 9530): `sha-256=:…:`, in base64 with padding.
fn digest_in(headers: &HeaderMap) -> Option<Hash> {
    let text = headers.get("content-digest")?.to_str().ok()?;
    let member = text
        .split(',')
        .find_map(|member| member.trim().strip_prefix(ALGORITHM))?;
    let base64 = member.strip_suffix(':')?.trim_end_matches('=');
    let url_safe = base64.replace('+', "-").replace('/', "_");
    from_base64(&url_safe)?.try_into().ok().map(Hash)
}

fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_body_is_read_as_its_standard_writes_it() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-digest", HeaderValue::from_str(text).unwrap());
            digest_in(&headers)
        };
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(of(&format!("sha-256=:{zeros}:")), Some(Hash([0; 32])));
        assert_eq!(
            of(&format!("sha-512=:AA==:, sha-256=:{zeros}:")),
            Some(Hash([0; 32]))
        );
        let high = "//////////////////////////////////////////8=";
        assert_eq!(of(&format!("sha-256=:{high}:")), Some(Hash([0xFF; 32])));
        for refused in [
            "",
            "sha-256",
            "sha-256=::",
            "sha-256=:AA==:",
            &format!("sha-256={zeros}"),
        ] {
            assert_eq!(of(refused), None, "{refused}");
        }
    }
}
