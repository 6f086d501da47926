//! `conclave-crypto`: one form of each value, nothing opens that nobody sealed, and a refusal changes nothing.

use std::sync::LazyLock;

use conclave_crypto::{
    ContentKey, IdentityPublicKey, OpenError, PairwiseMessage, PrekeyBundle, PrekeySecret, Purpose, Sessions,
    SignedPrekey, VerifyingKey, open_content, pad, padded_length, seal_content, unpad,
};

use crate::people::{AD, NOW, STORY, rng};
use crate::script::Script;

/// Law: a message that parses has these bytes and no other.
pub(crate) fn pairwise_message(input: &[u8]) {
    let Ok(message) = PairwiseMessage::from_bytes(input) else {
        return;
    };
    assert_eq!(message.to_bytes(), input, "a message has two forms");
    if let PairwiseMessage::Prekey(prekey) = &message {
        assert_eq!(prekey.purpose(), message.purpose());
        assert_eq!(prekey.ephemeral()[31] & 0x80, 0, "a point in a second form");
    }
}

/// The first two bytes choose a real message and who opens it, the rest alters it.
///
/// Laws: only the very messages that were sealed open, each to its own text and once; a refusal leaves the state
/// byte-identical, and so the real message still opens afterwards.
pub(crate) fn ratchet_message(input: &[u8]) {
    let mut script = Script::new(input);
    let mut state = Sessions::from_bytes(&STORY.bob_state).expect("a stored state loads");
    let (real, text) = script.pick(&STORY.open);
    let base = match script.byte() % 4 {
        0 => script.pick(&STORY.spent),
        _ => real,
    };
    let (other, _) = script.pick(&STORY.open);
    let bytes = script.alter(base, other);
    let is_real = STORY.open.iter().any(|(open, _)| *open == bytes);
    if let Ok(message) = PairwiseMessage::from_bytes(&bytes) {
        let result = open(&mut state, &message, AD);
        assert_eq!(result.is_ok(), is_real, "{result:?}");
        if result.is_ok() {
            assert!(open(&mut state, &message, AD).is_err(), "opened twice");
        }
    } else {
        assert!(!is_real);
    }
    if bytes != *real {
        let message = PairwiseMessage::from_bytes(real).expect("real messages parse");
        assert!(open(&mut state, &message, b"other data").is_err());
        assert_eq!(open(&mut state, &message, AD).as_ref(), Ok(text));
    }
    assert_exact(&state);
}

/// Opens on a known session; a refusal is checked to leave no trace.
fn open(state: &mut Sessions, message: &PairwiseMessage, data: &[u8]) -> Result<Vec<u8>, OpenError> {
    let before = state.to_bytes();
    let result = match message {
        PairwiseMessage::Ratchet(message) => state.open(Purpose::Control, data, message, NOW),
        PairwiseMessage::Prekey(message) => state
            .open_prekey(message, Purpose::Control, data, NOW)
            .unwrap_or(Err(OpenError::NoSession)),
    };
    if result.is_err() {
        assert_eq!(*state.to_bytes(), *before, "a refusal changed the state");
    }
    result.map(|text| text.to_vec())
}

fn assert_exact(state: &Sessions) {
    let stored = state.to_bytes();
    let loaded = Sessions::from_bytes(&stored).expect("what was stored loads");
    assert_eq!(*loaded.to_bytes(), *stored, "the stored form is not exact");
}

