//! Blobs from outside: uploads, who may read what, and what is deleted, over a folder and over a service that speaks S3.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use conclave_protocol::blobs::{BeginUpload, BlobLinks, FinishUpload, StorageFound, UploadState, blob_hash};
use conclave_protocol::frames::{Accepted, ClientFrame, Post, Restart, Send, ServerFrame};
use conclave_protocol::limits::{BLOB_CHUNK, BLOB_UNCLAIMED_MS, BLOBS_CLAIMED_MAX, UPLOADS_MAX};
use conclave_protocol::rooms::OpenDirectRoom;
use conclave_protocol::{BlobId, ErrorCode, Hash, RoomId, Token};
use conclave_server::Config;
use conclave_server::config::S3Config;
use conclave_sigchain::room::{History, PlaceKind, Policy};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::harness::{Answer, Person, Server, Socket, random};
use crate::operation::{program, text};
use crate::place::{Place, accepted, refusal};

/// The smallest sealed file.
const SMALL: usize = 4_168;
/// A sealed file of two chunks.
const LARGE: usize = 8_659_272;

/// A service that speaks S3, over a folder, on a port of its own.
struct Service {
    address: SocketAddr,
    folder: TempDir,
    running: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("key", "secret"));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let running = tokio::spawn(Self::serve(listener, service));
        Self {
            address,
            folder,
            running,
        }
    }

    async fn serve(listener: TcpListener, service: S3Service) {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            connections.spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    fn config(&self) -> S3Config {
        let secret = self.folder.path().join("secret");
        std::fs::write(&secret, "secret\n").unwrap();
        S3Config {
            endpoint: Some(format!("http://{}", self.address)),
            bucket: "files".to_owned(),
            key_id: "key".to_owned(),
            secret_file: Some(secret),
            prefix: "conclave".to_owned(),
            ..S3Config::default()
        }
    }
}

/// A server and where its files lie.
struct Stage {
    server: Server,
    service: Option<Service>,
}

impl Stage {
    async fn folder() -> Self {
        Self {
            server: Server::start().await,
            service: None,
        }
    }

    async fn s3() -> Self {
        let service = Service::start().await;
        let s3 = service.config();
        let server = Server::start_with(|config: &mut Config| {
            config.blobs.s3 = Some(s3);
            config.blobs.signed_links = true;
        })
        .await;
        Self {
            server,
            service: Some(service),
        }
    }

