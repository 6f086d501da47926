//! What opens, what is refused, and that a refusal leaves no trace.

use super::met;
use crate::limits::{MAX_PAIRWISE_PLAINTEXT, MAX_SKIPPED_PER_JUMP};
use crate::tests::{AD, Device, NOW, rng};
use crate::{OpenError, PairwiseMessage, PrekeyKind, Purpose, SealError, Sessions};

#[test]
fn without_a_session_nothing_is_sealed_or_opened() {
    let (mut alice, _, mut rng) = met(1);
    let mut none = Sessions::default();
    assert!(none.is_empty() && !none.has_active(NOW));
    assert_eq!(
        none.seal(Purpose::Control, AD, b"x", NOW, &mut rng),
        Err(SealError::NoSession)
    );
    let PairwiseMessage::Ratchet(message) = PairwiseMessage::from_bytes(&alice.send(b"x", &mut rng)).unwrap()
    else {
        panic!("an answered session sends no header");
    };
    assert_eq!(
        none.open(Purpose::Control, AD, &message, NOW).err(),
        Some(OpenError::NoSession)
    );
}

#[test]
fn every_wrong_combination_of_purposes_is_refused() {
    let (mut alice, mut bob, mut rng) = met(2);
    for sealed_for in Purpose::ALL {
        for opened_for in Purpose::ALL {
            let message = alice.sessions.seal(sealed_for, AD, b"x", NOW, &mut rng).unwrap();
            let result = bob.receive_as(&alice.remote(), &message, opened_for, AD);
            if sealed_for == opened_for {
                assert_eq!(result.unwrap(), b"x");
            } else {
                assert_eq!(result, Err(OpenError::WrongPurpose));
                // The byte that says the purpose is bound, too.
                let mut altered = message;
                altered[0] ^= 1;
                let result = bob.receive_as(&alice.remote(), &altered, opened_for, AD);
                assert_eq!(result, Err(OpenError::NotAuthentic));
            }
        }
    }
}

#[test]
fn first_messages_of_another_purpose_are_refused_and_begin_nothing() {
    let mut rng = rng(3);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"x", &mut rng);
    let refused = bob.receive_as(&alice.remote(), &first, Purpose::MessageKey, AD);
    assert_eq!(refused, Err(OpenError::WrongPurpose));
    assert!(bob.sessions.is_empty() && bob.prekeys.len() == 1);
    assert_eq!(bob.receive(&alice.remote(), &first).unwrap(), b"x");
}

#[test]
fn other_associated_data_and_every_flipped_bit_are_refused_without_a_trace() {
    let (mut alice, mut bob, mut rng) = met(4);
    // Counters of more than one byte, and skipped keys in the state.
    for _ in 0..200 {
        alice.send(b"lost", &mut rng);
    }
    let message = alice.send(b"kept", &mut rng);
    bob.receive(&alice.remote(), &message).unwrap();
    let message = alice.send(b"the message", &mut rng);
    assert_eq!(
        bob.receive_as(&alice.remote(), &message, Purpose::Control, b"other"),
        Err(OpenError::NotAuthentic)
    );
    for position in 0..message.len() {
        for bit in 0..8 {
            let mut altered = message.clone();
            altered[position] ^= 1 << bit;
            if PairwiseMessage::from_bytes(&altered).is_ok() {
                assert!(
                    bob.receive(&alice.remote(), &altered).is_err(),
                    "bit {bit} of byte {position}"
                );
            }
        }
    }
    assert_eq!(bob.receive(&alice.remote(), &message).unwrap(), b"the message");
}

#[test]
fn a_message_repeated_on_an_older_session_is_named_as_one_whose_key_is_gone() {
    let (mut alice, mut bob, mut rng) = met(23);
    let on_the_older = alice.send(b"once", &mut rng);
    bob.receive(&alice.remote(), &on_the_older).unwrap();
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"anew", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    // The verdict is that of the session which knows the key, not that of the active one.
    assert_eq!(
        bob.receive(&alice.remote(), &on_the_older),
        Err(OpenError::KeyGone)
    );
}

