//! Everybody's connection breaks at once, and everybody comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::stage::between;
use crate::stage::door::Door;
use crate::stage::people::{Device, Person};
use crate::stage::process::{House, Program};
use crate::stage::socket::{NotYet, Socket};
use crate::{Outcome, Size};

/// Devices of one account.
const DEVICES: usize = 16;
/// People who come at the same time, before the storm.
const AT_ONCE: usize = 4;
/// Nobody is out for longer unless something is stuck.
const STUCK: Duration = Duration::from_mins(3);

#[derive(Default)]
struct Counts {
    connected: AtomicUsize,
    told_to_wait: AtomicUsize,
    unanswered: AtomicUsize,
}

pub(crate) async fn play(size: Size) -> Outcome {
    let people = size.pick(13, 313);
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::build(folder.path(), None);
    let (server, _) = house.open(Program::Real).await;
    let door = house.door();
    let mia = Person::register(door, "mia", &house.setup_token()).await;
    let coming = stream::iter(0..people).map(|number| {
        let mia = &mia;
        async move {
            let invite = mia.invite(door).await;
            let mut person = Person::register(door, &format!("person{number}"), &invite).await;
            while person.devices.len() < DEVICES {
                person.add_device(door).await;
            }
            person.devices
        }
    });
    let devices: Vec<Vec<Device>> = coming.buffer_unordered(AT_ONCE).collect().await;
    let devices: Vec<Device> = devices.into_iter().flatten().collect();
    let count = devices.len();

    let counts = Arc::new(Counts::default());
    let connected: Vec<_> = devices
        .into_iter()
        .map(|device| tokio::spawn(stay(door, device, Arc::clone(&counts))))
        .collect();
    all_in(&counts, count).await;
    counts.told_to_wait.store(0, Ordering::Relaxed);
    server.kill();
    while counts.connected.load(Ordering::Relaxed) > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let (server, _) = house.open(Program::Real).await;
    let took = all_in(&counts, count).await;
    let memory = server.memory();
    for device in connected {
        assert!(!device.is_finished(), "a device was refused on its way back");
        device.abort();
    }
    server.stop();
    house.assert_no_panic();
    Outcome::Played(format!(
        "{count} sockets cut at once by kill -9: all back {} ms after the server was ready, {} answers on the way said to \
         come back later, nothing else was refused; {} MiB then",
        took.as_millis(),
        counts.told_to_wait.load(Ordering::Relaxed),
        memory / 1024 / 1024
    ))
}

/// Keeps a device connected, as a client does.
async fn stay(door: Door, device: Device, counts: Arc<Counts>) {
    loop {
        match Socket::try_open(door, door, &device.access, Vec::new()).await {
            Ok((mut socket, _)) => {
                counts.connected.fetch_add(1, Ordering::Relaxed);
                while socket.hear().await.is_ok() {}
                counts.connected.fetch_sub(1, Ordering::Relaxed);
            }
            Err(NotYet::Away) => {
                counts.unanswered.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(between(100, 1_000))).await;
            }
            Err(NotYet::Later(after)) => {
                counts.told_to_wait.fetch_add(1, Ordering::Relaxed);
                sleep(after).await;
            }
            Err(NotYet::Refused(why)) => panic!("refused: {why}"),
        }
    }
}

/// Waits until all are connected; how long that took.
async fn all_in(counts: &Counts, count: usize) -> Duration {
    let began = Instant::now();
    while counts.connected.load(Ordering::Relaxed) < count {
        assert!(
            began.elapsed() < STUCK,
            "{} of {count} are connected",
            counts.connected.load(Ordering::Relaxed)
        );
        sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}
