//! What opens, what is refused without a trace, and what is kept for how long.

use super::{AD, Author, EPOCH, NOW, ROOM, Reader};
use crate::aead::OVERHEAD;
use crate::limits::{
    MAX_CHAIN_JUMP, MAX_OLD_CHAINS, MAX_ROOM_MESSAGE, MAX_SEALED_CONTENT, MAX_SKIPPED_PER_CHAIN,
    OLD_CHAIN_LIFETIME, SKIPPED_KEY_LIFETIME,
};
use crate::message::{TYPE_ROOM, message_hash, varint};
use crate::sender_keys::binding::{signed_bytes, single_use};
use crate::sender_keys::{
    Accepted, CHAIN_ID_LENGTH, ReceivingChains, SenderKeyMessage, SendingChain, VerifiedStatement,
};
use crate::{OpenError, ParseError, SenderKeyError};

#[test]
fn room_messages_open_in_any_order_and_once() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let messages: Vec<_> = (0u8..6).map(|number| alice.say(&[number])).collect();
    for number in [3u8, 0, 5, 4, 1] {
        let message = &messages[usize::from(number)];
        assert_eq!(bob.open(message).unwrap(), [number]);
        assert_eq!(bob.open(message), Err(OpenError::KeyGone), "opened twice");
    }
    assert_eq!(
        bob.0.skipped_keys(),
        1,
        "only the one that was not opened is kept"
    );
    assert_eq!(bob.open(&messages[2]).unwrap(), [2]);
    assert_eq!(bob.0.skipped_keys(), 0);
}

#[test]
fn other_associated_data_and_every_flipped_bit_of_a_room_message_are_refused_without_a_trace() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    alice.lose(1);
    let message = alice.say(b"hello");
    assert_eq!(
        bob.open_whole(&message, b"elsewhere", NOW).err(),
        Some(OpenError::NotAuthentic)
    );
    let before = bob.0.to_bytes();
    for position in 0..message.len() {
        for bit in 0..8 {
            let mut altered = message.clone();
            altered[position] ^= 1 << bit;
            let Ok(parsed) = SenderKeyMessage::from_bytes(&altered) else {
                continue;
            };
            let refused = bob.0.open(&parsed, AD, NOW).unwrap_err();
            assert!(
                matches!(refused, OpenError::NotAuthentic | OpenError::UnknownChain),
                "{position}: {refused}"
            );
        }
    }
    assert_eq!(*bob.0.to_bytes(), *before);
    assert_eq!(bob.open(&message).unwrap(), b"hello");
}

#[test]
fn a_member_who_has_the_chain_key_cannot_write_in_its_name() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    // Mallory is a member: chain key and statement are hers, too. Only the signature key is not.
    let mut mallory = Author::new(3);
    mallory.chain.chain = alice.chain.chain.copy();
    mallory.chain.statement = alice.chain.statement;
    let forged = mallory.say(b"alice said so");
    assert_eq!(bob.open(&forged), Err(OpenError::NotAuthentic));
    // Nor with a signature of an authentic message.
    let message = alice.say(b"alice said so");
    let signature = &message[message.len() - 64..];
    let forged = [&forged[..forged.len() - 64], signature].concat();
    assert_eq!(bob.open(&forged), Err(OpenError::NotAuthentic));
    assert_eq!(bob.open(&message).unwrap(), b"alice said so");
}

#[test]
fn a_room_message_opens_in_its_own_room_epoch_and_device_only() {
    // One signature key, chain key and chain id everywhere: a device that tries to be read differently by others.
    let mut alice = Author::new(1);
    let message = alice.say(b"hello");
    for (room, epoch, device) in [([0x53; 32], EPOCH, 1), (ROOM, EPOCH + 1, 1), (ROOM, EPOCH, 2)] {
        let mut other = Author::new(1);
        other.device.number = device;
        let mut binding = alice.chain.statement.binding;
        (binding.room, binding.epoch, binding.device.device) = (room, epoch, device);
        other.chain.statement = VerifiedStatement::sign(&binding, &other.device.signing);
        let mut elsewhere = ReceivingChains::new(&room, binding.device);
        elsewhere
            .accept(&other.distribution(), &other.device.remote(), epoch, NOW)
            .unwrap();
        assert_eq!(Reader(elsewhere).open(&message), Err(OpenError::NotAuthentic));
    }
}

