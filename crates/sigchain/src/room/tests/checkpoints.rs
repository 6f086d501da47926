//! Checkpoints, what is read from them, and audits.

use conclave_protocol::{Hash, PlaceId};

use super::people::{Person, Place, add, leave, link, terms};
use crate::room::limits::checkpoint_gap;
use crate::room::{
    Audience, InviteTerms, MetadataField, Permissions, RoomBody, RoomChain, RoomChainError, RoomState,
};

/// A community with something of everything, with its snapshot before the checkpoint.
fn vouched() -> (Place, Vec<u8>, usize) {
    let owner = Person::new(1);
    let mut place = Place::community(&owner);
    let role = place.role(&owner, 5, Permissions::KICK);
    place.role(&owner, 6, Permissions::NONE);
    place.channel(&owner, Audience::Roles(vec![role]));
    place.channel(&owner, Audience::Everyone);
    for number in 2..12 {
        place.does(&owner, add(&Person::new(number), &[role]));
    }
    place.does(&Person::new(3), leave());
    place.does(&owner, super::people::ban(&Person::new(4)));
    place.does(
        &owner,
        RoomBody::Metadata {
            field: MetadataField::Name,
            sealed: vec![7; 60],
        },
    );
    place.does(
        &Person::new(5),
        RoomBody::Nickname {
            account: Person::new(5).id(),
            sealed: vec![7; 30],
        },
    );
    let key = link(1);
    let asked = place.invite(
        &owner,
        InviteTerms {
            approval: true,
            uses: Some(5),
            ..terms(&key)
        },
    );
    let request = place.request(&Person::new(30), asked, &key);
    place.does(&Person::new(30), request);
    let snapshot = place.chain.state().to_bytes();
    let at = place.entries.len();
    let body = place.chain.checkpoint();
    place.does(&owner, body);
    place.does(&Person::new(6), leave());
    (place, snapshot, at)
}

fn from_checkpoint(place: &Place, snapshot: &[u8], at: usize) -> Result<RoomChain, RoomChainError> {
    let later = place.entries[at + 1..].iter().map(Vec::as_slice);
    RoomChain::from_checkpoint(place.chain.place(), snapshot, &place.entries[at], later)
}

#[test]
fn a_chain_from_a_checkpoint_has_the_same_state_and_is_trusted_after_its_audit() {
    let (place, snapshot, at) = vouched();
    let mut chain = from_checkpoint(&place, &snapshot, at).unwrap();
    assert!(!chain.is_audited());
    assert_eq!(chain.state(), place.chain.state());
    assert_eq!(chain.hash_at(0), None);
    assert_eq!(chain.compare(1, place.chain.hash_at(1).unwrap()), None);
    // It can be stored before, too.
    assert_eq!(RoomChain::from_bytes(&chain.to_bytes()).as_ref(), Ok(&chain));
    chain.audit(place.entries.iter().map(Vec::as_slice)).unwrap();
    assert!(chain.is_audited());
    assert_eq!(chain, place.chain);
    assert_eq!(chain.to_bytes(), place.chain.to_bytes());
}

#[test]
fn an_audit_that_does_not_lead_to_the_checkpoint_leaves_the_chain_unaudited() {
    let (place, snapshot, at) = vouched();
    let mut chain = from_checkpoint(&place, &snapshot, at).unwrap();
    let before = chain.to_bytes();
    let entries: Vec<&[u8]> = place.entries.iter().map(Vec::as_slice).collect();
    assert_eq!(chain.audit([]), Err(RoomChainError::AuditFailed));
    assert_eq!(
        chain.audit(entries[..at - 1].iter().copied()),
        Err(RoomChainError::AuditFailed)
    );
    assert_eq!(
        chain.audit(entries[1..].iter().copied()),
        Err(RoomChainError::Genesis)
    );
    let other = Place::community(&Person::new(2));
    assert_eq!(
        chain.audit(other.entries.iter().map(Vec::as_slice)),
        Err(RoomChainError::OtherChain)
    );
    assert_eq!(chain.to_bytes(), before);
}

