//! The server is killed with -9 at random moments while devices write, and starts again over what it left.

use std::time::Duration;

use tokio::time::sleep;

use crate::stage::between;
use crate::stage::database::{Engine, Postgres};
use crate::stage::process::{House, Program};
use crate::stage::scene::{Scene, Work};
use crate::{Outcome, Size};

pub(crate) async fn play(size: Size, engine: Engine) -> Outcome {
    let (writers, kills) = (size.pick(8, 64), size.pick(3, 50));
    let folder = tempfile::tempdir().expect("a folder");
    let postgres = (engine == Engine::Postgres).then(Postgres::make);
    let address = postgres.as_ref().map(Postgres::address);
    let house = House::build(folder.path(), address.as_deref());
    let (mut server, _) = house.open(Program::Real).await;
    let scene = Scene::set(&house, writers).await;

    let work = Work::begin(house.door(), scene.writers(), scene.reader());
    let mut longest = Duration::ZERO;
    for _ in 0..kills {
        sleep(Duration::from_millis(between(200, 1_500))).await;
        server.kill();
        let (again, took) = house.open(Program::Real).await;
        server = again;
        longest = longest.max(took);
    }
    sleep(Duration::from_millis(300)).await;
    let (writers, reader) = work.finish().await;

    let kept = scene.kept(house.door()).await;
    let found = scene.compare(house.door(), &writers).await;
    found.assert_whole();
    assert!(found.acknowledged > 0, "nothing was acknowledged");
    assert_eq!(
        found.stored, found.acknowledged,
        "everything is acknowledged by now"
    );
    reader.assert_read(&kept);
    server.stop();
    house.assert_no_panic();
    Outcome::Played(format!(
        "{kills} kills, {} writers, {found}; a second device read the same, {} of it live; ready again within {} ms",
        writers.len(),
        reader.live,
        longest.as_millis()
    ))
}
