#[cfg(not(target_family = "wasm"))]
mod olm;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::chain::Chain;
use super::chain_key::ChainKey;
use super::{MessageKey, Ratchet, RootKey};
use crate::aead::SingleUseKey;
use crate::keys::X25519Secret;
use crate::limits::{MAX_SKIPPED_PER_JUMP, MAX_SKIPPED_PER_SESSION, SKIPPED_KEY_LIFETIME};
use crate::message::{Purpose, RatchetMessage};
use crate::suite::{Conclave1, Suite};
use crate::tests::{AD, NOW, rng};
use crate::{OpenError, SealError};

const SESSION: [u8; 32] = [5; 32];

/// The labels of libsignal, with an AEAD of our own.
enum Signal {}

impl Suite for Signal {
    const ROOT_INFO: &'static [u8] = b"WhisperRatchet";

    fn seal(key: MessageKey, random: &[u8; 16], ad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        SingleUseKey::derive(key.as_bytes(), &[b"WhisperMessageKeys", random]).seal(ad, plaintext)
    }

    fn open(
        key: &MessageKey,
        random: &[u8; 16],
        ad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        SingleUseKey::derive(key.as_bytes(), &[b"WhisperMessageKeys", random]).open(ad, sealed)
    }
}

struct Side<S>(Ratchet<S>, rand_chacha::ChaCha20Rng);

impl<S: Suite> Side<S> {
    fn seal(&mut self, plaintext: &[u8]) -> RatchetMessage {
        self.0
            .seal(&SESSION, Purpose::Control, AD, plaintext, &mut self.1)
            .unwrap()
    }

    fn open(&mut self, message: &RatchetMessage) -> Result<Vec<u8>, OpenError> {
        self.open_at(message, NOW)
    }

    fn open_at(&mut self, message: &RatchetMessage, now: u64) -> Result<Vec<u8>, OpenError> {
        let before = bytes(&self.0);
        let result = self.0.open(&SESSION, AD, message, now).map(|text| text.to_vec());
        if result.is_err() {
            assert_eq!(bytes(&self.0), before, "a refused message changed the state");
        }
        result
    }
}

fn bytes<S>(ratchet: &Ratchet<S>) -> Vec<u8> {
    ratchet
        .write(conclave_encoding::Writer::new(
            conclave_encoding::labels::SESSION_STATE,
        ))
        .finish()
}

/// Two ratchets after the first message.
fn pair<S: Suite>() -> (Side<S>, Side<S>) {
    let prekey = X25519Secret::generate(&mut rng(1));
    let mut alice = Side(
        Ratchet::<S>::initiator(RootKey::from_bytes(&[9; 32]), prekey.public()),
        rng(2),
    );
    let first = alice.seal(b"first");
    let ratchet =
        Ratchet::responder(&RootKey::from_bytes(&[9; 32]), &prekey, first.header.ratchet_key).unwrap();
    let mut bob = Side(ratchet, rng(3));
    assert_eq!(bob.open(&first).unwrap(), b"first");
    (alice, bob)
}

#[test]
fn chain_keys_follow_the_known_answer_of_libsignal() {
    let seed = [
        0x8a, 0xb7, 0x2d, 0x6f, 0x4c, 0xc5, 0xac, 0x0d, 0x38, 0x7e, 0xaf, 0x46, 0x33, 0x78, 0xdd, 0xb2, 0x8e,
        0xdd, 0x07, 0x38, 0x5b, 0x1c, 0xb0, 0x12, 0x50, 0xc7, 0x15, 0x98, 0x2e, 0x7a, 0xd4, 0x8f,
    ];
    let cipher_key = [
        0xbf, 0x51, 0xe9, 0xd7, 0x5e, 0x0e, 0x31, 0x03, 0x10, 0x51, 0xf8, 0x2a, 0x24, 0x91, 0xff, 0xc0, 0x84,
        0xfa, 0x29, 0x8b, 0x77, 0x93, 0xbd, 0x9d, 0xb6, 0x20, 0x05, 0x6f, 0xeb, 0xf4, 0x52, 0x17,
    ];
    let next = [
        0x28, 0xe8, 0xf8, 0xfe, 0xe5, 0x4b, 0x80, 0x1e, 0xef, 0x7c, 0x5c, 0xfb, 0x2f, 0x17, 0xf3, 0x2c, 0x7b,
        0x33, 0x44, 0x85, 0xbb, 0xb7, 0x0f, 0xac, 0x6e, 0xc1, 0x03, 0x42, 0xa2, 0x46, 0xd1, 0x5d,
    ];
    let chain = ChainKey::from_bytes(&seed);
    assert_eq!(*chain.next().as_bytes(), next);
    let mut expanded = [0; 80];
    Hkdf::<Sha256>::new(None, chain.message_key().as_bytes())
        .expand(b"WhisperMessageKeys", &mut expanded)
        .unwrap();
    assert_eq!(expanded[..32], cipher_key);
}