#[test]
fn messages_of_chains_that_were_never_given_are_refused() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let mut stranger = Author::new(2);
    assert_eq!(bob.open(&stranger.say(b"hello")), Err(OpenError::UnknownChain));
    let mut nobody = Reader(ReceivingChains::new(&ROOM, alice.device.remote().address()));
    assert_eq!(nobody.open(&alice.say(b"hello")), Err(OpenError::UnknownChain));
}

#[test]
fn a_newcomer_reads_from_its_distribution_on_and_nothing_before() {
    let mut alice = Author::new(1);
    let before = alice.say(b"before");
    let mut bob = alice.reader();
    let after = alice.say(b"after");
    assert_eq!(bob.open(&before), Err(OpenError::KeyGone));
    assert_eq!(bob.open(&after).unwrap(), b"after");
}

#[test]
fn a_stolen_chain_opens_no_earlier_message() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let messages: Vec<_> = (0u8..5).map(|number| alice.say(&[number])).collect();
    for message in &messages {
        bob.open(message).unwrap();
    }
    for state in [bob.0.to_bytes(), alice.reader().0.to_bytes()] {
        let mut thief = Reader(ReceivingChains::from_bytes(&state).unwrap());
        for message in &messages {
            assert_eq!(thief.open(message), Err(OpenError::KeyGone));
        }
    }
}

#[test]
fn a_jump_over_the_limit_of_a_chain_is_refused_and_one_at_the_limit_opens() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    // More than a chain of this version ever has: the count is the sender's promise, the jump the receiver's guard.
    alice.lose(MAX_CHAIN_JUMP);
    let at_limit = past_the_count(&mut alice, b"at the limit");
    let over = past_the_count(&mut alice, b"over");
    assert_eq!(bob.open(&over), Err(OpenError::TooFarAhead));
    assert_eq!(bob.open(&at_limit).unwrap(), b"at the limit");
    assert_eq!(bob.open(&over).unwrap(), b"over");
    assert_eq!(bob.0.skipped_keys(), MAX_SKIPPED_PER_CHAIN);
}

#[test]
fn skipped_keys_of_a_chain_are_bounded_in_number_oldest_first_and_in_time() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let first = alice.say(b"first");
    let second = alice.say(b"second");
    alice.lose(MAX_CHAIN_JUMP - 2);
    bob.open(&past_the_count(&mut alice, b"far")).unwrap();
    assert_eq!(bob.0.skipped_keys(), MAX_SKIPPED_PER_CHAIN);
    alice.lose(1);
    bob.open(&past_the_count(&mut alice, b"farther")).unwrap();
    assert_eq!(bob.0.skipped_keys(), MAX_SKIPPED_PER_CHAIN);
    assert_eq!(bob.open(&first), Err(OpenError::KeyGone), "the oldest went");
    assert_eq!(
        bob.open_at(&second, NOW + SKIPPED_KEY_LIFETIME + 1),
        Err(OpenError::KeyGone)
    );
    assert_eq!(
        bob.open_at(&second, NOW + SKIPPED_KEY_LIFETIME).unwrap(),
        b"second"
    );
    bob.0.expire(NOW + SKIPPED_KEY_LIFETIME + 1);
    assert_eq!(bob.0.skipped_keys(), 0);
}

