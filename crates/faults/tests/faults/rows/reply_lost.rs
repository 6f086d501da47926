//! Answers get lost behind the commit: the way back is cut at a random byte, and everything is sent again.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_protocol::EnvelopeId;
use conclave_protocol::frames::{ClientFrame, Post, ServerFrame};
use tokio::time::timeout;

use crate::stage::database::{Engine, Postgres};
use crate::stage::door::{Door, PATIENCE};
use crate::stage::people::{Device, Group};
use crate::stage::process::{House, Program};
use crate::stage::proxy::Proxy;
use crate::stage::scene::Scene;
use crate::stage::socket::Socket;
use crate::stage::{between, people};
use crate::{Outcome, Size};

/// Devices that send at the same time.
const SENDERS: usize = 4;
/// Sends between two connections.
const BATCH: usize = 25;
/// Each send goes out so often at most.
const REPEATS_MAX: u64 = 5;

pub(crate) async fn play(size: Size, engine: Engine) -> Outcome {
    let batches = size.pick(4, 10_000 / (SENDERS * BATCH));
    let folder = tempfile::tempdir().expect("a folder");
    let postgres = (engine == Engine::Postgres).then(Postgres::make);
    let address = postgres.as_ref().map(Postgres::address);
    let house = House::build(folder.path(), address.as_deref());
    let (server, _) = house.open(Program::Real).await;
    let scene = Scene::set(&house, SENDERS).await;
    // All into one room, so that they compete for its sequence.
    let group = &scene.groups[0];

    let sending = scene
        .writers()
        .into_iter()
        .map(|writer| tokio::spawn(send(house.door(), writer.device, group.clone(), batches)));
    let mut sent = BTreeMap::new();
    let mut repeats = 0;
    for sending in sending.collect::<Vec<_>>() {
        let (by_one, repeated) = sending.await.expect("no sender fails");
        sent.extend(by_one);
        repeats += repeated;
    }

    let stored = people::try_stored(house.door(), scene.people[0].access(), group.room, 0).await;
    let stored = stored.expect("the server answers");
    let expected = SENDERS * batches * BATCH;
    assert_eq!(
        (stored.len(), sent.len()),
        (expected, expected),
        "each send is there once"
    );
    for (envelope, sequence) in stored.iter().zip(1..) {
        assert_eq!(envelope.sequence, sequence, "each sequence is given once");
        assert_eq!(
            sent.get(&envelope.id),
            Some(&sequence),
            "every answer was the same"
        );
    }
    server.stop();
    house.assert_no_panic();
    Outcome::Played(format!(
        "{expected} sends went out {repeats} times, the way back cut at random: {} rows, each answer the same",
        stored.len()
    ))
}

/// Sends from one device; what each message's sequence is, and how often something was sent.
async fn send(
    door: Door,
    device: Device,
    group: Group,
    batches: usize,
) -> (BTreeMap<EnvelopeId, u64>, usize) {
    let proxy = Proxy::open(door).await;
    let mut sequences = BTreeMap::new();
    let mut repeats = 0;
    for _ in 0..batches {
        let batch: Vec<(Post, u64)> = (0..BATCH)
            .map(|_| (group.post(vec![7; 100]), between(1, REPEATS_MAX + 1)))
            .collect();
        for round in 1..=REPEATS_MAX {
            // The last time nothing is cut, so that every message has its answer in the end.
            let is_last = round == REPEATS_MAX;
            let posts = batch
                .iter()
                .filter(|(_, times)| is_last || *times > round)
                .map(|(post, _)| post);
            let posts: Vec<Post> = posts.cloned().collect();
            repeats += posts.len();
            let answers = u64::try_from(posts.len()).expect("a batch is small") * 40;
            let allowed = if is_last {
                u64::MAX
            } else {
                between(1, answers + 2)
            };
            let heard = round_trip(door, &proxy, allowed, &device, &posts).await;
            assert!(!is_last || heard.len() == posts.len(), "every send is answered");
            for (id, sequence) in heard {
                let first = *sequences.entry(id).or_insert(sequence);
                assert_eq!(first, sequence, "a repeat got another sequence");
            }
        }
    }
    (sequences, repeats)
}

/// Sends over a connection of its own, of whose answers so many bytes come back, and hears what comes through.
async fn round_trip(
    door: Door,
    proxy: &Proxy,
    allowed: u64,
    device: &Device,
    posts: &[Post],
) -> Vec<(EnvelopeId, u64)> {
    proxy.allow(u64::MAX);
    let opened = Socket::persist(door, proxy.door, &device.access, &[]).await;
    let (mut socket, _) = opened.expect("nobody is refused");
    proxy.allow(allowed);
    let mut heard = Vec::new();
    for post in posts {
        if socket.say(&ClientFrame::Post(post.clone())).await.is_err() {
            return heard;
        }
    }
    let hearing = async {
        while heard.len() < posts.len() {
            match socket.hear().await {
                Ok(ServerFrame::Accepted(accepted)) => heard.push((accepted.id, accepted.sequence)),
                Ok(ServerFrame::Refused(refused)) => panic!("{refused:?}"),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    };
    timeout(PATIENCE, hearing).await.expect("an answer or an end");
    // Let the server see the end before the device comes back.
    tokio::time::sleep(Duration::from_millis(1)).await;
    heard
}