#[test]
fn the_root_key_steps_as_kdf_rk_says_with_the_labels_of_the_suite() {
    let mut expected = [0; 64];
    Hkdf::<Sha256>::new(Some(&[1; 32]), &[2; 32])
        .expand(b"WhisperRatchet", &mut expected)
        .unwrap();
    let (root, chain) = RootKey::from_bytes(&[1; 32]).step::<Signal>(&[2; 32]);
    assert_eq!([*root.as_bytes(), *chain.as_bytes()].concat(), expected);
    assert_ne!(
        *RootKey::from_bytes(&[1; 32])
            .step::<Conclave1>(&[2; 32])
            .0
            .as_bytes(),
        *root.as_bytes()
    );
}

#[test]
fn the_same_ratchet_runs_with_the_labels_of_another_suite() {
    let (mut alice, mut bob) = pair::<Signal>();
    for round in 0u8..3 {
        let there = bob.seal(&[round]);
        assert_eq!(alice.open(&there).unwrap(), [round]);
        let back = alice.seal(&[round]);
        assert_eq!(bob.open(&back).unwrap(), [round]);
    }
}

#[test]
fn messages_open_in_any_order_and_once() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    let old: Vec<_> = (0u8..5).map(|number| alice.seal(&[number])).collect();
    bob.open(&old[3]).unwrap();
    let answer = bob.seal(b"turn");
    alice.open(&answer).unwrap();
    let new: Vec<_> = (5u8..8).map(|number| alice.seal(&[number])).collect();
    for (message, number) in [
        (&new[1], 6),
        (&old[0], 0),
        (&old[4], 4),
        (&new[0], 5),
        (&old[1], 1),
        (&new[2], 7),
    ] {
        assert_eq!(bob.open(message).unwrap(), [number]);
        assert_eq!(bob.open(message), Err(OpenError::KeyGone), "opened twice");
    }
    assert_eq!(bob.0.skipped_keys(), 1, "only the lost one is kept");
    assert_eq!(bob.open(&old[2]).unwrap(), [2]);
}

#[test]
fn the_old_chain_ends_where_the_previous_counter_says() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    let lost = alice.seal(b"lost");
    alice.seal(b"lost");
    let stolen = bytes(&alice.0);
    let answer = bob.seal(b"turn");
    alice.open(&answer).unwrap();
    let turned = alice.seal(b"new chain");
    assert_eq!((turned.header.previous, turned.header.index), (3, 0));
    bob.open(&turned).unwrap();
    assert_eq!(bob.0.skipped_keys(), 2);
    // Whoever has the old chain writes at its end and beyond; what was sent before it ended still opens.
    let mut reader =
        conclave_encoding::Reader::new(conclave_encoding::labels::SESSION_STATE, &stolen).unwrap();
    let mut thief = Side(Ratchet::<Conclave1>::read(&mut reader).unwrap(), rng(4));
    for _ in 0..2 {
        let forged = thief.seal(b"into the past");
        assert!(forged.header.index >= turned.header.previous);
        assert_eq!(bob.open(&forged), Err(OpenError::KeyGone));
    }
    assert_eq!(bob.open(&lost).unwrap(), b"lost");
}

#[test]
fn a_jump_over_the_limit_is_refused_and_one_at_the_limit_opens() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    for _ in 0..MAX_SKIPPED_PER_JUMP {
        alice.seal(b"lost");
    }
    let at_limit = alice.seal(b"at the limit");
    let over = alice.seal(b"over");
    assert_eq!(bob.open(&over), Err(OpenError::TooFarAhead));
    assert_eq!(bob.open(&at_limit).unwrap(), b"at the limit");
    assert_eq!(bob.open(&over).unwrap(), b"over");
}

#[test]
fn a_previous_counter_over_the_limit_is_refused() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    for _ in 0..=MAX_SKIPPED_PER_JUMP {
        alice.seal(b"lost");
    }
    let answer = bob.seal(b"turn");
    alice.open(&answer).unwrap();
    let turned = alice.seal(b"new chain");
    assert_eq!(bob.open(&turned), Err(OpenError::TooFarAhead));
}

#[test]
fn skipped_keys_are_bounded_in_number_oldest_first_and_in_time() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    let mut first_lost = None;
    for _ in 0..3 {
        for _ in 0..900 {
            let lost = alice.seal(b"lost");
            first_lost.get_or_insert(lost);
        }
        let message = alice.seal(b"kept");
        bob.open(&message).unwrap();
    }
    assert_eq!(bob.0.skipped_keys(), MAX_SKIPPED_PER_SESSION);
    assert_eq!(bob.open(&first_lost.unwrap()), Err(OpenError::KeyGone));

    let late = alice.seal(b"late");
    let message = alice.seal(b"kept");
    bob.open(&message).unwrap();
    assert_eq!(
        bob.open_at(&late, NOW + SKIPPED_KEY_LIFETIME + 1),
        Err(OpenError::KeyGone)
    );
    assert_eq!(bob.open_at(&late, NOW + SKIPPED_KEY_LIFETIME).unwrap(), b"late");
    let message = alice.seal(b"much later");
    bob.open_at(&message, NOW + SKIPPED_KEY_LIFETIME + 1).unwrap();
    assert_eq!(bob.0.skipped_keys(), 0);
}

