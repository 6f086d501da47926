//! How much memory an engine takes that has been used for a while. Run by `cargo xtask bench engine`.
//!
//! The device of somebody in many groups is opened by a process of its own, so that neither the server nor whoever
//! wrote the messages is weighed with it.

use std::path::PathBuf;
use std::time::Duration;

use conclave_sdk::{Device, Options};
use conclave_testing::{Person, World};

/// The goal of the design for this size.
const GOAL_MB: u64 = 100;
const ROOMS: usize = 200;
const MESSAGES_EACH: usize = 500;
/// Messages that wait in the outbox at most while the rooms are filled.
const AT_ONCE: usize = 100;
const LONG: Duration = Duration::from_mins(10);
/// Set for the process that is weighed: the server's address and the device's folder.
const WEIGHED: &str = "CONCLAVE_TEST_WEIGHED";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark: cargo xtask bench engine"]
#[expect(clippy::print_stdout, reason = "its result is to be read")]
async fn an_engine_with_many_rooms_and_messages_takes_this_much_memory() {
    if let Ok(weighed) = std::env::var(WEIGHED) {
        let (server, folder) = weighed.split_once(' ').expect("an address and a folder");
        println!("{}", weigh(server, folder.into()).await);
        return;
    }
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let empty = child(&bob).await;
    let bob = world.opens_again("bob");
    for room in 0..ROOMS {
        fill(&alice, &bob, room).await;
    }
    let full = child(&bob).await;
    println!(
        "{ROOMS} rooms with {} messages: {full} MB resident at most, {} MB more than the empty device (goal {GOAL_MB} MB, {} % of it)",
        ROOMS * MESSAGES_EACH,
        full.saturating_sub(empty),
        full.saturating_mul(100) / GOAL_MB,
    );
}

/// One more group of two, in which both have everything that was said.
async fn fill(alice: &Person, bob: &Person, room: usize) {
    let group = alice.makes_a_group(&format!("Room {room}"), &[bob]).await;
    bob.is_in(group).await;
    for number in 0..MESSAGES_EACH {
        alice
            .says(
                group,
                &format!("Message {number} of room {room}, about as long as people write"),
            )
            .await;
        if number % AT_ONCE == AT_ONCE - 1 {
            alice
                .device()
                .wait_until_outbox_is_empty(LONG)
                .await
                .expect("sent");
        }
    }
    bob.waits("the last message", async || {
        let newest = bob.device().list_messages(group.room, None, 1).await;
        let text = format!("{newest:?}");
        let last = format!("Message {} of", MESSAGES_EACH - 1);
        if text.contains(&last) { Ok(()) } else { Err(text) }
    })
    .await;
}

/// Closes a device and has another process open it. Returns its peak in megabytes.
async fn child(person: &Person) -> u64 {
    person.device().close().await.expect("closed");
    let program = std::env::current_exe().expect("this program");
    let output = tokio::process::Command::new(program)
        .args(["--ignored", "--nocapture", "--exact"])
        .arg("an_engine_with_many_rooms_and_messages_takes_this_much_memory")
        .env(
            WEIGHED,
            format!("{} {}", person.device().server(), person.data().display()),
        )
        .output()
        .await
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .find_map(|line| line.trim().parse().ok())
        .unwrap_or_else(|| panic!("no figure in {text} {}", String::from_utf8_lossy(&output.stderr)))
}

/// Uses a device as somebody does who looks through all of their chats.
async fn weigh(server: &str, folder: PathBuf) -> u64 {
    let device = Device::open(Options::new(server, folder)).expect("a device opens");
    device.wait_until_online(LONG).await.expect("online");
    device.wait_until_quiet(LONG).await.expect("quiet");
    for chat in device.list_chats().await.expect("chats") {
        let room = chat.room.parse().expect("a room");
        let _ = device.list_messages(room, None, 50).await.expect("messages");
    }
    let peak = peak_megabytes().expect("Linux says how much memory a process took");
    device.close().await.expect("closed");
    peak
}

fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024)
}
