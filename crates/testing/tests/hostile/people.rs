//! Who somebody is: logs of accounts swapped, cut and mixed.

use conclave_testing::World;
use serde_json::Value;

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
