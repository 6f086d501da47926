//! The past on a new device: everything that was said is there, the newest first.

use std::time::Duration;

use conclave_client::views::{BodyView, HistoryView};
use conclave_protocol::RoomId;
use conclave_testing::{Person, World};

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

/// Two people say something in turn, so many times together.
async fn they_talk(one: &Person, other: &Person, count: usize) -> Vec<String> {
    let mut said = Vec::new();
    for n in 0..count {
        let (from, to) = if n % 2 == 0 { (one, other) } else { (other, one) };
        let text = format!("{} {n} to {}", from.name(), to.name());
        let id = from.sends(&text).to(to).await;
        // In each other's order.
        from.device()
            .wait_until_delivered(id, Duration::from_secs(30))
            .await
            .expect("delivered");
        said.push(text);
    }
    said
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

async fn sees_the_past(person: &Person, other: &Person, said: &[String]) {
    person
        .waits("the past", async || {
            let seen = texts_with(person, other).await;
            if seen == said {
                Ok(())
            } else {
                Err(format!(
                    "{} of {}, {:?}",
                    seen.len(),
                    said.len(),
                    history_with(person, other).await
                ))
            }
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

    let alice = world.recovers("alice", "alice-again", &words).await;
    assert_eq!(alice.account().await, account);
    sees_the_past(&alice, &bob, &with_bob).await;
    sees_the_past(&alice, &carol, &with_carol).await;
    let chats = alice.device().list_chats().await.expect("chats");
    let names: Vec<&str> = chats.iter().map(|chat| chat.person.username.as_str()).collect();
    assert_eq!(
        names,
        ["carol", "bob"],
        "in the order in which something happened"
    );

    // And it goes on from there.
    let id = bob.sends("welcome back").to(&alice).await;
    bob.device()
        .wait_until_delivered(id, Duration::from_secs(30))
        .await
        .expect("delivered");
    alice.sends("glad to be").to(&bob).await;
    let mut all = with_bob;
    all.extend(["welcome back".to_owned(), "glad to be".to_owned()]);
    bob.waits("both", async || {
        let seen = texts_with(&bob, &alice).await;
        if seen == all {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
    assert_eq!(texts_with(&alice, &bob).await, all);
    assert!(
        alice
            .timeline_with(&bob)
            .await
            .iter()
            .all(|row| row.missing_before == 0),
        "nothing is said to be missing"
    );
}
