//! Secrets stay out of logs and memory.

use zeroize::ZeroizeOnDrop;

use super::{AD, Device, NOW, rng};
use crate::aead::NoncedKey;
use crate::attachments::{
    AttachmentKey, AttachmentOpener, AttachmentReader, AttachmentSealer, seal_attachment,
};
use crate::franking::FrankingProof;
use crate::kdf::random;
use crate::keys::X25519Secret;
use crate::prekeys::encapsulate;
use crate::ratchet::{ChainKey, MessageKey, RootKey};
use crate::sender_keys::{
    MessageOpening, ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SenderKeySeed, SendingChain,
};
use crate::vault::{SlotSecret, VaultKey, VaultSlot, XWingSecret};
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
fn nothing_of_a_room_shows_in_debug_output() {
    let mut rng = rng(2);
    let alice = Device::new(1, &mut rng);
    let address = alice.remote().address();
    let mut chain = SendingChain::begin(&[5; 32], 3, address, &alice.signing, NOW, &mut rng);
    let distribution = SenderKeyDistribution::from_bytes(&chain.distribution(9, &[6; 32])).unwrap();
    let seed = SenderKeySeed::from_bytes(&chain.seed()).unwrap();
    let mut chains = ReceivingChains::new(&[5; 32], address);
    chains.accept(&distribution, &alice.remote(), 3, NOW).unwrap();
    let message = chain.seal(AD, b"hello", NOW, &mut rng).unwrap();
    let opened = chains
        .open(&SenderKeyMessage::from_bytes(&message.bytes).unwrap(), AD, NOW)
        .unwrap();
    let shown = [
        format!("{chain:?}"),
        format!("{distribution:?}"),
        format!("{seed:?}"),
        format!("{:?}", seed.verify(&alice.remote(), &[5; 32], 3).unwrap()),
        format!("{chains:?}"),
        format!("{:?}", opened.opening),
        format!("{opened:?}"),
    ];
    assert_eq!(
        shown.join("\n"),
        "SendingChain(..)\n\
         SenderKeyDistribution(..)\n\
         SenderKeySeed(..)\n\
         HistoryChain(..)\n\
         ReceivingChains(..)\n\
         MessageOpening(..)\n\
         OpenedRoomMessage(..)"
    );
}

#[test]
fn secrets_are_cleared_when_they_are_dropped() {
    fn is_cleared<T: ZeroizeOnDrop>() {}
    is_cleared::<RecoveryKey>();
    is_cleared::<ContentKey>();
    is_cleared::<RootKey>();
    is_cleared::<MessageKey>();
    // What every chain, distribution and seed holds.
    is_cleared::<ChainKey>();
    is_cleared::<MessageOpening>();
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
        crate::SenderKeyError::OtherStatement.to_string(),
        crate::AttachmentError::NotAuthentic.to_string(),
        crate::VaultError::Forked.to_string(),
        crate::SafetyCodeError::OtherPeople.to_string(),
        crate::FrankingError::OtherMessage.to_string(),
    ];
    assert!(
        texts
            .iter()
            .all(|text| !text.contains(|c: char| c.is_ascii_digit()))
    );
}

#[test]
fn no_secret_of_files_vault_and_reports_shows_in_debug_output() {
    let mut rng = rng(2);
    let device = Device::new(1, &mut rng);
    let (reference, ciphertext) = seal_attachment(b"file", &mut rng).unwrap();
    let header = ciphertext.first_chunk().unwrap();
    let (sealer, _) = AttachmentSealer::begin(AttachmentKey::generate(&mut rng), 1, &mut rng).unwrap();
    let secret = SlotSecret::from_prf_output(&[1; 32]);
    let shown = [
        format!("{:?}", AttachmentKey::generate(&mut rng)),
        format!("{reference:?}"),
        format!("{sealer:?}"),
        format!("{:?}", AttachmentOpener::begin(&reference, header).unwrap()),
        format!("{:?}", AttachmentReader::begin(&reference, header).unwrap()),
        format!("{secret:?}"),
        format!("{:?}", XWingSecret::expand(&[1; 32])),
        format!("{:?}", VaultKey::generate(&mut rng)),
        format!("{:?}", NoncedKey::derive(&[1; 32], b"label", [2; 24])),
        format!("{:?}", FrankingProof::direct(&ContentKey::generate(&mut rng))),
    ];
    assert_eq!(
        shown.join("\n"),
        "AttachmentKey(..)\n\
         AttachmentReference(..)\n\
         AttachmentSealer(..)\n\
         AttachmentOpener(..)\n\
         AttachmentReader(..)\n\
         SlotSecret(..)\n\
         XWingSecret(..)\n\
         VaultKey(..)\n\
         NoncedKey(..)\n\
         FrankingProof(..)"
    );
    let slot = VaultSlot::sign(device.remote().address(), &device.signing, &secret, NOW);
    let verified = slot.verify(&device.remote()).unwrap();
    assert!(format!("{verified:?}").contains("public: XWingPublic(..)"));
}

#[test]
fn secrets_of_files_vault_and_reports_are_cleared_when_they_are_dropped() {
    fn is_cleared<T: ZeroizeOnDrop>() {}
    is_cleared::<AttachmentKey>();
    is_cleared::<SlotSecret>();
    is_cleared::<VaultKey>();
    is_cleared::<NoncedKey>();
    is_cleared::<FrankingProof>();
    is_cleared::<chacha20poly1305::XChaCha20Poly1305>();
}
