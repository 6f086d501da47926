//! Sending: accepted means on disk, and in order.

use conclave_protocol::frames::{
    Accepted, ClientFrame, Distribute, Distributed, Heads, Item, MessageKey, Pairwise, Refused, Restart,
    Send, ServerFrame, Side,
};
use conclave_protocol::limits::{BODY_MAX, PAIRWISE_MAX};
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::rooms::OpenDirectRoom;
use conclave_protocol::{Bytes, DeviceId, EnvelopeId, ErrorCode, RoomId};
use http::{Method, StatusCode};

use crate::harness::{Server, Socket, random};

async fn refusal(socket: &mut Socket, send: &Send) -> ErrorCode {
    socket.say(&ClientFrame::Send(send.clone())).await;
    match socket.hear_news().await {
        ServerFrame::Refused(Refused { id, code, .. }) if id == send.id => code,
        other => panic!("{other:?}"),
    }
}

async fn accepted(socket: &mut Socket, send: &Send) -> Accepted {
    socket.say(&ClientFrame::Send(send.clone())).await;
    match socket.hear_news().await {
        ServerFrame::Accepted(accepted) if accepted.id == send.id => accepted,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_is_on_disk_when_it_is_accepted_and_reaches_the_other_device() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    assert_eq!(to.drain().await, []);

    let send = mia.message(&ben, room, b"sealed");
    let answer = accepted(&mut from, &send).await;
    let path = format!("/api/v1/rooms/{room}/envelopes");
    let page: EnvelopesPage = server.get(&path, Some(&ben.access)).await.json();
    assert_eq!(
        (page.head, page.envelopes.len(), page.envelopes[0].sequence),
        (1, 1, 1)
    );
    assert_eq!(
        (page.envelopes[0].account, page.envelopes[0].body.as_slice()),
        (mia.account, &b"sealed"[..])
    );

    let ServerFrame::Deliver(deliver) = to.hear().await else {
        panic!("nothing delivered")
    };
    assert_eq!(
        (deliver.mailbox, deliver.id, deliver.pairwise.as_slice()),
        (1, send.id, &b"key"[..])
    );
    let Item::Message(message) = deliver.item else {
        panic!("not a message")
    };
    assert_eq!(
        (message.sequence, message.time, message.body),
        (answer.sequence, answer.time, send.body)
    );
    assert_eq!(message.side == Side::Low, mia.account < ben.account);

    // Acknowledged by the server means that a crash loses nothing: it stands there after a new start.
    let server = server.restart().await;
    let page: EnvelopesPage = server.get(&path, Some(&mia.access)).await.json();
    assert_eq!(page.head, 1);
}

#[tokio::test]
async fn a_member_reads_a_rooms_history_backwards() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    for body in [b"one", b"two", b"six"] {
        accepted(&mut from, &mia.message(&ben, room, body)).await;
    }
    let path = format!("/api/v1/rooms/{room}/envelopes?before=3&limit=1");
    let page: EnvelopesPage = server.get(&path, Some(&ben.access)).await.json();
    let sequences: Vec<u64> = page.envelopes.iter().map(|envelope| envelope.sequence).collect();
    assert_eq!((page.head, sequences), (3, vec![2]));
}

#[tokio::test]
async fn a_repeat_gets_the_same_answer_and_other_bytes_under_its_id_are_refused() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let send = mia.message(&ben, room, b"one");
    let first = accepted(&mut socket, &send).await;
    server.clock.shift(60_000);
    assert_eq!(accepted(&mut socket, &send).await, first);
    // The same again in one go, so that both lie in one batch.
    let next = mia.message(&ben, room, b"two");
    for _ in 0..2 {
        socket.say(&ClientFrame::Send(next.clone())).await;
    }
    let answers = (socket.hear_news().await, socket.hear_news().await);
    assert_eq!(answers.0, answers.1);

    let mut other = send.clone();
    other.body = Bytes(b"other".to_vec());
    assert_eq!(refusal(&mut socket, &other).await, ErrorCode::IdReused);
    let (mut again, welcome) = Socket::open(&server, &mia).await;
    assert_eq!(welcome.last_accepted, Some(next.id));
    assert_eq!(accepted(&mut again, &send).await, first);
}