#[test]
fn the_last_iteration_of_all_is_refused_instead_of_wrapping() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    alice.chain.chain.next = u32::MAX - 1;
    let chain = &mut bob.0.list[0].chain;
    chain.as_mut().unwrap().next = u32::MAX - 1;
    let last = past_the_count(&mut alice, b"last");
    assert_eq!(bob.open(&last).unwrap(), b"last");
    assert!(alice.chain.chain.step().is_none());
}

#[test]
fn a_known_chain_is_never_set_back() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let from_the_start = alice.distribution();
    let message = alice.say(b"once");
    bob.open(&message).unwrap();
    let before = bob.0.to_bytes();
    let again = bob.0.accept(&from_the_start, &alice.device.remote(), EPOCH, NOW);
    assert_eq!(again, Ok(Accepted::Known));
    assert_eq!(*bob.0.to_bytes(), *before);
    assert_eq!(bob.open(&message), Err(OpenError::KeyGone));
}

#[test]
fn messages_on_replaced_chains_open_for_seven_days() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let late = alice.say(b"late");
    let later = alice.say(b"later");
    alice.rotate(EPOCH + 1, NOW + 5);
    bob.accept_at(&alice, NOW + 5).unwrap();
    let new = alice.say(b"new");
    assert_eq!(bob.open_at(&new, NOW + 5).unwrap(), b"new");
    assert_eq!(bob.open_at(&late, NOW + 5 + OLD_CHAIN_LIFETIME).unwrap(), b"late");
    let old = SenderKeyMessage::from_bytes(&later).unwrap().chain_id();
    assert!(bob.0.knows(&old, NOW + 5 + OLD_CHAIN_LIFETIME));
    assert!(!bob.0.knows(&old, NOW + 6 + OLD_CHAIN_LIFETIME));
    assert_eq!(
        bob.open_at(&later, NOW + 6 + OLD_CHAIN_LIFETIME),
        Err(OpenError::UnknownChain)
    );
    bob.0.expire(NOW + 6 + OLD_CHAIN_LIFETIME);
    assert_eq!(bob.0.list.len(), 1, "the current one stays however old it is");
    assert!(bob.0.knows(alice.chain.statement().chain_id(), u64::MAX));
}

#[test]
fn at_most_five_replaced_chains_are_kept_and_the_oldest_goes() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let mut messages = vec![alice.say(&[0])];
    for number in 1..=6u8 {
        alice.rotate(EPOCH, NOW);
        bob.accept(&alice).unwrap();
        messages.push(alice.say(&[number]));
    }
    assert_eq!(bob.0.list.len(), MAX_OLD_CHAINS + 1);
    assert_eq!(bob.open(&messages[0]), Err(OpenError::UnknownChain));
    for number in 1..=6u8 {
        assert_eq!(bob.open(&messages[usize::from(number)]).unwrap(), [number]);
    }
}

#[test]
fn a_chain_of_an_earlier_epoch_that_comes_late_does_not_take_the_current_place() {
    let mut alice = Author::new(1);
    let mut bob = Reader(ReceivingChains::new(&ROOM, alice.device.remote().address()));
    let early = SendingChain::from_bytes(&alice.chain.to_bytes()).unwrap();
    alice.rotate(EPOCH + 1, NOW);
    bob.accept(&alice).unwrap();
    let new = alice.say(b"new");
    alice.chain = early;
    bob.accept(&alice).unwrap();
    let old = alice.say(b"old");
    assert_eq!(bob.open(&old).unwrap(), b"old");
    bob.0.expire(NOW + OLD_CHAIN_LIFETIME + 1);
    assert_eq!(bob.open(&new).unwrap(), b"new");
    assert_eq!(bob.0.list.len(), 1);
}

