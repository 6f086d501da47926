//! The past on a new device: everything that was said is there, the newest first.

use std::time::Duration;

use conclave_client::views::{BodyView, Event, HistoryLossView, HistoryView};
use conclave_protocol::{DeviceId, RoomId};
use conclave_testing::{Person, World};
use rusqlite::Connection;
use tokio::time::{Instant, sleep, timeout};

const NEW_PASSWORD: &str = "sechs laute Amseln im Schnee";

const WHOLE: HistoryView = HistoryView {
    loading: false,
    missing: 0,
    why: None,
};

async fn texts_with(person: &Person, other: &Person) -> Vec<String> {
    let timeline = person.timeline_with(other).await;
    timeline
        .iter()
        .map(|row| match &row.body {
            BodyView::Text { text } => text.clone(),
            other => format!("{other:?}"),
        })
        .collect()
}

async fn history_with(person: &Person, other: &Person) -> HistoryView {
    let room = RoomId::direct(person.account().await, other.account().await);
    person.device().history(room).await.expect("the store is read")
}

/// Two people say something in turn, ten times each, until so much was said.
async fn they_talk(one: &Person, other: &Person, count: usize) -> Vec<String> {
    let mut said = Vec::new();
    for block in 0..count / 10 {
        let (from, to) = if block % 2 == 0 {
            (one, other)
        } else {
            (other, one)
        };
        for n in 0..10 {
            let text = format!("{} to {}: {block}{n}", from.name(), to.name());
            from.sends(&text).to(to).await;
            said.push(text);
        }
        has_all(to, from, &said).await;
    }
    said
}

async fn has_all(person: &Person, other: &Person, said: &[String]) {
    person
        .waits("what was said", async || {
            let seen = texts_with(person, other).await;
            if seen == said {
                Ok(())
            } else {
                Err(format!("{} of {}", seen.len(), said.len()))
            }
        })
        .await;
}

/// Somebody comes back with the recovery key, on a device that holds nothing.
async fn comes_back(world: &World, name: &str, label: &str, words: &[String]) -> Person {
    let person = world.new_device(name, label);
    let words = words.join(" ");
    let recovered = person.device().recover(name, &words, NEW_PASSWORD, false).await;
    recovered.expect("a recovery");
    person.is_online().await;
    person
}

