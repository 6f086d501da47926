//! Starts that are cut short, and starts beside another server.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::stage::between;
use crate::stage::database::{Engine, Postgres};
use crate::stage::door::PATIENCE;
use crate::stage::process::{House, Program};
use crate::{Outcome, Size};

/// A first start makes all tables, step by step: it is killed at some moment of that, and the next one has to get over
/// what it left.
pub(crate) async fn killed_in_migration(size: Size, engine: Engine) -> Outcome {
    let databases = size.pick(3, 50);
    let postgres = (engine == Engine::Postgres).then(Postgres::make);
    let (mut kills, mut unready) = (0, 0);
    for number in 0..databases {
        let folder = tempfile::tempdir().expect("a folder");
        let address = postgres
            .as_ref()
            .map(|postgres| postgres.fresh(&format!("fresh{number}")));
        let house = House::build(folder.path(), address.as_deref());
        for _ in 0..4 {
            let server = house.start(Program::Real);
            sleep(Duration::from_millis(between(1, size.pick(60, 120)))).await;
            unready += usize::from(!server.is_ready().await);
            server.kill();
            kills += 1;
        }
        let (server, _) = house.open(Program::Real).await;
        server.stop();
        house.assert_no_panic();
    }
    assert!(unready > 0, "no kill came before a server was ready");
    Outcome::Played(format!(
        "{databases} new databases, {kills} kills during their first start, {unready} before it was ready: each starts"
    ))
}

/// A second server on the same file refuses with the reason, and may start when the first one is gone, however it went.
pub(crate) async fn beside_another(_: Size) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::build(folder.path(), None);
    let (server, _) = house.open(Program::Real).await;
    let mut second = house.start(Program::Real);
    let began = Instant::now();
    let status = loop {
        if let Some(status) = second.ended() {
            break status;
        }
        assert!(began.elapsed() < PATIENCE, "the second one goes on");
        sleep(Duration::from_millis(10)).await;
    };
    assert!(!status.success());
    let log = house.log();
    assert!(
        log.contains("another conclave-server serves this database"),
        "{log}"
    );
    assert!(server.is_ready().await, "the first one goes on");
    server.kill();
    let (server, _) = house.open(Program::Real).await;
    server.stop();
    house.assert_no_panic();
    Outcome::Played(
        "the second one ends and says why; behind a kill -9 of the first one it starts".to_owned(),
    )
}