#[test]
fn a_closed_chain_opens_what_lies_before_its_end_and_nothing_beyond() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let messages: Vec<_> = (0u8..6).map(|number| alice.say(&[number])).collect();
    bob.open(&messages[4]).unwrap();
    let id = *alice.chain.statement().chain_id();
    assert!(bob.0.close(&id, Some(2)));
    assert_eq!(bob.0.skipped_keys(), 3, "keys beyond the end are gone");
    assert!(bob.0.list[0].chain.is_none(), "and so is the chain key");
    assert!(bob.0.close(&id, Some(5)), "an end does not move back out");
    for beyond in [3, 4, 5] {
        assert_eq!(bob.open(&messages[beyond]), Err(OpenError::ChainClosed));
    }
    assert_eq!(bob.accept(&alice), Ok(Accepted::Known));
    for number in 0..3u8 {
        assert_eq!(bob.open(&messages[usize::from(number)]).unwrap(), [number]);
    }
    assert!(!bob.0.close(&[0; 16], Some(2)), "that chain is not known");
}

#[test]
fn a_chain_closed_ahead_of_its_messages_ends_there() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let messages: Vec<_> = (0u8..3).map(|number| alice.say(&[number])).collect();
    bob.0.close(alice.chain.statement().chain_id(), Some(1));
    assert_eq!(bob.open(&messages[1]).unwrap(), [1]);
    assert!(bob.0.list[0].chain.is_none());
    assert_eq!(bob.open(&messages[2]), Err(OpenError::ChainClosed));
    assert_eq!(bob.open(&messages[0]).unwrap(), [0]);
    let mut carol = alice.reader();
    carol.0.close(alice.chain.statement().chain_id(), None);
    let message = alice.say(b"nothing was accepted");
    assert_eq!(carol.open(&message), Err(OpenError::ChainClosed));
}

#[test]
fn only_the_device_itself_hands_out_its_chain() {
    let alice = Author::new(1);
    let mallory = Author::new(3);
    let mut bob = Reader(ReceivingChains::new(&ROOM, alice.device.remote().address()));
    let before = bob.0.to_bytes();
    let own = alice.distribution();
    for (distribution, from, epoch, expected) in [
        // Handed on by another member, into the chains of either.
        (&own, mallory.device.remote(), EPOCH, SenderKeyError::WrongDevice),
        // Another's chain through this device's session.
        (
            &mallory.distribution(),
            alice.device.remote(),
            EPOCH,
            SenderKeyError::WrongDevice,
        ),
        (&own, alice.device.remote(), EPOCH + 1, SenderKeyError::WrongEpoch),
    ] {
        assert_eq!(bob.0.accept(distribution, &from, epoch, NOW), Err(expected));
    }
    let mut of_mallory = ReceivingChains::new(&ROOM, mallory.device.remote().address());
    assert_eq!(
        of_mallory.accept(&own, &mallory.device.remote(), EPOCH, NOW),
        Err(SenderKeyError::WrongDevice)
    );
    let mut elsewhere = ReceivingChains::new(&[0x53; 32], alice.device.remote().address());
    assert_eq!(
        elsewhere.accept(&own, &alice.device.remote(), EPOCH, NOW),
        Err(SenderKeyError::WrongRoom)
    );
    let mut other_key = alice.device.remote();
    other_key.signing = mallory.device.signing.public();
    assert_eq!(
        bob.0.accept(&own, &other_key, EPOCH, NOW),
        Err(SenderKeyError::Signature)
    );
    assert_eq!(*bob.0.to_bytes(), *before);
}

#[test]
fn opening_and_accepting_drop_what_is_too_old() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    alice.rotate(EPOCH, NOW);
    bob.accept(&alice).unwrap();
    alice.lose(3);
    let message = alice.say(b"one");
    bob.open(&message).unwrap();
    assert_eq!((bob.0.list.len(), bob.0.skipped_keys()), (2, 3));
    let message = alice.say(b"two");
    bob.open_at(&message, NOW + SKIPPED_KEY_LIFETIME + 1).unwrap();
    assert_eq!((bob.0.list.len(), bob.0.skipped_keys()), (1, 0));
    alice.rotate(EPOCH, NOW);
    bob.accept(&alice).unwrap();
    alice.rotate(EPOCH, NOW);
    bob.accept_at(&alice, NOW + OLD_CHAIN_LIFETIME + 1).unwrap();
    assert_eq!(bob.0.list.len(), 2, "the last current one and the new one");
}

