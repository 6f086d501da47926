//! Keys that the server hands out.

use std::sync::{Arc, Mutex};

use conclave_client::views::DeliveryView;
use conclave_testing::World;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_prekey_bundle_of_another_device_is_refused_and_nothing_is_sent() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let mallory = world.registers("mallory").await;
    // Alice claims a bundle of mallory first; the server keeps it and hands it out for bob's device.
    let kept: Arc<Mutex<Option<Value>>> = Arc::default();
    let (of_mallory, of_bob) = (claim_path(&mallory).await, claim_path(&bob).await);
    let bundle = Arc::clone(&kept);
    hostile.answers(move |_, path, answer| {
        let mut kept = bundle.lock().unwrap();
        if path == of_mallory {
            *kept = Some(answer["bundle"].clone());
        } else if path == of_bob
            && let Some(kept) = &*kept
        {
            answer["bundle"] = kept.clone();
        }
    });
    alice.sends("hi").to(&mallory).await;
    mallory.sees(&["hi"]).from(&alice).await;
    let secret = alice.sends("for bob alone").to(&bob).await;
    alice.is_warned("prekeys_invalid").await;
    alice.sees_delivery(&bob, secret, &DeliveryView::Queued).await;
    assert!(kept.lock().unwrap().is_some());
    // An honest server again: it goes out by itself.
    hostile.behaves();
    world.time_passes(std::time::Duration::from_hours(2));
    alice.goes_offline().await;
    alice.comes_back().await;
    bob.sees(&["for bob alone"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prekey_bundle_with_one_bit_changed_is_refused_and_nothing_is_sent() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    hostile.answers(|_, path, answer| {
        if path.ends_with("/prekeys/claim") {
            let bundle = answer["bundle"].as_str().unwrap();
            let (before, after) = bundle.split_at(bundle.len() / 2);
            let changed = if after.starts_with('A') { "B" } else { "A" };
            answer["bundle"] = Value::from(format!("{before}{changed}{}", &after[1..]));
        }
    });
    let secret = alice.sends("for bob alone").to(&bob).await;
    alice.is_warned("prekeys_invalid").await;
    alice.sees_delivery(&bob, secret, &DeliveryView::Queued).await;
}

async fn claim_path(person: &conclave_testing::Person) -> String {
    let account = person.account().await;
    format!("/api/v1/accounts/{account}/devices/0/prekeys/claim")
}
