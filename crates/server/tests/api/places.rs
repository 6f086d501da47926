//! Groups and communities from outside: chains, who is told and who reads.

use conclave_protocol::ErrorCode;
use conclave_protocol::frames::{Post, ServerFrame};
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::places::{PlaceAppended, PlaceEntriesPage, PlaceFound};
use conclave_sigchain::room::{Audience, PlaceKind, Policy};

use crate::harness::{Server, Socket};
use crate::place::{Place, accepted, bodies, first_entry, make, page, places, refusal, told, told_entry};

#[tokio::test]
async fn a_group_is_made_people_are_added_and_everybody_reads_its_chain() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    socket.drain().await;
    let added = group.add(&server, &mia, &ben).await;
    told_entry(&mut socket, &added).await;
    for person in [&mia, &ben] {
        let found = PlaceFound {
            place: group.id(),
            head: 1,
            member: true,
        };
        assert_eq!(places(&server, person).await, [found]);
        assert_eq!(group.verified(&server, person).await.state(), group.chain.state());
    }
    let path = format!("/api/v1/places/{}/entries?after=0", group.id());
    let rest: PlaceEntriesPage = server.get(&path, Some(&ben.access)).await.json();
    assert_eq!((rest.entries.len(), rest.head), (1, 1));
    assert_eq!(rest.entries[0].as_slice(), added.to_bytes());
}

#[tokio::test]
async fn making_a_place_again_with_the_same_bytes_is_answered_as_before() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let entry = first_entry(&server, &mia, PlaceKind::Group, Policy::default()).await;
    let one: PlaceAppended = make(&server, &mia, &entry).await.json();
    server.clock.shift(5 * 60 * 1000);
    let again: PlaceAppended = make(&server, &mia, &entry).await.json();
    assert_eq!(one, again);
    assert_eq!(places(&server, &mia).await.len(), 1);
}

#[tokio::test]
async fn what_is_posted_is_on_disk_told_to_the_other_readers_and_read_by_page() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    from.drain().await;
    to.drain().await;

    let post = Post {
        thread: Some(conclave_protocol::EnvelopeId([3; 16])),
        expires: Some(3_600),
        ..group.post(group.room(), b"sealed")
    };
    let answer = accepted(&mut from, &post).await;
    assert_eq!(answer.sequence, 1);
    let message = told(&mut to).await;
    assert_eq!(
        (message.room, message.sequence, message.id, message.time),
        (post.room, 1, post.id, answer.time)
    );
    assert_eq!(
        (message.sender, message.epoch, message.head, message.thread),
        (mia.device(), post.epoch, post.head, post.thread)
    );
    assert_eq!(message.expires, Some(answer.time.plus(3_600_000)));
    assert_eq!(message.body, post.body);
    assert!(from.is_quiet().await, "the sender knows it by its answer");

    let server = server.restart().await;
    let read: EnvelopesPage = page(&server, &ben, group.room(), "").await.json();
    assert_eq!((read.head, read.envelopes.len()), (1, 1));
    let envelope = &read.envelopes[0];
    assert_eq!(
        (envelope.sequence, envelope.id, envelope.account, envelope.heads),
        (1, post.id, mia.account, None)
    );
    assert_eq!(
        (
            envelope.epoch,
            envelope.head,
            envelope.thread,
            envelope.expires_at
        ),
        (
            Some(post.epoch),
            Some(post.head),
            post.thread,
            Some(answer.time.0 + 3_600_000)
        )
    );
    assert_eq!(envelope.body, post.body);
}

#[tokio::test]
async fn a_device_that_comes_back_hears_which_rooms_went_on() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let mut community = Place::community(&server, &mia).await;
    community.add(&server, &mia, &ben).await;
    let (_, open) = community.channel(&server, &mia, Audience::Everyone).await;
    let (_, private) = community
        .channel(&server, &mia, Audience::Roles(Vec::new()))
        .await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    for (place, room) in [(&group, group.room()), (&community, open), (&community, private)] {
        accepted(&mut socket, &place.post(room, b"x")).await;
    }
    let (_, welcome) = Socket::open(&server, &ben).await;
    let mut moved: Vec<_> = welcome.moved.iter().map(|cursor| cursor.room).collect();
    moved.sort_unstable();
    let mut expected = vec![group.room(), open];
    expected.sort_unstable();
    assert_eq!(moved, expected);
    let (_, welcome) = Socket::open(&server, &mia).await;
    assert_eq!(welcome.moved.len(), 3);
}

#[tokio::test]
async fn who_is_removed_is_told_once_and_nothing_more() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    to.drain().await;
    accepted(&mut from, &group.post(group.room(), b"one")).await;
    assert_eq!(told(&mut to).await.body.as_slice(), b"one");

    let before = group.post(group.room(), b"sealed before");
    let removed = group.remove(&server, &mia, &ben).await;
    told_entry(&mut to, &removed).await;
    // Sealed under the keys that ben has.
    assert_eq!(refusal(&mut from, &before).await.code, ErrorCode::EpochEnded);
    accepted(&mut from, &group.post(group.room(), b"two")).await;
    group.add(&server, &mia, &server.person("eve", &mia).await).await;
    assert!(to.is_quiet().await);
    assert_eq!(
        page(&server, &ben, group.room(), "").await.code(),
        ErrorCode::NotFound
    );
    let known: PlaceEntriesPage = group.entries(&server, &ben).await.json();
    assert_eq!(known.head, removed.sequence);
    assert_eq!(places(&server, &ben).await, []);
    let refused = refusal(&mut to, &group.post(group.room(), b"three")).await;
    assert_eq!(refused.code, ErrorCode::NotFound);
    assert_eq!(bodies(&server, &mia, group.room()).await, [&b"one"[..], b"two"]);
    let (mut again, welcome) = Socket::open(&server, &ben).await;
    assert!(welcome.moved.is_empty() && again.hear().await == ServerFrame::Drained);
}
