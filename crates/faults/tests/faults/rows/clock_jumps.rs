//! The server's clock jumps back and ahead while devices write.

use std::time::Duration;

use tokio::time::sleep;

use crate::stage::process::{House, Program};
use crate::stage::scene::{Scene, Work};
use crate::stage::socket::Socket;
use crate::{Outcome, Size};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// Longer than sign-ins live without being refreshed.
const DAYS: i64 = 45;
/// A job looks at least so often whether it is due.
const JOB_LOOKS: Duration = Duration::from_secs(11);

pub(crate) async fn play(size: Size) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::build(folder.path(), None);
    let (mut server, _) = house.open(Program::Moved).await;
    let scene = Scene::set(&house, size.pick(4, 32)).await;
    let door = house.door();
    let work = Work::begin(door, scene.writers(), scene.reader());
    let ahead = DAYS * 24 * HOUR_MS;
    for step in [-2 * HOUR_MS, 4 * HOUR_MS, -2 * HOUR_MS, ahead] {
        server.move_clock(step);
        sleep(Duration::from_millis(500)).await;
    }
    // Long enough for everything to be deleted that has expired.
    sleep(JOB_LOOKS).await;
    server.move_clock(-ahead);
    sleep(Duration::from_millis(300)).await;
    let (writers, reader) = work.finish().await;

    let found = scene.compare(door, &writers).await;
    found.assert_whole();
    assert!(found.acknowledged > 0, "nothing was acknowledged");
    let kept = scene.kept(door).await;
    reader.assert_read(&kept);
    let mut backwards = 0;
    for envelopes in kept.values() {
        backwards += envelopes
            .windows(2)
            .filter(|pair| pair[0].received_at > pair[1].received_at)
            .count();
    }
    assert!(backwards > 0, "the clock did not jump");
    // Nobody's sign-in is gone.
    let devices = scene.people.iter().flat_map(|person| &person.devices);
    let mut signed_in = 0;
    for device in devices {
        let opened = Socket::try_open(door, door, &device.access, Vec::new()).await;
        opened.expect("still signed in");
        signed_in += 1;
    }
    server.stop();
    house.assert_no_panic();
    Outcome::Played(format!(
        "2 hours back, 4 ahead, {DAYS} days ahead and back, {} writers: times go back {backwards} times, sequences never; \
         {signed_in} of {signed_in} devices still signed in; {found}",
        writers.len()
    ))
}
