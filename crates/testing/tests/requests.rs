//! Strangers who write, and people who are blocked: what arrives, what they hear of it, on all devices.

use std::time::Duration;

use conclave_client::user_store::views::PersonChange;
use conclave_client::views::{ChatView, DeliveryView, Event};
use conclave_protocol::EnvelopeId;
use conclave_testing::{Person, World};
use rusqlite::Connection;

/// Receipts that were to come would have come by then.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_hears_nothing_before_they_are_accepted() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let mut news = bob.device().events();
    let hi = alice.sends("hi").unasked_to(&bob).await;
    bob.sees(&["hi"]).from(&alice).await;
    assert!(request_of(&bob, &alice).await);
    bob.reads_everything_from(&alice).await;
    tokio::time::sleep(LONG_ENOUGH).await;
    assert_eq!(delivery(&alice, &bob, hi).await, DeliveryView::Sent);
    let mut arrived = None;
    while let Ok(event) = news.try_recv() {
        if let Event::Arrived { request, .. } = event {
            arrived = Some(request);
        }
    }
    assert_eq!(arrived, Some(true), "it is told as a request");

    bob.accepts(&alice).await;
    assert!(!request_of(&bob, &alice).await);
    alice.sees_delivery(&bob, hi, &DeliveryView::Read).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answering_accepts_on_all_own_devices() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let desk = bob.adds_a_device("desk").await;
    let hi = alice.sends("hi").unasked_to(&bob).await;
    for device in [&bob, &desk] {
        device.sees(&["hi"]).from(&alice).await;
        assert!(request_of(device, &alice).await);
    }
    desk.sends("who are you?").unasked_to(&alice).await;
    is_no_request(&bob, &alice).await;
    alice.sees(&["who are you?"]).from(&bob).await;
    assert!(!request_of(&alice, &bob).await, "whoever wrote first asks nobody");
    alice.sees_delivery(&bob, hi, &DeliveryView::Delivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_request_is_gone_on_all_own_devices_and_the_next_message_is_one_again() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let desk = bob.adds_a_device("desk").await;
    alice.sends("buy this").unasked_to(&bob).await;
    for device in [&bob, &desk] {
        device.sees(&["buy this"]).from(&alice).await;
    }
    let room = bob.room_with(&alice).await;
    bob.device().delete_request(room).await.expect("deleted");
    for device in [&bob, &desk] {
        device
            .waits("an empty chat", async || match device.chat_with(&alice).await {
                None => Ok(()),
                Some(chat) => Err(format!("{:?}", chat.last)),
            })
            .await;
        assert!(device.timeline_with(&alice).await.is_empty());
    }
    alice.sends("please").unasked_to(&bob).await;
    for device in [&bob, &desk] {
        device.sees(&["please"]).from(&alice).await;
        assert!(request_of(device, &alice).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_writes_who_is_blocked_reaches_no_device_and_does_not_come_back() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let desk = bob.adds_a_device("desk").await;
    alice.sends("hi").to(&bob).await;
    bob.sends("hello").to(&alice).await;
    for device in [&bob, &desk] {
        device.sees(&["hi", "hello"]).in_the_chat_with(&alice).await;
    }
    alice.sees(&["hi", "hello"]).in_the_chat_with(&bob).await;

    desk.blocks(&alice, true).await;
    bob.waits("the block", async || {
        let chat = bob.chat_with(&alice).await;
        let blocked = chat.is_some_and(|chat| chat.blocked);
        blocked.then_some(()).ok_or_else(|| "not blocked".to_owned())
    })
    .await;
    let unheard = alice.sends("are you there?").unasked_to(&bob).await;
    alice.sends("hello??").unasked_to(&bob).await;
    alice.sees_delivery(&bob, unheard, &DeliveryView::Sent).await;
    mailboxes_empty(&world, &bob).await;
    tokio::time::sleep(LONG_ENOUGH).await;
    assert_eq!(delivery(&alice, &bob, unheard).await, DeliveryView::Sent);
    for device in [&bob, &desk] {
        assert_eq!(device.timeline_with(&alice).await.len(), 2);
        assert_eq!(device.unread_from(&alice).await, 1, "only what came before");
    }
    let room = bob.room_with(&alice).await;
    assert!(
        bob.device().send_text(room, "no").await.is_err(),
        "nothing is sent to them"
    );

    bob.blocks(&alice, false).await;
    desk.waits("the end of the block", async || {
        let chat = desk.chat_with(&alice).await;
        let blocked = chat.is_none_or(|chat| chat.blocked);
        (!blocked).then_some(()).ok_or_else(|| "blocked".to_owned())
    })
    .await;
    let heard = alice.sends("still here").unasked_to(&bob).await;
    for device in [&bob, &desk] {
        device.sees(&["hi", "still here"]).from(&alice).await;
        let rows = device.timeline_with(&alice).await;
        assert!(
            rows.iter().all(|row| row.missing_before == 0),
            "nothing is missed"
        );
    }
    alice.sees_delivery(&bob, heard, &DeliveryView::Delivered).await;
    assert_eq!(delivery(&alice, &bob, unheard).await, DeliveryView::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_group_what_somebody_says_who_is_blocked_is_marked_and_counts_for_nothing() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let carol = world.registers("carol").await;
    let group = alice.makes_a_group("Otters", &[&bob, &carol]).await;
    for person in [&bob, &carol] {
        person.is_in(group).await;
    }
    alice.says(group, "welcome").await;
    bob.sees_in(group, &["welcome"]).await;
    bob.blocks(&alice, true).await;
    let noise = alice.says(group, "noise").await;
    bob.sees_in(group, &["welcome", "noise"]).await;
    let blocked = |rows: Vec<conclave_client::views::MessageView>| -> Vec<bool> {
        rows.iter().map(|row| row.blocked).collect()
    };
    assert_eq!(blocked(bob.timeline_of(group).await), [true, true]);
    carol.sees_in(group, &["welcome", "noise"]).await;
    // Nor does what alice thinks of a message show to bob.
    let quiet = carol.says(group, "quiet please").await;
    alice.sees_in(group, &["welcome", "noise", "quiet please"]).await;
    for (person, emoji) in [(&alice, "👎"), (&carol, "👍")] {
        let reacted = person.device().react(quiet, emoji, true).await;
        reacted.expect("a reaction");
    }
    bob.waits("carol's reaction alone", async || {
        let rows = bob.timeline_of(group).await;
        let given: Vec<&str> = rows
            .iter()
            .flat_map(|row| &row.reactions)
            .map(|reaction| reaction.emoji.as_str())
            .collect();
        if given == ["👍"] {
            Ok(())
        } else {
            Err(format!("{given:?}"))
        }
    })
    .await;
    assert_eq!(blocked(carol.timeline_of(group).await), [false; 3]);
    let chats = bob.device().list_chats().await.expect("the list of chats");
    let row: &ChatView = chats
        .iter()
        .find(|chat| chat.room == group.room.to_string())
        .expect("the group's chat");
    assert_eq!(row.unread, 2, "what came before, and what carol said");
    // Carol tells that it arrived, and bob does not: it is never delivered to all.
    tokio::time::sleep(LONG_ENOUGH).await;
    let rows = alice.timeline_of(group).await;
    let row = rows.iter().find(|row| row.id == noise.to_string());
    assert_eq!(row.map(|row| &row.delivery), Some(&DeliveryView::Sent));
    // What bob says, alice reads as ever.
    bob.says(group, "good evening").await;
    let texts = ["welcome", "noise", "quiet please", "good evening"];
    alice.sees_in(group, &texts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_comes_later_knows_who_was_accepted_who_is_blocked_and_what_they_are_called() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let carol = world.registers("carol").await;
    for (person, text) in [(&alice, "hi"), (&carol, "buy this")] {
        person.sends(text).unasked_to(&bob).await;
        bob.sees(&[text]).from(person).await;
    }
    let named = PersonChange {
        accepted: true,
        nickname: Some("Alice next door".into()),
        ..PersonChange::default()
    };
    let account = alice.account().await;
    bob.device().set_person(account, named).await.expect("named");
    bob.blocks(&carol, true).await;
    let desk = bob.adds_a_device("desk").await;
    desk.waits("what was set before", async || {
        let chat = desk.chat_with(&alice).await;
        let title = chat.and_then(|chat| chat.title);
        let contacts = desk.device().list_contacts().await.map_err(|e| e.to_string())?;
        let blocked = contacts.iter().filter(|contact| contact.blocked);
        let blocked: Vec<&str> = blocked.map(|contact| contact.username.as_str()).collect();
        if title.as_deref() == Some("Alice next door") && blocked == ["carol"] {
            Ok(())
        } else {
            Err(format!("{title:?} {contacts:?}"))
        }
    })
    .await;
    is_no_request(&desk, &alice).await;
    assert!(desk.chat_with(&carol).await.is_none());
}

async fn request_of(person: &Person, other: &Person) -> bool {
    let chat = person.chat_with(other).await;
    chat.expect("a chat that is listed").request
}

async fn is_no_request(person: &Person, other: &Person) {
    person
        .waits("an accepted chat", async || match person.chat_with(other).await {
            Some(chat) if !chat.request => Ok(()),
            chat => Err(format!("{:?}", chat.map(|chat| chat.request))),
        })
        .await;
}

async fn delivery(person: &Person, other: &Person, message: EnvelopeId) -> DeliveryView {
    let rows = person.timeline_with(other).await;
    let row = rows.into_iter().find(|row| row.id == message.to_string());
    row.expect("an own message").delivery
}

/// Waits until the server holds nothing more for the devices of somebody.
async fn mailboxes_empty(world: &World, person: &Person) {
    let account = person.account().await;
    let file = world.server_data().join("conclave.db");
    person
        .waits("empty mailboxes", async || {
            let database = Connection::open(&file).map_err(|e| e.to_string())?;
            let sql = "SELECT count(*) FROM mailbox WHERE account = ?1";
            let left: i64 = database
                .query_row(sql, [account.0], |row| row.get(0))
                .map_err(|e| e.to_string())?;
            if left == 0 {
                Ok(())
            } else {
                Err(format!("{left} left"))
            }
        })
        .await;
}
