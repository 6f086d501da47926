//! What is broken, too large or too fast.

use std::time::Duration;

use conclave_protocol::frames::{ClientFrame, Hello, ServerFrame};
use conclave_protocol::limits::FRAME_MAX;
use conclave_protocol::{ErrorCode, Token};
use conclave_server::config::LimitsConfig;
use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Server, Socket};

#[tokio::test]
async fn a_malformed_frame_ends_its_connection_and_no_other() {
    let server = Server::start().await;
    let (mia, ben, _) = server.pair().await;
    let (mut other, _) = Socket::open(&server, &ben).await;
    other.drain().await;
    let hello = ClientFrame::Hello(Hello {
        version: 1,
        ticket: Token(String::new()),
        cursors: Vec::new(),
    });
    let wrong = [
        Message::Binary(vec![0xFF, 0x00].into()),
        Message::Binary(Vec::new().into()),
        Message::Text("hello".into()),
        Message::Binary(hello.to_bytes().into()),
    ];
    for message in wrong {
        let (mut socket, _) = Socket::open(&server, &mia).await;
        socket.0.send(message).await.unwrap();
        let (closing, code) = socket.end().await;
        assert_eq!((closing.unwrap().code, code), (ErrorCode::Malformed, 1008));
    }
    other.say(&ClientFrame::Ping(7)).await;
    assert_eq!(other.hear().await, ServerFrame::Pong(7));
}

#[tokio::test]
async fn a_frame_over_its_limit_ends_the_connection_with_1009() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    for size in [FRAME_MAX + 1, 2 * FRAME_MAX] {
        let (mut socket, _) = Socket::open(&server, &mia).await;
        socket
            .0
            .send(Message::Binary(vec![0; size].into()))
            .await
            .unwrap();
        let (closing, code) = socket.end().await;
        assert_eq!((closing.unwrap().code, code), (ErrorCode::TooLarge, 1009));
    }
    // One of 16 MiB is not even read; its sender may or may not see why.
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let _ = socket.0.send(Message::Binary(vec![0; 16 << 20].into())).await;
    socket.end().await;
}

#[tokio::test]
async fn a_connection_has_to_begin_with_hello_of_this_version() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let mut socket = Socket::silent(&server).await;
    socket.say(&ClientFrame::Ping(1)).await;
    assert_eq!(socket.end().await.0.unwrap().code, ErrorCode::Malformed);
    let mut socket = Socket::silent(&server).await;
    let ticket = crate::harness::ticket(&server, &mia.access).await;
    socket
        .say(&ClientFrame::Hello(Hello {
            version: 2,
            ticket,
            cursors: Vec::new(),
        }))
        .await;
    assert_eq!(socket.end().await.0.unwrap().code, ErrorCode::VersionUnsupported);
}

#[tokio::test]
async fn who_sends_faster_than_the_limit_is_read_later_and_loses_nothing() {
    let server = Server::start_with(|config| config.limits.frames = LimitsConfig::default().frames).await;
    let mia = server.administrator().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let began = Instant::now();
    for number in 0..180 {
        socket.say(&ClientFrame::Ping(number)).await;
    }
    for number in 0..180 {
        assert_eq!(socket.hear_news().await, ServerFrame::Pong(number));
    }
    let took = began.elapsed();
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_secs(5),
        "{took:?}"
    );
}

#[tokio::test]
async fn headers_that_never_end_do_not_hold_a_connection() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(15), stream.read_to_end(&mut answer))
        .await
        .expect("an end")
        .unwrap();
}
