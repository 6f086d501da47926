//! Messages in rooms of places: who may write when, and who is handed what.

use conclave_protocol::frames::{Class, ClientFrame, Post, Restart, ServerFrame};
use conclave_protocol::limits::BODY_MAX;
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::{Bytes, DeviceId, ErrorCode};
use conclave_sigchain::AccountBody;
use conclave_sigchain::room::{Audience, History, MetadataField, Permissions, Policy, RoomBody};

use crate::harness::{Server, Socket};
use crate::place::{Place, accepted, bodies, head, page, refusal, told, told_entry};

#[tokio::test]
async fn a_message_of_an_ended_epoch_or_of_the_future_is_refused_and_its_repeat_is_known() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (ben, eve) = (server.person("ben", &mia).await, server.person("eve", &mia).await);
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    group.add(&server, &mia, &eve).await;
    let (mut from, _) = Socket::open(&server, &ben).await;
    let first = group.post(group.room(), b"one");
    let answer = accepted(&mut from, &first).await;
    let before = group.post(group.room(), b"two");
    group.remove(&server, &mia, &eve).await;
    assert_eq!(refusal(&mut from, &before).await.code, ErrorCode::EpochEnded);
    // The refused id was not used up.
    let resealed = Post {
        id: before.id,
        ..group.post(group.room(), b"two, sealed anew")
    };
    assert_eq!(accepted(&mut from, &resealed).await.sequence, 2);
    let future = Post {
        head: group.chain.head() + 1,
        ..group.post(group.room(), b"three")
    };
    assert_eq!(refusal(&mut from, &future).await.code, ErrorCode::ChainMoved);

    assert_eq!(accepted(&mut from, &first).await, answer);
    let other = Post {
        body: Bytes(b"other".to_vec()),
        ..first.clone()
    };
    assert_eq!(refusal(&mut from, &other).await.code, ErrorCode::IdReused);
    // Also of somebody who is out by now.
    group.remove(&server, &mia, &ben).await;
    assert_eq!(accepted(&mut from, &first).await, answer);
    let body = vec![0; BODY_MAX + 1];
    let too_large = group.post(group.room(), &body);
    assert_eq!(refusal(&mut from, &too_large).await.code, ErrorCode::TooLarge);
}

#[tokio::test]
async fn after_a_refusal_a_room_waits_for_a_restart_and_others_go_on() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let group = Place::group(&server, &mia).await;
    let other = Place::group(&server, &mia).await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let stale = Post {
        epoch: 9,
        ..group.post(group.room(), b"one")
    };
    let second = group.post(group.room(), b"two");
    socket.say(&ClientFrame::Post(stale.clone())).await;
    socket.say(&ClientFrame::Post(second.clone())).await;
    let mut codes = Vec::new();
    while codes.len() < 2 {
        if let ServerFrame::Refused(refused) = socket.hear_news().await {
            codes.push((refused.id, refused.code));
        }
    }
    let expected = [
        (stale.id, ErrorCode::EpochEnded),
        (second.id, ErrorCode::OutOfOrder),
    ];
    assert_eq!(codes, expected);
    accepted(&mut socket, &other.post(other.room(), b"meanwhile")).await;
    let room = group.room();
    socket.say(&ClientFrame::Restart(Restart { room })).await;
    assert_eq!(accepted(&mut socket, &second).await.sequence, 1);
}

#[tokio::test]
async fn when_a_member_loses_a_device_nobody_writes_before_somebody_observed_it() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (ben, eve) = (server.person("ben", &mia).await, server.person("eve", &mia).await);
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    group.add(&server, &mia, &eve).await;
    let without_eve = Place::group(&server, &mia).await;
    let (mut from, _) = Socket::open(&server, &ben).await;
    let (mut others, _) = Socket::open(&server, &mia).await;
    accepted(&mut from, &group.post(group.room(), b"one")).await;

    eve.device_added(&server).await;
    accepted(&mut from, &group.post(group.room(), b"two")).await;
    let body = AccountBody::RevokeDevice { device: DeviceId(1) };
    let revoked = eve.entry(&server, body).await;
    eve.offer(&server, &revoked).await;
    // Those who share a place with the account hear of it at once.
    loop {
        if let ServerFrame::ChainMoved(moved) = from.hear().await
            && moved.head == 2
        {
            assert_eq!(moved.account, eve.account);
            break;
        }
    }
    let three = group.post(group.room(), b"three");
    assert_eq!(refusal(&mut from, &three).await.code, ErrorCode::ObservationOwed);
    accepted(&mut others, &without_eve.post(without_eve.room(), b"elsewhere")).await;

    let server = server.restart().await;
    let (mut from, _) = Socket::open(&server, &ben).await;
    assert_eq!(refusal(&mut from, &three).await.code, ErrorCode::ObservationOwed);
    let observed = RoomBody::Observe {
        account: eve.account,
        head: head(&eve.chain(&server).await),
        closings: Vec::new(),
    };
    let before = group.chain.state().epoch(group.room());
    group.act(&server, &ben, observed).await;
    assert_eq!(refusal(&mut from, &three).await.code, ErrorCode::EpochEnded);
    assert_ne!(group.chain.state().epoch(group.room()), before);
    accepted(&mut from, &group.post(group.room(), b"three")).await;
}