/// The first byte chooses a real first message, the rest alters it.
///
/// Laws: only the real one begins a session; a refusal leaves the list of sessions byte-identical.
pub(crate) fn first_message(input: &[u8]) {
    let mut script = Script::new(input);
    let (real, text) = script.pick(&STORY.first);
    let (other, _) = script.pick(&STORY.first);
    let purpose = *script.pick(&[Purpose::Control, Purpose::Control, Purpose::MessageKey]);
    let bytes = script.alter(real, other);
    let Ok(PairwiseMessage::Prekey(message)) = PairwiseMessage::from_bytes(&bytes) else {
        return;
    };
    let bob = &STORY.bob;
    let mut state = Sessions::from_bytes(&STORY.bob_state).expect("a stored state loads");
    let is_real = bytes == *real && purpose == Purpose::Control;
    // With every prekey that Bob has: a header that names another fits none of its keys.
    for secret in &bob.secrets {
        let before = state.to_bytes();
        let result = state.respond(
            &bob.local(),
            &STORY.alice,
            &bob.signed,
            secret,
            &message,
            purpose,
            AD,
            NOW,
        );
        match result {
            Ok(opened) => {
                assert!(is_real || bytes == *other, "a message opened that nobody sealed");
                assert_eq!(*opened, *text);
                assert_eq!(secret.id(), message.prekey_id());
                assert_exact(&state);
                return;
            }
            Err(_) => assert_eq!(*state.to_bytes(), *before, "a refusal changed the state"),
        }
    }
    assert!(!is_real, "the real message does not open");
}

/// The first byte chooses between arbitrary bytes and altered real state.
///
/// Laws: what loads stores as the same bytes; whatever loads can be used without a panic.
pub(crate) fn sessions_state(input: &[u8]) {
    let mut script = Script::new(input);
    let bytes = match script.byte() % 3 {
        0 => script.rest().to_vec(),
        1 => script.alter(&STORY.bob_state, &STORY.alice_state),
        _ => script.alter(&STORY.alice_state, &STORY.bob_state),
    };
    let Ok(mut state) = Sessions::from_bytes(&bytes) else {
        return;
    };
    assert_eq!(*state.to_bytes(), *bytes, "a state has two forms");
    for (message, _) in STORY.open.iter().take(7).step_by(3) {
        let message = PairwiseMessage::from_bytes(message).expect("real messages parse");
        let _ = open(&mut state, &message, AD);
    }
    let before = state.to_bytes();
    match state.seal(Purpose::MessageKey, AD, b"text", NOW, &mut rng(1)) {
        Ok(message) => {
            PairwiseMessage::from_bytes(&message).expect("what was sealed parses");
        }
        Err(_) => assert_eq!(*state.to_bytes(), *before, "a refusal changed the state"),
    }
    let kept = state.skipped_keys();
    state.drop_skipped_keys(kept / 2);
    assert_eq!(state.skipped_keys(), kept - kept / 2);
    state.expire(u64::MAX);
    let _ = (state.has_active(NOW), state.is_unanswered(), state.is_empty());
    state.abandon_unanswered();
    assert_exact(&state);
}

/// The first byte chooses the record and whether a real one is altered.
///
/// Law: what loads stores as the same bytes.
pub(crate) fn prekey_secrets(input: &[u8]) {
    let mut script = Script::new(input);
    let choice = script.byte();
    let real = [
        STORY.bob.signed.to_bytes(),
        STORY.bob.secrets[0].to_bytes(),
        STORY.bob.secrets[1].to_bytes(),
    ];
    let bytes = match choice % 4 {
        0 => script.rest().to_vec(),
        number => {
            let real = &real[usize::from(number) - 1];
            script.alter(real, &STORY.bob.secrets[0].to_bytes())
        }
    };
    if let Ok(signed) = SignedPrekey::from_bytes(&bytes) {
        assert_eq!(*signed.to_bytes(), *bytes);
    }
    if let Ok(secret) = PrekeySecret::from_bytes(&bytes) {
        assert_eq!(*secret.to_bytes(), *bytes);
        // Any seed expands, and what is made of it is signed and read back.
        let bob = &STORY.bob;
        let bundle = PrekeyBundle::sign(&bob.account, 1, &bob.signing, &bob.signed, &secret, NOW);
        assert_eq!(bundle.kind(), secret.kind());
        bundle
            .verify(&bob.remote())
            .expect("a device's own bundle verifies");
    }
}