/// Waits until what this device is to record is in the vault.
async fn has_recorded(person: &Person) {
    person
        .waits("an empty queue", async || {
            match person.device().waits_for_the_vault().await {
                Ok(0) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
}

/// Each device also records what another one would have, had it been there. After such a jump of the clock it learns
/// the server's anew.
async fn everything_is_recorded(world: &World, devices: &[&Person]) {
    world.time_passes(Duration::from_mins(30));
    for device in devices {
        device.goes_offline().await;
        device.comes_back().await;
    }
    for device in devices {
        has_recorded(device).await;
    }
}

async fn sees_the_past(person: &Person, other: &Person, said: &[String]) {
    person
        .waits("the past", async || {
            let seen = texts_with(person, other).await;
            let history = history_with(person, other).await;
            if seen == said && !history.loading {
                return Ok(());
            }
            assert!(said.ends_with(&seen), "the newest first: {seen:?}");
            Err(format!("{} of {}, {history:?}", seen.len(), said.len()))
        })
        .await;
    assert_eq!(history_with(person, other).await, WHOLE);
    assert_eq!(person.unread_from(other).await, 0, "the past is not news");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_comes_back_with_the_recovery_key_sees_all_that_was_said() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let carol = world.registers("carol").await;
    let with_bob = they_talk(&alice, &bob, 40).await;
    let with_carol = they_talk(&carol, &alice, 20).await;
    has_recorded(&alice).await;
    let words = alice.device().recovery_words().await.expect("words");
    let account = alice.account().await;
    alice.closes().await;

    let alice = comes_back(&world, "alice", "again", &words).await;
    assert_eq!(alice.account().await, account);
    sees_the_past(&alice, &bob, &with_bob).await;
    sees_the_past(&alice, &carol, &with_carol).await;
    let chats = alice.device().list_chats().await.expect("chats");
    let names: Vec<&str> = chats.iter().filter_map(|chat| chat.title.as_deref()).collect();
    assert_eq!(
        names,
        ["carol", "bob"],
        "in the order in which something happened"
    );

    // And it goes on from there.
    bob.sends("welcome back").to(&alice).await;
    let mut all = with_bob;
    all.push("welcome back".to_owned());
    has_all(&alice, &bob, &all).await;
    alice.sends("glad to be").to(&bob).await;
    all.push("glad to be".to_owned());
    has_all(&bob, &alice, &all).await;
    let timeline = alice.timeline_with(&bob).await;
    assert!(
        timeline.iter().all(|row| row.missing_before == 0),
        "nothing is said to be missing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_device_sees_all_three_chats_the_newest_first_also_when_it_is_interrupted() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let mut chats = Vec::new();
    for name in ["bob", "carol", "dave"] {
        let other = world.registers(name).await;
        let said = they_talk(&alice, &other, 100).await;
        chats.push((other, said));
    }
    has_recorded(&alice).await;
    let begun = Instant::now();
    let mut laptop = alice.adds_a_device("laptop").await;
    println!("linked after {:?}", begun.elapsed());
    for interrupted in 0..3 {
        if interrupted > 0 {
            laptop = laptop.begins_again().await;
        }
        sleep(Duration::from_millis(20)).await;
    }
    for (other, said) in chats.iter().rev() {
        sees_the_past(&laptop, other, said).await;
        println!("300 messages in 3 chats: after {:?}", begun.elapsed());
    }
    // Both devices go on recording for the next one.
    for (other, said) in &mut chats {
        laptop.sends("from the laptop").to(other).await;
        said.push("from the laptop".to_owned());
        has_all(other, &laptop, said).await;
        other.sends("to both").to(&laptop).await;
        said.push("to both".to_owned());
        has_all(&laptop, other, said).await;
        has_all(&alice, other, said).await;
    }
    everything_is_recorded(&world, &[&alice, &laptop]).await;
    let phone = laptop.adds_a_device_by_scan("phone").await;
    for (other, said) in &chats {
        sees_the_past(&phone, other, said).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_revocation_a_newcomer_reads_what_was_said_before_and_after_it() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = alice.adds_a_device("laptop").await;
    let mut said = they_talk(&alice, &bob, 20).await;
    has_all(&laptop, &bob, &said).await;
    everything_is_recorded(&world, &[&alice, &laptop]).await;
    revokes_others(&alice).await;
    for n in 0..5 {
        let text = format!("after it {n}");
        bob.sends(&text).to(&alice).await;
        said.push(text);
    }
    has_all(&alice, &bob, &said).await;
    has_recorded(&alice).await;
    let phone = alice.adds_a_device("phone").await;
    sees_the_past(&phone, &bob, &said).await;
}

async fn revokes_others(person: &Person) {
    let devices = person.device().list_devices().await.expect("devices");
    for other in devices.iter().filter(|device| !device.this) {
        person
            .device()
            .revoke_device(DeviceId(other.device))
            .await
            .expect("revoked");
    }
}

/// The server's operator does something to its database while it is stopped.
async fn tampers(world: &World, statements: &str) {
    world.server_stops().await;
    let database = Connection::open(world.server_data().join("conclave.db")).unwrap();
    database.execute_batch(statements).unwrap();
    drop(database);
    world.server_starts().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cuts_the_vault_below_what_the_chain_names_is_noticed() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = alice.adds_a_device("laptop").await;
    let said = they_talk(&alice, &bob, 20).await;
    everything_is_recorded(&world, &[&alice, &laptop]).await;
    revokes_others(&alice).await;
    alice
        .waits("a new key", async || {
            let database = Connection::open(world.server_data().join("conclave.db")).unwrap();
            let entries: i64 = database
                .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
                .unwrap();
            // Two geneses, two first vaults, one device in and out, the new key.
            if entries == 7 {
                Ok(())
            } else {
                Err(entries.to_string())
            }
        })
        .await;
    let words = alice.device().recovery_words().await.expect("words");
    alice.closes().await;
    tampers(
        &world,
        "DELETE FROM vault_records WHERE number = (SELECT max(records) - 1 FROM vaults);
         UPDATE vaults SET records = records - 1 WHERE records = (SELECT max(records) FROM vaults);",
    )
    .await;

    let person = world.new_device("alice", "again");
    let mut events = person.device().events();
    let words = words.join(" ");
    let recovered = person
        .device()
        .recover("alice", &words, NEW_PASSWORD, false)
        .await;
    recovered.expect("a recovery");
    let warned = async {
        loop {
            if let Event::Warning { failure } = events.recv().await.expect("an event") {
                return failure.code;
            }
        }
    };
    let warned = timeout(Duration::from_secs(30), warned).await;
    assert_eq!(warned.expect("a warning"), "vault_broken");
    let history = HistoryView {
        loading: false,
        missing: said.len() as u64,
        why: Some(HistoryLossView::NotGenuine),
    };
    person
        .waits("a room that says so", async || {
            let seen = history_with(&person, &bob).await;
            if seen == history {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
    assert_eq!(texts_with(&person, &bob).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_server_withholds_or_swaps_is_counted_and_the_others_are_there() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let mut said = they_talk(&alice, &bob, 20).await;
    has_recorded(&alice).await;
    let words = alice.device().recovery_words().await.expect("words");
    alice.closes().await;
    tampers(
        &world,
        "DELETE FROM envelopes WHERE sequence = 7;
         UPDATE envelopes SET body = (SELECT body FROM envelopes WHERE sequence = 3) WHERE sequence = 12;",
    )
    .await;
    let alice = comes_back(&world, "alice", "again", &words).await;
    said.remove(11);
    said.remove(6);
    has_all(&alice, &bob, &said).await;
    let history = HistoryView {
        loading: false,
        missing: 2,
        why: Some(HistoryLossView::Withheld),
    };
    alice
        .waits("what is missing", async || {
            let seen = history_with(&alice, &bob).await;
            if seen == history {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
}