#[test]
fn room_messages_too_short_or_too_long_to_be_any_are_refused() {
    let header = [&[0x13][..], &[1; 16], &[0], &[2; 16]].concat();
    for (sealed, expected) in [
        (OVERHEAD - 1, Some(ParseError::Truncated)),
        (OVERHEAD, None),
        (MAX_SEALED_CONTENT, None),
        (MAX_SEALED_CONTENT + 1, Some(ParseError::TooLong)),
    ] {
        let bytes = [&header[..], &vec![0; sealed + 64]].concat();
        assert_eq!(SenderKeyMessage::from_bytes(&bytes).err(), expected, "{sealed}");
    }
    // An iteration in a longer form than its shortest.
    let longer = [&header[..17], &[0x80, 0], &header[18..], &[0; OVERHEAD + 64]].concat();
    assert_eq!(
        SenderKeyMessage::from_bytes(&longer).err(),
        Some(ParseError::NonCanonical)
    );
}

#[test]
fn an_authentic_room_message_that_is_not_padded_is_refused() {
    let alice = Author::new(1);
    let mut bob = alice.reader();
    let (key, _) = alice.chain.chain.step().unwrap();
    let binding = &alice.chain.statement.binding;
    let bound = binding.associated_data(0, &[2; 16], AD);
    let sealed = single_use(&key.key, &[2; 16]).seal(&bound, b"bare").unwrap();
    let mut bytes = [&[0x13][..], &binding.chain_id, &[0], &[2; 16], &sealed].concat();
    let signed = signed_bytes(&message_hash(&bytes, &bound));
    bytes.extend_from_slice(&alice.chain.signature_key.sign(&signed));
    assert!(matches!(bob.open(&bytes), Err(OpenError::Padding(_))));
}

#[test]
fn a_chain_id_never_gets_another_statement() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let id = *alice.chain.statement().chain_id();
    alice.rotate(EPOCH, NOW);
    let mut binding = alice.chain.statement.binding;
    binding.chain_id = id;
    alice.chain.statement = VerifiedStatement::sign(&binding, &alice.device.signing);
    assert_eq!(bob.accept(&alice), Err(SenderKeyError::OtherStatement));
}

fn past_the_count(author: &mut Author, text: &[u8]) -> Vec<u8> {
    author.say_at(author.chain.iteration(), text)
}

#[test]
fn the_longest_room_message_parses_and_a_longer_one_does_not() {
    let mut longest = vec![TYPE_ROOM];
    longest.extend([0; CHAIN_ID_LENGTH]);
    varint::write(u32::MAX, &mut longest);
    longest.resize(MAX_ROOM_MESSAGE, 0);
    let parsed = SenderKeyMessage::from_bytes(&longest).unwrap();
    assert_eq!(parsed.iteration(), u32::MAX);
    longest.push(0);
    assert_eq!(SenderKeyMessage::from_bytes(&longest), Err(ParseError::TooLong));
}

#[test]
fn a_stored_chain_in_which_a_message_stands_twice_is_refused() {
    const SKIPPED_LENGTH: usize = 4 + 8 + 32;
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    alice.lose(2);
    let message = alice.say(b"overtook two");
    bob.open(&message).unwrap();
    assert_eq!(bob.0.skipped_keys(), 2);
    // The kept keys are the end of the state.
    let mut state = bob.0.to_bytes().to_vec();
    let second = state.len() - SKIPPED_LENGTH;
    let (before, last) = state.split_at_mut(second);
    last.copy_from_slice(&before[second - SKIPPED_LENGTH..]);
    assert!(ReceivingChains::from_bytes(&state).is_err());
}
