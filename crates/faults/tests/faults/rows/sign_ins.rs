//! Many people sign in at once while others write.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tokio::time::{Instant, sleep};

use crate::stage::people::Person;
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
    // A sign-in ends the login that its device had before: who signs in does nothing else.
    let invite = scene.people[0].invite(door).await;
    let person = Person::register(door, "guest", &invite).await;
    let pace = Duration::from_millis(20);
    let writers = scene.writers().into_iter();
    let writers = writers
        .map(|writer| writer.at_a_pace_of(pace).one_at_a_time())
        .collect();
    let work = Work::begin(door, writers, scene.reader());
    sleep(Duration::from_secs(1)).await;
    let before = server.memory();
    let began = Instant::now();
    sleep(Duration::from_secs(size.pick(1, 5))).await;
    let alone = Window::since(began);

    // Each is two requests. What a client computes for them it computes while nothing is measured: in life it does so
    // elsewhere.
    let prepared: Vec<_> = (0..sign_ins).map(|_| person.prepare_sign_in()).collect();
    let began = Instant::now();
    let starting = prepared
        .iter()
        .map(|(_, start)| door.post("/api/v1/logins/start", None, start));
    let computed = server.computed();
    let started = join_all(starting).await;
    let first_computed = server.computed().saturating_sub(computed);
    let first_halves = Window::since(began);
    let mut highest = server.memory();
    let mut ready = Vec::new();
    for ((login, _), started) in prepared.into_iter().zip(started) {
        ready.push(person.stretch(login, started.json()).await);
    }
    let began = Instant::now();
    let finishing = ready
        .iter()
        .map(|finish| door.post("/api/v1/logins/finish", None, finish));
    let computed = server.computed();
    let finished = join_all(finishing).await;
    let second_computed = server.computed().saturating_sub(computed);
    let second_halves = Window::since(began);
    highest = highest.max(server.memory());
    let (writers, _) = work.finish().await;
    for answer in &finished {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let rise = highest.saturating_sub(before);
    assert!(rise <= RISE_MAX, "memory rose by {rise}");
    server.stop();
    house.assert_no_panic();
    let [alone, first, second] =
        [alone, first_halves, second_halves].map(|window| (window, window.waits(&writers)));
    let report = |percent: usize| {
        let [alone, first, second] = [&alone.1, &first.1, &second.1].map(|waits| at(waits, percent));
        format!(
            "{} ms alone, {} and {} ms beside the two halves (ratio {:.1})",
            alone.as_millis(),
            first.as_millis(),
            second.as_millis(),
            first.max(second).as_secs_f64() / alone.as_secs_f64()
        )
    };
    Outcome::Played(format!(
        "{sign_ins} sign-ins at once, their halves in {} and {} ms ({} and {} ms of the server's computing): memory rose by {} MiB; of others' messages ({}, {} \
         and {}) the median {}, the 99th percentile {}",
        first.0.took().as_millis(),
        second.0.took().as_millis(),
        first_computed.as_millis(),
        second_computed.as_millis(),
        rise / 1024 / 1024,
        alone.1.len(),
        first.1.len(),
        second.1.len(),
        report(50),
        report(99)
    ))
}

/// A time that is looked at.
#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    to: Instant,
}

impl Window {
    fn since(from: Instant) -> Self {
        let to = Instant::now();
        Self { from, to }
    }

    fn took(self) -> Duration {
        self.to - self.from
    }

    /// How long the messages waited that were under way then, the shortest first.
    fn waits(self, writers: &[Writer]) -> Vec<Duration> {
        let waits = writers.iter().flat_map(|writer| &writer.waits);
        let meanwhile = waits.filter(|(sent, wait)| *sent <= self.to && *sent + *wait >= self.from);
        let mut waits: Vec<Duration> = meanwhile.map(|(_, wait)| *wait).collect();
        waits.sort_unstable();
        waits
    }
}

fn at(waits: &[Duration], percent: usize) -> Duration {
    waits
        .get(waits.len() * percent / 100)
        .copied()
        .unwrap_or_default()
}
