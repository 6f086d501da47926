//! What a chain claims of accounts.

use conclave_protocol::DeviceId;

use conclave_protocol::Timestamp;
use ed25519_dalek::{Signer, SigningKey};

use super::people::{Person, Place, add, leave, observe};
use crate::room::{AccountHead, Permissions};
use crate::room::{RoomBody, RoomChainError};
use crate::{AccountBody, Author, DeviceKeys};

#[test]
fn what_is_claimed_of_an_account_waits_until_its_own_chain_confirms_it() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    let open = |place: &Place| {
        let mut open: Vec<_> = place.chain.unconfirmed().map(|claim| claim.account).collect();
        open.sort();
        open
    };
    let mut both = [owner.id(), other.id()];
    both.sort();
    assert_eq!(open(&place), both);
    place.chain.confirm(&owner.chain).unwrap();
    place.chain.confirm(&other.chain).unwrap();
    assert!(open(&place).is_empty());
    // The first entry by the other's device claims a key.
    place.does(&other, leave());
    assert_eq!(open(&place), [other.id()]);
    place.chain.confirm(&other.chain).unwrap();
    // The same device again claims nothing new.
    place.add(&owner, &other);
    place.does(&other, leave());
    assert!(open(&place).is_empty());
    assert_eq!(
        place.chain.claim(other.id()).unwrap().check(&owner.chain),
        Err(RoomChainError::FalseClaim)
    );
}

#[test]
fn a_made_up_head_a_made_up_device_and_a_made_up_key_are_false_claims() {
    let (owner, other, third) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    place.add(&owner, &third);
    let before = place.clone();

    place.does(&owner, observe(&other, 3));
    assert_eq!(place.chain.confirm(&other.chain), Err(RoomChainError::FalseClaim));
    assert!(!place.chain.is_confirmed(other.id()));

    // A member whose account the server plays, with a key of its own.
    let mut place = before.clone();
    let mut impostor = Person::new(50);
    impostor.author.account = other.id();
    impostor.author.head = other.author.head;
    place.does(&impostor, leave());
    assert_eq!(place.chain.confirm(&other.chain), Err(RoomChainError::FalseClaim));
    // From then on the real device's key would be another one.
    assert_eq!(place.refuses(&other, leave()), RoomChainError::DeviceKey);

    let mut place = before;
    let mut device = other.later(4);
    device.author.device = DeviceId(4);
    place.does(&device, leave());
    assert_eq!(place.chain.confirm(&other.chain), Err(RoomChainError::FalseClaim));
}

#[test]
fn a_device_is_not_newer_than_the_head_that_it_names_and_no_head_goes_back() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    let mut young = other.later(3);
    young.author.device = DeviceId(4);
    assert_eq!(place.refuses(&young, leave()), RoomChainError::HeadBehind);
    let nickname = |sealed| RoomBody::Nickname {
        account: other.id(),
        sealed,
    };
    place.does(&other.later(3), nickname(vec![1]));
    assert_eq!(
        place.refuses(&other, nickname(vec![2])),
        RoomChainError::HeadBehind
    );
    let mut forked = other.later(3);
    forked.author.head.hash.0[0] ^= 1;
    assert_eq!(
        place.refuses(&forked, nickname(vec![2])),
        RoomChainError::HeadFork
    );
    place.does(&other.later(3), nickname(vec![2]));
    let claim = place.chain.state().account(other.id()).unwrap().devices()[0];
    assert_eq!((claim.first_head.sequence, claim.last_head.sequence), (3, 3));
    assert_eq!(
        place.refuses(&owner, add(&other, &[])),
        RoomChainError::AlreadyMember
    );
}

