//! The disk fills up while devices write, and is emptied again while the server runs.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use conclave_protocol::ErrorCode;
use http::StatusCode;
use tokio::time::{Instant, sleep};

use crate::stage::door::PATIENCE;
use crate::stage::image::{Disk, impossible};
use crate::stage::process::{House, Program};
use crate::stage::scene::{Scene, Work};
use crate::{Outcome, Size};

/// Of the disk.
const MEBIBYTES: u64 = 64;

pub(crate) async fn play(size: Size) -> Outcome {
    if let Some(why) = impossible() {
        return Outcome::NotPlayed(why.to_owned());
    }
    let (writers, rounds) = (size.pick(4, 32), size.pick(1, 5));
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::make(folder.path(), "small", MEBIBYTES);
    let house = House::build(&disk.folder, None);
    let (server, _) = house.open(Program::Real).await;
    let scene = Scene::set(&house, writers).await;
    let door = house.door();
    let mia = scene.people[0].access().clone();

    let (mut writers, mut reader) = (scene.writers(), scene.reader());
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        let work = Work::begin(door, writers, reader);
        sleep(Duration::from_millis(300)).await;
        let filler = disk.folder.join("filler");
        fill(&filler);
        until("the server notices that the disk is full", async || {
            let ready = door.get("/readyz", None).await;
            (ready.status, ready.code()) == (StatusCode::INSUFFICIENT_STORAGE, Some(ErrorCode::StorageFull))
        })
        .await;
        // Whoever writes over HTTP is told so, too. Little things may find room for a while yet.
        until("a request finds no room", async || {
            let refused = door.post("/api/v1/invites", Some(&mia), &()).await;
            assert!(
                refused.status.is_success() || refused.code() == Some(ErrorCode::StorageFull),
                "{refused:?}"
            );
            refused.status == StatusCode::INSUFFICIENT_STORAGE && refused.retry_after().is_some()
        })
        .await;
        // Who reads is not kept from it.
        let before = scene.kept(door).await;
        assert!(before.values().any(|envelopes| !envelopes.is_empty()));
        assert!(door.get("/api/v1/places", Some(&mia)).await.status.is_success());

        std::fs::remove_file(&filler).expect("the filler");
        let emptied = Instant::now();
        until("the server notices that there is room", async || {
            server.is_ready().await
        })
        .await;
        longest = longest.max(emptied.elapsed());
        (writers, reader) = work.finish().await;
    }

    let found = scene.compare(door, &writers).await;
    found.assert_whole();
    assert!(found.acknowledged > 0, "nothing was acknowledged");
    reader.assert_read(&scene.kept(door).await);
    let refusals: Vec<ErrorCode> = writers
        .iter()
        .flat_map(|writer| writer.refusals.clone())
        .collect();
    assert!(!refusals.is_empty(), "no send was refused");
    assert!(
        refusals.iter().all(|code| *code == ErrorCode::StorageFull),
        "{refusals:?}"
    );
    server.stop();
    house.assert_no_panic();
    Outcome::Played(format!(
        "{rounds} times full, {} writers, {} sends refused as storage_full, readiness 507, reads answered; ready again \
         {} ms after there was room; {found}",
        writers.len(),
        refusals.len(),
        longest.as_millis()
    ))
}

/// Writes until nothing goes in.
fn fill(filler: &Path) {
    let mut file = std::fs::File::create(filler).expect("a filler");
    for size in [1024 * 1024, 4096, 1] {
        let bytes = vec![1; size];
        while file.write_all(&bytes).and_then(|()| file.sync_data()).is_ok() {}
    }
}

/// Waits until something holds; `what` is for whoever reads that it never did.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