#[test]
fn a_made_up_owner_with_a_made_up_checkpoint_is_found_by_the_audit() {
    let (place, snapshot, _) = vouched();
    let thief = Person::new(99);
    // The thief's own community, dressed up as the other one.
    let mut state = RoomState::from_bytes(&snapshot).unwrap();
    let false_place = Place::community(&thief);
    state.owner = thief.id();
    state.members.insert(
        thief.id(),
        false_place.chain.state().member(thief.id()).unwrap().clone(),
    );
    state.accounts.insert(
        thief.id(),
        false_place.chain.state().account(thief.id()).unwrap().clone(),
    );
    let bytes = state.to_bytes();
    let mut entry = false_place.chain.next_entry(
        thief.author,
        state.time(),
        RoomBody::Checkpoint { state: state.hash() },
    );
    entry.place = Some(state.place());
    entry.sequence = state.sequence() + 1;
    entry.previous = Some(state.head_hash());
    let entry = thief.sign(entry);
    let mut chain = RoomChain::from_checkpoint(place.chain.place(), &bytes, &entry.to_bytes(), []).unwrap();
    assert!(!chain.is_audited());
    assert_eq!(
        chain.audit(place.entries.iter().map(Vec::as_slice)),
        Err(RoomChainError::AuditFailed)
    );
    assert!(!chain.is_audited());
}

#[test]
fn a_checkpoint_is_the_owners_word_on_this_very_state() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    let early = place.chain.checkpoint();
    assert_eq!(place.refuses(&owner, early), RoomChainError::CheckpointTooSoon);
    for number in 0..16 {
        place.does(
            &owner,
            RoomBody::Metadata {
                field: MetadataField::Topic,
                sealed: vec![number; 9],
            },
        );
    }
    let body = place.chain.checkpoint();
    assert_eq!(place.refuses(&other, body.clone()), RoomChainError::OwnerOnly);
    let wrong = RoomBody::Checkpoint { state: Hash([1; 32]) };
    assert_eq!(place.refuses(&owner, wrong), RoomChainError::WrongCheckpoint);
    let sequence = place.does(&owner, body).sequence;
    assert_eq!(place.chain.state().last_checkpoint(), Some(sequence));
    let again = place.chain.checkpoint();
    assert_eq!(place.refuses(&owner, again), RoomChainError::CheckpointTooSoon);
}

#[test]
fn no_byte_of_a_snapshot_can_be_changed() {
    let (place, snapshot, at) = vouched();
    assert_eq!(RoomState::from_bytes(&snapshot).unwrap().to_bytes(), snapshot);
    // One bit of each byte, another from byte to byte: a snapshot is long and its hash covers all of it.
    for (byte, bit) in (0..snapshot.len()).map(|byte| (byte, byte % 8)) {
        let mut changed = snapshot.clone();
        changed[byte] ^= 1 << bit;
        if let Ok(state) = RoomState::from_bytes(&changed) {
            assert_eq!(state.to_bytes(), changed, "byte {byte}: two forms");
        }
        let chain = RoomChain::from_checkpoint(place.chain.place(), &changed, &place.entries[at], []);
        assert!(chain.is_err(), "byte {byte}");
    }
    for length in 0..snapshot.len() {
        assert!(RoomState::from_bytes(&snapshot[..length]).is_err());
    }
}

#[test]
fn a_checkpoint_of_another_place_or_another_kind_of_entry_begins_nothing() {
    let (place, snapshot, at) = vouched();
    assert_eq!(
        RoomChain::from_checkpoint(PlaceId([0; 32]), &snapshot, &place.entries[at], []),
        Err(RoomChainError::OtherChain)
    );
    assert_eq!(
        RoomChain::from_checkpoint(place.chain.place(), &snapshot, &place.entries[at + 1], []),
        Err(RoomChainError::WrongCheckpoint)
    );
}

#[test]
fn a_checkpoint_stands_as_near_to_the_last_as_the_size_of_the_state_allows() {
    let owner = Person::new(1);
    let mut place = Place::group(&owner);
    let topic = |place: &mut Place| {
        let number = u8::try_from(place.entries.len()).unwrap();
        place.does(
            &owner,
            RoomBody::Metadata {
                field: MetadataField::Topic,
                sealed: vec![number; 9],
            },
        );
    };
    let mut last = 0;
    for _ in 0..2 {
        let sequence = loop {
            let body = place.chain.checkpoint();
            match place.act(&owner, body) {
                Ok(change) => break change.sequence,
                Err(refusal) => assert_eq!(refusal, RoomChainError::CheckpointTooSoon),
            }
            topic(&mut place);
        };
        assert_eq!(sequence - last, checkpoint_gap(place.chain.state().parts()));
        last = sequence;
    }
}