#[test]
fn exhausted_counters_refuse_instead_of_wrapping() {
    let chain = Chain {
        key: ChainKey::from_bytes(&[1; 32]),
        next: u32::MAX,
    };
    assert!(chain.step().is_none());
    let (mut alice, _) = pair::<Conclave1>();
    alice.0.sending.as_mut().unwrap().chain.next = u32::MAX;
    let refused = alice.0.seal(&SESSION, Purpose::Control, AD, b"x", &mut alice.1);
    assert_eq!(refused, Err(SealError::CounterExhausted));
}

#[test]
fn our_half_is_made_when_there_is_something_to_send_and_the_old_secret_is_gone_before() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    assert!(bob.0.sending.is_none());
    let answer = bob.seal(b"turn");
    assert!(bob.0.sending.is_some());
    alice.open(&answer).unwrap();
    assert!(
        alice.0.sending.is_none(),
        "the old ratchet secret outlived the turn"
    );
    // Nothing of ours is out that a new key could answer.
    let mut forged = answer.clone();
    forged.header.ratchet_key = X25519Secret::generate(&mut rng(8)).public();
    assert_eq!(alice.open(&forged), Err(OpenError::NotAuthentic));
}

#[test]
fn a_message_reflected_to_its_sender_is_refused() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    let message = bob.seal(b"to alice");
    assert!(bob.open(&message).is_err());
    alice.open(&message).unwrap();
    let message = alice.seal(b"to bob");
    assert!(alice.open(&message).is_err());
}

#[test]
fn a_repeated_counter_gives_another_key() {
    // A device restored from an image seals twice from the same state.
    let (mut alice, _) = pair::<Conclave1>();
    let image = bytes(&alice.0);
    let one = alice.seal(b"the same");
    let mut reader =
        conclave_encoding::Reader::new(conclave_encoding::labels::SESSION_STATE, &image).unwrap();
    alice.0 = Ratchet::read(&mut reader).unwrap();
    let other = alice.seal(b"the same");
    assert_eq!(one.header.index, other.header.index);
    assert_ne!(one.header.random, other.header.random);
    assert_ne!(
        one.sealed[..32],
        other.sealed[..32],
        "the same commitment, so the same key"
    );
}

#[test]
fn a_peer_restored_from_an_image_can_go_on() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    let image = bytes(&alice.0);
    for number in 0u8..3 {
        let message = alice.seal(&[number]);
        bob.open(&message).unwrap();
    }
    let mut reader =
        conclave_encoding::Reader::new(conclave_encoding::labels::SESSION_STATE, &image).unwrap();
    alice.0 = Ratchet::read(&mut reader).unwrap();
    let answer = bob.seal(b"turn");
    alice.open(&answer).unwrap();
    // Its previous counter is below what was received; the new chain opens all the same.
    let turned = alice.seal(b"new chain");
    assert_eq!(turned.header.previous, 1);
    assert_eq!(bob.open(&turned).unwrap(), b"new chain");
}

#[test]
fn a_ratchet_knows_its_stored_length_so_that_growing_leaves_no_copies_of_keys() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    let frame = 1 + conclave_encoding::labels::SESSION_STATE.as_bytes().len();
    for lost in [0, 1, 700] {
        for _ in 0..lost {
            alice.seal(b"lost");
        }
        let message = alice.seal(b"kept");
        bob.open(&message).unwrap();
        bob.seal(b"both halves");
        let written = bytes(&bob.0).len() - frame;
        let spare = bob.0.serialized_length().checked_sub(written);
        assert!(spare.is_some_and(|spare| spare < 128), "{spare:?} after {lost}");
    }
}

#[test]
fn a_stored_ratchet_with_as_many_skipped_keys_as_allowed_loads_and_one_more_does_not() {
    let (mut alice, mut bob) = pair::<Conclave1>();
    for _ in 0..2 {
        for _ in 0..MAX_SKIPPED_PER_JUMP {
            alice.seal(b"lost");
        }
        let message = alice.seal(b"kept");
        bob.open(&message).unwrap();
    }
    let stored = bytes(&bob.0);
    let read = |stored: &[u8]| {
        let label = conclave_encoding::labels::SESSION_STATE;
        let mut reader = conclave_encoding::Reader::new(label, stored).unwrap();
        Ratchet::<Conclave1>::read(&mut reader).map(|ratchet| bytes(&ratchet))
    };
    assert_eq!(bob.0.skipped_keys(), MAX_SKIPPED_PER_SESSION);
    assert_eq!(read(&stored), Ok(stored.clone()));
    let length = 32 + 4 + 8 + 32;
    let count_at = stored.len() - MAX_SKIPPED_PER_SESSION * length - 4;
    let mut more = stored.clone();
    more.extend_from_slice(&stored[stored.len() - length..]);
    let count = u32::try_from(MAX_SKIPPED_PER_SESSION + 1).unwrap();
    more[count_at..count_at + 4].copy_from_slice(&count.to_be_bytes());
    assert_eq!(read(&more), Err(crate::StateError::OverLimit));
}