/// A person whose account gets a second device and then loses it. The device, and the account after each step.
fn with_a_second_device(person: &Person) -> (Person, [Person; 3]) {
    let key = SigningKey::from_bytes(&[0x33; 32]);
    let mut chain = person.chain.clone();
    let mut steps = vec![person.clone()];
    let keys = DeviceKeys {
        signing: key.verifying_key().to_bytes(),
        identity: [4; 32],
    };
    let possession = key.sign(&keys.possession_bytes(person.id())).to_bytes();
    for body in [
        AccountBody::AddDevice { keys, possession },
        AccountBody::RevokeDevice { device: DeviceId(1) },
    ] {
        let entry = chain
            .next_entry(Author::Device(DeviceId(0)), Timestamp(2000), body)
            .signed_with(|bytes| person.key.sign(bytes).to_bytes());
        chain.append(&entry).unwrap();
        let mut next = person.clone();
        next.chain = chain.clone();
        next.author.head = AccountHead {
            sequence: chain.head(),
            hash: chain.head_hash(),
        };
        steps.push(next);
    }
    let mut second = steps[1].clone();
    second.key = key;
    second.author.device = DeviceId(1);
    second.author.key = keys.signing;
    (second, steps.try_into().map_err(|_| ()).unwrap())
}

#[test]
fn a_device_is_believed_for_the_heads_at_which_it_was_active() {
    let owner = Person::new(1);
    let (second, [before, with, after]) = with_a_second_device(&Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &before);
    place.does(&second, leave());
    // Active then, revoked since: what it said at that head stands.
    place.chain.confirm(&after.chain).unwrap();
    place.add(&owner, &with);
    place.does(&second, leave());
    place.chain.confirm(&after.chain).unwrap();
    // Named beside the head that revoked it, or one that the account's chain does not have.
    let mut late = second.clone();
    late.author.head = after.author.head;
    place.add(&owner, &after);
    place.does(&late, leave());
    assert_eq!(place.chain.confirm(&after.chain), Err(RoomChainError::FalseClaim));
    assert_eq!(
        place.chain.confirm(&before.chain),
        Err(RoomChainError::FalseClaim)
    );
}

#[test]
fn a_lost_device_of_a_member_is_owed_an_observation() {
    let owner = Person::new(1);
    let (_, [before, with, after]) = with_a_second_device(&Person::new(2));
    let mut place = Place::group(&owner);
    assert!(!place.chain.state().owes_observation(&after.chain), "no member");
    place.add(&owner, &before);
    let owes = |place: &Place, person: &Person| place.chain.state().owes_observation(&person.chain);
    assert!(!owes(&place, &before) && !owes(&place, &with));
    assert!(owes(&place, &after));
    // The member's own entry with the new head pays nothing, for it ends no epoch.
    place.does(
        &after,
        RoomBody::Invite(super::people::terms(&super::people::link(1))),
    );
    assert!(owes(&place, &after));
    place.does(
        &owner,
        RoomBody::Observe {
            account: after.id(),
            head: after.author.head,
            closings: Vec::new(),
        },
    );
    assert!(!owes(&place, &after));
    assert!(place.chain.state().may(after.id(), Permissions::POST, None));
    // Whoever is added with the newest head owes nothing.
    let mut place = Place::group(&owner);
    place.add(&owner, &after);
    assert!(!owes(&place, &after));
}

#[test]
fn an_author_is_compared_with_the_account_before_an_entry_is_accepted() {
    let owner = Person::new(1);
    let (second, [before, with, after]) = with_a_second_device(&Person::new(2));
    let wrong = Err(RoomChainError::FalseClaim);
    for chain in [&with.chain, &after.chain] {
        assert_eq!(second.author.check(chain), Ok(()));
    }
    assert_eq!(second.author.check(&before.chain), wrong, "not added yet");
    assert_eq!(second.author.check(&owner.chain), wrong, "another account");
    let mut late = second.author;
    late.head = after.author.head;
    assert_eq!(late.check(&after.chain), wrong, "revoked by then");
    let mut other_key = second.author;
    other_key.key = owner.author.key;
    assert_eq!(other_key.check(&after.chain), wrong, "another key");
    let (account, head) = add(&with, &[]).named_head().unwrap();
    assert_eq!(account, with.id());
    assert_eq!(head.check(&after.chain), Ok(()));
    assert_eq!(head.check(&before.chain), wrong, "beyond the chain");
    assert_eq!(leave().named_head(), None);
}