/// A bundle for each of Bob's secrets.
static BUNDLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let bob = &STORY.bob;
    let secrets = bob.secrets.iter();
    secrets
        .map(|secret| {
            PrekeyBundle::sign(&bob.account, 1, &bob.signing, &bob.signed, secret, NOW + 7).to_bytes()
        })
        .collect()
});

/// The first byte chooses between arbitrary bytes and an altered real bundle.
///
/// Laws: a bundle has one form, and verifies only unaltered.
pub(crate) fn prekey_bundle(input: &[u8]) {
    let mut script = Script::new(input);
    let bob = &STORY.bob;
    let real = &*BUNDLES;
    let bytes = match script.byte() % 3 {
        0 => script.rest().to_vec(),
        number => {
            let number = usize::from(number);
            script.alter(&real[number % real.len()], &real[(number + 1) % real.len()])
        }
    };
    let Ok(bundle) = PrekeyBundle::from_bytes(&bytes) else {
        assert!(!real.contains(&bytes));
        return;
    };
    assert_eq!(bundle.to_bytes(), bytes, "a bundle has two forms");
    assert_eq!(bundle.verify(&bob.remote()).is_ok(), real.contains(&bytes));
    assert!(bundle.verify(&STORY.alice).is_err());
}

/// Three keys, as arbitrary bytes.
///
/// Laws: a key has one form; a signature of arbitrary bytes verifies under no key.
pub(crate) fn public_keys(input: &[u8]) {
    let mut script = Script::new(input);
    let key: [u8; 32] = std::array::from_fn(|_| script.byte());
    if let Ok(public) = IdentityPublicKey::from_bytes(&key) {
        assert_eq!(public.to_bytes(), key);
        assert_eq!(key[31] & 0x80, 0, "a point in a second form");
    }
    if let Ok(public) = VerifyingKey::from_bytes(&key) {
        assert_eq!(public.to_bytes(), key);
        let signature: [u8; 64] = std::array::from_fn(|_| script.byte());
        assert!(public.verify(script.rest(), &signature).is_err());
    }
    // The key is real, and the signature is a real one that was altered.
    let signing = &STORY.bob.signing;
    let real = signing.sign(b"statement");
    let signature = Script::new(input).alter(&real, &signing.sign(b"another"));
    if let Ok(signature) = <[u8; 64]>::try_from(signature.as_slice()) {
        let accepted = signing.public().verify(b"statement", &signature).is_ok();
        assert_eq!(accepted, signature == real);
    }
}

/// The first byte chooses between arbitrary bytes and an altered real seal.
///
/// Laws: only what was sealed opens, to what it was sealed from.
pub(crate) fn content(input: &[u8]) {
    let mut script = Script::new(input);
    let key = ContentKey::from_bytes(&[7; 32]);
    let choice = script.byte();
    let text = script.bytes(300);
    let real = seal_content(&key, AD, text).expect("a short text is sealed");
    let other = seal_content(&ContentKey::from_bytes(&[8; 32]), AD, text).expect("a short text is sealed");
    let bytes = match choice % 2 {
        0 => script.rest().to_vec(),
        _ => script.alter(&real, &other),
    };
    match open_content(&key, AD, &bytes) {
        Ok(opened) => {
            assert_eq!(bytes, real, "something opened that nobody sealed");
            assert_eq!(*opened, text);
        }
        Err(error) => {
            assert_ne!(bytes, real, "what was sealed does not open");
            assert!(matches!(error, OpenError::NotAuthentic | OpenError::TooLong));
        }
    }
}

/// Laws: `unpad(pad(x)) = x`, and where something can be unpadded, `pad(unpad(x)) = x`.
pub(crate) fn padding(input: &[u8]) {
    let padded = pad(input);
    assert_eq!(padded.len(), padded_length(input.len()));
    assert_eq!(unpad(&padded), Ok(input));
    if let Ok(content) = unpad(input) {
        assert_eq!(*pad(content), *input, "a content has two padded forms");
    }
}