#[tokio::test]
async fn who_comes_with_a_device_taken_out_since_they_were_seen_last_is_owed_an_observation_too() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    let seen = ben.chain(&server).await;
    ben.device_added(&server).await;
    let body = AccountBody::RevokeDevice { device: DeviceId(1) };
    let revoked = ben.entry(&server, body).await;
    ben.offer(&server, &revoked).await;
    group.act(&server, &mia, crate::place::add(&seen)).await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let one = group.post(group.room(), b"one");
    assert_eq!(refusal(&mut socket, &one).await.code, ErrorCode::ObservationOwed);
}

#[tokio::test]
async fn slow_mode_holds_for_messages_of_those_who_may_not_skip_it() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let policy = Policy {
        slow_mode: 30,
        ..Policy::default()
    };
    group.policy(&server, &mia, policy).await;
    let (mut slow, _) = Socket::open(&server, &ben).await;
    let (mut owner, _) = Socket::open(&server, &mia).await;
    let post = |body: &[u8]| group.post(group.room(), body);
    accepted(&mut slow, &post(b"one")).await;
    let refused = refusal(&mut slow, &post(b"two")).await;
    assert_eq!(refused.code, ErrorCode::TooFast);
    assert!(
        refused
            .retry_after
            .is_some_and(|wait| wait > 20_000 && wait <= 30_000)
    );
    let reaction = Post {
        class: Class::Annotation,
        ..post(b"thumb")
    };
    accepted(&mut slow, &reaction).await;
    for body in [b"a", b"b"] {
        accepted(&mut owner, &post(body)).await;
    }
    server.clock.shift(31_000);
    accepted(&mut slow, &post(b"two")).await;
}

#[tokio::test]
async fn messages_live_as_long_as_the_policy_says_and_are_gone_then() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let mut group = Place::group(&server, &mia).await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let before = group.post(group.room(), b"sealed before");
    let policy = Policy {
        disappearing: 60,
        ..Policy::default()
    };
    group.policy(&server, &mia, policy).await;
    // Who has not seen it seals anew; who has seen it should have known.
    assert_eq!(refusal(&mut socket, &before).await.code, ErrorCode::EpochEnded);
    let for_life = |expires| Post {
        expires,
        ..group.post(group.room(), b"x")
    };
    for expires in [None, Some(61), Some(0)] {
        let refused = refusal(&mut socket, &for_life(expires)).await;
        assert_eq!(refused.code, ErrorCode::PostRefused);
    }
    for expires in [60, 30] {
        accepted(&mut socket, &for_life(Some(expires))).await;
    }
    server.clock.shift(31_000);
    let left: EnvelopesPage = page(&server, &mia, group.room(), "").await.json();
    assert_eq!((left.head, left.envelopes.len()), (2, 1));
    server.clock.shift(30_000);
    assert!(bodies(&server, &mia, group.room()).await.is_empty());
}

#[tokio::test]
async fn who_is_muted_and_where_nobody_writes_is_refused() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let mute = RoomBody::MuteUntil {
        account: ben.account,
        until: server.clock.now().plus(60_000),
        reason: Vec::new(),
    };
    group.act(&server, &mia, mute).await;
    let (mut muted, _) = Socket::open(&server, &ben).await;
    let one = group.post(group.room(), b"one");
    assert_eq!(refusal(&mut muted, &one).await.code, ErrorCode::PostRefused);
    server.clock.shift(61_000);
    accepted(&mut muted, &one).await;
    let policy = Policy {
        read_only: true,
        ..Policy::default()
    };
    group.policy(&server, &mia, policy).await;
    let two = group.post(group.room(), b"two");
    assert_eq!(refusal(&mut muted, &two).await.code, ErrorCode::PostRefused);
    group.act(&server, &mia, RoomBody::Close).await;
    assert_eq!(refusal(&mut muted, &two).await.code, ErrorCode::PostRefused);
    assert_eq!(bodies(&server, &ben, group.room()).await, [b"one"]);
}

