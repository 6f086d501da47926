//! What a chain claims of accounts.

use conclave_protocol::DeviceId;

use super::people::{Person, Place, add, leave, observe};
use crate::room::{RoomBody, RoomChainError};

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
