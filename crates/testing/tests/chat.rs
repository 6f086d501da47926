//! Two people chat: the main job, through every absence.

use conclave_client::views::{BodyView, DeliveryView};
use conclave_testing::World;

#[tokio::test(flavor = "multi_thread")]
async fn two_people_exchange_messages_and_see_how_far_they_got() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;

    let hello = alice.sends("hello bob").to(&bob).await;
    bob.sees(&["hello bob"]).from(&alice).await;
    alice.sees_delivery(&bob, hello, &DeliveryView::Delivered).await;
    assert_eq!(bob.unread_from(&alice).await, 1);

    bob.reads_everything_from(&alice).await;
    assert_eq!(bob.unread_from(&alice).await, 0);
    alice.sees_delivery(&bob, hello, &DeliveryView::Read).await;

    bob.sends("hello alice").to(&alice).await;
    alice
        .sees(&["hello bob", "hello alice"])
        .in_the_chat_with(&bob)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_messages_wait_for_somebody_who_is_away() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("first").to(&bob).await;
    bob.sees(&["first"]).from(&alice).await;

    bob.goes_offline().await;
    let texts: Vec<String> = (0..200).map(|n| format!("message {n}")).collect();
    for text in &texts {
        alice.sends(text).to(&bob).await;
    }
    bob.comes_back().await;
    let expected: Vec<&str> = std::iter::once("first")
        .chain(texts.iter().map(String::as_str))
        .collect();
    bob.sees(&expected).from(&alice).await;
    assert_eq!(bob.unread_from(&alice).await, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_offline_survives_a_restart_and_is_sent_in_order() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("online").to(&bob).await;
    bob.sees(&["online"]).from(&alice).await;

    alice.goes_offline().await;
    alice.sends("offline one").to(&bob).await;
    alice.sends("offline two").to(&bob).await;
    alice.closes().await;

    let alice = world.opens_again("alice");
    alice.is_online().await;
    bob.sees(&["online", "offline one", "offline two"])
        .from(&alice)
        .await;
    bob.sends("got them").to(&alice).await;
    alice.sees(&["got them"]).from(&bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_restart_is_noticed_by_nobody() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("before").to(&bob).await;
    bob.sees(&["before"]).from(&alice).await;
    world.server_stops().await;
    let during = alice.sends("during").to(&bob).await;
    alice.sees_delivery(&bob, during, &DeliveryView::Queued).await;
    world.server_starts().await;
    bob.sees(&["before", "during"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_both_write_first_at_the_same_moment_both_arrive_and_the_chat_goes_on() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    // Both know each other and have no session yet; both write while the other is not looking.
    alice.room_with(&bob).await;
    bob.room_with(&alice).await;
    alice.goes_offline().await;
    bob.goes_offline().await;
    alice.sends("a1").to(&bob).await;
    bob.sends("b1").to(&alice).await;
    tokio::join!(alice.comes_back(), bob.comes_back());
    bob.sees(&["a1"]).from(&alice).await;
    alice.sees(&["b1"]).from(&bob).await;
    for n in 2..6 {
        alice.sends(&format!("a{n}")).to(&bob).await;
        bob.sends(&format!("b{n}")).to(&alice).await;
    }
    bob.sees(&["a1", "a2", "a3", "a4", "a5"]).from(&alice).await;
    alice.sees(&["b1", "b2", "b3", "b4", "b5"]).from(&bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_lost_in_between_leaves_a_gap_that_is_shown_and_the_rest_opens() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("one").to(&bob).await;
    bob.sees(&["one"]).from(&alice).await;
    bob.sends("ok").to(&alice).await;
    alice.sees(&["ok"]).from(&bob).await;

    bob.goes_offline().await;
    let lost = alice.sends("two").to(&bob).await;
    let last = alice.sends("three").to(&bob).await;
    alice.sees_delivery(&bob, last, &DeliveryView::Sent).await;
    // The server loses a message: its key from the mailbox, its body from the room.
    world.server_stops().await;
    let database = rusqlite::Connection::open(world.server_data().join("conclave.db")).unwrap();
    let id = lost.0.to_vec();
    let of_mailbox = "DELETE FROM mailbox WHERE (room, envelope) IN
        (SELECT room, sequence FROM envelopes WHERE id = ?1)";
    assert_eq!(database.execute(of_mailbox, [&id]).unwrap(), 1);
    assert_eq!(
        database
            .execute("DELETE FROM envelopes WHERE id = ?1", [&id])
            .unwrap(),
        1
    );
    drop(database);
    world.server_starts().await;

    bob.comes_back().await;
    bob.sees(&["one", "three"]).from(&alice).await;
    let timeline = bob.timeline_with(&alice).await;
    let three = timeline
        .iter()
        .find(|row| row.body == BodyView::Text { text: "three".into() })
        .unwrap();
    assert_eq!(three.missing_before, 1, "the gap is shown");
    alice.sends("four").to(&bob).await;
    bob.sees(&["one", "three", "four"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_to_oneself_are_sent_without_any_other_device() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let note = alice.sends("buy milk").to(&alice).await;
    alice.sees_delivery(&alice, note, &DeliveryView::Sent).await;
    assert_eq!(alice.unread_from(&alice).await, 0);
}
