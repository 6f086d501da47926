//! Pins what is sent and stored. A change here is a change of the protocol: other versions stop understanding it.

use sha2::{Digest, Sha256};

use super::{AD, Device, NOW, rng};
use crate::{
    ContentKey, PairwiseMessage, PrekeyBundle, PrekeyKind, PrekeySecret, Purpose, RecoveryKey, Sessions,
    SignedPrekey, StateError, message_hash, seal_content,
};

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)[..8]
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

#[test]
fn formats_are_what_they_were() {
    let mut rng = rng(42);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    let secret = PrekeySecret::generate(PrekeyKind::OneTime, 9, NOW, &mut rng);
    let bundle = PrekeyBundle::sign(&bob.account, 1, &bob.signing, &bob.signed, &secret, NOW).to_bytes();
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(&[1; 64], &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    let answer = bob.send(&[2; 64], &mut rng);
    let key = ContentKey::from_bytes(&[3; 32]);
    let content = seal_content(&key, AD, b"hello").unwrap();

    let rows = [
        ("signed prekey", alice.signed.to_bytes().to_vec()),
        ("prekey secret", secret.to_bytes().to_vec()),
        ("bundle", bundle),
        ("prekey message", first),
        ("ratchet message", answer),
        ("initiator's sessions", alice.sessions.to_bytes().to_vec()),
        ("responder's sessions", bob.sessions.to_bytes().to_vec()),
        ("content", content.clone()),
        ("message hash", message_hash(&content, AD).to_vec()),
        (
            "recovery signing key",
            RecoveryKey::from_bytes(&[4; 32])
                .signing_key()
                .public()
                .to_bytes()
                .to_vec(),
        ),
    ];
    let shown: Vec<String> = rows
        .iter()
        .map(|(name, bytes)| format!("{name}: {} bytes, {}", bytes.len(), digest(bytes)))
        .collect();
    assert_eq!(
        shown.join("\n"),
        "signed prekey: 73 bytes, 8890311dee096587\n\
         prekey secret: 138 bytes, 1ac67e1cf90c8bed\n\
         bundle: 1401 bytes, 6fe7a2f487afc271\n\
         prekey message: 1293 bytes, d4662519ff42eed0\n\
         ratchet message: 163 bytes, 010dd37164205eab\n\
         initiator's sessions: 1479 bytes, 35fb5682df2926f0\n\
         responder's sessions: 386 bytes, 272ecfcd7c88dbb5\n\
         content: 112 bytes, 841a119c7fcb3fe7\n\
         message hash: 32 bytes, 06124ccbc7d0edfe\n\
         recovery signing key: 32 bytes, 74a9291c76780073"
    );
}

#[test]
fn a_steady_message_with_a_content_key_fits_the_budget() {
    let mut rng = rng(43);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(&[0; 64], &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    assert_eq!(bob.send(&[0; 64], &mut rng).len(), 163);
    for _ in 0..200 {
        let message = bob.send(&[0; 64], &mut rng);
        assert!(message.len() <= 166, "{} bytes", message.len());
    }
}

#[test]
fn a_sealed_text_of_142_bytes_has_144_and_its_overhead() {
    let sealed = seal_content(&ContentKey::from_bytes(&[3; 32]), AD, &[7; 142]).unwrap();
    assert_eq!(sealed.len(), 144 + 32 + 16);
}

#[test]
fn state_of_another_version_suite_or_record_is_refused() {
    let state = Sessions::default().to_bytes();
    let frame = 1 + conclave_encoding::labels::SESSION_STATE.as_bytes().len();
    for (offset, expected) in [
        (frame, StateError::OtherVersion),
        (frame + 1, StateError::OtherVersion),
        (frame + 2, StateError::OtherRecord),
    ] {
        let mut other = state.to_vec();
        other[offset] ^= 0x40;
        assert_eq!(Sessions::from_bytes(&other).err(), Some(expected));
    }
    assert_eq!(
        SignedPrekey::from_bytes(&state).err(),
        Some(StateError::OtherRecord)
    );
    assert_eq!(
        PrekeySecret::from_bytes(&state).err(),
        Some(StateError::OtherRecord)
    );
    let mut too_many = state.to_vec();
    *too_many.last_mut().unwrap() = 7;
    assert_eq!(Sessions::from_bytes(&too_many).err(), Some(StateError::OverLimit));
}

#[test]
fn parsing_is_exact_and_never_panics_on_cut_or_altered_bytes() {
    let mut rng = rng(44);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::LastResort, &mut rng);
    let first = alice.send(b"x", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    let answer = bob
        .sessions
        .seal(Purpose::MessageKey, AD, b"y", NOW, &mut rng)
        .unwrap();
    for message in [&first, &answer] {
        assert_eq!(PairwiseMessage::from_bytes(message).unwrap().to_bytes(), *message);
        for length in 0..message.len() {
            let _ = PairwiseMessage::from_bytes(&message[..length]);
        }
        for position in 0..message.len() {
            let mut altered = message.clone();
            altered[position] ^= 0xff;
            if let Ok(parsed) = PairwiseMessage::from_bytes(&altered) {
                assert_eq!(parsed.to_bytes(), altered);
            }
        }
    }
    let state = bob.sessions.to_bytes();
    for length in 0..state.len() {
        assert!(Sessions::from_bytes(&state[..length]).is_err());
    }
    assert!(PairwiseMessage::from_bytes(&vec![0x10; crate::limits::MAX_PAIRWISE_MESSAGE + 1]).is_err());
}
