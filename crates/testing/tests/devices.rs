//! Accounts with several devices: what each sees, what is told among them, and how one is taken out.

use std::time::Duration;

use conclave_client::views::{AccountView, BodyView, DeliveryView, DeviceView, Event};
use conclave_protocol::DeviceId;
use conclave_testing::{Person, World};
use rusqlite::Connection;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn two_people_with_two_devices_each_chat_in_all_directions_while_one_is_offline() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let alices_laptop = adds(&alice, "laptop").await;
    let bobs_phone = adds(&bob, "phone").await;

    bobs_phone.goes_offline().await;
    let mut said = Vec::new();
    for (from, to, text) in [
        (&alice, &bob, "one"),
        (&bob, &alice, "two"),
        (&alices_laptop, &bob, "three"),
        (&bob, &alice, "four"),
        (&alice, &bob, "five"),
    ] {
        from.sends(text).to(to).await;
        said.push(text);
        for person in [&alice, &alices_laptop] {
            person.sees(&said).in_the_chat_with(&bob).await;
        }
        bob.sees(&said).in_the_chat_with(&alice).await;
    }
    bobs_phone.comes_back().await;
    bobs_phone.sees(&said).in_the_chat_with(&alice).await;
    bobs_phone.sends("six").to(&alice).await;
    said.push("six");
    for (person, other) in [
        (&alice, &bob),
        (&alices_laptop, &bob),
        (&bob, &alice),
        (&bobs_phone, &alice),
    ] {
        person.sees(&said).in_the_chat_with(other).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_own_device_sent_is_ones_own_message_and_moves_on_with_its_receipts() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = adds(&alice, "laptop").await;
    let message = laptop.sends("hi").to(&bob).await;
    alice.sees(&["hi"]).in_the_chat_with(&bob).await;
    let row = alice.timeline_with(&bob).await.pop().unwrap();
    assert!(row.mine);
    assert_eq!(alice.unread_from(&bob).await, 0);
    for person in [&laptop, &alice] {
        person
            .sees_delivery(&bob, message, &DeliveryView::Delivered)
            .await;
    }
    bob.reads_everything_from(&alice).await;
    for person in [&laptop, &alice] {
        person.sees_delivery(&bob, message, &DeliveryView::Read).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_on_one_device_is_read_on_the_others() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = adds(&alice, "laptop").await;
    let phone = adds(&alice, "phone").await;
    for text in ["one", "two"] {
        bob.sends(text).to(&alice).await;
    }
    for person in [&alice, &laptop, &phone] {
        person.sees(&["one", "two"]).from(&bob).await;
        assert_eq!(person.unread_from(&bob).await, 2);
    }
    phone.goes_offline().await;
    laptop.reads_everything_from(&bob).await;
    has_unread(&alice, &bob, 0).await;
    phone.comes_back().await;
    has_unread(&phone, &bob, 0).await;
    bob.sends("three").to(&alice).await;
    for person in [&alice, &laptop, &phone] {
        has_unread(person, &bob, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_begins_where_the_chats_stand_and_shows_nothing_older_as_unreadable() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let carol = world.registers("carol").await;
    for text in ["one", "two", "three"] {
        bob.sends(text).to(&alice).await;
        alice.sends(text).to(&carol).await;
    }
    alice.sees(&["one", "two", "three"]).from(&bob).await;
    let laptop = adds(&alice, "laptop").await;
    laptop
        .waits("both chats", async || {
            match laptop.device().list_chats().await.unwrap().len() {
                2 => Ok(()),
                others => Err(format!("{others} chats")),
            }
        })
        .await;
    bob.sends("four").to(&alice).await;
    laptop
        .waits("the new message", async || {
            let timeline = laptop.timeline_with(&bob).await;
            let readable = timeline
                .iter()
                .all(|row| matches!(row.body, BodyView::Text { .. }) && row.missing_before == 0);
            match timeline.last().map(|row| &row.body) {
                Some(BodyView::Text { text }) if text == "four" && readable => Ok(()),
                _ => Err(format!("{timeline:?}")),
            }
        })
        .await;
    assert_eq!(laptop.unread_from(&bob).await, 1);
    assert_eq!(laptop.unread_from(&carol).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_messages_are_on_both_devices() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    alice.sends("from before").to(&alice).await;
    let laptop = adds(&alice, "laptop").await;
    alice.sends("milk").to(&alice).await;
    laptop
        .waits("the note", async || sees_last(&laptop, &alice, "milk").await)
        .await;
    laptop.sends("bread").to(&alice).await;
    alice
        .sees(&["from before", "milk", "bread"])
        .in_the_chat_with(&alice)
        .await;
    assert_eq!(alice.unread_from(&alice).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_gets_nothing_more_and_forgets() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = adds(&alice, "laptop").await;
    bob.sends("before").to(&alice).await;
    laptop.sees(&["before"]).from(&bob).await;
    let mut events = laptop.device().events();
    let id = device_of(&laptop).await;

    alice.device().revoke_device(id).await.unwrap();
    laptop
        .waits("the end", async || {
            let account = laptop.device().account().await.unwrap();
            if account == AccountView::None {
                Ok(())
            } else {
                Err(format!("{account:?}"))
            }
        })
        .await;
    assert!(laptop.device().list_chats().await.unwrap().is_empty());
    let told = async {
        loop {
            if let Event::Warning { failure } = events.recv().await.unwrap() {
                return failure.code;
            }
        }
    };
    assert_eq!(
        tokio::time::timeout(PATIENCE, told).await.unwrap(),
        "device_removed"
    );

    bob.sends("after").to(&alice).await;
    alice.sees(&["before", "after"]).from(&bob).await;
    alice.sends("still here").to(&bob).await;
    bob.sees(&["still here"]).from(&alice).await;
    assert_eq!(mailbox_of(&world, &alice, id).await, 0);
    let devices = alice.device().list_devices().await.unwrap();
    assert_eq!(devices.len(), 1);
    let laptop = laptop.begins_again().await;
    assert_eq!(laptop.device().account().await.unwrap(), AccountView::None);
    // It can become a device of the account again, with other keys.
    let laptop = adds(&alice, "laptop again").await;
    bob.sends("again").to(&alice).await;
    laptop
        .waits("the new message", async || {
            sees_last(&laptop, &bob, "again").await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_away_when_it_was_revoked_opens_nothing_more_on_the_server() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = adds(&alice, "laptop").await;
    bob.sends("before").to(&alice).await;
    laptop.sees(&["before"]).from(&bob).await;
    let id = device_of(&laptop).await;
    laptop.goes_offline().await;
    alice.device().revoke_device(id).await.unwrap();
    bob.sends("after").to(&alice).await;
    alice.sees(&["before", "after"]).from(&bob).await;
    laptop.device().go_online().await.unwrap();
    laptop
        .waits("the end", async || {
            match laptop.device().account().await.unwrap() {
                AccountView::SignedIn { .. } => Err("signed in".into()),
                _ => Ok(()),
            }
        })
        .await;
    assert_eq!(mailbox_of(&world, &alice, id).await, 0);
    // Nobody showed it a proof, so it keeps what it has. With the password comes the account's log.
    assert!(matches!(
        laptop.device().account().await.unwrap(),
        AccountView::SignedOut { .. }
    ));
    let told = laptop
        .signs_in()
        .await
        .expect_err("it is no device of the account");
    assert_eq!(told.code(), Some("device_removed"));
    assert!(laptop.holds_nothing().await);
    laptop.signs_in().await.expect("as a new device");
    assert!(matches!(
        laptop.device().account().await.unwrap(),
        AccountView::Joining { .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_takes_itself_out() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = adds(&alice, "laptop").await;
    let id = device_of(&laptop).await;
    laptop.device().revoke_device(id).await.unwrap();
    assert_eq!(laptop.device().account().await.unwrap(), AccountView::None);
    let last = alice
        .device()
        .revoke_device(DeviceId(0))
        .await
        .expect_err("the only device");
    assert_eq!(last.code(), Some("last_device"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_a_device_is_revoked_while_others_send() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = adds(&alice, "laptop").await;
    bob.sends("first").to(&alice).await;
    laptop.sees(&["first"]).from(&bob).await;
    let id = device_of(&laptop).await;

    let texts: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let sending = async {
        for text in &texts {
            bob.sends(text).to(&alice).await;
        }
    };
    let revoking = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        alice.device().revoke_device(id).await.unwrap();
    };
    tokio::join!(sending, revoking);
    let all: Vec<&str> = std::iter::once("first")
        .chain(texts.iter().map(String::as_str))
        .collect();
    alice.sees(&all).from(&bob).await;
    bob.waits("everything to be sent", async || {
        let timeline = bob.timeline_with(&alice).await;
        let waits = |row: &&conclave_client::views::MessageView| {
            matches!(row.delivery, DeliveryView::Queued | DeliveryView::Failed { .. })
        };
        match timeline.iter().filter(waits).count() {
            0 => Ok(()),
            waiting => Err(format!("{waiting} wait")),
        }
    })
    .await;
    assert_eq!(mailbox_of(&world, &alice, id).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_devices_that_revoke_each_other_at_once_one_stays() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    for round in 0..3 {
        let laptop = adds(&alice, &format!("laptop{round}")).await;
        let phone = adds(&alice, &format!("phone{round}")).await;
        let (one, other) = (device_of(&laptop).await, device_of(&phone).await);
        let (first, second) = tokio::join!(
            laptop.device().revoke_device(other),
            phone.device().revoke_device(one)
        );
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let (stays, goes) = if first.is_ok() {
            (&laptop, &phone)
        } else {
            (&phone, &laptop)
        };
        goes.waits("the end", async || match goes.device().account().await.unwrap() {
            AccountView::SignedIn { .. } => Err("signed in".into()),
            _ => Ok(()),
        })
        .await;
        let text = format!("from round {round}");
        stays.sends(&text).to(&bob).await;
        bob.waits("the message", async || sees_last(&bob, &alice, &text).await)
            .await;
        alice
            .device()
            .revoke_device(device_of(stays).await)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_tell_each_other_their_names_and_nobody_else() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    alice
        .device()
        .rename_device(None, "Kitchen tablet")
        .await
        .unwrap();
    let laptop = adds(&alice, "laptop").await;
    laptop.device().rename_device(None, "Thin laptop").await.unwrap();
    let phone = adds(&alice, "phone").await;
    phone.device().rename_device(None, "Old phone").await.unwrap();
    for person in [&alice, &laptop, &phone] {
        sees_names(person, &["Kitchen tablet", "Old phone", "Thin laptop"]).await;
    }
    let id = device_of(&laptop).await;
    phone
        .device()
        .rename_device(Some(id), "Work laptop")
        .await
        .unwrap();
    for person in [&alice, &laptop, &phone] {
        sees_names(person, &["Kitchen tablet", "Old phone", "Work laptop"]).await;
        for record in person.wire().records() {
            let found = record
                .bytes
                .windows(6)
                .any(|window| window == b"laptop" || window == b"Kitche");
            assert!(!found, "a name left the device in the clear");
        }
    }
    let refused = alice
        .device()
        .rename_device(Some(DeviceId(77)), "X")
        .await
        .expect_err("no such device");
    assert_eq!(refused.code(), Some("unknown_device"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_devices_hear_of_a_new_one_and_the_one_that_added_it_is_not_told() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = adds(&alice, "laptop").await;
    let (mut own, mut others) = (alice.device().events(), laptop.device().events());
    adds(&alice, "phone").await;
    let added = async {
        loop {
            if let Event::DeviceAdded { .. } = others.recv().await.unwrap() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, added).await.unwrap();
    while let Ok(event) = own.try_recv() {
        assert!(!matches!(event, Event::DeviceAdded { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_device_that_lost_a_key_gets_it_again_and_the_other_is_not_disturbed() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let phone = adds(&bob, "phone").await;
    alice.sends("one").to(&bob).await;
    bob.sends("ok").to(&alice).await;
    phone.sees(&["one", "ok"]).in_the_chat_with(&alice).await;
    phone.goes_offline().await;
    alice.sends("two").to(&bob).await;
    bob.sees(&["one", "two"]).from(&alice).await;
    let id = device_of(&phone).await;
    world.server_stops().await;
    let database = Connection::open(world.server_data().join("conclave.db")).unwrap();
    let tampered =
        "UPDATE mailbox SET pairwise = zeroblob(length(pairwise)) WHERE device = ?1 AND account = ?2
        AND room IS NOT NULL";
    let account = bob.account().await.0.to_vec();
    assert_eq!(database.execute(tampered, (id.0, &account)).unwrap(), 1);
    drop(database);
    world.server_starts().await;
    alice.is_online().await;
    phone.comes_back().await;
    alice.sends("three").to(&bob).await;
    phone.sees(&["one", "two", "three"]).from(&alice).await;
    bob.sees(&["one", "two", "three"]).from(&alice).await;
    phone.sends("four").to(&alice).await;
    alice.sees(&["ok", "four"]).from(&bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_shows_as_arrived_and_read_whichever_device_of_an_account_has_it() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let phone = adds(&bob, "phone").await;
    // Sessions in all directions.
    phone.sends("hi").to(&alice).await;
    alice.sees(&["hi"]).from(&bob).await;
    bob.sends("ho").to(&alice).await;
    alice.sees(&["hi", "ho"]).from(&bob).await;
    let message = alice.sends("one").to(&bob).await;
    alice.sees_delivery(&bob, message, &DeliveryView::Delivered).await;
    bob.goes_offline().await;
    // Only the phone is there now.
    let message = alice.sends("two").to(&bob).await;
    alice.sees_delivery(&bob, message, &DeliveryView::Delivered).await;
    bob.comes_back().await;
    phone.reads_everything_from(&alice).await;
    alice.sees_delivery(&bob, message, &DeliveryView::Read).await;
    has_unread(&bob, &alice, 0).await;
}

/// Adds a device, and waits until others can write to it.
async fn adds(person: &Person, label: &str) -> Person {
    let new = person.adds_a_device(label).await;
    new.device().wait_until_quiet(PATIENCE).await.unwrap();
    new
}

async fn has_unread(person: &Person, from: &Person, wanted: u32) {
    person
        .waits("the unread count", async || {
            match person.unread_from(from).await {
                unread if unread == wanted => Ok(()),
                unread => Err(format!("{unread} unread")),
            }
        })
        .await;
}

async fn sees_last(person: &Person, with: &Person, wanted: &str) -> Result<(), String> {
    match person
        .timeline_with(with)
        .await
        .last()
        .map(|row| row.body.clone())
    {
        Some(BodyView::Text { text }) if text == wanted => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn sees_names(person: &Person, wanted: &[&str]) {
    person
        .waits("names", async || {
            let devices = person.device().list_devices().await.unwrap();
            let mut names: Vec<String> = devices.iter().filter_map(|device| device.name.clone()).collect();
            names.sort_unstable();
            if names == wanted {
                Ok(())
            } else {
                Err(format!("{names:?}"))
            }
        })
        .await;
}

async fn device_of(person: &Person) -> DeviceId {
    let devices: Vec<DeviceView> = person.device().list_devices().await.unwrap();
    DeviceId(devices.iter().find(|device| device.this).unwrap().device)
}

/// Messages that the server holds for a device.
async fn mailbox_of(world: &World, person: &Person, device: DeviceId) -> i64 {
    let account = person.account().await.0.to_vec();
    let database = Connection::open(world.server_data().join("conclave.db")).unwrap();
    database
        .query_row(
            "SELECT count(*) FROM mailbox WHERE account = ?1 AND device = ?2",
            (account, device.0),
            |row| row.get(0),
        )
        .unwrap()
}
