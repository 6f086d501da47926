//! Who somebody is: logs of accounts swapped, cut and mixed.

use conclave_client::Judgment;
use conclave_client::views::{BodyView, DeliveryView, StandingView};
use conclave_protocol::RoomId;
use conclave_testing::World;
use serde_json::Value;

use super::two_who_met;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_swapped_for_the_servers_own_is_refused_and_nothing_is_sent() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    world.registers("bob").await;
    let mallory = world.registers("mallory").await;
    let log = log_of(&world, &mallory.account().await.to_string());
    // Bob's id with mallory's log.
    hostile.answers(move |_, path, answer| {
        if path.ends_with("/by-username/bob") {
            answer["entries"] = log.clone();
        }
    });
    let refused = alice
        .device()
        .find_person("bob", None)
        .await
        .expect_err("not genuine");
    assert_eq!(refused.code(), Some("chain_invalid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_under_a_known_name_does_not_fit_the_contact_link() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let mallory = world.registers("mallory").await;
    let (real, wrong) = (bob.account().await, mallory.account().await.to_string());
    let log = log_of(&world, &wrong);
    // Mallory's account, whole and genuine, under bob's handle.
    hostile.answers(move |_, path, answer| {
        if path.ends_with("/by-username/bob") {
            answer["account"] = Value::from(wrong.clone());
            answer["entries"] = log.clone();
        }
    });
    let refused = alice
        .device()
        .find_person("bob", Some(real))
        .await
        .expect_err("not bob");
    assert_eq!(refused.code(), Some("link_mismatch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_one_bit_changed_is_refused() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    world.registers("bob").await;
    hostile.answers(|_, path, answer| {
        if path.ends_with("/by-username/bob") {
            let entry = answer["entries"][0].as_str().unwrap();
            // Somewhere in the device's keys.
            let (before, after) = entry.split_at(entry.len() / 2);
            let changed = if after.starts_with('A') { "B" } else { "A" };
            answer["entries"][0] = Value::from(format!("{before}{changed}{}", &after[1..]));
        }
    });
    let refused = alice
        .device()
        .find_person("bob", None)
        .await
        .expect_err("not genuine");
    assert_eq!(refused.code(), Some("chain_invalid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_names_nobody() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    world.registers("bob").await;
    hostile.answers(|_, path, answer| {
        if path.ends_with("/by-username/bob") {
            answer["entries"] = Value::Array(Vec::new());
        }
    });
    let refused = alice.device().find_person("bob", None).await.expect_err("nobody");
    assert_eq!(refused.code(), Some("chain_invalid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_behind_the_name_of_somebody_compared_is_sent_nothing() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let real = bob.account().await;
    let number = bob.device().profile(alice.account().await).await.unwrap();
    let number = number.safety_number.unwrap();
    alice.device().compare_safety_code(real, &number).await.unwrap();
    let mallory = world.registers("mallory").await;
    let wrong = mallory.account().await;
    let log = log_of(&world, &wrong.to_string());
    // Mallory's account, whole and genuine, under bob's handle.
    hostile.answers(move |_, path, answer| {
        if path.ends_with("/by-username/bob") {
            answer["account"] = Value::from(wrong.to_string());
            answer["entries"] = log.clone();
        }
    });
    let found = alice.device().find_person("bob", None).await.unwrap();
    assert_eq!(found.account, wrong, "the server's word, so far");
    let room = alice.device().open_chat(wrong).await.unwrap();
    let refused = alice
        .device()
        .send_text(room, "the plan")
        .await
        .expect_err("blocked");
    assert_eq!(refused.code(), Some("identity_changed"));
    let profile = alice.device().profile(wrong).await.unwrap();
    assert_eq!(profile.standing, StandingView::Blocked);
    // The one who was compared is still the one who was compared.
    alice.sends("still you?").to(&bob).await;
    bob.sees(&["hello", "still you?"]).from(&alice).await;
    // Comparing does not help the server: the numbers differ.
    let refused = alice.device().compare_safety_code(wrong, &number).await;
    assert_eq!(
        refused.expect_err("another number").code(),
        Some("safety_number_differs")
    );
    assert!(mallory.device().list_chats().await.unwrap().is_empty());
    alice.device().judge(wrong, Judgment::Accepted).await.unwrap();
    alice
        .device()
        .send_text(room, "accepted")
        .await
        .expect("the person chose");
    mallory.sees(&["accepted"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_in_a_contact_link_of_a_known_name_stands_apart_with_a_line() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let mallory = world.registers("mallory").await;
    let wrong = mallory.account().await;
    let log = log_of(&world, &wrong.to_string());
    hostile.answers(move |_, path, answer| {
        if path.ends_with("/by-username/bob") {
            answer["account"] = Value::from(wrong.to_string());
            answer["entries"] = log.clone();
        }
    });
    // A link that the server handed out in bob's name: account and answer fit each other.
    alice.device().find_person("bob", Some(wrong)).await.unwrap();
    let room = alice.device().open_chat(wrong).await.unwrap();
    let rows = alice.device().list_messages(room, None, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].body, BodyView::IdentityChanged);
    let profile = alice.device().profile(bob.account().await).await.unwrap();
    assert_eq!(profile.standing, StandingView::Unchecked);
    assert_eq!(profile.successor, Some(wrong.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_writes_under_the_name_of_one_who_was_compared_gets_no_answer_and_no_receipt() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let real = bob.account().await;
    alice.device().judge(real, Judgment::Verified).await.unwrap();
    let mallory = world.registers("mallory").await;
    let wrong = mallory.account().await;
    // The server calls mallory bob when alice's device asks who wrote.
    let path_of_mallory = format!("/accounts/{wrong}");
    hostile.answers(move |_, path, answer| {
        if path.ends_with(&path_of_mallory) {
            answer["username"] = Value::from("bob");
        }
    });
    let message = mallory.sends("it is me, bob").to(&alice).await;
    alice
        .sees(&["IdentityChanged", "it is me, bob"])
        .from(&mallory)
        .await;
    let refused = alice
        .device()
        .send_text(RoomId::direct(alice.account().await, wrong), "hello")
        .await
        .expect_err("blocked");
    assert_eq!(refused.code(), Some("identity_changed"));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let row = mallory.device().find_message(message).await.unwrap().unwrap();
    assert_eq!(row.delivery, DeliveryView::Sent, "nobody told that it arrived");
}

/// An account's log as the REST interface gives it.
fn log_of(world: &World, account: &str) -> Value {
    let database = rusqlite::Connection::open(world.server_data().join("conclave.db")).unwrap();
    let account: conclave_protocol::AccountId = account.parse().unwrap();
    let mut statement = database
        .prepare("SELECT bytes FROM entries WHERE account = ?1 ORDER BY sequence")
        .unwrap();
    let entries = statement
        .query_map([account.0], |row| row.get::<_, Vec<u8>>(0))
        .unwrap();
    entries
        .map(|entry| Value::from(conclave_protocol::bytes::to_base64(&entry.unwrap())))
        .collect()
}
