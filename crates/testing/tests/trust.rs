//! Comparing safety numbers, and what the marks do on all devices of a person.

use conclave_client::Judgment;
use conclave_client::views::{BodyView, DeliveryView, StandingView, WhatChangedView};
use conclave_protocol::AccountId;
use conclave_testing::{PASSWORD, Person, World};

async fn standing(person: &Person, of: AccountId) -> StandingView {
    person.device().profile(of).await.expect("a profile").standing
}

async fn sees_standing(person: &Person, of: AccountId, wanted: StandingView) {
    person
        .waits("a standing", async || {
            let seen = person.device().profile(of).await.map(|profile| profile.standing);
            match seen {
                Ok(seen) if seen == wanted => Ok(()),
                seen => Err(format!("{seen:?}")),
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_one_number_and_scan_each_others_code() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("hi").to(&bob).await;
    bob.sees(&["hi"]).from(&alice).await;
    let (a, b) = (alice.account().await, bob.account().await);
    let (of_bob, of_alice) = (
        alice.device().profile(b).await.unwrap(),
        bob.device().profile(a).await.unwrap(),
    );
    assert_eq!(of_bob.safety_number, of_alice.safety_number);
    let code = of_alice.safety_code.unwrap();
    alice.device().compare_safety_code(b, &code).await.unwrap();
    assert_eq!(standing(&alice, b).await, StandingView::Verified);
    assert_eq!(standing(&bob, a).await, StandingView::Unchecked, "bob did not");
    alice.device().judge(b, Judgment::None).await.unwrap();
    assert_eq!(standing(&alice, b).await, StandingView::Unchecked);
    assert!(alice.device().profile(a).await.unwrap().safety_number.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_reaches_the_other_devices_and_one_that_joins_later() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = alice.adds_a_device("laptop").await;
    laptop.is_online().await;
    alice.sends("hi").to(&bob).await;
    laptop.sees(&["hi"]).in_the_chat_with(&bob).await;
    let b = bob.account().await;
    alice.device().judge(b, Judgment::Verified).await.unwrap();
    sees_standing(&laptop, b, StandingView::Verified).await;
    alice
        .waits("the vault", async || {
            match alice.device().waits_for_the_vault().await.unwrap() {
                0 => Ok(()),
                waiting => Err(waiting.to_string()),
            }
        })
        .await;
    let tablet = laptop.adds_a_device("tablet").await;
    tablet.sees(&["hi"]).in_the_chat_with(&bob).await;
    sees_standing(&tablet, b, StandingView::Verified).await;
    tablet.device().judge(b, Judgment::None).await.unwrap();
    sees_standing(&alice, b, StandingView::Unchecked).await;
    let alice = alice.begins_again().await;
    assert_eq!(standing(&alice, b).await, StandingView::Unchecked);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_names_the_devices_that_came_and_went() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("hi").to(&bob).await;
    bob.sees(&["hi"]).from(&alice).await;
    let a = alice.account().await;
    let phone = alice.adds_a_device("phone").await;
    let number = alice
        .device()
        .list_devices()
        .await
        .unwrap()
        .iter()
        .find(|device| !device.this)
        .unwrap()
        .device;
    alice
        .device()
        .revoke_device(conclave_protocol::DeviceId(number))
        .await
        .unwrap();
    drop(phone);
    let wanted = |name: Option<&str>| {
        let name = name.map(str::to_owned);
        [
            WhatChangedView::DeviceRemoved {
                device: number,
                name: name.clone(),
            },
            WhatChangedView::DeviceAdded { device: number, name },
            WhatChangedView::Made,
        ]
    };
    for (person, name) in [(&alice, Some("phone")), (&bob, None)] {
        let wanted = wanted(name);
        person
            .waits("the changes", async || {
                let changes = person.device().profile(a).await.unwrap().changes;
                let seen: Vec<_> = changes.into_iter().map(|change| change.what).collect();
                if seen == wanted {
                    Ok(())
                } else {
                    Err(format!("{seen:?}"))
                }
            })
            .await;
    }
}

/// Bob has lost everything but his password, and starts again on a new device.
async fn starts_again(world: &World, label: &str) -> Person {
    let again = world.new_device("bob", label);
    again
        .device()
        .reset_identity("bob", PASSWORD)
        .await
        .expect("the password is right");
    again.is_online().await;
    again
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_starts_again_is_a_new_person_to_those_who_knew_them() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("hi").to(&bob).await;
    bob.sees(&["hi"]).from(&alice).await;
    let old = bob.account().await;
    let again = starts_again(&world, "again").await;
    let new = again.account().await;
    assert_ne!(old, new);
    let words = again.device().recovery_words().await.expect("a key of its own");
    assert_eq!(words.len(), 24);
    bob.is_warned("account_closed").await;

    // What alice still writes in the old chat says that nobody reads it, and her device finds the new identity.
    let room = conclave_protocol::RoomId::direct(alice.account().await, old);
    let lost = alice.device().send_text(room, "are you there?").await.unwrap();
    alice
        .waits("the refusal", async || {
            let row = alice.device().find_message(lost).await.unwrap().unwrap();
            match row.delivery {
                DeliveryView::Failed { failure } if failure.code == "recipient_gone" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    let line = [BodyView::IdentityChanged];
    alice
        .waits("the new chat", async || {
            let rows = alice.timeline_with(&again).await;
            let seen: Vec<_> = rows.into_iter().map(|row| row.body).collect();
            if seen == line {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
    assert_eq!(standing(&alice, new).await, StandingView::Changed);
    again.sends("new phone, new me").to(&alice).await;
    alice
        .sees(&["IdentityChanged", "new phone, new me"])
        .from(&again)
        .await;
    alice.sends("welcome back").to(&again).await;
    again.sees(&["welcome back"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_compared_and_starts_again_is_sent_nothing_before_somebody_chose_on_any_device() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let laptop = alice.adds_a_device("laptop").await;
    alice.sends("hi").to(&bob).await;
    bob.sees(&["hi"]).from(&alice).await;
    alice
        .device()
        .judge(bob.account().await, Judgment::Verified)
        .await
        .unwrap();
    let again = starts_again(&world, "again").await;
    let new = again.account().await;
    again.sends("it is me").to(&alice).await;
    for device in [&alice, &laptop] {
        sees_standing(device, new, StandingView::Blocked).await;
        let room = device.room_with(&again).await;
        let refused = device
            .device()
            .send_text(room, "hello")
            .await
            .expect_err("blocked");
        assert_eq!(refused.code(), Some("identity_changed"));
    }
    laptop.device().judge(new, Judgment::Accepted).await.unwrap();
    sees_standing(&alice, new, StandingView::Changed).await;
    alice.sends("so it is").to(&again).await;
    again.sees(&["so it is"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_starts_nothing_and_a_device_of_the_account_is_not_given_up() {
    let world = World::begin().await;
    let bob = world.registers("bob").await;
    let stranger = world.new_device("bob", "stranger");
    let refused = stranger.device().reset_identity("bob", "not this one").await;
    assert_eq!(refused.expect_err("wrong").code(), Some("wrong_credentials"));
    let refused = bob.device().reset_identity("bob", PASSWORD).await;
    assert_eq!(refused.expect_err("signed in").code(), Some("signed_in"));
    bob.device().sign_out().await.unwrap();
    let refused = bob.device().reset_identity("bob", PASSWORD).await;
    assert_eq!(refused.expect_err("a device").code(), Some("device_is_here"));
    bob.signs_in().await.unwrap();
    bob.is_online().await;
}
