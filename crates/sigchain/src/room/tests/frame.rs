//! The frame of entries, and chains as a whole.

use conclave_protocol::{Hash, PlaceId, Timestamp};
use ed25519_dalek::Signer;

use super::people::{Person, Place, add, head, leave, one_of_each_kind, remove};
use crate::HeadComparison;
use crate::room::{
    Permissions, PlaceKind, Policy, RoomBody, RoomChain, RoomChainError, RoomEntry, RoomForkEvidence,
};

#[test]
fn a_place_is_the_hash_of_its_first_entry_and_its_maker_is_owner_and_member() {
    let owner = Person::new(1);
    let place = Place::group(&owner);
    let entry = RoomEntry::from_bytes(&place.entries[0]).unwrap();
    assert_eq!(place.chain.place().0, entry.hash().0);
    assert_eq!(place.chain.state().owner(), owner.id());
    assert!(place.is_member(&owner));
    assert_eq!(place.verified().as_ref(), Ok(&place.chain));
}

#[test]
fn a_chain_offered_under_another_id_and_an_empty_one_are_refused() {
    let place = Place::group(&Person::new(1));
    let entries = || place.entries.iter().map(Vec::as_slice);
    assert_eq!(
        RoomChain::verify(PlaceId([0; 32]), entries()),
        Err(RoomChainError::OtherChain)
    );
    assert_eq!(
        RoomChain::verify(place.chain.place(), []),
        Err(RoomChainError::Empty)
    );
}

/// A fault and how it is made.
type Change<'a> = &'a dyn Fn(&mut RoomEntry);

#[test]
fn an_entry_out_of_place_is_refused_without_effect() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    let next = |place: &Place, change: &dyn Fn(&mut RoomEntry)| {
        let mut entry = place
            .chain
            .next_entry(owner.author, Timestamp(place.time), remove(&other));
        change(&mut entry);
        owner.sign(entry)
    };
    let cases: [(Change<'_>, RoomChainError); 8] = [
        (&|entry| entry.place = None, RoomChainError::Genesis),
        (
            &|entry| entry.place = Some(PlaceId([1; 32])),
            RoomChainError::OtherChain,
        ),
        (&|entry| entry.sequence += 1, RoomChainError::Gap),
        (&|entry| entry.sequence -= 1, RoomChainError::Gap),
        (
            &|entry| entry.previous = Some(Hash([1; 32])),
            RoomChainError::Fork,
        ),
        (&|entry| entry.previous = None, RoomChainError::Fork),
        (&|entry| entry.time = Timestamp(1), RoomChainError::TimeBackwards),
        (
            &|entry| {
                entry.body = RoomBody::Create {
                    kind: PlaceKind::Group,
                    nonce: [0; 16],
                    everyone: Permissions::NONE,
                    policy: Policy::default(),
                };
            },
            RoomChainError::Genesis,
        ),
    ];
    for (change, error) in cases {
        let entry = next(&place, change);
        assert_eq!(place.offer(&entry), Err(error));
    }
    let entry = next(&place, &|_| ());
    assert!(place.offer(&entry).is_ok());
}

#[test]
fn an_entry_signed_by_another_key_than_it_names_is_refused() {
    let (owner, stranger) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    let entry = place
        .chain
        .next_entry(owner.author, Timestamp(place.time), add(&stranger, &[]));
    assert_eq!(
        place.offer(&stranger.sign(entry.clone())),
        Err(RoomChainError::Signature)
    );
    // And under the stranger's own key, it is not the owner's device.
    let mut claimed = entry;
    claimed.author.key = stranger.author.key;
    assert_eq!(
        place.offer(&stranger.sign(claimed)),
        Err(RoomChainError::DeviceKey)
    );
}

#[test]
fn weak_keys_sign_nothing() {
    let owner = Person::new(1);
    let mut place = Place::group(&owner);
    let mut one = [0; 32];
    one[0] = 1;
    for key in [[0; 32], one, [2; 32]] {
        let mut author = owner.author;
        author.device = conclave_protocol::DeviceId(1);
        author.head = head(1);
        author.key = key;
        let entry = place
            .chain
            .next_entry(author, Timestamp(place.time), RoomBody::Close);
        assert_eq!(place.offer(&entry), Err(RoomChainError::Key));
    }
}

