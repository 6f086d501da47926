//! The server cannot read: after a whole conversation nothing readable is in its database, nothing but what the
//! threat model lists names anybody, and no private key ever crossed the wire.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use conclave_client::{Reads, Table};
use conclave_protocol::frames::{ClientFrame, ServerFrame};
use conclave_sdk::Direction;
use conclave_store::{Store, StoreKey};
use conclave_testing::{Person, World};
use rusqlite::types::ValueRef;

const PASSWORD: &str = "vier ruhige Otter im Regen";

/// Where a handle may stand in the database: `docs/threat-model.md`, "What the server sees".
const HANDLES_MAY_STAND_IN: &[(&str, &str)] = &[("accounts", "username")];

/// Where an account's id may stand: what says who talks with whom, who is in which place and who writes there.
const ACCOUNTS_MAY_STAND_IN: &[(&str, &str)] = &[
    ("accounts", "id"),
    ("entries", "account"),
    ("devices", "account"),
    ("login_attempts", "account"),
    ("device_attempts", "account"),
    ("recovery_attempts", "account"),
    ("recovery_keys", "account"),
    ("pending_tokens", "account"),
    ("links", "account"),
    ("logins", "account"),
    ("invites", "made_by"),
    ("second_steps", "account"),
    ("backup_codes", "account"),
    ("audit", "actor"),
    ("prekeys", "account"),
    ("last_resort_prekeys", "account"),
    ("claimed_prekeys", "account"),
    ("rooms", "low"),
    ("rooms", "high"),
    ("sends", "account"),
    ("envelopes", "account"),
    ("mailbox", "account"),
    ("mailbox", "sender_account"),
    ("vaults", "account"),
    ("vault_records", "account"),
    ("vault_keys", "account"),
    // Signed for one account, which is the row's own.
    ("vault_keys", "bytes"),
    ("prekeys", "bundle"),
    ("last_resort_prekeys", "bundle"),
    ("entries", "bytes"),
    ("place_entries", "bytes"),
    ("place_snapshots", "bytes"),
    ("place_members", "account"),
    ("place_departures", "account"),
    ("place_owed", "account"),
    ("posts", "account"),
    ("post_times", "account"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_database_and_the_wire_hold_no_text_no_password_and_no_private_key() {
    let world = World::begin().await;
    let alice = world.registers("alice-of-the-lake").await;
    let bob = world.registers("bob-of-the-hill").await;
    let texts = ["the treasure lies under the oak", "bring a shovel at midnight"];
    alice.sends(texts[0]).to(&bob).await;
    bob.sees(&texts[..1]).from(&alice).await;
    bob.sends(texts[1]).to(&alice).await;
    alice.sees(&texts[1..]).from(&bob).await;
    alice.reads_everything_from(&bob).await;
    bob.reads_everything_from(&alice).await;
    alice.goes_offline().await;
    alice.comes_back().await;

    let mut secrets: Vec<(String, Vec<u8>)> = texts
        .iter()
        .map(|text| ("a text".to_owned(), text.as_bytes().to_vec()))
        .collect();
    secrets.push(("the password".to_owned(), PASSWORD.as_bytes().to_vec()));

    for person in [&alice, &bob] {
        no_frame_names_anybody(person, &["alice-of-the-lake", "bob-of-the-hill"]);
    }
    let wires: Vec<(String, Vec<u8>)> = [&alice, &bob].iter().map(|person| crossed(person)).collect();
    let accounts = [alice.account().await, bob.account().await];
    let data = [alice.data().to_owned(), bob.data().to_owned()];
    alice.closes().await;
    bob.closes().await;
    for folder in &data {
        secrets.extend(private_keys(folder));
    }
    assert_eq!(
        secrets.len(),
        3 + 2 * 3,
        "both devices' signing, identity and recovery keys are looked for"
    );

    world.server_stops().await;
    let mut places = wires;
    for name in ["conclave.db", "conclave.db-wal"] {
        let path = world.server_data().join(name);
        if path.exists() {
            places.push((name.to_owned(), fs::read(path).unwrap()));
        }
    }
    assert!(
        places
            .iter()
            .any(|(name, bytes)| name == "conclave.db" && !bytes.is_empty())
    );
    for (place, bytes) in &places {
        for (what, secret) in &secrets {
            assert!(!contains(bytes, secret), "{what} is readable in {place}");
            let coded = conclave_protocol::bytes::to_base64(secret);
            assert!(
                !contains(bytes, coded.as_bytes()),
                "{what} is readable as base64url in {place}"
            );
        }
    }

    let found = columns_with(
        &world.server_data().join("conclave.db"),
        &[b"alice-of-the-lake", b"bob-of-the-hill"],
    );
    let listed: BTreeSet<(String, String)> = HANDLES_MAY_STAND_IN
        .iter()
        .map(|(table, column)| ((*table).into(), (*column).into()))
        .collect();
    assert_eq!(found, listed, "handles stand exactly where the threat model says");

    let found = columns_with(
        &world.server_data().join("conclave.db"),
        &accounts.each_ref().map(|account| &account.0[..]),
    );
    let listed: BTreeSet<(String, String)> = ACCOUNTS_MAY_STAND_IN
        .iter()
        .map(|(table, column)| ((*table).into(), (*column).into()))
        .collect();
    let elsewhere: Vec<_> = found.difference(&listed).collect();
    assert!(elsewhere.is_empty(), "accounts stand in {elsewhere:?}");
    assert!(found.contains(&("sends".to_owned(), "account".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_device_store_is_sealed_on_its_disk() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("nobody reads this on my disk").to(&bob).await;
    bob.sees(&["nobody reads this on my disk"]).from(&alice).await;
    let data = bob.data().to_owned();
    bob.closes().await;
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(
                !contains(&bytes, b"nobody reads this"),
                "readable in {}",
                path.display()
            );
        }
    }
}

/// Handles cross in the bodies of registration, sign-in and look-ups alone, as the threat model says.
fn no_frame_names_anybody(person: &Person, handles: &[&str]) {
    let mut frames = 0;
    for record in person.wire().records() {
        let is_frame = match record.direction {
            Direction::Sent => ClientFrame::from_bytes(&record.bytes).is_ok(),
            Direction::Received => ServerFrame::from_bytes(&record.bytes).is_ok(),
        };
        if is_frame {
            frames += 1;
            for handle in handles {
                assert!(
                    !contains(&record.bytes, handle.as_bytes()),
                    "a frame names {handle}"
                );
            }
        }
    }
    // Hello, welcome, a message each way with its answers and acknowledgements.
    assert!(frames > 5, "{frames} frames were looked at");
}

fn crossed(person: &Person) -> (String, Vec<u8>) {
    let records = person.wire().records();
    assert!(records.iter().any(|record| record.direction == Direction::Sent));
    let bytes = records.into_iter().flat_map(|record| record.bytes).collect();
    (format!("{}'s wire", person.name()), bytes)
}

/// Signing, identity and recovery key of a closed device.
fn private_keys(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let key: [u8; 32] = fs::read(folder.join("device.key")).unwrap().try_into().unwrap();
    let store = Store::open_native(&folder.join("device.db"), &StoreKey::from_bytes(key)).unwrap();
    let record = store.find_record(Table::Own, b"identity").unwrap().unwrap();
    let mut decoder = minicbor::Decoder::new(&record);
    let mut keys = Vec::new();
    for field in 0..decoder.array().unwrap().unwrap() {
        match field {
            3..=5 => keys.push((format!("private key {field}"), decoder.bytes().unwrap().to_vec())),
            _ => decoder.skip().unwrap(),
        }
    }
    keys
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Tables and columns of the database in which any of the words stands.
fn columns_with(path: &Path, words: &[&[u8]]) -> BTreeSet<(String, String)> {
    let database = rusqlite::Connection::open(path).unwrap();
    let tables: Vec<String> = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut found = BTreeSet::new();
    for table in tables {
        let mut statement = database.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (index, column) in columns.iter().enumerate() {
                let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(index).unwrap() else {
                    continue;
                };
                if words.iter().any(|word| contains(bytes, word)) {
                    found.insert((table.clone(), column.clone()));
                }
            }
        }
    }
    found
}
