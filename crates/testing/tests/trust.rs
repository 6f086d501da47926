//! Comparing safety numbers, and what the marks do on all devices of a person.

use conclave_client::Judgment;
use conclave_client::views::{StandingView, WhatChangedView};
use conclave_protocol::AccountId;
use conclave_testing::{Person, World};

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