#[test]
fn what_no_session_knows_is_judged_by_the_active_one() {
    let (mut alice, mut bob, mut rng) = met(24);
    // Bob has nothing out on the older session that a new key could answer: it would say "not authentic".
    let last = alice.send(b"last", &mut rng);
    bob.receive(&alice.remote(), &last).unwrap();
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"anew", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    for number in 0..2 {
        let answer = bob.send(b"turn", &mut rng);
        alice.receive(&bob.remote(), &answer).unwrap();
        let turned = alice.send(b"kept", &mut rng);
        if number == 1 {
            assert_eq!(bob.receive(&alice.remote(), &turned), Err(OpenError::TooFarAhead));
            break;
        }
        bob.receive(&alice.remote(), &turned).unwrap();
        for _ in 0..=MAX_SKIPPED_PER_JUMP {
            alice.send(b"lost", &mut rng);
        }
    }
}

#[test]
fn plaintexts_over_the_limit_are_not_sealed() {
    let (mut alice, mut bob, mut rng) = met(14);
    let largest = vec![7; MAX_PAIRWISE_PLAINTEXT];
    let message = alice.send(&largest, &mut rng);
    assert_eq!(bob.receive(&alice.remote(), &message).unwrap(), largest);
    let refused = alice
        .sessions
        .seal(Purpose::Control, AD, &vec![7; largest.len() + 1], NOW, &mut rng);
    assert_eq!(refused, Err(SealError::TooLong));
}

#[test]
fn a_stolen_state_opens_no_earlier_message_and_none_after_a_round_trip() {
    let (mut alice, mut bob, mut rng) = met(15);
    let earlier = alice.send(b"earlier", &mut rng);
    bob.receive(&alice.remote(), &earlier).unwrap();
    let mut thief = Device::new(2, &mut rng);
    thief.sessions = Sessions::from_bytes(&bob.sessions.to_bytes()).unwrap();
    assert!(thief.receive(&alice.remote(), &earlier).is_err());
    // Bob turns with a key that the thief does not hold, and Alice answers it.
    let back = bob.send(b"back", &mut rng);
    alice.receive(&bob.remote(), &back).unwrap();
    let healed = alice.send(b"healed", &mut rng);
    assert!(thief.receive(&alice.remote(), &healed).is_err());
    assert_eq!(bob.receive(&alice.remote(), &healed).unwrap(), b"healed");
}

#[test]
fn a_repeated_header_that_was_altered_opens_nothing() {
    let mut rng = rng(16);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"one", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    let second = alice.send(b"two", &mut rng);
    for position in 1..1130 {
        let mut altered = second.clone();
        altered[position] ^= 1;
        if PairwiseMessage::from_bytes(&altered).is_ok() {
            assert!(bob.receive(&alice.remote(), &altered).is_err(), "byte {position}");
        }
    }
    assert_eq!(bob.receive(&alice.remote(), &second).unwrap(), b"two");
}

#[test]
fn a_first_message_reflected_to_its_sender_belongs_to_no_session() {
    let mut rng = rng(19);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let PairwiseMessage::Prekey(first) = PairwiseMessage::from_bytes(&alice.send(b"x", &mut rng)).unwrap()
    else {
        panic!("the first message carries its header");
    };
    assert!(
        alice
            .sessions
            .open_prekey(&first, Purpose::Control, AD, NOW)
            .is_none()
    );
}

#[test]
fn responding_twice_to_one_handshake_makes_one_session() {
    let mut rng = rng(20);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::LastResort, &mut rng);
    let alice_remote = alice.remote();
    let mut sessions = Sessions::default();
    let mut respond = |bytes: &[u8]| {
        let PairwiseMessage::Prekey(message) = PairwiseMessage::from_bytes(bytes).unwrap() else {
            panic!("an unanswered session repeats its header");
        };
        let (signed, secret) = (&bob.signed, &bob.prekeys[0]);
        let result = sessions.respond(
            &bob.local(),
            &alice_remote,
            signed,
            secret,
            &message,
            Purpose::Control,
            AD,
            NOW,
        );
        (result.map(|text| text.to_vec()), sessions.list.len())
    };
    let (one, two) = (alice.send(b"one", &mut rng), alice.send(b"two", &mut rng));
    assert_eq!(respond(&one), (Ok(b"one".to_vec()), 1));
    assert_eq!(respond(&two), (Ok(b"two".to_vec()), 1));
    assert_eq!(respond(&one), (Err(OpenError::KeyGone), 1));
}
