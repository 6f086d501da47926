//! Attacks on the logs of groups: other versions, older ones, entries that nobody made, entries that are hidden.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_client::views::{PlaceChange, PlaceField, PlaceSort};
use conclave_protocol::frames::{PlaceMoved, ServerFrame};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, Hash, PlaceId, RoomId};
use conclave_sigchain::room::{AccountHead, RoomAuthor, RoomBody, RoomChain, RoomEntry};
use conclave_testing::{Hostile, Person, World};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

/// Entries of the one group of a story, as the server took them.
type Entries = Arc<Mutex<Vec<Bytes>>>;

struct Story {
    hostile: Hostile,
    alice: Person,
    bob: Person,
    carol: Person,
    group: PlaceId,
    entries: Entries,
}

fn rename(name: &str) -> PlaceChange {
    PlaceChange::SetText {
        field: PlaceField::Name,
        text: name.into(),
    }
}

fn noted(entries: &Entries, question: &Value) {
    if let Some(entry) = question
        .get("entry")
        .and_then(Value::as_str)
        .and_then(Bytes::from_text)
    {
        entries.lock().expect("nobody panics with the list").push(entry);
    }
}

/// Three in a group, behind a server that notes what it is told.
async fn three_in_a_group(world: &World) -> Story {
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let carol = world.registers("carol").await;
    let entries = Entries::default();
    let list = Arc::clone(&entries);
    hostile.hears(move |_, path, question| {
        if path.starts_with("/api/v1/places") {
            noted(&list, question);
        }
    });
    let mut people = Vec::new();
    for person in [&bob, &carol] {
        let found = alice
            .device()
            .find_person(person.name(), None)
            .await
            .expect("a person");
        people.push(found.account);
    }
    let made = alice
        .device()
        .create_place(PlaceSort::Group, "Friends", &people)
        .await
        .expect("a group");
    let group = made.place;
    for person in [&alice, &bob, &carol] {
        is_called(person, group, "Friends").await;
        person
            .waits("three members", async || {
                let view = person.device().find_place(group).await.expect("a group");
                let members = view.map(|view| view.members);
                if members == Some(3) {
                    Ok(())
                } else {
                    Err(format!("{members:?}"))
                }
            })
            .await;
    }
    Story {
        hostile,
        alice,
        bob,
        carol,
        group,
        entries,
    }
}

async fn is_called(person: &Person, group: PlaceId, name: &str) {
    person
        .waits("a name", async || {
            let view = person.device().find_place(group).await.expect("a group");
            let title = view.and_then(|view| view.title);
            if title.as_deref() == Some(name) {
                Ok(())
            } else {
                Err(format!("{title:?}"))
            }
        })
        .await;
}

/// Nothing is sealed for the group any more: what is written waits, and the place says why.
async fn sends_nothing(person: &Person, group: PlaceId) {
    let view = person
        .device()
        .find_place(group)
        .await
        .expect("a group")
        .expect("it is here");
    assert!(view.disputed.is_some(), "the place says what is wrong");
    let room = RoomId::group(group);
    let sent = person.device().send_text(room, "secret").await.expect("queued");
    let waited = person
        .device()
        .wait_until_sent(sent, Duration::from_millis(700))
        .await;
    assert!(waited.is_err(), "nothing leaves");
}

async fn address(person: &Person) -> DeviceAddress {
    DeviceAddress {
        account: person.account().await,
        device: DeviceId(0),
    }
}

