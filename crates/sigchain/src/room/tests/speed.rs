//! How fast a large community is verified. Nothing is asserted of time; the figures are printed.
//!
//! `cargo test --release -p conclave-sigchain speed -- --ignored --nocapture`

#![expect(clippy::disallowed_methods, reason = "a clock is what this measures with")]

use std::time::Instant;

use conclave_protocol::Timestamp;

use super::people::{Person, Place, add, leave, link, set_roles, terms};
use crate::room::{Audience, MetadataField, Permissions, RoomBody, RoomChain, RoomState};

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
        if number % 3 == 0 {
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
            0 if number % 50 == 0 => {
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

fn measure(members: u16, entries: u16) {
    let place = community(members, entries);
    let begun = Instant::now();
    let chain = place.verified().unwrap();
    let verified = begun.elapsed();
    assert_eq!(chain.state(), place.chain.state());
    let snapshot = chain.state().to_bytes();
    let begun = Instant::now();
    let hash = chain.state().hash();
    let hashed = begun.elapsed();
    let begun = Instant::now();
    let state = RoomState::from_bytes(&snapshot).unwrap();
    let read = begun.elapsed();
    assert_eq!(state.hash(), hash);
    let stored = chain.to_bytes();
    assert_eq!(RoomChain::from_bytes(&stored).unwrap(), chain);
    let rate = place.entries.len() as f64 / verified.as_secs_f64();
    println!(
        "{} entries of {} members verified in {verified:?} ({rate:.0} entries/s); state of {} bytes hashed in \
         {hashed:?}, read in {read:?}; {} bytes of entries",
        place.entries.len(),
        chain.state().member_count(),
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
