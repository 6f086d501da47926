//! Receiving: everything, in order, until it is acknowledged.

use std::time::Duration;

use conclave_protocol::ErrorCode;
use conclave_protocol::frames::{Ack, ClientFrame, ServerFrame};
use conclave_protocol::limits::DELIVERY_WINDOW;
use tokio::time::sleep;

use crate::harness::{Person, Server, Socket};

async fn send(server: &Server, from: &Person, to: &Person, room: conclave_protocol::RoomId, count: u64) {
    let (mut socket, _) = Socket::open(server, from).await;
    for number in 0..count {
        let message = from.message(to, room, &number.to_be_bytes());
        socket.say(&ClientFrame::Send(message)).await;
        while !matches!(socket.hear_news().await, ServerFrame::Accepted(_)) {}
    }
}

/// Waits until an acknowledgement has reached the disk, which takes a moment on purpose.
async fn acknowledged(server: &Server, person: &Person, up_to: u64) {
    for _ in 0..50 {
        let (_, welcome) = Socket::open(server, person).await;
        if welcome.acknowledged == up_to {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("{up_to} was never acknowledged");
}

#[tokio::test]
async fn the_mailbox_is_delivered_in_order_on_every_connection_until_it_is_acknowledged() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    send(&server, &mia, &ben, room, 10).await;

    for _ in 0..2 {
        let (mut socket, welcome) = Socket::open(&server, &ben).await;
        assert_eq!(
            (
                welcome.acknowledged,
                welcome.moved.len(),
                welcome.moved[0].sequence
            ),
            (0, 1, 10)
        );
        let numbers: Vec<_> = socket
            .drain()
            .await
            .iter()
            .map(|deliver| deliver.mailbox)
            .collect();
        assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    }
    let (mut socket, _) = Socket::open(&server, &ben).await;
    socket.drain().await;
    socket.say(&ClientFrame::Ack(Ack { mailbox: 4 })).await;
    acknowledged(&server, &ben, 4).await;

    let server = server.restart().await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    let numbers: Vec<_> = socket
        .drain()
        .await
        .iter()
        .map(|deliver| deliver.mailbox)
        .collect();
    assert_eq!(numbers, (5..=10).collect::<Vec<_>>());
    socket.say(&ClientFrame::Ack(Ack { mailbox: 10 })).await;
    acknowledged(&server, &ben, 10).await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    assert_eq!(socket.drain().await, []);
}

#[tokio::test]
async fn an_acknowledgement_just_before_the_end_of_the_server_is_kept() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    send(&server, &mia, &ben, room, 3).await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    socket.drain().await;
    socket.say(&ClientFrame::Ack(Ack { mailbox: 3 })).await;
    socket.say(&ClientFrame::Ping(1)).await;
    assert_eq!(socket.hear().await, ServerFrame::Pong(1));
    let server = server.restart().await;
    let (_, welcome) = Socket::open(&server, &ben).await;
    assert_eq!(welcome.acknowledged, 3);
}

#[tokio::test]
async fn an_acknowledgement_of_what_was_never_given_changes_nothing() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    send(&server, &mia, &ben, room, 1).await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    socket.drain().await;
    socket.say(&ClientFrame::Ack(Ack { mailbox: 1_000 })).await;
    sleep(Duration::from_millis(400)).await;
    let (mut socket, welcome) = Socket::open(&server, &ben).await;
    assert_eq!((welcome.acknowledged, socket.drain().await.len()), (0, 1));
}

#[tokio::test]
async fn no_more_than_the_window_is_under_way() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let over = 12;
    send(&server, &mia, &ben, room, u64::from(DELIVERY_WINDOW) + over).await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    for number in 1..=u64::from(DELIVERY_WINDOW) {
        let ServerFrame::Deliver(deliver) = socket.hear().await else {
            panic!("not a delivery")
        };
        assert_eq!(deliver.mailbox, number);
    }
    assert!(socket.is_quiet().await);
    socket.say(&ClientFrame::Ack(Ack { mailbox: over + 5 })).await;
    assert_eq!(socket.drain().await.len(), usize::try_from(over).unwrap());
}

#[tokio::test]
async fn a_newer_connection_of_a_device_ends_the_older() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut older, _) = Socket::open(&server, &ben).await;
    let (mut newer, _) = Socket::open(&server, &ben).await;
    let (closing, code) = older.end().await;
    assert_eq!((closing.unwrap().code, code), (ErrorCode::Replaced, 4001));
    newer.drain().await;
    send(&server, &mia, &ben, room, 1).await;
    assert!(matches!(newer.hear().await, ServerFrame::Deliver(_)));
}

#[tokio::test]
async fn an_end_of_the_server_is_told_to_its_connections() {
    let mut server = Server::start().await;
    let mia = server.administrator().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let stopping = tokio::spawn(server.running.take().unwrap().stop());
    let (closing, code) = socket.end().await;
    assert_eq!((closing.unwrap().code, code), (ErrorCode::Unavailable, 1012));
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_dropped_lets_go_of_its_connections() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    drop(server.running);
    assert_eq!(socket.end().await.1, 1012);
}