#[test]
fn no_bit_of_an_entry_of_any_kind_can_be_changed() {
    let place = one_of_each_kind();
    let mut chain: Option<RoomChain> = None;
    let mut bits = 0;
    for (number, bytes) in place.entries.iter().enumerate() {
        let before = chain.as_ref().map(RoomChain::to_bytes);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let result = match &mut chain {
                None => RoomChain::verify(place.chain.place(), [changed.as_slice()]).map(|_| ()),
                // A refusal leaves the chain as it was, so one chain does for all.
                Some(chain) => chain.append_bytes(&changed).map(|_| ()),
            };
            assert!(result.is_err(), "entry {number}, bit {bit}");
            bits += 1;
        }
        assert_eq!(chain.as_ref().map(RoomChain::to_bytes), before);
        match &mut chain {
            None => chain = RoomChain::verify(place.chain.place(), [bytes.as_slice()]).ok(),
            Some(chain) => {
                chain.append_bytes(bytes).unwrap();
            }
        }
    }
    assert_eq!(chain, Some(place.chain));
    println!("cases: bits of room entries flipped {bits}");
}

#[test]
fn a_chain_that_was_closed_takes_nothing_more() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    assert_eq!(place.refuses(&other, RoomBody::Close), RoomChainError::OwnerOnly);
    place.does(&owner, RoomBody::Close);
    assert!(place.chain.state().is_closed());
    assert_eq!(place.refuses(&other, leave()), RoomChainError::Closed);
    assert!(!place.chain.state().may(owner.id(), Permissions::POST, None));
}

#[test]
fn heads_are_told_apart_and_two_entries_of_one_sequence_are_evidence() {
    let (owner, one, other) = (Person::new(1), Person::new(2), Person::new(3));
    let mut left = Place::group(&owner);
    let first = left.chain.head_hash();
    let mut right = left.clone();
    left.add(&owner, &one);
    right.add(&owner, &other);
    left.add(&owner, &other);
    let chain = &left.chain;
    assert_eq!(chain.compare(2, chain.head_hash()), Some(HeadComparison::Same));
    assert_eq!(chain.compare(0, first), Some(HeadComparison::Behind));
    assert_eq!(chain.compare(3, first), Some(HeadComparison::Ahead));
    assert_eq!(
        chain.compare(1, right.chain.head_hash()),
        Some(HeadComparison::Fork)
    );
    let evidence = RoomForkEvidence {
        one: left.entries[1].clone(),
        other: right.entries[1].clone(),
    };
    assert_eq!(evidence.verify(chain.place()), Ok((owner.author, owner.author)));
    let same = RoomForkEvidence {
        one: left.entries[1].clone(),
        other: left.entries[1].clone(),
    };
    assert_eq!(same.verify(chain.place()), Err(RoomChainError::NoFork));
    let apart = RoomForkEvidence {
        one: left.entries[1].clone(),
        other: left.entries[2].clone(),
    };
    assert_eq!(apart.verify(chain.place()), Err(RoomChainError::NoFork));
    assert_eq!(evidence.verify(PlaceId([0; 32])), Err(RoomChainError::NoFork));
    let mut forged = RoomEntry::from_bytes(&right.entries[1]).unwrap();
    forged.signature = one.key.sign(&forged.signed_bytes()).to_bytes();
    let forged = RoomForkEvidence {
        one: left.entries[1].clone(),
        other: forged.to_bytes(),
    };
    assert_eq!(forged.verify(chain.place()), Err(RoomChainError::Signature));
}

#[test]
fn a_chain_loads_from_its_store_and_goes_on() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::community(&owner);
    place.add(&owner, &other);
    place.chain.confirm(&owner.chain).unwrap();
    let bytes = place.chain.to_bytes();
    let loaded = RoomChain::from_bytes(&bytes).unwrap();
    assert_eq!(loaded, place.chain);
    assert!(loaded.is_confirmed(owner.id()));
    place.chain = loaded;
    place.does(&other, leave());
    for length in 0..bytes.len() {
        assert!(RoomChain::from_bytes(&bytes[..length]).is_err());
    }
}
