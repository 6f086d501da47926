//! PostgreSQL ends, crashes and stands still below a server at work.

use std::time::Duration;

use conclave_protocol::{ErrorCode, Token};
use http::StatusCode;
use tokio::time::{Instant, sleep};

use crate::stage::database::Postgres;
use crate::stage::door::{Door, PATIENCE};
use crate::stage::process::{House, Program};
use crate::stage::scene::{Scene, Work};
use crate::{Outcome, Size};

/// Requests that are under way at the moment of the fault.
const AT_ONCE: usize = 24;

#[derive(Default)]
struct Times {
    refused: Duration,
    back: Duration,
}

pub(crate) async fn play(size: Size) -> Outcome {
    let (writers, rounds) = (size.pick(4, 32), size.pick(1, 5));
    let folder = tempfile::tempdir().expect("a folder");
    let postgres = Postgres::make();
    let house = House::build(folder.path(), Some(&postgres.address()));
    let (server, _) = house.open(Program::Real).await;
    let scene = Scene::set(&house, writers).await;
    let (door, mia) = (house.door(), scene.people[0].access().clone());

    let work = Work::begin(door, scene.writers(), scene.reader());
    let (mut stopped, mut frozen, mut restarted) = (Times::default(), Times::default(), Times::default());
    for _ in 0..rounds {
        sleep(Duration::from_millis(300)).await;
        let asking = ask_meanwhile(door, &mia);
        postgres.stop_at_once();
        let asked = asking.await;
        stopped.refused = stopped.refused.max(asked);
        stopped.refused = stopped.refused.max(refused(door, &mia).await);
        postgres.start();
        stopped.back = stopped.back.max(back(door, &mia).await);

        sleep(Duration::from_millis(300)).await;
        let asking = ask_meanwhile(door, &mia);
        postgres.freeze();
        let asked = asking.await;
        frozen.refused = frozen.refused.max(asked);
        frozen.refused = frozen.refused.max(refused(door, &mia).await);
        postgres.thaw();
        frozen.back = frozen.back.max(back(door, &mia).await);

        sleep(Duration::from_millis(300)).await;
        postgres.restart_at_once();
        restarted.back = restarted.back.max(back(door, &mia).await);
    }
    sleep(Duration::from_millis(300)).await;
    let (writers, reader) = work.finish().await;

    let found = scene.compare(door, &writers).await;
    found.assert_whole();
    assert!(found.acknowledged > 0, "nothing was acknowledged");
    reader.assert_read(&scene.kept(door).await);
    let strange: Vec<ErrorCode> = writers
        .iter()
        .flat_map(|writer| writer.refusals.clone())
        .filter(|code| *code != ErrorCode::Unavailable)
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
    server.stop();
    house.assert_no_panic();
    let ms = |time: Duration| time.as_millis();
    Outcome::Played(format!(
        "{rounds} rounds, {} writers; stopped: 503 with Retry-After within {} ms, well {} ms after its return; frozen: \
         within {} ms, well after {} ms; restart -m immediate: well after {} ms; {found}",
        writers.len(),
        ms(stopped.refused),
        ms(stopped.back),
        ms(frozen.refused),
        ms(frozen.back),
        ms(restarted.back),
    ))
}

/// Asks without a pause over several connections, across the fault, until each is refused; how long the slowest
/// refusal took.
async fn ask_all(door: Door, access: Token) -> Duration {
    let asking = (0..AT_ONCE).map(|_| {
        let access = access.clone();
        tokio::spawn(async move {
            loop {
                let asked = Instant::now();
                let answer = door.get("/api/v1/places", Some(&access)).await;
                if !answer.status.is_success() {
                    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
                    assert!(answer.retry_after().is_some(), "{answer:?}");
                    return asked.elapsed();
                }
            }
        })
    });
    let mut slowest = Duration::ZERO;
    for asked in asking.collect::<Vec<_>>() {
        slowest = slowest.max(asked.await.expect("503 with Retry-After"));
    }
    slowest
}

/// As [`ask_all`], from now on.
fn ask_meanwhile(door: Door, access: &Token) -> impl Future<Output = Duration> + use<> {
    let asking = tokio::spawn(ask_all(door, access.clone()));
    async move { asking.await.expect("503 with Retry-After") }
}

/// Asks while the database is away: told to come back, with the time. Readiness is red.
async fn refused(door: Door, access: &Token) -> Duration {
    let began = Instant::now();
    let answer = door.get("/api/v1/places", Some(access)).await;
    let took = began.elapsed();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(answer.retry_after().is_some(), "{answer:?}");
    let ready = door.get("/readyz", None).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{ready:?}");
    took
}

/// Waits until requests are answered again; how long that took.
async fn back(door: Door, access: &Token) -> Duration {
    let began = Instant::now();
    while !door.get("/api/v1/places", Some(access)).await.status.is_success() {
        assert!(began.elapsed() < PATIENCE, "never well again");
        sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}
