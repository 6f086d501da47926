//! Two versions of one chain, and the proof of it.

use super::harness::{RECOVERY, Story, add, device, revoke, rotate, signed, vault};
use crate::account::{AccountBody, Author, ForkEvidence};
use crate::error::ChainError;
use crate::head::HeadComparison;

/// Two versions that part at sequence 2.
fn versions() -> (Story, Story) {
    let mut one = Story::new();
    one.add(1);
    let mut other = one.clone();
    one.first(revoke(1)).unwrap();
    let body = add(other.account(), 2);
    other.say(device(1), 1, body).unwrap();
    other.first(vault(0, &[], 0, 0)).unwrap();
    (one, other)
}

#[test]
fn two_versions_of_a_chain_are_told_apart_at_the_place_where_they_part() {
    let (one, other) = versions();
    assert_eq!(one.chain.parts_from(&other.chain), Some(2));
    assert_eq!(other.chain.parts_from(&one.chain), Some(2));
    assert_eq!(one.chain.parts_from(&one.chain), None);
    let head = (one.chain.head(), one.chain.head_hash());
    assert_eq!(other.chain.compare(head.0, head.1), HeadComparison::Fork);
    // The longer one lies beyond the shorter; its entries show the fork.
    let head = (other.chain.head(), other.chain.head_hash());
    assert_eq!(one.chain.compare(head.0, head.1), HeadComparison::Ahead);
    assert_eq!(one.clone().offer(other.entries[3].clone()), Err(ChainError::Fork));
}

#[test]
fn evidence_of_a_fork_holds_against_either_version_and_survives_its_bytes() {
    let (one, other) = versions();
    let evidence = ForkEvidence::new(one.entries[2].clone(), other.entries[2].clone()).unwrap();
    let turned = ForkEvidence::new(other.entries[2].clone(), one.entries[2].clone()).unwrap();
    assert_eq!(evidence, turned);
    assert_eq!(evidence.verify(&one.chain), Ok(()));
    assert_eq!(evidence.verify(&other.chain), Ok(()));
    assert_eq!(ForkEvidence::from_bytes(&evidence.to_bytes()), Ok(evidence));
}

#[test]
fn evidence_of_a_fork_is_believed_only_of_those_who_spoke_for_the_account_then() {
    let (one, other) = versions();
    let forged = |author, number, body: AccountBody| {
        let mut entry = other.entries[2].clone();
        entry.author = author;
        entry.body = body;
        ForkEvidence::new(one.entries[2].clone(), signed(entry, number)).unwrap()
    };
    let body = vault(0, &[], 0, 0);
    assert_eq!(
        forged(device(0), 77, body.clone()).verify(&one.chain),
        Err(ChainError::Signature)
    );
    assert_eq!(
        forged(device(9), 77, body.clone()).verify(&one.chain),
        Err(ChainError::Author)
    );
    // Device 2 joined in the other version only, with the very entry.
    assert_eq!(
        forged(device(2), 2, body.clone()).verify(&other.chain),
        Err(ChainError::Author)
    );
    assert_eq!(
        forged(Author::Recovery, RECOVERY, body).verify(&other.chain),
        Ok(())
    );
}

#[test]
fn evidence_is_checked_with_the_recovery_key_of_its_time() {
    let mut one = Story::new();
    let mut other = one.clone();
    let body = rotate(one.account(), 101, false);
    one.recovery(body).unwrap();
    one.say(Author::Recovery, 101, vault(0, &[], 0, 0)).unwrap();
    other.recovery(vault(0, &[], 0, 0)).unwrap();
    let evidence = ForkEvidence::new(one.entries[1].clone(), other.entries[1].clone()).unwrap();
    assert_eq!(evidence.verify(&one.chain), Ok(()));
    let late = signed(other.entries[1].clone(), 101);
    let evidence = ForkEvidence::new(one.entries[1].clone(), late).unwrap();
    assert_eq!(evidence.verify(&one.chain), Err(ChainError::Signature));
}

#[test]
fn entries_that_do_not_contradict_each_other_are_no_evidence() {
    let (one, other) = versions();
    let entry = |story: &Story, place: usize| story.entries[place].clone();
    for (first, second) in [
        (entry(&one, 2), entry(&one, 2)),
        (entry(&one, 1), entry(&other, 2)),
        (entry(&one, 0), entry(&other, 0)),
        (entry(&one, 2), {
            let mut elsewhere = entry(&other, 2);
            elsewhere.previous = Some(conclave_protocol::Hash([1; 32]));
            signed(elsewhere, 1)
        }),
    ] {
        assert_eq!(ForkEvidence::new(first, second), Err(ChainError::NoFork));
    }
    let evidence = ForkEvidence::new(entry(&one, 2), entry(&other, 2)).unwrap();
    let mut shorter = Story::new();
    assert_eq!(evidence.verify(&shorter.chain), Err(ChainError::NoFork));
    shorter.first(vault(0, &[], 0, 0)).unwrap();
    assert_eq!(evidence.verify(&shorter.chain), Err(ChainError::NoFork));
    // The halves in the other order are another form of the same evidence, and no form at all.
    let (first, second) = evidence.entries();
    let turned = conclave_encoding::Writer::new(conclave_encoding::labels::ACCOUNT_FORK)
        .bytes(&second.to_bytes())
        .bytes(&first.to_bytes())
        .finish();
    assert_eq!(ForkEvidence::from_bytes(&turned), Err(ChainError::NoFork));
}
