//! What a device seals, and until when.

use super::{Author, EPOCH};
use crate::limits::{MAX_CHAIN_AGE, MAX_CHAIN_CLOCK_BACK, MAX_CHAIN_MESSAGES, MAX_CONTENT, MAX_ROOM_MESSAGE};
use crate::sender_keys::{RotationReason, SenderKeyMessage, SendingChain};
use crate::tests::{AD, NOW};
use crate::{OpenError, SealError};

#[test]
fn contents_of_every_length_come_back() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    for length in [0, 1, 63, 64, 142, 5_000, MAX_CONTENT] {
        let content = vec![0x80; length];
        let message = alice.say(&content);
        assert!(message.len() <= MAX_ROOM_MESSAGE);
        assert_eq!(bob.open(&message).unwrap(), content);
    }
    let refused = alice
        .chain
        .seal(AD, &vec![0; MAX_CONTENT + 1], NOW, &mut alice.rng);
    assert_eq!(refused, Err(SealError::TooLong));
}

#[test]
fn both_sides_compute_the_same_hash_and_the_next_differs() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let mut hashes = Vec::new();
    for iteration in 0..3 {
        let sealed = alice.chain.seal(AD, b"the same", NOW, &mut alice.rng).unwrap();
        let opened = bob.open_whole(&sealed.bytes, AD, NOW).unwrap();
        assert_eq!((opened.hash, opened.iteration), (sealed.hash, iteration));
        assert!(!hashes.contains(&sealed.hash));
        hashes.push(sealed.hash);
    }
}

#[test]
fn a_chain_seals_as_many_messages_as_it_may_and_not_one_more() {
    let mut alice = Author::new(1);
    for _ in 0..MAX_CHAIN_MESSAGES {
        assert_eq!(alice.chain.rotation_due(EPOCH, NOW), None);
        alice.say(b"");
    }
    let spent = alice.chain.to_bytes();
    assert_eq!(alice.chain.rotation_due(EPOCH, NOW), Some(RotationReason::Count));
    assert_eq!(
        alice.chain.seal(AD, b"", NOW, &mut alice.rng),
        Err(SealError::RotationDue(RotationReason::Count))
    );
    assert_eq!(*alice.chain.to_bytes(), *spent, "a refusal changed the chain");
}

#[test]
fn a_chain_is_spent_when_it_is_old_or_the_clock_stands_far_before_its_beginning() {
    let mut alice = Author::new(1);
    for (now, due) in [
        (NOW, None),
        (NOW + MAX_CHAIN_AGE - 1, None),
        (NOW + MAX_CHAIN_AGE, Some(RotationReason::Age)),
        (u64::MAX, Some(RotationReason::Age)),
        (NOW - MAX_CHAIN_CLOCK_BACK, None),
        (NOW - MAX_CHAIN_CLOCK_BACK - 1, Some(RotationReason::Clock)),
        (0, Some(RotationReason::Clock)),
    ] {
        assert_eq!(alice.chain.rotation_due(EPOCH, now), due, "at {now}");
        let sealed = alice.chain.seal(AD, b"", now, &mut alice.rng);
        assert_eq!(sealed.err(), due.map(SealError::RotationDue), "at {now}");
    }
}

#[test]
fn another_epoch_makes_a_new_chain_due() {
    let alice = Author::new(1);
    for epoch in [EPOCH - 1, EPOCH + 1] {
        assert_eq!(alice.chain.rotation_due(epoch, NOW), Some(RotationReason::Epoch));
    }
}

#[test]
fn a_new_chain_shares_nothing_with_the_one_before() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let before = alice.chain.to_bytes();
    let old = SendingChain::from_bytes(&before).unwrap();
    alice.rotate(EPOCH + 1, NOW);
    let new = &alice.chain;
    assert_ne!(old.statement().chain_id(), new.statement().chain_id());
    assert_ne!(*old.signature_key.to_bytes(), *new.signature_key.to_bytes());
    assert_ne!(old.chain.key.as_bytes(), new.chain.key.as_bytes());
    assert_eq!(new.iteration(), 0);
    // Who had the old chain, whole with its secrets, reads nothing of the new one.
    let message = alice.say(b"after");
    assert_eq!(bob.open(&message), Err(OpenError::UnknownChain));
    let claimed = [&message[..1], old.statement().chain_id(), &message[17..]].concat();
    assert_eq!(bob.open(&claimed), Err(OpenError::NotAuthentic));
}

#[test]
fn a_chain_restored_from_an_image_seals_under_another_key() {
    let mut alice = Author::new(1);
    let image = alice.chain.to_bytes();
    let one = alice.say(b"the same");
    alice.chain = SendingChain::from_bytes(&image).unwrap();
    let other = alice.say(b"the same");
    let [one, other] = [&one, &other].map(|bytes| SenderKeyMessage::from_bytes(bytes).unwrap());
    assert_eq!(one.iteration(), other.iteration());
    assert_ne!(one.random(), other.random());
    assert_ne!(
        one.sealed()[..32],
        other.sealed()[..32],
        "the same commitment, so the same key"
    );
}