/// The answers that are about one account's places.
fn concerns(whose: Option<DeviceAddress>, account: AccountId, path: &str) -> bool {
    whose.is_some_and(|whose| whose.account == account) && path.starts_with("/api/v1/places")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_was_shown_another_version_of_the_log_is_warned() {
    let world = World::begin().await;
    let Story {
        hostile,
        alice,
        bob,
        group,
        ..
    } = three_in_a_group(&world).await;
    // Alice's next entry is kept from everybody, and an older one of hers put in its place, so that she hears yes.
    let older = Arc::new(Mutex::new(None::<Value>));
    let account = alice.account().await;
    let kept = Arc::clone(&older);
    hostile.hears(move |whose, path, question| {
        if !concerns(whose, account, path) || !path.ends_with("/entries") {
            return;
        }
        let mut kept = kept.lock().expect("nobody panics with it");
        match kept.clone() {
            None => *kept = question.get("entry").cloned(),
            Some(older) => question["entry"] = older,
        }
    });
    alice
        .device()
        .change_place(group, rename("First"))
        .await
        .expect("taken");
    is_called(&bob, group, "First").await;
    alice
        .device()
        .change_place(group, rename("Only here"))
        .await
        .expect("as she hears");
    is_called(&alice, group, "Only here").await;
    bob.device()
        .change_place(group, rename("For all others"))
        .await
        .expect("taken");
    alice.is_warned("place_forked").await;
    sends_nothing(&alice, group).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_shown_shorter_than_it_was_is_noticed_and_nothing_is_sent() {
    let world = World::begin().await;
    let Story {
        hostile, bob, group, ..
    } = three_in_a_group(&world).await;
    let account = bob.account().await;
    bob.goes_offline().await;
    hostile.answers(move |whose, path, answer| {
        if concerns(whose, account, path)
            && let Some(places) = answer.get_mut("places").and_then(Value::as_array_mut)
        {
            for place in places {
                place["head"] = json!(1);
            }
        }
    });
    bob.comes_back().await;
    bob.is_warned("place_shorter").await;
    sends_nothing(&bob, group).await;
    // Once the server shows the whole log again, it is believed again.
    hostile.behaves();
    bob.goes_offline().await;
    bob.comes_back().await;
    bob.waits("the log again", async || {
        let view = bob.device().find_place(group).await.expect("a group");
        if view.is_some_and(|view| view.disputed.is_none()) {
            Ok(())
        } else {
            Err("disputed".to_owned())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_added_by_a_device_that_the_server_made_up_makes_the_group_disputed() {
    let world = World::begin().await;
    let Story {
        hostile,
        alice,
        bob,
        group,
        entries,
        ..
    } = three_in_a_group(&world).await;
    let listed: Vec<Bytes> = entries.lock().expect("nobody panics with it").clone();
    let mut chain: Option<RoomChain> = None;
    for entry in listed {
        let entry = RoomEntry::from_bytes(entry.as_slice()).expect("an entry");
        match &mut chain {
            None => chain = Some(RoomChain::begin(&entry).expect("the first").0),
            Some(chain) if entry.sequence > chain.head() => {
                chain.append(&entry).expect("the next");
            }
            Some(_) => {}
        }
    }
    let chain = chain.expect("a log");
    // A second device of alice, which exists in the server's mind alone, adds somebody of the server's.
    let key = SigningKey::from_bytes(&[42; 32]);
    let author = RoomAuthor {
        account: alice.account().await,
        device: DeviceId(50),
        head: AccountHead {
            sequence: 50,
            hash: Hash([7; 32]),
        },
        key: key.verifying_key().to_bytes(),
    };
    let spy = RoomBody::Add {
        account: AccountId([66; 32]),
        head: AccountHead {
            sequence: 0,
            hash: Hash([66; 32]),
        },
        roles: Vec::new(),
    };
    let entry = chain
        .next_entry(author, chain.state().time(), spy)
        .signed_with(|bytes| key.sign(bytes).to_bytes());
    let moved = PlaceMoved {
        place: group,
        head: entry.sequence,
        entry: Bytes(entry.to_bytes()),
    };
    hostile
        .says(address(&bob).await, ServerFrame::PlaceMoved(moved))
        .await;
    bob.is_warned("place_false_claim").await;
    sends_nothing(&bob, group).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_signed_by_another_key_than_its_authors_is_refused_with_a_warning() {
    let world = World::begin().await;
    let Story {
        hostile,
        alice,
        bob,
        group,
        entries,
        ..
    } = three_in_a_group(&world).await;
    let last = entries
        .lock()
        .expect("nobody panics with it")
        .last()
        .cloned()
        .expect("an entry");
    let last = RoomEntry::from_bytes(last.as_slice()).expect("an entry");
    let key = SigningKey::from_bytes(&[42; 32]);
    let entry = RoomEntry {
        sequence: last.sequence + 1,
        previous: Some(last.hash()),
        author: RoomAuthor {
            account: alice.account().await,
            ..last.author
        },
        body: RoomBody::Transfer {
            account: bob.account().await,
        },
        ..last
    }
    .signed_with(|bytes| key.sign(bytes).to_bytes());
    let moved = PlaceMoved {
        place: group,
        head: entry.sequence,
        entry: Bytes(entry.to_bytes()),
    };
    hostile
        .says(address(&bob).await, ServerFrame::PlaceMoved(moved))
        .await;
    bob.is_warned("place_refused").await;
    let view = bob
        .device()
        .find_place(group)
        .await
        .expect("a group")
        .expect("it is here");
    assert!(!view.is_owner, "nobody was made owner by it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_hidden_from_a_member_shows_when_another_one_speaks_to_them() {
    let world = World::begin().await;
    let Story {
        hostile,
        alice,
        bob,
        carol,
        group,
        ..
    } = three_in_a_group(&world).await;
    let account = bob.account().await;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::PlaceMoved(_) if whose.is_some_and(|whose| whose.account == account) => Vec::new(),
        frame => vec![frame],
    });
    let known = Arc::new(Mutex::new(None::<u64>));
    let first = Arc::clone(&known);
    hostile.answers(move |whose, path, answer| {
        if !concerns(whose, account, path) || !path.ends_with("/entries") {
            return;
        }
        // Bob is shown what he has, and no more.
        let mut first = first.lock().expect("nobody panics with it");
        let head = *first.get_or_insert_with(|| {
            let shown = answer
                .get("entries")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            answer
                .get("head")
                .and_then(Value::as_u64)
                .unwrap_or(0)
                .saturating_sub(shown as u64)
        });
        answer["entries"] = json!([]);
        answer["head"] = json!(head);
    });
    let out = carol.account().await;
    alice
        .device()
        .change_place(
            group,
            PlaceChange::Remove {
                account: out,
                reason: String::new(),
            },
        )
        .await
        .expect("taken");
    // A new name needs a new key, and with it goes what alice knows of the log.
    alice
        .device()
        .change_place(group, rename("Us two"))
        .await
        .expect("taken");
    bob.is_warned("place_withheld").await;
    sends_nothing(&bob, group).await;
}
