//! How fast a large community is verified. Nothing is asserted of time; the figures are printed.
//!
//! `cargo test --release -p conclave-sigchain speed -- --ignored --nocapture`

#![expect(clippy::disallowed_methods, reason = "a clock is what this measures with")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use conclave_protocol::Timestamp;
use ed25519_dalek::{Signature, VerifyingKey};

use super::people::{Person, Place, add, leave, link, set_roles, terms};
use crate::room::{Audience, MetadataField, Permissions, RoomBody, RoomChain, RoomEntry, RoomState};

/// A community of 100 channels in which `members` joined, every third by an invite, with `entries` entries in all:
/// nicknames, topics, roles, people who leave.
fn community(members: u16, entries: u16) -> Place {
    let owner = Person::new(1);
    let mut place = Place::community(&owner);
    let role = place.role(&owner, 5, Permissions::KICK);
    for _ in 0..50 {
        place.channel(&owner, Audience::Everyone);
        place.channel(&owner, Audience::Roles(vec![role]));
    }
    let key = link(1);
    let invite = place.invite(&owner, terms(&key));
    let act = |place: &mut Place, by: &Person, body| {
        let entry = by.sign(place.chain.next_entry(by.author, Timestamp(place.time), body));
        place.chain.append(&entry).unwrap();
        place.entries.push(entry.to_bytes());
    };
    let people: Vec<Person> = (2..=members).map(Person::new).collect();
    for (number, person) in people.iter().enumerate() {
        if number.is_multiple_of(3) {
            let join = place.join(person, invite, &key);
            act(&mut place, person, join);
        } else {
            act(&mut place, &owner, add(person, &[]));
        }
    }
    let mut number = 0_u16;
    while place.entries.len() < usize::from(entries) {
        number = number.wrapping_add(1);
        let person = &people[usize::from(number) % people.len()];
        let sealed = [number.to_be_bytes(); 20].concat();
        match number % 10 {
            0 if number.is_multiple_of(50) => {
                act(&mut place, person, leave());
                act(&mut place, &owner, add(person, &[]));
            }
            1 | 2 => {
                let has = place.chain.state().roles_of(person.id()).count() == 1;
                let roles = if has { &[][..] } else { &[role][..] };
                act(&mut place, &owner, set_roles(person, roles));
            }
            3..=6 => {
                let account = person.id();
                act(&mut place, person, RoomBody::Nickname { account, sealed });
            }
            _ => {
                let field = MetadataField::Topic;
                act(&mut place, &owner, RoomBody::Metadata { field, sealed });
            }
        }
    }
    place
}

/// Time that this thread was on a processor, where the system tells it: other work on the machine does not count.
fn spent(work: impl FnOnce()) -> Duration {
    let processor = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    };
    let (begun, before) = (Instant::now(), processor());
    work();
    match (before, processor()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => begun.elapsed(),
    }
}

fn measure(members: u16, entries: u16) {
    let place = community(members, entries);
    let mut chain = None;
    let verified = spent(|| chain = Some(place.verified().unwrap()));
    let chain = chain.unwrap();
    assert_eq!(chain.state(), place.chain.state());

    // What no implementation can do without: one strict verification for each signature, with parsed keys.
    let signed: Vec<_> = place
        .entries
        .iter()
        .map(|bytes| RoomEntry::from_bytes(bytes).unwrap())
        .map(|entry| {
            let key = VerifyingKey::from_bytes(&entry.author.key).unwrap();
            (key, entry.signed_bytes(), Signature::from_bytes(&entry.signature))
        })
        .collect();
    let joins = usize::from(members) / 3;
    let floor = spent(|| {
        for (key, message, signature) in signed.iter().chain(signed.iter().take(joins)) {
            black_box(key).verify_strict(message, signature).unwrap();
        }
    });

    let snapshot = chain.state().to_bytes();
    let mut hash = None;
    let hashed = spent(|| hash = Some(chain.state().hash()));
    let mut state = None;
    let read = spent(|| state = Some(RoomState::from_bytes(&snapshot).unwrap()));
    assert_eq!(state.map(|state| state.hash()), hash);
    assert_eq!(RoomChain::from_bytes(&chain.to_bytes()).unwrap(), chain);
    println!(
        "{} entries of {} members verified in {verified:?} ({:.0} entries/s), of which the signatures alone take \
         {floor:?}; state of {} bytes hashed in {hashed:?}, read in {read:?}; {} bytes of entries",
        place.entries.len(),
        chain.state().member_count(),
        f64::from(entries) / verified.as_secs_f64(),
        snapshot.len(),
        place.entries.iter().map(Vec::len).sum::<usize>(),
    );
}

#[test]
fn a_community_is_verified_at_this_speed() {
    measure(100, 400);
}

#[test]
#[ignore = "large; for the speed of an optimised build"]
fn a_large_community_is_verified_at_this_speed() {
    measure(10_000, 30_000);
}
