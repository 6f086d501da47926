//! Reading the past from seeds.

use super::{AD, Author, EPOCH, NOW, ROOM};
use crate::limits::MAX_CHAIN_JUMP;
use crate::sender_keys::{HistoryChain, SenderKeyMessage, SenderKeySeed};
use crate::{OpenError, SenderKeyError};

fn open(history: &HistoryChain, message: &[u8]) -> Result<Vec<u8>, OpenError> {
    history
        .open(&SenderKeyMessage::from_bytes(message).unwrap(), AD)
        .map(|opened| opened.content.to_vec())
}

fn history(author: &Author) -> HistoryChain {
    SenderKeySeed::from_bytes(&author.chain.seed())
        .unwrap()
        .verify(&author.device.remote(), &ROOM, EPOCH)
        .unwrap()
}

#[test]
fn a_seed_opens_the_past_from_its_iteration_on_as_often_as_it_is_asked() {
    let mut alice = Author::new(1);
    let before = alice.say(b"before");
    let history = history(&alice);
    assert_eq!(history.iteration(), 1);
    let messages: Vec<_> = (0u8..4).map(|number| alice.say(&[number])).collect();
    for _ in 0..2 {
        for number in [3u8, 0, 2, 1] {
            assert_eq!(open(&history, &messages[usize::from(number)]).unwrap(), [number]);
        }
    }
    assert_eq!(open(&history, &before), Err(OpenError::KeyGone));
}

#[test]
fn a_seed_from_a_later_message_on_opens_that_and_nothing_before() {
    let mut alice = Author::new(1);
    let seed = SenderKeySeed::from_bytes(&alice.chain.seed()).unwrap();
    let messages: Vec<_> = (0u8..4).map(|number| alice.say(&[number])).collect();
    let later = seed.from_iteration(2).unwrap();
    let later = SenderKeySeed::from_bytes(&later.to_bytes()).unwrap();
    let history = later.verify(&alice.device.remote(), &ROOM, EPOCH).unwrap();
    for (number, expected) in [
        (0u8, Err(OpenError::KeyGone)),
        (1, Err(OpenError::KeyGone)),
        (2, Ok(vec![2])),
        (3, Ok(vec![3])),
    ] {
        assert_eq!(open(&history, &messages[usize::from(number)]), expected);
    }
    assert!(later.from_iteration(1).is_none(), "there is no way back");
    assert!(seed.from_iteration(MAX_CHAIN_JUMP).is_some());
    assert!(seed.from_iteration(MAX_CHAIN_JUMP + 1).is_none());
}

#[test]
fn a_wrong_key_is_told_from_a_forged_message() {
    let mut alice = Author::new(1);
    let mut bytes = alice.chain.seed().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let message = alice.say(b"genuine");
    let wrong = SenderKeySeed::from_bytes(&bytes).unwrap();
    let wrong = wrong.verify(&alice.device.remote(), &ROOM, EPOCH).unwrap();
    assert_eq!(open(&wrong, &message), Err(OpenError::NotAuthentic));
    let signed = |bytes: &[u8]| {
        let message = SenderKeyMessage::from_bytes(bytes).unwrap();
        wrong.statement().is_signed(&message, AD)
    };
    assert!(signed(&message));
    let mut forged = message.clone();
    forged[40] ^= 1;
    assert!(!signed(&forged));
}

#[test]
fn a_distribution_and_a_seed_say_where_they_begin_and_the_chains_of_which_room() {
    let mut alice = Author::new(1);
    let bob = alice.reader();
    for _ in 0..3 {
        alice.say(b"before");
    }
    assert_eq!(alice.distribution().iteration(), 3);
    let seed = SenderKeySeed::from_bytes(&alice.chain.seed()).unwrap();
    assert_eq!((seed.iteration(), history(&alice).iteration()), (3, 3));
    assert_eq!(bob.0.room(), &ROOM);
}