    /// The files of chunks that lie in the store.
    fn files(&self) -> Vec<PathBuf> {
        let folder = match &self.service {
            Some(service) => service.folder.path().join("files/conclave/chunks"),
            None => self.server.folder.path().join("blobs/chunks"),
        };
        let mut files = Vec::new();
        collect(&folder, &mut files);
        files
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

macro_rules! on_both_stores {
    ($($sentence:ident)*) => {
        mod in_a_folder {
            $(#[tokio::test]
            async fn $sentence() {
                super::$sentence(super::Stage::folder().await).await;
            })*
        }

        mod at_a_service {
            $(#[tokio::test]
            async fn $sentence() {
                super::$sentence(super::Stage::s3().await).await;
            })*
        }
    };
}

on_both_stores! {
    a_file_goes_up_in_chunks_of_any_order_and_comes_down_whole_and_in_parts
    what_nobody_claims_goes_with_its_files_and_what_is_claimed_stays
    files_that_no_row_names_are_found_and_nothing_else_is_touched
    a_file_that_was_lost_is_said_to_be_lost
}

fn base64(bytes: &[u8]) -> String {
    let text = conclave_protocol::bytes::to_base64(bytes);
    text.replace('-', "+").replace('_', "/") + "="
}

fn hash(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// Bytes that no two places of a file share.
fn content(length: usize) -> Vec<u8> {
    let seed = u64::from_be_bytes(random());
    (0..length.div_ceil(8) as u64)
        .flat_map(|number| (seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_be_bytes())
        .take(length)
        .collect()
}

fn chunks(bytes: &[u8]) -> impl DoubleEndedIterator<Item = (usize, &[u8])> + ExactSizeIterator {
    bytes.chunks(usize::try_from(BLOB_CHUNK).unwrap()).enumerate()
}

fn whole(bytes: &[u8]) -> FinishUpload {
    let hashes: Vec<Hash> = chunks(bytes).map(|(_, chunk)| hash(chunk)).collect();
    FinishUpload {
        hash: blob_hash(bytes.len() as u64, &hashes),
    }
}

async fn begin(server: &Server, access: &Token, id: BlobId, size: usize) -> Answer {
    let path = format!("/api/v1/blobs/{id}");
    let body = BeginUpload { size: size as u64 };
    server.send(Method::PUT, &path, Some(access), &[], &body).await
}

async fn put(
    server: &Server,
    access: &Token,
    (id, number): (BlobId, usize),
    bytes: &[u8],
    digest: Hash,
) -> Answer {
    let request = server
        .request(Method::PUT, &format!("/api/v1/blobs/{id}/chunks/{number}"))
        .header("authorization", format!("Bearer {}", access.as_str()))
        .header("content-digest", format!("sha-256=:{}:", base64(&digest.0)));
    let body = Full::from(bytes::Bytes::copy_from_slice(bytes));
    server.ask(request.body(body).unwrap()).await
}

async fn finish(server: &Server, access: &Token, id: BlobId, asked: &FinishUpload) -> Answer {
    let path = format!("/api/v1/blobs/{id}/finish");
    server.post(&path, Some(access), asked).await
}

async fn upload(server: &Server, access: &Token, bytes: &[u8]) -> BlobId {
    let id = BlobId(random());
    assert_eq!(
        begin(server, access, id, bytes.len()).await.status,
        StatusCode::OK
    );
    for (number, chunk) in chunks(bytes) {
        let answer = put(server, access, (id, number), chunk, hash(chunk)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    }
    let state: UploadState = finish(server, access, id, &whole(bytes)).await.json();
    assert!(state.finished);
    id
}

async fn download(server: &Server, access: &Token, id: BlobId, range: Option<&str>) -> Answer {
    let mut request = server
        .request(Method::GET, &format!("/api/v1/blobs/{id}"))
        .header("authorization", format!("Bearer {}", access.as_str()));
    if let Some(range) = range {
        request = request.header("range", range);
    }
    server.ask(request.body(Full::default()).unwrap()).await
}

async fn reads(server: &Server, who: &Person, id: BlobId) -> bool {
    let answer = download(server, &who.access, id, Some("bytes=0-0")).await;
    if answer.status == StatusCode::PARTIAL_CONTENT {
        return true;
    }
    // Whoever may not read it is told what they are told of one that does not exist.
    let unknown = download(server, &who.access, BlobId(random()), Some("bytes=0-0")).await;
    assert_eq!((answer.status, &answer.body), (unknown.status, &unknown.body));
    assert_eq!(answer.code(), ErrorCode::NotFound);
    false
}

/// Sends a direct message and hears what became of it.
async fn sent(socket: &mut Socket, send: &Send) -> Result<Accepted, ErrorCode> {
    socket.say(&ClientFrame::Send(send.clone())).await;
    loop {
        match socket.hear().await {
            ServerFrame::Accepted(accepted) if accepted.id == send.id => return Ok(accepted),
            ServerFrame::Refused(refused) if refused.id == send.id => {
                let room = send.room;
                socket.say(&ClientFrame::Restart(Restart { room })).await;
                return Err(refused.code);
            }
            _ => {}
        }
    }
}

async fn open_room(server: &Server, one: &Person, other: &Person) -> RoomId {
    let room = RoomId::direct(one.account, other.account);
    let path = format!("/api/v1/rooms/{room}");
    let body = OpenDirectRoom { peer: other.account };
    let opened = server
        .send(Method::PUT, &path, Some(&one.access), &[], &body)
        .await;
    assert_eq!(opened.status, StatusCode::NO_CONTENT);
    room
}

fn claiming(post: Post, blobs: &[BlobId]) -> Post {
    Post {
        blobs: blobs.to_vec(),
        ..post
    }
}

async fn a_file_goes_up_in_chunks_of_any_order_and_comes_down_whole_and_in_parts(stage: Stage) {
    let server = &stage.server;
    let mia = server.administrator().await;
    let bytes = content(LARGE);
    let id = BlobId(random());
    let begun: UploadState = begin(server, &mia.access, id, LARGE).await.json();
    assert_eq!(
        (begun.size, begun.chunk, begun.stored.len()),
        (LARGE as u64, BLOB_CHUNK, 0)
    );
    let path = format!("/api/v1/blobs/{id}/upload");
    for (number, chunk) in chunks(&bytes).rev() {
        // Each twice, as after an answer that was lost.
        for _ in 0..2 {
            let answer = put(server, &mia.access, (id, number), chunk, hash(chunk)).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        }
        let state: UploadState = server.get(&path, Some(&mia.access)).await.json();
        assert_eq!(state.stored.len(), 2 - number);
    }
    assert!(!reads(server, &mia, id).await);
    for _ in 0..2 {
        let state: UploadState = finish(server, &mia.access, id, &whole(&bytes)).await.json();
        assert!(state.finished);
    }
    let again: UploadState = begin(server, &mia.access, id, LARGE).await.json();
    assert_eq!((again.finished, again.stored), (true, vec![0, 1]));
    assert_eq!(stage.files().len(), 2);

    let all = download(server, &mia.access, id, None).await;
    assert_eq!(all.status, StatusCode::OK);
    assert_eq!(all.headers["content-length"], LARGE.to_string());
    assert!(all.body == bytes, "the bytes are others");
    let border = usize::try_from(BLOB_CHUNK).unwrap();
    for (range, begin, end) in [
        ("bytes=0-0".to_owned(), 0, 1),
        (
            format!("bytes={}-{}", border - 3, border + 4),
            border - 3,
            border + 5,
        ),
        (format!("bytes={border}-"), border, LARGE),
        ("bytes=-7".to_owned(), LARGE - 7, LARGE),
        (format!("bytes=5-{}", u64::MAX), 5, LARGE),
    ] {
        let part = download(server, &mia.access, id, Some(&range)).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            part.headers["content-range"],
            format!("bytes {begin}-{}/{LARGE}", end - 1)
        );
        assert!(part.body == bytes[begin..end], "{range}");
    }
    let behind = download(server, &mia.access, id, Some(&format!("bytes={LARGE}-"))).await;
    assert_eq!(
        (behind.code(), behind.status),
        (ErrorCode::RangeInvalid, StatusCode::RANGE_NOT_SATISFIABLE)
    );
    assert_eq!(behind.headers["content-range"], format!("bytes */{LARGE}"));

    let links: BlobLinks = server
        .get(&format!("/api/v1/blobs/{id}/links"), Some(&mia.access))
        .await
        .json();
    match &stage.service {
        None => assert!(links.chunks.is_empty()),
        Some(service) => {
            let mut fetched = Vec::new();
            for link in links.chunks {
                let path = link.strip_prefix(&format!("http://{}", service.address)).unwrap();
                let request = Request::builder()
                    .uri(path)
                    .header("host", service.address.to_string())
                    .body(Full::default())
                    .unwrap();
                let answer = Server::ask_of(service.address, request).await;
                assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.headers);
                fetched.extend_from_slice(&answer.body);
            }
            assert!(fetched == bytes);
        }
    }
}

async fn what_nobody_claims_goes_with_its_files_and_what_is_claimed_stays(stage: Stage) {
    let server = &stage.server;
    let (mia, ben, room) = server.pair().await;
    let (kept, unclaimed) = (content(SMALL), content(SMALL));
    let kept_id = upload(server, &mia.access, &kept).await;
    let unclaimed_id = upload(server, &mia.access, &unclaimed).await;
    let (mut socket, _) = Socket::open(server, &mia).await;
    let mut send = mia.message(&ben, room, b"see");
    send.blobs = vec![kept_id];
    sent(&mut socket, &send).await.unwrap();
    let given_up = upload(server, &mia.access, &content(SMALL)).await;
    let path = format!("/api/v1/blobs/{given_up}");
    assert_eq!(
        server.delete(&path, Some(&ben.access)).await.code(),
        ErrorCode::NotFound
    );
    assert_eq!(
        server.delete(&path, Some(&mia.access)).await.status,
        StatusCode::NO_CONTENT
    );
    let path = format!("/api/v1/blobs/{kept_id}");
    assert_eq!(
        server.delete(&path, Some(&mia.access)).await.code(),
        ErrorCode::BlobClaimed
    );
    assert_eq!(stage.files().len(), 2);

    let running = server.running.as_ref().unwrap();
    assert_eq!(running.clear_files().await.unwrap(), (0, 0));
    server.clock.shift(i64::try_from(BLOB_UNCLAIMED_MS).unwrap());
    // In two processes at once, and again.
    let (one, other) = tokio::join!(running.clear_files(), running.clear_files());
    // The server's own job may have been faster than both.
    assert!(one.unwrap().0 + other.unwrap().0 <= 1);
    assert_eq!(running.clear_files().await.unwrap(), (0, 0));
    server.clock.shift(-i64::try_from(BLOB_UNCLAIMED_MS).unwrap());
    assert_eq!(stage.files().len(), 1);
    assert!(!reads(server, &mia, unclaimed_id).await);
    let answer = download(server, &ben.access, kept_id, None).await;
    assert!(answer.body == kept);
}

async fn files_that_no_row_names_are_found_and_nothing_else_is_touched(stage: Stage) {
    let server = &stage.server;
    let mia = server.administrator().await;
    let bytes = content(SMALL);
    let id = upload(server, &mia.access, &bytes).await;
    let [file] = stage.files().try_into().unwrap();
    let root = file.ancestors().nth(3).unwrap();
    let orphan = root
        .join("ab")
        .join("ab".repeat(16))
        .join(file.file_name().unwrap());
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"nobody's").unwrap();
    let other = root.join("notes.txt");
    std::fs::write(&other, b"the operator's").unwrap();
    let running = server.running.as_ref().unwrap();
    // What is young is left alone.
    assert_eq!(running.clear_files().await.unwrap(), (0, 0));
    assert!(orphan.exists());
    server.clock.shift(25 * 60 * 60 * 1000);
    // The blob itself is claimed by nothing and goes with the sweep, so it is looked for before.
    let keep = server
        .running
        .as_ref()
        .unwrap()
        .find_orphaned_files()
        .await
        .unwrap();
    assert_eq!(keep, 1);
    assert!(!orphan.exists() && other.exists() && file.exists());
    server.clock.shift(-25 * 60 * 60 * 1000);
    assert!(download(server, &mia.access, id, None).await.body == bytes);

    // A store that another database calls its own is left alone as a whole.
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"nobody's").unwrap();
    std::fs::write(root.parent().unwrap().join("owner"), b"somebody else").unwrap();
    server.clock.shift(25 * 60 * 60 * 1000);
    assert_eq!(running.find_orphaned_files().await.unwrap(), 0);
    assert!(orphan.exists());
}

async fn a_file_that_was_lost_is_said_to_be_lost(stage: Stage) {
    let server = &stage.server;
    let mia = server.administrator().await;
    let id = upload(server, &mia.access, &content(LARGE)).await;
    for file in stage.files() {
        std::fs::remove_file(file).unwrap();
    }
    let lost = download(server, &mia.access, id, None).await;
    assert_eq!(
        (lost.code(), lost.status),
        (ErrorCode::BlobLost, StatusCode::GONE)
    );
}

#[tokio::test]
async fn a_store_that_is_away_is_tried_again_later() {
    let stage = Stage::s3().await;
    let server = &stage.server;
    let mia = server.administrator().await;
    let bytes = content(SMALL);
    let id = upload(server, &mia.access, &bytes).await;
    let late = BlobId(random());
    begin(server, &mia.access, late, SMALL).await;
    let running = &stage.service.as_ref().unwrap().running;
    running.abort();
    while !running.is_finished() {
        tokio::task::yield_now().await;
    }
    for answer in [
        download(server, &mia.access, id, None).await,
        put(server, &mia.access, (late, 0), &bytes, hash(&bytes)).await,
    ] {
        assert_eq!(
            (answer.code(), answer.status),
            (ErrorCode::Unavailable, StatusCode::SERVICE_UNAVAILABLE)
        );
        assert!(answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_chunk_that_is_not_what_it_should_be_is_refused() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let bytes = content(LARGE);
    let id = BlobId(random());
    begin(&server, &mia.access, id, LARGE).await;
    let first = &bytes[..usize::try_from(BLOB_CHUNK).unwrap()];
    let last = &bytes[first.len()..];
    for (number, sent, digest, expected) in [
        (1, last, hash(first), ErrorCode::ChunkWrong),
        (1, &last[1..], hash(&last[1..]), ErrorCode::ChunkWrong),
        (
            1,
            &bytes[first.len() - 1..],
            hash(&bytes[first.len() - 1..]),
            ErrorCode::TooLarge,
        ),
        (2, last, hash(last), ErrorCode::NotFound),
    ] {
        let answer = put(&server, &mia.access, (id, number), sent, digest).await;
        assert_eq!(answer.code(), expected);
    }
    let path = format!("/api/v1/blobs/{id}/chunks/1");
    let bare = server.send(Method::PUT, &path, Some(&mia.access), &[], &()).await;
    assert_eq!(bare.code(), ErrorCode::Malformed);
    let negative = format!("/api/v1/blobs/{id}/chunks/-1");
    let answer = server
        .send(Method::PUT, &negative, Some(&mia.access), &[], &())
        .await;
    assert_eq!(answer.code(), ErrorCode::NotFound);
    let incomplete = finish(&server, &mia.access, id, &whole(&bytes)).await;
    assert_eq!(incomplete.code(), ErrorCode::UploadIncomplete);

    // A body that breaks off.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\ncontent-digest: sha-256=:{}:\r\n\r\n",
        server.address,
        mia.access.as_str(),
        last.len(),
        base64(&hash(last).0),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&last[..1000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        !answer.starts_with(b"HTTP/1.1 2"),
        "{}",
        String::from_utf8_lossy(&answer)
    );

    let ok = put(&server, &mia.access, (id, 1), last, hash(last)).await;
    assert_eq!(ok.status, StatusCode::NO_CONTENT);
    let mut other = last.to_vec();
    other[0] ^= 1;
    let reused = put(&server, &mia.access, (id, 1), &other, hash(&other)).await;
    assert_eq!(reused.code(), ErrorCode::IdReused);
    put(&server, &mia.access, (id, 0), first, hash(first)).await;
    let wrong = FinishUpload { hash: hash(&bytes) };
    assert_eq!(
        finish(&server, &mia.access, id, &wrong).await.code(),
        ErrorCode::UploadWrong
    );
    finish(&server, &mia.access, id, &whole(&bytes))
        .await
        .json::<UploadState>();
    assert!(download(&server, &mia.access, id, None).await.body == bytes);
}

#[tokio::test]
async fn sizes_and_quotas_bound_what_an_account_stores() {
    let server = Server::start_with(|config| {
        config.blobs.largest = 10_000;
        config.blobs.quota = 3 * SMALL as u64;
        config.blobs.quota_all = 4 * SMALL as u64;
    })
    .await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    for (size, expected) in [
        (LARGE, ErrorCode::TooLarge),
        (0, ErrorCode::Malformed),
        (SMALL + 1, ErrorCode::Malformed),
    ] {
        let answer = begin(&server, &mia.access, BlobId(random()), size).await;
        assert_eq!(answer.code(), expected);
    }
    let first = upload(&server, &mia.access, &content(SMALL)).await;
    for _ in 0..2 {
        begin(&server, &mia.access, BlobId(random()), SMALL)
            .await
            .json::<UploadState>();
    }
    let full = begin(&server, &mia.access, BlobId(random()), SMALL).await;
    assert_eq!(
        (full.code(), full.status),
        (ErrorCode::QuotaFull, StatusCode::INSUFFICIENT_STORAGE)
    );
    begin(&server, &ben.access, BlobId(random()), SMALL)
        .await
        .json::<UploadState>();
    let full = begin(&server, &ben.access, BlobId(random()), SMALL).await;
    assert_eq!(full.code(), ErrorCode::StorageFull);
    let found: StorageFound = server
        .get("/api/v1/account/storage", Some(&mia.access))
        .await
        .json();
    assert_eq!(
        (found.used, found.quota),
        (3 * SMALL as u64, Some(3 * SMALL as u64))
    );
    assert_eq!((found.largest, found.uploads), (10_000, 2));
    server
        .delete(&format!("/api/v1/blobs/{first}"), Some(&mia.access))
        .await;
    begin(&server, &mia.access, BlobId(random()), SMALL)
        .await
        .json::<UploadState>();
}

#[tokio::test]
async fn an_upload_is_its_uploaders_alone_and_there_are_not_many_at_a_time() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let bytes = content(SMALL);
    let id = BlobId(random());
    begin(&server, &mia.access, id, SMALL).await.json::<UploadState>();
    assert_eq!(
        begin(&server, &ben.access, id, SMALL).await.code(),
        ErrorCode::IdReused
    );
    assert_eq!(
        begin(&server, &mia.access, id, SMALL + 256).await.code(),
        ErrorCode::IdReused
    );
    let foreign = [
        put(&server, &ben.access, (id, 0), &bytes, hash(&bytes)).await,
        finish(&server, &ben.access, id, &whole(&bytes)).await,
        server
            .get(&format!("/api/v1/blobs/{id}/upload"), Some(&ben.access))
            .await,
        server
            .get(&format!("/api/v1/blobs/{id}/links"), Some(&ben.access))
            .await,
        server
            .delete(&format!("/api/v1/blobs/{id}"), Some(&ben.access))
            .await,
    ];
    for answer in foreign {
        assert_eq!(answer.code(), ErrorCode::NotFound);
    }
    for _ in 1..UPLOADS_MAX {
        begin(&server, &mia.access, BlobId(random()), SMALL)
            .await
            .json::<UploadState>();
    }
    let many = begin(&server, &mia.access, BlobId(random()), SMALL).await;
    assert_eq!(
        (many.code(), many.status),
        (ErrorCode::UploadsFull, StatusCode::TOO_MANY_REQUESTS)
    );

    let path = format!("/api/v1/admin/accounts/{}/suspend", ben.account);
    let theirs = BlobId(random());
    begin(&server, &ben.access, theirs, SMALL)
        .await
        .json::<UploadState>();
    server.post(&path, Some(&mia.access), &()).await;
    let late = put(&server, &ben.access, (theirs, 0), &bytes, hash(&bytes)).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_blob_is_read_by_who_reads_an_envelope_that_claims_it_and_may_be_handed_on() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let eve = server.person("eve", &mia).await;
    let blob = upload(&server, &mia.access, &content(SMALL)).await;
    assert!(reads(&server, &mia, blob).await);
    assert!(!reads(&server, &ben, blob).await);
    let (mut from_mia, _) = Socket::open(&server, &mia).await;
    let (mut from_ben, _) = Socket::open(&server, &ben).await;
    let (mut from_eve, _) = Socket::open(&server, &eve).await;
    // Nobody comes to read a blob by claiming it, nor learns whether there is one.
    let with_eve = open_room(&server, &ben, &eve).await;
    for claimed in [blob, BlobId(random())] {
        let mut theft = eve.message(&ben, with_eve, b"mine");
        theft.blobs = vec![claimed];
        assert_eq!(sent(&mut from_eve, &theft).await, Err(ErrorCode::BlobMissing));
    }
    let unfinished = BlobId(random());
    begin(&server, &mia.access, unfinished, SMALL).await;
    let mut send = mia.message(&ben, room, b"see");
    send.blobs = vec![unfinished];
    assert_eq!(sent(&mut from_mia, &send).await, Err(ErrorCode::BlobMissing));
    send.blobs = vec![blob; BLOBS_CLAIMED_MAX + 1];
    assert_eq!(sent(&mut from_mia, &send).await, Err(ErrorCode::TooLarge));
    // The refused id was not used up; a blob that is named twice is claimed once.
    send.blobs = vec![blob, blob];
    let answer = sent(&mut from_mia, &send).await.unwrap();
    assert_eq!(sent(&mut from_mia, &send).await.unwrap(), answer);
    let other = Send {
        blobs: vec![blob],
        ..send.clone()
    };
    assert_eq!(sent(&mut from_mia, &other).await, Err(ErrorCode::IdReused));

    assert!(reads(&server, &ben, blob).await);
    assert!(!reads(&server, &eve, blob).await);
    let mut forward = ben.message(&eve, with_eve, b"see this");
    forward.blobs = vec![blob];
    sent(&mut from_ben, &forward).await.unwrap();
    assert!(reads(&server, &eve, blob).await);
}

#[tokio::test]
async fn in_a_place_a_blob_is_read_by_who_is_handed_the_message() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (ben, eve) = (server.person("ben", &mia).await, server.person("eve", &mia).await);
    let policy = Policy {
        history: History::SinceJoining,
        ..Policy::default()
    };
    let mut group = Place::made(&server, &mia, PlaceKind::Group, policy).await;
    group.add(&server, &mia, &ben).await;
    let (before, after) = (
        upload(&server, &mia.access, &content(SMALL)).await,
        upload(&server, &mia.access, &content(SMALL)).await,
    );
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let (mut from_ben, _) = Socket::open(&server, &ben).await;
    let foreign = claiming(group.post(group.room(), b"mine"), &[after]);
    assert_eq!(
        refusal(&mut from_ben, &foreign).await.code,
        ErrorCode::BlobMissing
    );
    accepted(
        &mut socket,
        &claiming(group.post(group.room(), b"one"), &[before]),
    )
    .await;
    group.add(&server, &mia, &eve).await;
    let mut short = claiming(group.post(group.room(), b"two"), &[after]);
    short.expires = Some(3_600);
    accepted(&mut socket, &short).await;
    let seen = async |who, blob| reads(&server, who, blob).await;
    assert!(seen(&ben, before).await && seen(&ben, after).await);
    assert!(!seen(&eve, before).await && seen(&eve, after).await);
    group.remove(&server, &mia, &ben).await;
    assert!(!seen(&ben, before).await && !seen(&ben, after).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_says_how_many_files_are_missing_and_whose_the_store_is() {
    let stage = Stage::folder().await;
    let mia = stage.server.administrator().await;
    upload(&stage.server, &mia.access, &content(SMALL)).await;
    upload(&stage.server, &mia.access, &content(SMALL)).await;
    stage
        .server
        .running
        .as_ref()
        .unwrap()
        .find_orphaned_files()
        .await
        .unwrap();
    let data = stage.server.folder.path();
    let said = || {
        text(&program(
            data,
            &["--public-url", "http://localhost:8080", "doctor"],
        ))
    };
    let sound = said();
    assert!(sound.contains("2 looked at, all are there"), "{sound}");
    std::fs::write(&stage.files()[0], b"cut").unwrap();
    let cut = said();
    assert!(
        cut.contains("of 2 that were looked at 1 are missing or cut"),
        "{cut}"
    );
    std::fs::write(data.join("blobs/owner"), b"somebody else").unwrap();
    let foreign = said();
    assert!(
        foreign.contains("belongs to another server's database"),
        "{foreign}"
    );
}
