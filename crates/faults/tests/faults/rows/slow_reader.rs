//! Devices connect and stop reading, or read a thousand bytes a second, while others write a lot.

use std::time::Duration;

use conclave_protocol::frames::Cursor;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep, timeout};

use crate::stage::door::{Door, PATIENCE};
use crate::stage::people::{Device, try_stored};
use crate::stage::process::{House, Program};
use crate::stage::scene::{Scene, Work};
use crate::stage::socket::{Ended, Socket, hello, ticket};
use crate::stage::writer::Writer;
use crate::{Outcome, Size};

/// Devices that do not read; as many as one account has beside the one that does.
const STUCK: usize = 15;
/// Devices that write.
const WRITERS: usize = 4;
/// Bytes of a message.
const SIZE: usize = 16 * 1024;
/// Readings of everything at once, more than the server has connections to its database.
const READINGS: usize = 10;
/// What a reader's system takes in by itself.
const RECEIVED: u32 = 4 * 1024;
/// What may be held for one of them.
const HELD_MAX: u64 = 1024 * 1024;

pub(crate) async fn play(size: Size) -> Outcome {
    let patience = Duration::from_millis(size.pick(2_000, 10_000));
    let folder = tempfile::tempdir().expect("a folder");
    let limits = format!("slow_reader_ms = {}\n", patience.as_millis());
    let house = House::build_with(folder.path(), None, &limits);
    let (server, _) = house.open(Program::Real).await;
    let scene = Scene::set_with(&house, WRITERS, 1 + STUCK).await;
    let door = house.door();
    let write = || {
        let writers = scene.writers().into_iter();
        let writers = writers.map(|writer| {
            writer
                .with_messages_of(SIZE)
                .at_a_pace_of(Duration::from_millis(10))
        });
        writers.collect::<Vec<_>>()
    };

    // First the same devices as good readers, for comparison: what it takes to serve them is not held for slow ones.
    let mut good = Vec::new();
    for device in scene.people[0].devices.iter().skip(1) {
        let (mut socket, _) = Socket::open(door, &device.access).await;
        good.push(tokio::spawn(async move { while socket.hear().await.is_ok() {} }));
    }
    let work = Work::begin(door, write(), scene.reader());
    sleep(2 * patience).await;
    let (without, _) = work.finish().await;
    // Each of the database's connections has read enough to have what it keeps.
    join_all((0..READINGS).map(|_| scene.kept(door))).await;
    let before = server.memory();
    good.iter().for_each(tokio::task::JoinHandle::abort);

    let mut stuck = Vec::new();
    for (number, device) in scene.people[0].devices.iter().skip(1).enumerate() {
        let socket = connect_small(door, device).await;
        // One in three reads a little now and then.
        let trickles = number % 3 == 0;
        // Each comes back at another time: only who comes between the end of the server's patience and its giving up
        // hears why.
        let away = patience + patience / 10 * u32::try_from(number).expect("few");
        stuck.push(tokio::spawn(be_slow(socket, trickles, away)));
    }
    let work = Work::begin(door, write(), scene.reader());
    let began = Instant::now();
    let (mut held, mut parts) = (0, (0, 0));
    while began.elapsed() < 2 * patience {
        let now = (server.memory().saturating_sub(before), server.under_way());
        if now.0 + now.1 > held {
            (held, parts) = (now.0 + now.1, now);
        }
        sleep(Duration::from_millis(50)).await;
    }
    let (beside, reader) = work.finish().await;
    reader.assert_read(&scene.kept(door).await);

    let (mut told, mut broken, mut early) = (0, 0, 0);
    for slow in stuck {
        match slow.await.expect("no panic") {
            Some(Ended { code: Some(1013), .. }) => told += 1,
            Some(Ended { code: None, .. }) => broken += 1,
            Some(other) => panic!("a slow reader's connection ended by {other:?}"),
            None => early += 1,
        }
    }
    assert!(told > 0, "nobody who read on heard 1013");
    let count = u64::try_from(STUCK).expect("few");
    // A short run is soon over, and what the allocator keeps for later weighs more in it.
    assert!(
        held <= count * HELD_MAX * size.pick(2, 1),
        "{held} bytes are held for {STUCK} readers (by the server and the system: {parts:?})"
    );
    for device in scene.people[0].devices.iter().skip(1) {
        resumes(door, device, &scene).await;
    }
    server.stop();
    house.assert_no_panic();
    Outcome::Played(format!(
        "{STUCK} stuck or slow readers, messages of 16 KiB: {} KiB held for each; {told} heard 1013, {broken} came \
         back too late to hear it, {early} in time to go on; all resume by cursor; writers' p99 {} ms beside good ones, {} ms beside these (ratio {:.2})",
        held / count / 1024,
        p99(&without).as_millis(),
        p99(&beside).as_millis(),
        p99(&beside).as_secs_f64() / p99(&without).as_secs_f64(),
    ))
}

/// A connection over which little is on its way unread.
async fn connect_small(door: Door, device: &Device) -> Socket {
    let stream = TcpSocket::new_v4().expect("a socket");
    stream.set_recv_buffer_size(RECEIVED).expect("a small buffer");
    let stream = stream.connect(door.0).await.expect("the server listens");
    let ticket = ticket(door, &device.access).await.expect("a ticket");
    let mut socket = Socket::silent_over(door, stream).await.expect("an upgrade");
    socket.say(&hello(ticket, Vec::new())).await.expect("it hears");
    socket.hear().await.expect("a welcome");
    socket
}

/// Reads nothing, or a thousand bytes a second, for a while; then reads on, and tells how the connection ended, if it
/// did.
async fn be_slow(mut socket: Socket, trickles: bool, away: Duration) -> Option<Ended> {
    let until = Instant::now() + away;
    while Instant::now() < until {
        if trickles {
            // A message is sixteen thousand bytes.
            let _ = timeout(Duration::from_millis(50), socket.0.next()).await;
            sleep(Duration::from_secs(16).min(until.saturating_duration_since(Instant::now()))).await;
        } else {
            sleep(Duration::from_millis(100)).await;
        }
    }
    timeout(away, socket.end()).await.ok()
}

/// The device comes back with its cursors, is told what moved and reads it.
async fn resumes(door: Door, device: &Device, scene: &Scene) {
    let cursors: Vec<Cursor> = scene
        .groups
        .iter()
        .map(|group| Cursor {
            room: group.room,
            sequence: 1,
        })
        .collect();
    let opened = Socket::try_open(door, door, &device.access, cursors.clone()).await;
    let (_, welcome) = opened.expect("it may come back");
    for cursor in cursors {
        let moved = welcome.moved.iter().find(|moved| moved.room == cursor.room);
        let moved = moved.expect("it is told that the room went on");
        let missed = try_stored(door, &device.access, cursor.room, cursor.sequence);
        let missed = timeout(PATIENCE, missed)
            .await
            .expect("in time")
            .expect("an answer");
        assert_eq!(missed.last().map(|last| last.sequence), Some(moved.sequence));
    }
}

/// What all but one in a hundred sends waited for their answer at most.
fn p99(writers: &[Writer]) -> Duration {
    let waits = writers.iter().flat_map(|writer| &writer.waits);
    let mut waits: Vec<Duration> = waits.map(|(_, wait)| *wait).collect();
    waits.sort_unstable();
    waits.get(waits.len() * 99 / 100).copied().unwrap_or_default()
}
