//! Bytes that nobody should send: frames of chance, giant ones, ones in pieces, headers and bodies that never end.

use std::time::Duration;

use conclave_protocol::ErrorCode;
use conclave_protocol::frames::{ClientFrame, ServerFrame};
use futures_util::SinkExt;
use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::stage::between;
use crate::stage::door::{Door, PATIENCE};
use crate::stage::people::Person;
use crate::stage::process::{House, Program};
use crate::stage::random;
use crate::stage::socket::Socket;
use crate::{Outcome, Size};

/// What memory may differ by afterwards: what the allocator keeps, not what grows with each attempt.
const FLAT: u64 = 32 * 1024 * 1024;

pub(crate) async fn play(size: Size) -> Outcome {
    let attempts = size.pick(40, 2_000);
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::build(folder.path(), None);
    let (server, _) = house.open(Program::Real).await;
    let door = house.door();
    let mia = Person::register(door, "mia", &house.setup_token()).await;
    let open = async || Socket::open(door, mia.access()).await.0;

    // What never ends is left to itself meanwhile.
    let silent = tokio::spawn(async move { Socket::silent(door).await.expect("an upgrade").end().await });
    let headers = tokio::spawn(never_ends(door, "GET /healthz HTTP/1.1\r\nhost: a\r\n"));
    let body = "POST /api/v1/logins/start HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let body = (size == Size::Full).then(|| tokio::spawn(never_ends(door, body)));

    giant(&open).await;
    let before = server.memory();
    for _ in 0..attempts {
        let mut socket = open().await;
        let length = usize::try_from(between(0, 600)).expect("few");
        let bytes: Vec<u8> = std::iter::repeat_with(random::<1>)
            .take(length)
            .flatten()
            .collect();
        let _ = socket.0.send(Message::Binary(bytes.into())).await;
        let ended = socket.end().await;
        assert_eq!(ended.code, Some(1008), "{ended:?}");
        assert_eq!(
            ended.closing.map(|closing| closing.code),
            Some(ErrorCode::Malformed)
        );
    }
    for _ in 0..attempts / 20 {
        giant(&open).await;
    }
    in_pieces(&open).await;
    too_much(door).await;
    let grown = server.memory().saturating_sub(before);
    assert!(grown <= FLAT, "{grown} bytes more than before");

    let silent = silent.await.expect("no panic");
    assert_eq!(silent.code, Some(1008), "{silent:?}");
    assert_eq!(
        silent.closing.map(|closing| closing.code),
        Some(ErrorCode::TimedOut)
    );
    let headers = headers.await.expect("no panic");
    assert!(
        headers.is_empty() || headers.starts_with("HTTP/1.1 408"),
        "{headers}"
    );
    if let Some(body) = body {
        let answer = body.await.expect("no panic");
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    let mut socket = open().await;
    socket.say(&ClientFrame::Ping(7)).await.expect("it is well");
    while socket.hear().await.expect("it is well") != ServerFrame::Pong(7) {}
    server.stop();
    house.assert_no_panic();
    Outcome::Played(format!(
        "{attempts} frames of chance: each 1008; {} of 16 MiB and in pieces beyond the limit: 1009 or cut off; a socket \
         without hello: 1008; headers without an end: closed{}; memory {} KiB more than before; no panic",
        attempts / 20 + 2,
        if size == Size::Full {
            "; a body without an end: 408"
        } else {
            ""
        },
        grown / 1024
    ))
}

/// A frame of 16 MiB, which is not even read to its end.
async fn giant(open: &impl AsyncFn() -> Socket) {
    let mut socket = open().await;
    let _ = socket.0.send(Message::Binary(vec![0; 16 << 20].into())).await;
    let ended = socket.end().await;
    assert!(matches!(ended.code, Some(1009) | None), "{ended:?}");
}

/// A message in many pieces: a small one is put together, and one beyond the limit is not.
async fn in_pieces(open: &impl AsyncFn() -> Socket) {
    let mut socket = open().await;
    let ping = ClientFrame::Ping(9).to_bytes();
    for (at, byte) in ping.iter().enumerate() {
        let piece = piece(vec![*byte], at == 0, at + 1 == ping.len());
        socket.0.send(piece).await.expect("a piece");
    }
    while socket.hear().await.expect("it is well") != ServerFrame::Pong(9) {}
    for at in 0..1_000 {
        if socket.0.send(piece(vec![0; 4096], at == 0, false)).await.is_err() {
            break;
        }
    }
    let ended = socket.end().await;
    assert!(matches!(ended.code, Some(1009) | None), "{ended:?}");
}

fn piece(bytes: Vec<u8>, is_first: bool, is_last: bool) -> Message {
    let kind = if is_first { Data::Binary } else { Data::Continue };
    Message::Frame(Frame::message(bytes, OpCode::Data(kind), is_last))
}

/// Requests beyond what is read.
async fn too_much(door: Door) {
    let body = vec![b' '; 1 << 20];
    let answer = door
        .try_ask(Method::POST, "/api/v1/logins/start", None, Some(body))
        .await;
    // The connection may break before the answer is read: the rest of the body is not taken.
    let refused = answer.is_none_or(|answer| answer.status == StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused, "a body of 1 MiB is refused");
    let long = format!("GET /healthz?{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(200_000));
    let answer = never_ends(door, &long).await;
    let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
    assert!(refused, "200 KB of a request's head are refused: {answer}");
}

/// Sends a beginning and nothing more; what is answered until the connection is closed.
async fn never_ends(door: Door, beginning: &str) -> String {
    let mut stream = TcpStream::connect(door.0).await.expect("it listens");
    // It may be refused before it is written to its end.
    let _ = stream.write_all(beginning.as_bytes()).await;
    let mut answer = Vec::new();
    let mut byte = [0; 1024];
    let reading = async {
        while let Ok(read @ 1..) = stream.read(&mut byte).await {
            answer.extend_from_slice(&byte[..read]);
            // An answer is an end, too: the connection may stay open for the next request.
            if answer.windows(4).any(|four| four == b"\r\n\r\n") {
                break;
            }
        }
    };
    timeout(PATIENCE + Duration::from_secs(1), reading)
        .await
        .expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}
