//! Messages in groups, with a real server and real devices.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_client::views::{BodyView, DeliveryView, NoticeView, PlaceChange};
use conclave_protocol::DeviceId;
use conclave_protocol::frames::{ClientFrame, Item, ServerFrame};
use conclave_testing::{Group, Person, World};

/// Alice, bob and carol, and a group that alice made, which all of them know.
async fn three_in_a_group(world: &World) -> (Person, Person, Person, Group) {
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let carol = world.registers("carol").await;
    let group = alice.makes_a_group("Otters", &[&bob, &carol]).await;
    for person in [&bob, &carol] {
        person.is_in(group).await;
    }
    (alice, bob, carol, group)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_people_with_two_devices_each_read_everything_in_one_order() {
    let world = World::begin().await;
    let (alice, bob, carol, group) = three_in_a_group(&world).await;
    let mut devices = Vec::new();
    for person in [&alice, &bob, &carol] {
        devices.push(person.adds_a_device("desk").await);
    }
    for device in &devices {
        device.is_in(group).await;
    }
    alice.says(group, "one").await;
    bob.sees_in(group, &["one"]).await;
    bob.says(group, "two").await;
    carol.sees_in(group, &["one", "two"]).await;
    devices[2].sees_in(group, &["one", "two"]).await;
    devices[2].says(group, "three").await;
    for device in [&alice, &bob, &carol].into_iter().chain(&devices) {
        device.sees_in(group, &["one", "two", "three"]).await;
        let rows = device.timeline_of(group).await;
        assert!(rows.iter().all(|row| row.missing_before == 0));
        assert!(device.warnings().is_empty(), "{:?}", device.warnings());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_up_to_a_notice_is_read_on_the_other_own_devices() {
    let world = World::begin().await;
    let (alice, bob, carol, group) = three_in_a_group(&world).await;
    let desk = bob.adds_a_device("desk").await;
    desk.is_in(group).await;
    alice.says(group, "hello").await;
    for device in [&bob, &desk] {
        device.sees_in(group, &["hello"]).await;
    }
    alice.throws_out(group, &carol).await;
    let newest = async |device: &Person| {
        let rows = device.device().list_messages(group.room, None, 100).await;
        rows.expect("a timeline").pop().expect("a row")
    };
    for device in [&desk, &bob] {
        device
            .waits("the notice behind the message", async || {
                match newest(device).await.body {
                    BodyView::Notice { .. } => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            })
            .await;
    }
    let last = newest(&bob).await.id.parse().expect("an id");
    bob.device()
        .mark_read(group.room, last)
        .await
        .expect("marked as read");
    desk.waits("nothing unread", async || {
        let chats = desk.device().list_chats().await.expect("the chats");
        match chats.iter().map(|chat| chat.unread).sum::<u32>() {
            0 => Ok(()),
            unread => Err(format!("{unread} unread")),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_of_a_member_reads_what_the_account_could_read() {
    let world = World::begin().await;
    let (alice, bob, _carol, group) = three_in_a_group(&world).await;
    alice.says(group, "one").await;
    bob.sees_in(group, &["one"]).await;
    bob.says(group, "two").await;
    alice.sees_in(group, &["one", "two"]).await;
    let desk = bob.adds_a_device("desk").await;
    desk.sees_in(group, &["one", "two"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_removed_reads_nothing_that_is_said_after() {
    let world = World::begin().await;
    let (alice, bob, carol, group) = three_in_a_group(&world).await;
    alice.says(group, "before").await;
    carol.sees_in(group, &["before"]).await;
    alice.throws_out(group, &carol).await;
    alice.says(group, "after").await;
    bob.sees_in(group, &["before", "after"]).await;
    assert_eq!(carol.texts_of(group).await, ["before"]);
    let carol = carol.begins_again().await;
    carol.is_online().await;
    assert_eq!(carol.texts_of(group).await, ["before"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_reads_the_past_where_the_group_shares_it_and_nowhere_else() {
    let world = World::begin().await;
    let (alice, bob, _carol, group) = three_in_a_group(&world).await;
    let dan = world.registers("dan").await;
    let eve = world.registers("eve").await;
    alice.says(group, "to us").await;
    bob.sees_in(group, &["to us"]).await;
    alice.lets_in(group, &dan).await;
    dan.is_in(group).await;
    alice.says(group, "to four").await;
    dan.sees_in(group, &["to four"]).await;

    alice.shares_the_past(group).await;
    alice.says(group, "to all who come").await;
    dan.sees_in(group, &["to four", "to all who come"]).await;
    alice.lets_in(group, &eve).await;
    eve.sees_in(group, &["to all who come"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_begins_again_in_between_misses_nothing_and_shows_nothing_twice() {
    let world = World::begin().await;
    let (alice, bob, carol, group) = three_in_a_group(&world).await;
    alice.says(group, "one").await;
    bob.sees_in(group, &["one"]).await;
    let alice = alice.begins_again().await;
    alice.says(group, "two").await;
    let bob = bob.begins_again().await;
    bob.says(group, "three").await;
    let carol = carol.begins_again().await;
    for person in [&alice, &bob, &carol] {
        person
            .waits("three messages", async || {
                let mut seen = person.texts_of(group).await;
                seen.sort();
                if seen == ["one", "three", "two"] {
                    Ok(())
                } else {
                    Err(format!("{seen:?}"))
                }
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_live_is_read_from_the_room() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob, _carol, group) = three_in_a_group(&world).await;
    alice.says(group, "one").await;
    bob.sees_in(group, &["one"]).await;
    let reader = bob.account().await;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::Posted(_) if whose.is_some_and(|whose| whose.account == reader) => Vec::new(),
        frame => vec![frame],
    });
    alice.says(group, "two").await;
    alice.says(group, "three").await;
    alice.sees_in(group, &["one", "two", "three"]).await;
    hostile.behaves();
    alice.says(group, "four").await;
    bob.sees_in(group, &["one", "two", "three", "four"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_lost_is_given_by_another_member() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob, carol, group) = three_in_a_group(&world).await;
    let (reader, author) = (carol.account().await, alice.account().await);
    hostile.delivers(move |whose, frame| match &frame {
        ServerFrame::Deliver(deliver) if whose.is_some_and(|whose| whose.account == reader) => {
            match deliver.item {
                Item::Control(from) if from.account == author => Vec::new(),
                _ => vec![frame],
            }
        }
        _ => vec![frame],
    });
    alice.says(group, "hello").await;
    bob.sees_in(group, &["hello"]).await;
    alice.closes().await;
    carol.sees_in(group, &["hello"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_removal_the_next_message_has_a_new_key() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob, carol, group) = three_in_a_group(&world).await;
    let chains = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&chains);
    hostile.takes(move |_, frame| {
        if let ClientFrame::Post(post) = &frame {
            seen.lock()
                .expect("nobody panics with the list")
                .push((post.epoch, post.body.as_slice()[1..17].to_vec()));
        }
        vec![frame]
    });
    alice.says(group, "one").await;
    alice.says(group, "two").await;
    bob.sees_in(group, &["one", "two"]).await;
    alice.throws_out(group, &carol).await;
    alice.says(group, "three").await;
    bob.sees_in(group, &["one", "two", "three"]).await;
    let chains = chains.lock().expect("nobody panics with the list");
    let distinct: BTreeSet<_> = chains.iter().collect();
    assert_eq!(distinct.len(), 2, "one key before, one after");
    assert_eq!(chains[0], chains[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sealed_before_a_removal_was_known_is_sealed_anew() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob, carol, group) = three_in_a_group(&world).await;
    bob.says(group, "one").await;
    alice.sees_in(group, &["one"]).await;
    let kept_in_the_dark = bob.account().await;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::PlaceMoved(_) if whose.is_some_and(|whose| whose.account == kept_in_the_dark) => {
            Vec::new()
        }
        frame => vec![frame],
    });
    alice.throws_out(group, &carol).await;
    bob.says(group, "two").await;
    bob.says(group, "three").await;
    alice.sees_in(group, &["one", "two", "three"]).await;
    bob.sees_in(group, &["one", "two", "three"]).await;
    assert_eq!(carol.texts_of(group).await, ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_small_group_a_message_is_read_once_all_have_read_it() {
    let world = World::begin().await;
    let (alice, bob, carol, group) = three_in_a_group(&world).await;
    let message = alice.says(group, "hello").await;
    let reaches = async |wanted: DeliveryView| {
        alice
            .waits("a delivery state", async || {
                let rows = alice.timeline_of(group).await;
                match rows.iter().find(|row| row.id == message.to_string()) {
                    Some(row) if row.delivery == wanted => Ok(()),
                    other => Err(format!("{:?}", other.map(|row| &row.delivery))),
                }
            })
            .await;
    };
    for person in [&bob, &carol] {
        person.sees_in(group, &["hello"]).await;
    }
    reaches(DeliveryView::Delivered).await;
    for person in [&bob, &carol] {
        person
            .device()
            .mark_read(group.room, message)
            .await
            .expect("marked as read");
    }
    reaches(DeliveryView::Read).await;
}

async fn notices(person: &Person, group: Group) -> Vec<NoticeView> {
    let rows = person.device().list_messages(group.room, None, 100).await;
    let bodies = rows.expect("a timeline").into_iter().map(|row| row.body);
    let notices = bodies.filter_map(|body| match body {
        BodyView::Notice { notice } => Some(notice),
        _ => None,
    });
    notices.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_heard_of_a_group_together_with_the_removal_tells_of_the_stay_like_the_older_ones() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob, _carol, group) = three_in_a_group(&world).await;
    let account = bob.account().await;
    let remove = PlaceChange::Remove {
        account,
        reason: String::new(),
    };
    let removed = alice.device().change_place(group.place, remove).await;
    removed.expect("removed");
    // The list was made before the removal, and the log is read after it.
    hostile.answers(move |_, path, answer| {
        if path == "/api/v1/places"
            && let Some(places) = answer["places"].as_array_mut()
            && places.is_empty()
        {
            places.push(serde_json::json!({ "place": group.place, "head": 2, "member": true }));
        }
    });
    let new = bob.adds_a_device_by_scan("new").await;
    let is_told = async |told: usize| {
        for device in [&bob, &new] {
            device
                .waits("what happened", async || {
                    let seen = notices(device, group).await;
                    if seen.len() == told {
                        Ok(())
                    } else {
                        Err(format!("{seen:?}"))
                    }
                })
                .await;
        }
        assert_eq!(notices(&bob, group).await, notices(&new, group).await);
    };
    // That bob came, and that he was put out.
    is_told(2).await;
    hostile.behaves();
    let add = PlaceChange::AddMember {
        account,
        roles: Vec::new(),
    };
    let added = alice.device().change_place(group.place, add).await;
    added.expect("added");
    is_told(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_device_said_last_is_read_by_those_who_come_later_and_by_the_recovered_one() {
    let world = World::begin().await;
    let (_alice, bob, carol, group) = three_in_a_group(&world).await;
    let words = bob.device().recovery_words().await.expect("words").join(" ");
    carol.goes_offline().await;
    let texts = ["one", "two", "three"];
    for text in texts {
        let said = bob.device().send_text(group.room, text).await;
        said.expect("said");
    }
    let limit = Duration::from_secs(30);
    let sent = bob.device().wait_until_outbox_is_empty(limit).await;
    sent.expect("sent");
    bob.waits("everything to be recorded", async || {
        match bob
            .device()
            .waits_for_the_vault()
            .await
            .expect("a program that runs")
        {
            0 => Ok(()),
            waits => Err(format!("{waits} wait")),
        }
    })
    .await;
    bob.closes().await;
    let new = world.new_device("bob", "new");
    let recovered = new
        .device()
        .recover("bob", &words, "sechs laute Amseln", false)
        .await;
    recovered.expect("a recovery");
    new.is_online().await;
    for old in new.device().list_devices().await.expect("devices") {
        if !old.this {
            let revoked = new.device().revoke_device(DeviceId(old.device)).await;
            revoked.expect("taken out");
        }
    }
    // What is said next waits for the record of the loss in the group.
    let said = new.device().send_text(group.room, "four").await;
    said.expect("said");
    let sent = new.device().wait_until_outbox_is_empty(limit).await;
    sent.expect("sent");
    carol.comes_back().await;
    for device in [&new, &carol] {
        device
            .waits("all that was said", async || {
                let rows = device.device().list_messages(group.room, None, 100).await;
                let rows = rows.expect("a timeline").into_iter();
                let said: Vec<String> = rows
                    .filter_map(|row| match row.body {
                        BodyView::Text { text } => Some(text),
                        _ => None,
                    })
                    .collect();
                if said == ["one", "two", "three", "four"] {
                    Ok(())
                } else {
                    Err(format!("{said:?}"))
                }
            })
            .await;
    }
}