#[tokio::test]
async fn newcomers_are_handed_what_was_sent_after_they_came_unless_the_policy_opens_the_past() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (ben, eve) = (server.person("ben", &mia).await, server.person("eve", &mia).await);
    let mut group = Place::group(&server, &mia).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    accepted(&mut from, &group.post(group.room(), b"before")).await;
    let unseen = group.post(group.room(), b"who sent this had not seen ben come");
    group.add(&server, &mia, &ben).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    to.drain().await;
    accepted(&mut from, &unseen).await;
    accepted(&mut from, &group.post(group.room(), b"after")).await;
    assert_eq!(told(&mut to).await.sequence, 3);
    assert_eq!(bodies(&server, &ben, group.room()).await, [b"after"]);

    let policy = Policy {
        history: History::All,
        ..Policy::default()
    };
    group.policy(&server, &mia, policy).await;
    accepted(&mut from, &group.post(group.room(), b"open")).await;
    group.add(&server, &mia, &eve).await;
    assert_eq!(bodies(&server, &eve, group.room()).await, [b"open"]);
    assert_eq!(bodies(&server, &mia, group.room()).await.len(), 4);
}

#[tokio::test]
async fn who_loses_a_role_is_cut_off_from_the_channels_that_it_opened_and_from_no_other() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut community = Place::community(&server, &mia).await;
    community.add(&server, &mia, &ben).await;
    let role = community.role(&server, &mia, Permissions::NONE).await;
    let (_, open) = community.channel(&server, &mia, Audience::Everyone).await;
    let (channel, private) = community
        .channel(&server, &mia, Audience::Roles(vec![role]))
        .await;
    let given = RoomBody::SetRoles {
        account: ben.account,
        roles: vec![role],
    };
    community.act(&server, &mia, given).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    to.drain().await;
    accepted(&mut from, &community.post(private, b"one")).await;
    assert_eq!(told(&mut to).await.room, private);

    let taken = RoomBody::SetRoles {
        account: ben.account,
        roles: Vec::new(),
    };
    let entry = community.act(&server, &mia, taken).await;
    told_entry(&mut to, &entry).await;
    accepted(&mut from, &community.post(private, b"two")).await;
    accepted(&mut from, &community.post(open, b"three")).await;
    assert_eq!(told(&mut to).await.room, open, "the private one is told no more");
    assert_eq!(page(&server, &ben, private, "").await.code(), ErrorCode::NotFound);
    let refused = refusal(&mut to, &community.post(private, b"four")).await;
    assert_eq!(refused.code, ErrorCode::NotFound);
    accepted(&mut to, &community.post(open, b"five")).await;
    let (_, welcome) = Socket::open(&server, &ben).await;
    let moved: Vec<_> = welcome.moved.iter().map(|cursor| cursor.room).collect();
    assert_eq!(moved, [open]);

    let deleted = RoomBody::DeleteChannel { channel };
    community.act(&server, &mia, deleted).await;
    assert_eq!(page(&server, &mia, private, "").await.code(), ErrorCode::NotFound);
    let refused = refusal(&mut from, &community.post(private, b"six")).await;
    assert_eq!(refused.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_device_that_does_not_keep_up_hears_how_far_the_room_is_and_reads_the_rest_by_page() {
    const MESSAGES: u64 = 450;
    // It is let go of later than this takes.
    let server = Server::start_with(|config| config.limits.slow_reader_ms = 120_000).await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let (mut slow, _) = Socket::open(&server, &ben).await;
    slow.drain().await;
    // More than the socket's buffers hold, while nothing is read.
    let body = vec![7; BODY_MAX];
    for _ in 0..MESSAGES {
        accepted(&mut from, &group.post(group.room(), &body)).await;
    }
    let mut last = 0;
    let moved = loop {
        match slow.hear().await {
            ServerFrame::Posted(message) => {
                assert_eq!(message.sequence, last + 1, "in order and without a gap");
                last = message.sequence;
            }
            ServerFrame::RoomMoved(moved) => break moved,
            other => panic!("{other:?}"),
        }
    };
    assert!(last < MESSAGES && moved.sequence > last && moved.room == group.room());
    let query = format!("?after={last}&limit=2");
    let read: EnvelopesPage = page(&server, &ben, group.room(), &query).await.json();
    assert_eq!((read.head, read.envelopes[0].sequence), (MESSAGES, last + 1));
}

#[tokio::test]
async fn a_long_chain_goes_on_after_a_restart() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let mut group = Place::group(&server, &mia).await;
    for number in 0..280_u16 {
        let topic = RoomBody::Metadata {
            field: MetadataField::Topic,
            sealed: number.to_be_bytes().to_vec(),
        };
        group.act(&server, &mia, topic).await;
    }
    let server = server.restart().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    accepted(&mut socket, &group.post(group.room(), b"one")).await;
    let ben = server.person("ben", &mia).await;
    group.add(&server, &mia, &ben).await;
    assert_eq!(group.verified(&server, &ben).await.state(), group.chain.state());
    let server = server.restart().await;
    let (_, welcome) = Socket::open(&server, &ben).await;
    assert_eq!(welcome.moved.len(), 1);
}