#[tokio::test]
async fn after_a_refusal_the_room_waits_for_a_restart() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let mut stale = mia.message(&ben, room, b"one");
    stale.keys.clear();
    let second = mia.message(&ben, room, b"two");
    // Both at once: the second must not overtake the first, which is refused.
    socket.say(&ClientFrame::Send(stale.clone())).await;
    socket.say(&ClientFrame::Send(second.clone())).await;
    let mut codes = Vec::new();
    while codes.len() < 2 {
        if let ServerFrame::Refused(refused) = socket.hear_news().await {
            codes.push((refused.id, refused.code));
        }
    }
    assert_eq!(
        codes,
        [
            (stale.id, ErrorCode::StaleDevices),
            (second.id, ErrorCode::OutOfOrder)
        ]
    );
    assert_eq!(refusal(&mut socket, &second).await, ErrorCode::OutOfOrder);

    // Another room goes on meanwhile.
    let own = RoomId::direct(mia.account, mia.account);
    let path = format!("/api/v1/rooms/{own}");
    let body = OpenDirectRoom { peer: mia.account };
    assert_eq!(
        server
            .send(Method::PUT, &path, Some(&mia.access), &[], &body)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    let mut note = mia.message(&ben, own, b"note");
    note.keys.clear();
    accepted(&mut socket, &note).await;

    socket.say(&ClientFrame::Restart(Restart { room })).await;
    // The refused id was not used up.
    let resealed = Send {
        id: stale.id,
        ..mia.message(&ben, room, b"one, sealed anew")
    };
    assert_eq!(accepted(&mut socket, &resealed).await.sequence, 1);
    assert_eq!(accepted(&mut socket, &second).await.sequence, 2);
}

#[tokio::test]
async fn a_message_for_wrong_devices_or_from_the_future_is_stale() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let message = || mia.message(&ben, room, b"one");
    let mut one_too_many = message();
    let extra = MessageKey {
        device: DeviceId(7),
        ..one_too_many.keys[0].clone()
    };
    one_too_many.keys.push(extra);
    let future = Send {
        heads: Heads { low: 0, high: 1 },
        ..message()
    };
    for stale in [one_too_many, future] {
        assert_eq!(refusal(&mut socket, &stale).await, ErrorCode::StaleDevices);
        socket.say(&ClientFrame::Restart(Restart { room })).await;
    }
    let mut twice = message();
    twice.keys.push(twice.keys[0].clone());
    assert_eq!(refusal(&mut socket, &twice).await, ErrorCode::Malformed);
    socket.say(&ClientFrame::Restart(Restart { room })).await;
    accepted(&mut socket, &message()).await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_connection_goes_on() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let body = mia.message(&ben, room, &vec![0; BODY_MAX + 1]);
    assert_eq!(refusal(&mut socket, &body).await, ErrorCode::TooLarge);
    socket.say(&ClientFrame::Restart(Restart { room })).await;
    let mut pairwise = mia.message(&ben, room, b"one");
    pairwise.keys[0].pairwise = Bytes(vec![0; PAIRWISE_MAX + 1]);
    assert_eq!(refusal(&mut socket, &pairwise).await, ErrorCode::TooLarge);
    socket.say(&ClientFrame::Restart(Restart { room })).await;
    accepted(&mut socket, &mia.message(&ben, room, &vec![0; BODY_MAX])).await;
}

#[tokio::test]
async fn a_stranger_cannot_write_into_a_room() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let eve = server.person("eve", &mia).await;
    let (mut socket, _) = Socket::open(&server, &eve).await;
    assert_eq!(
        refusal(&mut socket, &eve.message(&ben, room, b"hi")).await,
        ErrorCode::NotFound
    );
    let nowhere = RoomId([1; 32]);
    assert_eq!(
        refusal(&mut socket, &eve.message(&ben, nowhere, b"hi")).await,
        ErrorCode::NotFound
    );
}

#[tokio::test]
async fn pairwise_messages_reach_their_devices_and_no_room() {
    let server = Server::start().await;
    let (mia, ben, _) = server.pair().await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    to.drain().await;
    let id = EnvelopeId(random());
    let message = Pairwise {
        to: ben.device(),
        bytes: Bytes(b"receipt".to_vec()),
    };
    let distribute = ClientFrame::Distribute(Distribute {
        id,
        messages: vec![message],
    });
    for _ in 0..2 {
        from.say(&distribute).await;
        assert_eq!(
            from.hear_news().await,
            ServerFrame::Distributed(Distributed { id })
        );
    }
    let ServerFrame::Deliver(deliver) = to.hear().await else {
        panic!("nothing delivered")
    };
    assert_eq!(
        (deliver.pairwise.as_slice(), deliver.item),
        (&b"receipt"[..], Item::Control(mia.device()))
    );
    assert!(to.is_quiet().await, "a repeat is not delivered twice");
}

#[tokio::test]
async fn many_messages_in_one_go_are_accepted_in_order() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let sends: Vec<_> = (0..100_u8)
        .map(|number| mia.message(&ben, room, &[number]))
        .collect();
    for send in &sends {
        socket.say(&ClientFrame::Send(send.clone())).await;
    }
    for (index, send) in sends.iter().enumerate() {
        let ServerFrame::Accepted(accepted) = socket.hear_news().await else {
            panic!("refused")
        };
        assert_eq!((accepted.id, accepted.sequence), (send.id, index as u64 + 1));
    }
}
