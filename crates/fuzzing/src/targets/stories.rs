//! Whole conversations as the script tells them.

use std::collections::HashSet;

use conclave_crypto::{PairwiseMessage, PrekeyKind, PrekeySecret, Sessions};

use crate::people::{NOW, Person, rng};
use crate::script::Script;

struct Letter {
    to_alice: bool,
    number: u32,
    bytes: Vec<u8>,
}

/// Two devices under a mailbox that loses, repeats, reorders and alters, and that restart.
///
/// Laws: a letter opens to its own text and at most once; an altered one never; a refusal changes nothing
/// (checked by [`Person::receive`]); no ratchet key and counter is used twice; whatever happened, the two can
/// talk again after each has begun a session anew.
pub(crate) fn conversation(input: &[u8]) {
    let mut script = Script::new(input);
    let mut random = rng(script.byte());
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let (mut mailbox, mut opened, mut used) = (Vec::<Letter>::new(), HashSet::new(), HashSet::new());
    let mut number = 0u32;
    for _ in 0..64 {
        if script.is_over() {
            break;
        }
        let choice = script.byte();
        let by_alice = choice & 0x80 != 0;
        let (from, to) = if by_alice {
            (&mut alice, &mut bob)
        } else {
            (&mut bob, &mut alice)
        };
        match choice & 0x0f {
            0..=4 => {
                if !from.sessions.has_active(NOW) {
                    from.begin(to, PrekeyKind::OneTime, &mut random);
                }
                let bytes = from.send(&number.to_be_bytes(), &mut random);
                assert!(used.insert(position(&bytes)), "a key is used twice");
                mailbox.push(Letter {
                    to_alice: !by_alice,
                    number,
                    bytes,
                });
                number += 1;
            }
            5 => from.begin(to, PrekeyKind::LastResort, &mut random),
            6 => {
                let stored = from.sessions.to_bytes();
                from.sessions = Sessions::from_bytes(&stored).expect("a stored state loads");
            }
            7 => {
                for secret in &mut from.secrets {
                    *secret = PrekeySecret::from_bytes(&secret.to_bytes()).expect("a stored secret loads");
                }
                from.sessions.abandon_unanswered();
            }
            kind if !mailbox.is_empty() => {
                let place = script.below(mailbox.len());
                let letter = mailbox.swap_remove(place);
                let (to, from) = if letter.to_alice {
                    (&mut alice, bob.remote())
                } else {
                    (&mut bob, alice.remote())
                };
                if kind == 8 {
                    continue;
                }
                if kind == 9 {
                    let other = mailbox.first().map_or(&[][..], |other| &other.bytes);
                    let altered = script.alter(&letter.bytes, other);
                    let is_real =
                        altered == letter.bytes || mailbox.iter().any(|letter| letter.bytes == altered);
                    if !is_real {
                        let result = to.receive(&from, &altered);
                        assert!(!matches!(result, Some(Ok(_))), "an altered letter opened");
                    }
                }
                let result = to.receive(&from, &letter.bytes).expect("a real message parses");
                if let Ok(text) = result {
                    assert_eq!(text, letter.number.to_be_bytes());
                    assert!(opened.insert(letter.number), "a letter opened twice");
                }
                if kind == 10 {
                    mailbox.push(letter);
                }
            }
            _ => {}
        }
    }
    talk_again(&mut alice, &mut bob, &mut random);
}

/// Ratchet key and counter of a message, from its bytes.
fn position(bytes: &[u8]) -> Vec<u8> {
    let start = match PairwiseMessage::from_bytes(bytes) {
        Ok(PairwiseMessage::Prekey(_)) => 1 + 1129,
        _ => 0,
    };
    // Type, key, two counters of at most five bytes; the random bytes behind make longer prefixes unlike anyway.
    let counters = bytes[start + 33..].iter().scan(0, |ended, byte| {
        (*ended < 2).then(|| {
            *ended += u8::from(byte & 0x80 == 0);
            *byte
        })
    });
    [&bytes[start + 1..start + 33], &counters.collect::<Vec<_>>()].concat()
}

fn talk_again(alice: &mut Person, bob: &mut Person, random: &mut rand_chacha::ChaCha20Rng) {
    alice.begin(bob, PrekeyKind::OneTime, random);
    for text in [&b"still"[..], b"here"] {
        let bytes = alice.send(text, random);
        let result = bob.receive(&alice.remote(), &bytes);
        assert_eq!(result, Some(Ok(text.to_vec())));
    }
    bob.begin(alice, PrekeyKind::OneTime, random);
    let bytes = bob.send(b"so am I", random);
    assert_eq!(
        alice.receive(&bob.remote(), &bytes),
        Some(Ok(b"so am I".to_vec()))
    );
}
