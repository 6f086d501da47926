//! What could not be opened becomes readable afterwards, or says why it never will, and nobody can turn that
//! repair against the people it is for.

use std::path::Path;
use std::time::Duration;

use conclave_client::views::{BodyView, DeliveryView, LossView};
use conclave_client::{Applies as _, Change, Reads as _, Table};
use conclave_protocol::{AccountId, EnvelopeId, RoomId, Timestamp};
use conclave_store::{Store, StoreKey};
use conclave_testing::{Person, World};
use rusqlite::Connection;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn mail_spoiled_on_its_way_is_readable_in_the_end_in_its_place_and_unread() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let sent = sends_while_away(&alice, &bob, &["two", "three", "four"]).await;
    with_database(&world, |database| {
        spoil(database, &sent[0]);
        spoil(database, &sent[2]);
    })
    .await;
    bob.comes_back().await;
    bob.sees(&["one", "two", "three", "four"]).from(&alice).await;
    let timeline = bob.timeline_with(&alice).await;
    assert!(timeline.iter().all(|row| row.missing_before == 0), "{timeline:?}");
    assert_eq!(bob.unread_from(&alice).await, 4);
    for id in sent {
        alice.sees_delivery(&bob, id, &DeliveryView::Delivered).await;
    }
    goes_on(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_which_the_mailbox_brought_nothing_is_repeated_too() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let sent = sends_while_away(&alice, &bob, &["two", "three"]).await;
    with_database(&world, |database| lose(database, &sent[0])).await;
    bob.comes_back().await;
    bob.sees(&["one", "two", "three"]).from(&alice).await;
    let timeline = bob.timeline_with(&alice).await;
    assert!(timeline.iter().all(|row| row.missing_before == 0), "{timeline:?}");
    goes_on(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_messages_are_repeated_at_once_the_newest_first_and_the_others_an_hour_later() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let texts: Vec<String> = (0..12).map(|n| format!("message {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let sent = sends_while_away(&alice, &bob, &texts).await;
    with_database(&world, |database| {
        for id in &sent {
            spoil(database, id);
        }
    })
    .await;
    bob.comes_back().await;
    let mut expected = vec!["one", "Unopened", "Unopened"];
    expected.extend(&texts[2..]);
    bob.sees(&expected).from(&alice).await;

    world.time_passes(HOUR + 6 * MINUTE);
    alice.device().tick().await.unwrap();
    bob.device().tick().await.unwrap();
    let expected: Vec<&str> = std::iter::once("one").chain(texts).collect();
    bob.sees(&expected).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_more_than_seven_days_says_that_it_is_too_old_and_a_younger_one_is_repeated() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let room = bob.room_with(&alice).await;
    let old = sends_while_away(&alice, &bob, &["old"]).await;
    world.time_passes(7 * DAY + HOUR);
    alice.device().tick().await.unwrap();
    alice.is_online().await;
    let young = sends_while_away(&alice, &bob, &["young"]).await;
    with_database(&world, |database| {
        spoil(database, &old[0]);
        spoil(database, &young[0]);
    })
    .await;
    bob.comes_back().await;
    bob.waits("the younger one", async || {
        let seen = bodies(&bob, room).await;
        let lost = BodyView::Lost {
            why: LossView::TooOld,
        };
        if seen == [text("one"), lost, text("young")] {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placeholder_that_nobody_repeats_says_in_the_end_that_it_is_too_old() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let room = bob.room_with(&alice).await;
    let sent = sends_while_away(&alice, &bob, &["two"]).await;
    alice.goes_offline().await;
    with_database(&world, |database| spoil(database, &sent[0])).await;
    bob.comes_back().await;
    bob.sees(&["one", "Unopened"]).from(&alice).await;
    world.time_passes(7 * DAY + HOUR);
    bob.device().tick().await.unwrap();
    bob.waits("the plain word", async || {
        let seen = bodies(&bob, room).await;
        let lost = BodyView::Lost {
            why: LossView::TooOld,
        };
        if seen == [text("one"), lost] {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_an_answer_that_are_lost_are_made_again_also_after_restarts() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let bob_id = bob.account().await;
    let alice_id = alice.account().await;
    let sent = sends_while_away(&alice, &bob, &["two"]).await;
    alice.goes_offline().await;
    with_database(&world, |database| spoil(database, &sent[0])).await;

    // The request is lost.
    bob.comes_back().await;
    waits_for_control(&world, alice_id).await;
    bob.closes().await;
    with_database(&world, |database| lose_controls(database, alice_id)).await;
    let begun = claims(&world, alice_id);
    alice.comes_back().await;

    // The next one arrives, and its answer is lost.
    world.time_passes(2 * HOUR + MINUTE);
    alice.goes_offline().await;
    let bob = world.opens_again("bob");
    bob.is_online().await;
    waits_for_control(&world, alice_id).await;
    assert_eq!(
        claims(&world, alice_id),
        begun,
        "on the session that waits for an answer"
    );
    bob.closes().await;
    alice.comes_back().await;
    waits_for_control(&world, bob_id).await;
    alice.closes().await;
    with_database(&world, |database| lose_controls(database, bob_id)).await;

    // The last ones arrive.
    world.time_passes(4 * HOUR + MINUTE);
    let alice = world.opens_again("alice");
    let bob = world.opens_again("bob");
    bob.sees(&["one", "two"]).from(&alice).await;
    goes_on(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_can_need_repair_at_once() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    bob.goes_offline().await;
    alice.goes_offline().await;
    // Each writes while the other does not listen.
    alice.comes_back().await;
    let from_alice = sends_until_accepted(&alice, &bob, &["two", "three"]).await;
    alice.goes_offline().await;
    with_database(&world, |database| {
        for id in &from_alice {
            spoil(database, id);
        }
    })
    .await;
    // What bob sends before he has read his mailbox is spoiled as well.
    let from_bob = bob.sends("four").to(&alice).await;
    bob.comes_back().await;
    bob.device().wait_until_sent(from_bob, PATIENCE).await.unwrap();
    bob.goes_offline().await;
    with_database(&world, |database| spoil(database, &from_bob)).await;
    tokio::join!(alice.comes_back(), bob.comes_back());
    alice.sees(&["ok", "four"]).from(&bob).await;
    bob.sees(&["one", "two", "three"]).from(&alice).await;
    for n in 0..3 {
        alice.sends(&format!("a{n}")).to(&bob).await;
        bob.sends(&format!("b{n}")).to(&alice).await;
    }
    alice.sees(&["ok", "four", "b0", "b1", "b2"]).from(&bob).await;
    bob.sees(&["one", "two", "three", "a0", "a1", "a2"])
        .from(&alice)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_both_begin_anew_and_their_words_cross_both_settle_on_one_session() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let (alice_id, bob_id) = (alice.account().await, bob.account().await);
    let four = sends_while_away(&bob, &alice, &["four"]).await;
    bob.goes_offline().await;
    with_database(&world, |database| spoil(database, &four[0])).await;
    let two = alice.sends("two").to(&bob).await;
    alice.comes_back().await;
    alice.device().wait_until_sent(two, PATIENCE).await.unwrap();
    waits_for_control(&world, bob_id).await;
    alice.goes_offline().await;

    // What alice says is held back until bob has said the same.
    let mut held = Vec::new();
    with_database(&world, |database| {
        spoil(database, &two);
        held = take_controls(database, bob_id);
    })
    .await;
    bob.comes_back().await;
    waits_for_control(&world, alice_id).await;
    bob.goes_offline().await;
    with_database(&world, |database| {
        assert_eq!(held.len(), 1);
        put_controls_back(database, bob_id, &held);
    })
    .await;

    tokio::join!(alice.comes_back(), bob.comes_back());
    alice.sees(&["ok", "four"]).from(&bob).await;
    bob.sees(&["one", "two"]).from(&alice).await;
    for n in 0..3 {
        alice.sends(&format!("a{n}")).to(&bob).await;
        bob.sends(&format!("b{n}")).to(&alice).await;
    }
    alice.sees(&["ok", "four", "b0", "b1", "b2"]).from(&bob).await;
    bob.sees(&["one", "two", "a0", "a1", "a2"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_asks_for_a_message_gets_nothing_and_a_reader_gets_it() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let mallory = world.registers("mallory").await;
    let (bob_id, mallory_id) = (bob.account().await, mallory.account().await);
    let secret = alice.sends("for bob alone").to(&bob).await;
    bob.sees(&["one", "for bob alone"]).from(&alice).await;

    mallory.sends("hello").to(&alice).await;
    alice.sees(&["hello"]).from(&mallory).await;
    let alice_id = alice.account().await;
    let bob = asks(&world, bob, alice_id, &[secret]).await;
    let mallory = asks(&world, mallory, alice_id, &[secret]).await;
    // Control payloads and messages of a device arrive in order, so the requests were read before these.
    mallory.sends("did you get it?").to(&alice).await;
    alice.sees(&["hello", "did you get it?"]).from(&mallory).await;
    bob.sends("thank you").to(&alice).await;
    alice.sees(&["ok", "thank you"]).from(&bob).await;
    let folder = alice.data().to_owned();
    alice.closes().await;
    assert!(answered_at(&folder, bob_id).is_some(), "a reader is answered");
    assert_eq!(answered_at(&folder, mallory_id), None, "a stranger is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_far_future_are_not_kept_and_repair_goes_on_for_everybody_else() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let mallory = world.registers("mallory").await;
    let from_mallory = sends_while_away(&mallory, &bob, &["m0", "m1"]).await;
    let from_alice = sends_until_accepted(&alice, &bob, &["two"]).await;
    // She names times at the end of all times, and the keys fit nothing.
    let last = Timestamp((1 << 48) - 1);
    let future = [1, 2].map(|n| EnvelopeId::new(last, [n; 10]));
    with_database(&world, |database| {
        for (id, later) in from_mallory.iter().zip(&future) {
            let renamed = "UPDATE envelopes SET id = ?2 WHERE id = ?1";
            let ids = (id.0.to_vec(), later.0.to_vec());
            assert_eq!(database.execute(renamed, ids).unwrap(), 1);
        }
        spoil(database, &from_alice[0]);
    })
    .await;
    let room = RoomId::direct(bob.account().await, mallory.account().await);
    bob.comes_back().await;
    bob.sees(&["one", "two"]).from(&alice).await;
    let lost = BodyView::Lost {
        why: LossView::TooOld,
    };
    assert_eq!(bodies(&bob, room).await, [lost.clone(), lost]);
    let folder = bob.data().to_owned();
    bob.closes().await;
    let store = open_store(&folder);
    for id in future {
        assert!(store.find_record(Table::Parked, &id.0).unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_from_a_stranger_without_a_chat_makes_a_device_do_nothing() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let mallory = world.registers("mallory").await;
    let (bob_id, mallory_id) = (bob.account().await, mallory.account().await);
    // Bob's device is told something by mallory's, and cannot open it.
    mallory.device().wait_until_quiet(PATIENCE).await.unwrap();
    bob.goes_offline().await;
    let ok = alice.sends("two").to(&bob).await;
    alice.device().wait_until_sent(ok, PATIENCE).await.unwrap();
    let before = claims(&world, mallory_id);
    with_database(&world, |database| {
        let mut pairwise: Vec<u8> = database
            .query_row(
                "SELECT pairwise FROM mailbox WHERE account = ?1",
                [bob_id.0.to_vec()],
                |row| row.get(0),
            )
            .unwrap();
        *pairwise.last_mut().unwrap() ^= 1;
        let noise = (vec![9; 16], mallory_id.0.to_vec(), 0, pairwise);
        put_controls_back(database, bob_id, &[noise]);
    })
    .await;
    bob.comes_back().await;
    bob.sees(&["one", "two"]).from(&alice).await;
    goes_on(&alice, &bob).await;
    assert_eq!(controls(&database(&world), mallory_id), 0);
    assert_eq!(claims(&world, mallory_id), before, "no session begins");
    let folder = bob.data().to_owned();
    bob.closes().await;
    let known = open_store(&folder)
        .find_record(Table::Contacts, &mallory_id.0)
        .unwrap();
    assert!(known.is_none(), "nobody was looked up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_reader_could_not_open_is_not_shown_as_read() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let sent = sends_while_away(&alice, &bob, &["two", "three"]).await;
    with_database(&world, |database| {
        spoil(database, &sent[0]);
        // Nor is it asked for in this story.
        let forgotten = "UPDATE envelopes SET id = ?2 WHERE id = ?1";
        let other = EnvelopeId::new(Timestamp(1), [1; 10]);
        let ids = (sent[0].0.to_vec(), other.0.to_vec());
        assert_eq!(database.execute(forgotten, ids).unwrap(), 1);
    })
    .await;
    bob.comes_back().await;
    bob.waits("the second", async || {
        let seen = bodies(&bob, bob.room_with(&alice).await).await;
        if seen.last() == Some(&text("three")) {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
    bob.reads_everything_from(&alice).await;
    alice.sees_delivery(&bob, sent[1], &DeliveryView::Read).await;
    alice.sees_delivery(&bob, sent[0], &DeliveryView::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_the_name_of_another_device_gets_nothing() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let mallory = world.registers("mallory").await;
    let folder = alice.data().to_owned();
    let (alice_id, bob_id, mallory_id) = (
        alice.account().await,
        bob.account().await,
        mallory.account().await,
    );
    mallory.sends("hello").to(&alice).await;
    alice.sees(&["hello"]).from(&mallory).await;
    let id = alice.sends("two").to(&bob).await;
    bob.sees(&["one", "two"]).from(&alice).await;
    alice.sees_delivery(&bob, id, &DeliveryView::Delivered).await;
    // The receipt that said so does not pass for the request.
    alice
        .waits("the end of her mailbox", async || {
            match waiting(&database(&world), alice_id) {
                0 => Ok(()),
                waiting => Err(format!("{waiting}")),
            }
        })
        .await;
    alice.goes_offline().await;
    let bob = asks(&world, bob, alice_id, &[id]).await;
    waits_for_control(&world, alice_id).await;
    // The server says that it is of a device that bob's log does not name, and then that it is of mallory.
    with_database(&world, |database| {
        let mut held = take_controls(database, alice_id);
        assert_eq!(held.len(), 1);
        held[0].2 = 7;
        put_controls_back(database, alice_id, &held);
        held[0].1 = mallory_id.0.to_vec();
        held[0].2 = 0;
        put_controls_back(database, alice_id, &held);
    })
    .await;
    alice.comes_back().await;
    bob.sends("nothing?").to(&alice).await;
    alice.sees(&["ok", "nothing?"]).from(&bob).await;
    alice.closes().await;
    for asker in [(bob_id, 0), (bob_id, 7), (mallory_id, 0)] {
        assert_eq!(answered(&folder, asker.0, asker.1), None, "{asker:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_again_and_again_is_answered_once_an_hour_also_after_a_restart() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let (alice_id, bob_id) = (alice.account().await, bob.account().await);
    let folder = alice.data().to_owned();
    let id = alice.sends("two").to(&bob).await;
    bob.sees(&["one", "two"]).from(&alice).await;

    let bob = asks(&world, bob, alice_id, &[id]).await;
    bob.sends("first").to(&alice).await;
    alice.sees(&["ok", "first"]).from(&bob).await;
    alice.closes().await;
    let first = answered_at(&folder, bob_id).expect("an answer");

    let alice = world.opens_again("alice");
    alice.is_online().await;
    world.time_passes(30 * MINUTE);
    let bob = asks(&world, bob, alice_id, &[id]).await;
    bob.sends("second").to(&alice).await;
    alice.sees(&["ok", "first", "second"]).from(&bob).await;
    alice.closes().await;
    assert_eq!(
        answered_at(&folder, bob_id),
        Some(first),
        "nothing within the hour"
    );

    let alice = world.opens_again("alice");
    alice.is_online().await;
    world.time_passes(31 * MINUTE);
    let bob = asks(&world, bob, alice_id, &[id]).await;
    bob.sends("third").to(&alice).await;
    alice.sees(&["ok", "first", "second", "third"]).from(&bob).await;
    alice.closes().await;
    assert!(answered_at(&folder, bob_id) > Some(first), "again after the hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_more_than_seven_days_is_not_repeated_to_whoever_asks() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let (alice_id, bob_id) = (alice.account().await, bob.account().await);
    let folder = alice.data().to_owned();
    let id = alice.sends("two").to(&bob).await;
    bob.sees(&["one", "two"]).from(&alice).await;
    alice.closes().await;
    assert!(is_kept(&folder, id), "its key is kept");

    world.time_passes(7 * DAY + HOUR);
    let alice = world.opens_again("alice");
    alice.is_online().await;
    let bob = asks(&world, bob, alice_id, &[id]).await;
    bob.sends("please").to(&alice).await;
    alice.sees(&["ok", "please"]).from(&bob).await;
    alice.closes().await;
    assert_eq!(answered_at(&folder, bob_id), None);
    assert!(!is_kept(&folder, id), "and then its key is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_somebody_else_or_with_another_key_changes_nothing() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let mallory = world.registers("mallory").await;
    let bob_id = bob.account().await;
    let room = bob.room_with(&alice).await;
    mallory.sends("hello").to(&bob).await;
    bob.sees(&["hello"]).from(&mallory).await;
    let sent = sends_while_away(&alice, &bob, &["two"]).await;
    let folder = alice.data().to_owned();
    alice.closes().await;
    let key = kept_key(&folder, sent[0]);
    with_database(&world, |database| spoil(database, &sent[0])).await;
    bob.comes_back().await;
    // The genuine key, but from another device than the message.
    let mallory = says(&world, mallory, bob_id, &repeat(room, sent[0], &key)).await;
    mallory.sends("look again").to(&bob).await;
    bob.sees(&["hello", "look again"]).from(&mallory).await;
    assert_eq!(bodies(&bob, room).await, [text("one"), BodyView::Unopened]);

    // The right device, but another key; then the request is answered, and the genuine one opens it.
    let mut wrong = key;
    wrong[0] ^= 1;
    bob.goes_offline().await;
    let alice = closed_says(&world, "alice", &folder, bob_id, &repeat(room, sent[0], &wrong)).await;
    waits_for_control(&world, bob_id).await;
    bob.comes_back().await;
    bob.sees(&["one", "two"]).from(&alice).await;
    goes_on(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_doubles_requests_and_repeats_gains_nothing() {
    let world = World::begin().await;
    let (alice, bob) = acquainted(&world).await;
    let (alice_id, bob_id) = (alice.account().await, bob.account().await);
    let sent = sends_while_away(&alice, &bob, &["two"]).await;
    alice.goes_offline().await;
    with_database(&world, |database| spoil(database, &sent[0])).await;
    bob.comes_back().await;
    waits_for_control(&world, alice_id).await;
    bob.goes_offline().await;
    with_database(&world, |database| double_controls(database, alice_id)).await;
    alice.comes_back().await;
    waits_for_control(&world, bob_id).await;
    alice.sends("three").to(&bob).await;
    with_database(&world, |database| {
        assert_eq!(controls(database, bob_id), 1, "one answer for a doubled request");
        double_controls(database, bob_id);
    })
    .await;
    bob.comes_back().await;
    bob.sees(&["one", "two", "three"]).from(&alice).await;
    goes_on(&alice, &bob).await;
    assert_eq!(bob.unread_from(&alice).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_held_up_by_a_log_that_was_not_shown_opens_when_it_is_shown() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let alice_id = alice.account().await.0.to_vec();
    // His prekeys are on the server.
    bob.device().wait_until_quiet(PATIENCE).await.unwrap();
    bob.goes_offline().await;
    let first = alice.sends("hello").to(&bob).await;
    alice.device().wait_until_sent(first, PATIENCE).await.unwrap();
    alice.goes_offline().await;
    let mut genuine = Vec::new();
    with_database(&world, |database| {
        genuine = database
            .query_row(
                "SELECT bytes FROM entries WHERE account = ?1 AND sequence = 0",
                [&alice_id],
                |row| row.get::<_, Vec<u8>>(0),
            )
            .unwrap();
        let swapped = "UPDATE entries SET bytes = (
                SELECT bytes FROM entries WHERE account <> ?1 AND sequence = 0 LIMIT 1
            ) WHERE account = ?1 AND sequence = 0";
        assert_eq!(database.execute(swapped, [&alice_id]).unwrap(), 1);
    })
    .await;
    let bob_id = bob.account().await;
    bob.comes_back().await;
    bob.waits("the end of his mailbox", async || {
        match waiting(&database(&world), bob_id) {
            0 => Ok(()),
            waiting => Err(format!("{waiting}")),
        }
    })
    .await;
    assert!(bob.device().list_chats().await.unwrap().is_empty());
    with_database(&world, |database| {
        let back = "UPDATE entries SET bytes = ?2 WHERE account = ?1 AND sequence = 0";
        assert_eq!(database.execute(back, (&alice_id, &genuine)).unwrap(), 1);
    })
    .await;
    bob.is_online().await;
    bob.room_with(&alice).await;
    bob.sees(&["hello"]).from(&alice).await;
    assert_eq!(bob.unread_from(&alice).await, 1);
    alice.comes_back().await;
    alice.sees_delivery(&bob, first, &DeliveryView::Delivered).await;
}

/// Alice and bob, who have written to each other: "one" and "ok".
async fn acquainted(world: &World) -> (Person, Person) {
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let one = alice.sends("one").to(&bob).await;
    bob.sees(&["one"]).from(&alice).await;
    let ok = bob.sends("ok").to(&alice).await;
    alice.sees(&["ok"]).from(&bob).await;
    // No receipt is under way any more.
    alice.sees_delivery(&bob, one, &DeliveryView::Delivered).await;
    bob.sees_delivery(&alice, ok, &DeliveryView::Delivered).await;
    (alice, bob)
}

/// `to` leaves, and these texts come to wait for them on the server.
async fn sends_while_away(from: &Person, to: &Person, texts: &[&str]) -> Vec<EnvelopeId> {
    to.goes_offline().await;
    sends_until_accepted(from, to, texts).await
}

async fn sends_until_accepted(from: &Person, to: &Person, texts: &[&str]) -> Vec<EnvelopeId> {
    let mut sent = Vec::new();
    for text in texts {
        let id = from.sends(text).to(to).await;
        from.device().wait_until_sent(id, PATIENCE).await.unwrap();
        sent.push(id);
    }
    sent
}

/// A word each way after all that was said before.
async fn goes_on(one: &Person, other: &Person) {
    for (from, to) in [(one, other), (other, one)] {
        let id = from.sends("and so on").to(to).await;
        from.sees_delivery(to, id, &DeliveryView::Delivered).await;
    }
}

/// What others said in a room, as somebody sees it.
async fn bodies(person: &Person, room: RoomId) -> Vec<BodyView> {
    let timeline = person.device().list_messages(room, None, 1_000).await.unwrap();
    timeline
        .into_iter()
        .filter(|row| !row.mine)
        .map(|row| row.body)
        .collect()
}

fn text(text: &str) -> BodyView {
    BodyView::Text { text: text.into() }
}

/// The server stops, its database is changed, and it starts again.
async fn with_database(world: &World, change: impl FnOnce(&Connection)) {
    world.server_stops().await;
    change(&database(world));
    world.server_starts().await;
}

fn database(world: &World) -> Connection {
    let database = Connection::open(world.server_data().join("conclave.db")).unwrap();
    database.busy_timeout(PATIENCE).unwrap();
    database
}

/// One bit of the key that waits with a message is flipped.
fn spoil(database: &Connection, id: &EnvelopeId) {
    let id = id.0.to_vec();
    let of_message = "(room, envelope) IN (SELECT room, sequence FROM envelopes WHERE id = ?1)";
    let mut pairwise: Vec<u8> = database
        .query_row(
            &format!("SELECT pairwise FROM mailbox WHERE {of_message}"),
            [&id],
            |row| row.get(0),
        )
        .unwrap();
    *pairwise.last_mut().unwrap() ^= 1;
    let changed = database
        .execute(
            &format!("UPDATE mailbox SET pairwise = ?2 WHERE {of_message}"),
            (&id, &pairwise),
        )
        .unwrap();
    assert_eq!(changed, 1);
}

/// A message's key is taken out of the mailbox; its body stays in the room.
fn lose(database: &Connection, id: &EnvelopeId) {
    let lost = "DELETE FROM mailbox WHERE (room, envelope) IN
        (SELECT room, sequence FROM envelopes WHERE id = ?1)";
    assert_eq!(database.execute(lost, [id.0.to_vec()]).unwrap(), 1);
}

fn controls(database: &Connection, to: AccountId) -> i64 {
    let count = "SELECT count(*) FROM mailbox WHERE account = ?1 AND room IS NULL";
    database
        .query_row(count, [to.0.to_vec()], |row| row.get(0))
        .unwrap()
}

/// How many bundles of somebody were claimed.
fn claims(world: &World, of: AccountId) -> i64 {
    let count = "SELECT count(*) FROM claimed_prekeys WHERE account = ?1";
    database(world)
        .query_row(count, [of.0.to_vec()], |row| row.get(0))
        .unwrap()
}

/// How much of any kind waits for somebody.
fn waiting(database: &Connection, to: AccountId) -> i64 {
    let count = "SELECT count(*) FROM mailbox WHERE account = ?1";
    database
        .query_row(count, [to.0.to_vec()], |row| row.get(0))
        .unwrap()
}

fn lose_controls(database: &Connection, to: AccountId) {
    let lost = "DELETE FROM mailbox WHERE account = ?1 AND room IS NULL";
    assert!(database.execute(lost, [to.0.to_vec()]).unwrap() > 0);
}

/// A waiting control payload: id, sender's account and device, pairwise message.
type HeldControl = (Vec<u8>, Vec<u8>, i64, Vec<u8>);

fn take_controls(database: &Connection, to: AccountId) -> Vec<HeldControl> {
    let find = "SELECT id, sender_account, sender_device, pairwise FROM mailbox
        WHERE account = ?1 AND room IS NULL ORDER BY sequence";
    let held = database
        .prepare(find)
        .unwrap()
        .query_map([to.0.to_vec()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    lose_controls(database, to);
    held
}

fn put_controls_back(database: &Connection, to: AccountId, held: &[HeldControl]) {
    let to = to.0.to_vec();
    for (id, account, device, pairwise) in held {
        let head = "UPDATE devices SET mailbox_head = mailbox_head + 1 WHERE account = ?1";
        assert_eq!(database.execute(head, [&to]).unwrap(), 1);
        let back = "INSERT INTO mailbox
            (account, device, sequence, id, sender_account, sender_device, pairwise)
            SELECT account, device, mailbox_head, ?2, ?3, ?4, ?5 FROM devices WHERE account = ?1";
        let put = database
            .execute(back, (&to, id, account, device, pairwise))
            .unwrap();
        assert_eq!(put, 1);
    }
}

/// Every control payload that waits for somebody is put in once more, behind everything else.
fn double_controls(database: &Connection, to: AccountId) {
    let to = to.0.to_vec();
    let again = "INSERT INTO mailbox (account, device, sequence, id, sender_account, sender_device, pairwise)
        SELECT account, device, (SELECT mailbox_head FROM devices d WHERE d.account = m.account) + row_number()
            OVER (ORDER BY sequence), id, sender_account, sender_device, pairwise
        FROM mailbox m WHERE account = ?1 AND room IS NULL";
    let doubled = database.execute(again, [&to]).unwrap();
    assert!(doubled > 0);
    let head = "UPDATE devices SET mailbox_head = mailbox_head + ?2 WHERE account = ?1";
    let doubled = i64::try_from(doubled).unwrap();
    assert_eq!(database.execute(head, (&to, doubled)).unwrap(), 1);
}

/// Waits until a control payload lies on the server for somebody who is away.
async fn waits_for_control(world: &World, to: AccountId) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while controls(&database(world), to) == 0 {
        assert!(tokio::time::Instant::now() < until, "no control payload came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A person's device says that it could not open these messages, whether that is so or not.
async fn asks(world: &World, person: Person, whom: AccountId, names: &[EnvelopeId]) -> Person {
    let mut payload = minicbor::Encoder::new(Vec::new());
    payload.array(2).unwrap().u32(1).unwrap().array(1).unwrap();
    payload.array(names.len() as u64).unwrap();
    for id in names {
        payload.bytes(&id.0).unwrap();
    }
    says(world, person, whom, &payload.into_writer()).await
}

/// The keys of one message once more, as a payload.
fn repeat(room: RoomId, id: EnvelopeId, key: &[u8; 64]) -> Vec<u8> {
    let mut payload = minicbor::Encoder::new(Vec::new());
    payload.array(2).unwrap().u32(2).unwrap().array(1).unwrap();
    payload.array(1).unwrap().array(3).unwrap();
    payload.bytes(&room.0).unwrap().bytes(&id.0).unwrap();
    payload.bytes(key).unwrap();
    payload.into_writer()
}

/// A person's device sends a control payload that its engine would not make: it is put into the closed device's
/// outbox, and goes out before everything else when the device opens again.
async fn says(world: &World, person: Person, whom: AccountId, payload: &[u8]) -> Person {
    let name = person.name().to_owned();
    let folder = person.data().to_owned();
    person.closes().await;
    closed_says(world, &name, &folder, whom, payload).await
}

async fn closed_says(world: &World, name: &str, folder: &Path, whom: AccountId, payload: &[u8]) -> Person {
    let mut store = open_store(folder);
    let mut item = minicbor::Encoder::new(Vec::new());
    let made = EnvelopeId::new(Timestamp(1), rand_of(payload));
    item.array(2).unwrap().bytes(&made.0).unwrap();
    item.array(2).unwrap().u32(1).unwrap().array(3).unwrap();
    item.bytes(&whom.0)
        .unwrap()
        .u32(0)
        .unwrap()
        .bytes(payload)
        .unwrap();
    store
        .apply(vec![Change::PutRecord {
            table: Table::Outbox,
            key: vec![0; 8],
            value: item.into_writer().into(),
        }])
        .unwrap();
    store.close().unwrap();
    let person = world.opens_again(name);
    person.is_online().await;
    person
}

/// An id of its own for each try.
fn rand_of(payload: &[u8]) -> [u8; 10] {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let mut hasher = RandomState::new().build_hasher();
    hasher.write(payload);
    let mut out = [0; 10];
    out[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    out
}

fn open_store(folder: &Path) -> Store {
    let key: [u8; 32] = std::fs::read(folder.join("device.key"))
        .unwrap()
        .try_into()
        .unwrap();
    Store::open_native(&folder.join("device.db"), &StoreKey::from_bytes(key)).unwrap()
}

/// When a closed device last answered the request of somebody's first device.
fn answered_at(folder: &Path, asker: AccountId) -> Option<Timestamp> {
    answered(folder, asker, 0)
}

fn answered(folder: &Path, asker: AccountId, device: u32) -> Option<Timestamp> {
    let mut key = b"answered/".to_vec();
    key.extend_from_slice(&asker.0);
    key.extend_from_slice(&device.to_be_bytes());
    let record = open_store(folder).find_record(Table::Own, &key).unwrap()?;
    Some(minicbor::decode(&record).unwrap())
}

/// True while a closed device keeps the key of a message that it sent.
fn is_kept(folder: &Path, id: EnvelopeId) -> bool {
    open_store(folder)
        .find_record(Table::Sent, &id.0)
        .unwrap()
        .is_some()
}

/// The key of a message that a closed device sent.
fn kept_key(folder: &Path, id: EnvelopeId) -> [u8; 64] {
    let record = open_store(folder)
        .find_record(Table::Sent, &id.0)
        .unwrap()
        .expect("the key is kept");
    let mut decoder = minicbor::Decoder::new(&record);
    decoder.array().unwrap();
    decoder.skip().unwrap();
    decoder.bytes().unwrap().try_into().unwrap()
}
