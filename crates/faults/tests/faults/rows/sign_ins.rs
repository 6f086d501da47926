//! Many people sign in at once while others write.

use std::time::Duration;

use http::StatusCode;
use tokio::time::sleep;

use crate::stage::process::{House, Program};
use crate::stage::scene::{Scene, Work};
use crate::stage::writer::Writer;
use crate::{Outcome, Size};

/// What memory may rise by.
const RISE_MAX: u64 = 128 * 1024 * 1024;

pub(crate) async fn play(size: Size) -> Outcome {
    let sign_ins = size.pick(20, 200);
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::build(folder.path(), None);
    let (server, _) = house.open(Program::Real).await;
    let scene = Scene::set(&house, 4).await;
    let door = house.door();
    let write = || {
        let writers = scene.writers().into_iter();
        writers
            .map(|writer| writer.at_a_pace_of(Duration::from_millis(20)))
            .collect()
    };
    let work = Work::begin(door, write(), scene.reader());
    sleep(Duration::from_secs(size.pick(1, 5))).await;
    let (alone, _) = work.finish().await;
    let before = server.memory();

    // Each is two requests. What the client stretches in between is its own work: this machine does it while nothing
    // is measured.
    let person = &scene.people[1];
    let work = Work::begin(door, write(), scene.reader());
    let starting = (0..sign_ins).map(|_| person.start_sign_in(door));
    let started = futures_util::future::join_all(starting).await;
    let mut highest = server.memory();
    let (at_start, _) = work.finish().await;
    let mut ready = Vec::new();
    for started in started {
        ready.push(person.stretch(started).await);
    }
    let work = Work::begin(door, write(), scene.reader());
    let finishing = ready
        .iter()
        .map(|finish| door.post("/api/v1/logins/finish", None, finish));
    let finished = futures_util::future::join_all(finishing).await;
    highest = highest.max(server.memory());
    let (at_end, _) = work.finish().await;
    for answer in &finished {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let rise = highest.saturating_sub(before);
    assert!(rise <= RISE_MAX, "memory rose by {rise}");
    server.stop();
    house.assert_no_panic();
    let beside = median(&at_start).max(median(&at_end));
    Outcome::Played(format!(
        "{sign_ins} sign-ins at once: memory rose by {} MiB; the median of others' messages {} ms alone, {} ms beside \
         them (ratio {:.1})",
        rise / 1024 / 1024,
        median(&alone).as_millis(),
        beside.as_millis(),
        beside.as_secs_f64() / median(&alone).as_secs_f64()
    ))
}

fn median(writers: &[Writer]) -> Duration {
    let mut waits: Vec<Duration> = writers.iter().flat_map(|writer| writer.waits.clone()).collect();
    waits.sort_unstable();
    waits.get(waits.len() / 2).copied().unwrap_or_default()
}