#[test]
fn reading_the_past_gives_the_same_as_reading_it_when_it_came() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let history = history(&alice);
    alice.lose(2);
    let message = alice.say(b"hello");
    let live = bob.open_whole(&message, AD, NOW).unwrap();
    let past = history
        .open(&SenderKeyMessage::from_bytes(&message).unwrap(), AD)
        .unwrap();
    assert_eq!(
        (&past.content, past.hash, past.iteration, past.opening.as_bytes()),
        (&live.content, live.hash, live.iteration, live.opening.as_bytes())
    );
}

#[test]
fn a_removed_device_writes_nothing_into_the_past_that_newcomers_read() {
    let mut alice = Author::new(1);
    let mut history = history(&alice);
    let accepted = alice.say(b"accepted");
    let beyond = alice.say(b"written after the removal");
    history.close(Some(0));
    assert_eq!(open(&history, &accepted).unwrap(), b"accepted");
    assert_eq!(open(&history, &beyond), Err(OpenError::ChainClosed));
    // An end never moves back out.
    history.close(Some(1));
    assert_eq!(open(&history, &beyond), Err(OpenError::ChainClosed));
    history.close(None);
    assert_eq!(open(&history, &accepted), Err(OpenError::ChainClosed));
}

#[test]
fn the_past_is_read_no_farther_than_the_jump_from_a_seed() {
    let mut alice = Author::new(1);
    let history = history(&alice);
    alice.lose(MAX_CHAIN_JUMP);
    let at_limit = alice.say_at(MAX_CHAIN_JUMP, b"at the limit");
    let over = alice.say_at(MAX_CHAIN_JUMP + 1, b"over");
    assert_eq!(open(&history, &at_limit).unwrap(), b"at the limit");
    assert_eq!(open(&history, &over), Err(OpenError::TooFarAhead));
}

#[test]
fn a_seed_is_believed_for_its_author_room_and_epoch_only() {
    let alice = Author::new(1);
    let mallory = Author::new(3);
    let seed = SenderKeySeed::from_bytes(&alice.chain.seed()).unwrap();
    let mut same_name = mallory.device.remote();
    same_name.account = alice.device.account;
    for (author, room, epoch, expected) in [
        (mallory.device.remote(), ROOM, EPOCH, SenderKeyError::WrongDevice),
        (same_name, ROOM, EPOCH, SenderKeyError::Signature),
        (
            alice.device.remote(),
            [0x53; 32],
            EPOCH,
            SenderKeyError::WrongRoom,
        ),
        (alice.device.remote(), ROOM, EPOCH + 1, SenderKeyError::WrongEpoch),
    ] {
        assert_eq!(seed.verify(&author, &room, epoch).err(), Some(expected));
    }
}

#[test]
fn who_holds_a_seed_cannot_forge_the_past() {
    let mut alice = Author::new(1);
    let history = history(&alice);
    let message = alice.say(b"hello");
    let mut mallory = Author::new(3);
    mallory.chain.statement = alice.chain.statement;
    mallory.chain.chain = history_chain(&alice);
    assert_eq!(
        open(&history, &mallory.say(b"forged")),
        Err(OpenError::NotAuthentic)
    );
    for position in 0..message.len() {
        let mut altered = message.clone();
        altered[position] ^= 1;
        if let Ok(parsed) = SenderKeyMessage::from_bytes(&altered) {
            assert!(history.open(&parsed, AD).is_err(), "{position}");
        }
    }
    // A seed with another chain key under the same statement opens nothing at all.
    let mut other = alice.chain.seed().to_vec();
    let last = other.len() - 1;
    other[last] ^= 1;
    let wrong = SenderKeySeed::from_bytes(&other)
        .unwrap()
        .verify(&alice.device.remote(), &ROOM, EPOCH)
        .unwrap();
    let next = alice.say(b"hello");
    assert_eq!(open(&wrong, &next), Err(OpenError::NotAuthentic));
}

fn history_chain(author: &Author) -> crate::ratchet::Chain {
    author.chain.chain.copy()
}
