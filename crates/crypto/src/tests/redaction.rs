//! Secrets stay out of logs and memory.

use zeroize::ZeroizeOnDrop;

use super::{Device, NOW, rng};
use crate::kdf::random;
use crate::keys::X25519Secret;
use crate::prekeys::encapsulate;
use crate::ratchet::{MessageKey, RootKey};
use crate::{ContentKey, PrekeyKind, PrekeySecret, RecoveryKey};

#[test]
fn no_secret_shows_in_debug_output() {
    let mut rng = rng(1);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let prekey = PrekeySecret::generate(PrekeyKind::OneTime, 1, NOW, &mut rng);
    let pair = prekey.expand_kem();
    let shown = [
        format!("{:?}", alice.signing),
        format!("{:?}", alice.identity),
        format!("{:?}", RecoveryKey::generate(&mut rng)),
        format!("{:?}", ContentKey::generate(&mut rng)),
        format!("{:?}", X25519Secret::generate(&mut rng)),
        format!("{:?}", alice.signed),
        format!("{prekey:?}"),
        format!("{pair:?}"),
        format!("{:?}", encapsulate(pair.public(), &mut rng).0),
        format!("{:?}", RootKey::from_bytes(&random(&mut rng))),
        format!("{:?}", alice.sessions),
    ];
    assert_eq!(
        shown.join("\n"),
        "SigningKey(..)\n\
         IdentityKey(..)\n\
         RecoveryKey(..)\n\
         ContentKey(..)\n\
         X25519Secret(..)\n\
         SignedPrekey(..)\n\
         PrekeySecret(..)\n\
         KemKeyPair(..)\n\
         KemCiphertext(..)\n\
         RootKey(..)\n\
         Sessions(..)"
    );
    let local = format!("{:?}", alice.local());
    assert!(local.ends_with("identity: IdentityKey(..) }"), "{local}");
}

#[test]
fn secrets_are_cleared_when_they_are_dropped() {
    fn is_cleared<T: ZeroizeOnDrop>() {}
    is_cleared::<RecoveryKey>();
    is_cleared::<ContentKey>();
    is_cleared::<RootKey>();
    is_cleared::<MessageKey>();
    is_cleared::<crate::aead::SingleUseKey>();
    // What SigningKey, and all X25519 secrets, wrap.
    is_cleared::<ed25519_dalek::SigningKey>();
    is_cleared::<x25519_dalek::StaticSecret>();
    is_cleared::<chacha20poly1305::ChaCha20Poly1305>();
}

#[test]
fn error_texts_carry_no_data() {
    let texts = [
        crate::OpenError::NotAuthentic.to_string(),
        crate::HandshakeError::Signature.to_string(),
        crate::StateError::OtherVersion.to_string(),
        crate::ParseError::UnknownType.to_string(),
    ];
    assert!(
        texts
            .iter()
            .all(|text| !text.contains(|c: char| c.is_ascii_digit()))
    );
}
