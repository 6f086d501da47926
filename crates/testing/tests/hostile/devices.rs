//! Which devices speak for an account.

use conclave_client::views::{AccountView, BodyView, DeliveryView};
use conclave_protocol::bytes::{from_base64, to_base64};
use conclave_protocol::frames::{ChainMoved, Closing, Heads, ServerFrame};
use conclave_protocol::{Bytes, DeviceAddress, DeviceId, ErrorCode, Timestamp};
use conclave_sigchain::{AccountBody, AccountChain, Author, DeviceKeys};
use conclave_testing::{Person, World};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::Value;

use super::two_who_met;

/// An entry that adds a device of the server's to an account, as far as the server can make it: its own device has
/// its keys and signs for it, and nobody of the account does.
fn forged_device(chain: &AccountChain, signer: &SigningKey) -> Vec<u8> {
    let own = SigningKey::from_bytes(&[0x66; 32]);
    let keys = DeviceKeys {
        signing: own.verifying_key().to_bytes(),
        identity: [9; 32],
    };
    let body = AccountBody::AddDevice {
        keys,
        possession: own.sign(&keys.possession_bytes(chain.account())).to_bytes(),
    };
    chain
        .next_entry(Author::Device(DeviceId(0)), Timestamp(chain.time().0 + 1), body)
        .signed_with(|bytes| signer.sign(bytes).to_bytes())
        .to_bytes()
}

fn chain_of(account: &Value, entries: &Value) -> AccountChain {
    let entries: Vec<Vec<u8>> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| from_base64(entry.as_str().unwrap()).unwrap())
        .collect();
    let account = account.as_str().unwrap().parse().unwrap();
    AccountChain::verify(account, entries.iter().map(Vec::as_slice)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_server_adds_to_an_account_is_refused_and_nothing_is_sealed_to_it() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    world.registers("bob").await;
    hostile.answers(|_, path, answer| {
        if path.ends_with("/by-username/bob") {
            let chain = chain_of(&answer["account"], &answer["entries"]);
            let forged = forged_device(&chain, &SigningKey::from_bytes(&[0x66; 32]));
            answer["entries"]
                .as_array_mut()
                .unwrap()
                .push(Value::from(to_base64(&forged)));
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
async fn a_device_that_the_server_says_was_added_to_the_own_account_is_refused_with_a_warning() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let account = alice.account().await;
    hostile.answers(move |_, path, answer| {
        let own = path.contains(&account.to_string()) && answer.get("entries").is_some();
        if own && !path.contains("/entries") {
            let chain = chain_of(&answer["account"], &answer["entries"]);
            let forged = forged_device(&chain, &SigningKey::from_bytes(&[0x66; 32]));
            answer["entries"]
                .as_array_mut()
                .unwrap()
                .push(Value::from(to_base64(&forged)));
        } else if own {
            answer["entries"] = Value::from(vec![to_base64(b"no entry at all")]);
        }
    });
    let moved = ChainMoved {
        account,
        head: 99,
        entry: Bytes(b"no entry at all".to_vec()),
    };
    hostile
        .says(device_of(&alice).await, ServerFrame::ChainMoved(moved))
        .await;
    alice.is_warned("chain_invalid").await;
    hostile.behaves();
    let devices = alice.device().list_devices().await.unwrap();
    assert_eq!(devices.len(), 1);
    bob.sends("still us").to(&alice).await;
    alice.sees(&["hello, alice", "still us"]).from(&bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_the_server_only_claims_signs_out_and_forgets_nothing() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let closing = Closing {
        code: ErrorCode::DeviceRevoked,
        retry_after: None,
    };
    hostile
        .says(device_of(&alice).await, ServerFrame::Closing(closing))
        .await;
    alice.is_warned("device_revoked_unproven").await;
    alice
        .waits("to be signed out", async || {
            match alice.device().account().await.expect("an answer") {
                AccountView::SignedOut { .. } => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    let kept: Vec<BodyView> = alice
        .timeline_with(&bob)
        .await
        .into_iter()
        .map(|row| row.body)
        .collect();
    assert_eq!(kept, [super::text("hello"), super::text("hello, alice")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_is_hidden_from_a_contact_is_not_taken_back_once_it_was_seen() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let tablet = alice.adds_a_device("tablet").await;
    bob.sends("to both").to(&alice).await;
    // The past comes from the vault.
    tablet.sees(&["hello, alice", "to both"]).from(&bob).await;
    // What the server knew of alice before the revocation, it says to bob again after it.
    let before: Vec<String> = entries_of(&world, &alice)
        .await
        .iter()
        .map(|entry| to_base64(entry))
        .collect();
    let (account, reader) = (alice.account().await, bob.account().await);
    let path = format!("/api/v1/accounts/{account}");
    hostile.answers(move |whose, asked, answer| {
        if asked == path && whose.is_some_and(|whose| whose.account == reader) {
            answer["entries"] = Value::from(before.clone());
        }
    });
    let id = tablet_id(&alice).await;
    alice.device().revoke_device(id).await.expect("revoked");
    alice.sends("the tablet is gone").to(&bob).await;
    bob.sees(&["hello", "the tablet is gone"]).from(&alice).await;
    // Bob has seen the longer log by now, or the message would not have opened.
    let message = bob.sends("for alice alone").to(&alice).await;
    alice
        .sees(&["hello, alice", "to both", "for alice alone"])
        .from(&bob)
        .await;
    bob.sees_delivery(&alice, message, &DeliveryView::Delivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_names_a_log_nobody_was_shown_stays_closed() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let reader = bob.account().await;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::Deliver(mut deliver) if whose.is_some_and(|whose| whose.account == reader) => {
            if let conclave_protocol::frames::Item::Message(message) = &mut deliver.item {
                message.heads = Heads { low: 0, high: 0 };
            }
            vec![ServerFrame::Deliver(deliver)]
        }
        frame => vec![frame],
    });
    let tablet = alice.adds_a_device("tablet").await;
    tablet.sends("from the tablet").to(&bob).await;
    super::shows(&bob, &alice, &[super::text("hello"), BodyView::Unopened]).await;
}

async fn device_of(person: &Person) -> DeviceAddress {
    DeviceAddress {
        account: person.account().await,
        device: DeviceId(0),
    }
}

/// The number of the device that is not this one.
async fn tablet_id(person: &Person) -> DeviceId {
    let devices = person.device().list_devices().await.expect("the devices");
    let other = devices
        .iter()
        .find(|device| !device.this)
        .expect("another device");
    DeviceId(other.device)
}

async fn entries_of(world: &World, person: &Person) -> Vec<Vec<u8>> {
    let database = rusqlite::Connection::open(world.server_data().join("conclave.db")).unwrap();
    let mut statement = database
        .prepare("SELECT bytes FROM entries WHERE account = ?1 ORDER BY sequence")
        .unwrap();
    let account = person.account().await.0;
    let entries = statement.query_map([account], |row| row.get(0)).unwrap();
    entries.map(Result::unwrap).collect()
}
