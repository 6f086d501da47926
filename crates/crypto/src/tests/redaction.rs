//! Secrets stay out of logs and memory, and no type may hold bytes without saying which kind it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{AD, Device, NOW, rng};
use crate::aead::{NoncedKey, SingleUseKey};
use crate::attachments::{
    AttachmentKey, AttachmentOpener, AttachmentReader, AttachmentSealer, seal_attachment,
};
use crate::franking::FrankingProof;
use crate::kdf::random;
use crate::keys::X25519Secret;
use crate::linking::{
    LinkAnswer, LinkKey, LinkOffer, LinkSecret, LinkSeed, LinkWay, NewDeviceKeys, RevealedLink,
};
use crate::prekeys::{KemSeed, encapsulate};
use crate::ratchet::{ChainKey, MessageKey, RatchetKey, RootKey};
use crate::sender_keys::{
    MessageOpening, ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SenderKeySeed, SendingChain,
};
use crate::vault::{SlotSecret, VaultKey, VaultSlot, XWingSecret};
use crate::{ContentKey, PlaceKey, PrekeyKind, PrekeySecret, RecoveryKey};

/// Types that hold the bytes of a secret. Each is cleared on drop and shows nothing; the tests below hold it.
const SECRET: &[&str] = &[
    "AttachmentKey",
    "ChainKey",
    "ContentKey",
    "FrankingProof",
    "KemSeed",
    "LinkKey",
    "LinkSecret",
    "LinkSeed",
    "MessageKey",
    "MessageOpening",
    "NoncedKey",
    "PlaceKey",
    "RecoveryKey",
    "RootKey",
    "SingleUseKey",
    "SlotSecret",
    "VaultKey",
];

/// Types that hold bytes which anybody may see, and why.
const OPEN: &[(&str, &str)] = &[
    (
        "Agreement",
        "of a handshake: the hash of a transcript; its root is a type of its own. Of a link: what travelled; its \
         secrets are types of their own",
    ),
    (
        "AttachmentReader",
        "a public hash; what it opens with is a type of its own",
    ),
    (
        "AttachmentReference",
        "a public hash; its key is a type of its own, and the whole is redacted",
    ),
    ("ChainBinding", "what a statement says in the open"),
    (
        "Chunks",
        "its nonce is in `Zeroizing`, its key inside the library's cipher, which clears it",
    ),
    ("CommitmentMessage", "travels"),
    ("DeviceAddress", "an account's id"),
    ("GrantMessage", "travels"),
    ("KemCiphertext", "travels in the header"),
    ("KemPublicKey", "travels in the bundle"),
    (
        "LinkAnswer",
        "an id and hashes; its secrets are types of their own, and its nonce travels",
    ),
    (
        "LinkChannel",
        "the hash of a transcript; its keys are types of their own",
    ),
    ("LinkCode", "an id and a hash; its secret is a type of its own"),
    (
        "LinkOffer",
        "an id; its nonce is in `Zeroizing`, its secrets are types of their own",
    ),
    ("LinkShare", "travels"),
    ("LocalDevice", "ids and hashes; its key is a type of its own"),
    ("MessageHeader", "travels in the open"),
    (
        "OpenedRoomMessage",
        "a public hash; content in `Zeroizing`, its key a type of its own",
    ),
    ("Pin", "a hash that the account chain names"),
    ("PrekeyBundle", "is served to anybody signed in"),
    ("RatchetMessage", "a header and what was sealed"),
    ("ReceivingChains", "ids; its chains' keys are types of their own"),
    ("RemoteDevice", "ids, hashes and public keys"),
    ("RevealMessage", "travels"),
    ("SafetyNumber", "fingerprints that people read to each other"),
    ("SealedPayload", "travels"),
    ("SealedRoomMessage", "travels"),
    (
        "SenderKeyDistribution",
        "a public hash; its chain key is a type of its own",
    ),
    ("SenderKeyMessage", "travels"),
    ("SenderKeyStatement", "travels; signed, not secret"),
    ("Session", "hashes; its ratchet and keys are types of their own"),
    (
        "Shares",
        "holds secrets in `Zeroizing` alone, and lives as long as one call",
    ),
    ("Side", "public keys and ids of a transcript"),
    ("SignedMessage", "hash and associated data of what travels"),
    ("VaultHead", "a hash that the account chain names"),
    ("TailPlace", "hashes and keyed names, as the server sees them"),
    ("VaultLog", "hashes and keyed names, as the server sees them"),
    ("VaultTail", "hashes and keyed names, as the server sees them"),
    ("VaultRecord", "is stored by the server as it is"),
    ("VaultSlot", "a public key, signed"),
    ("VerifiedSlot", "a public key, verified"),
    ("VerifiedStatement", "a statement that was verified"),
    ("WrappedVaultKey", "is stored by the server as it is"),
    ("X25519Public", "a public point"),
];

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
        format!("{:?}", KemSeed::generate(&mut rng)),
        format!("{pair:?}"),
        format!("{:?}", encapsulate(pair.public(), &mut rng).0),
        format!("{:?}", RootKey::from_bytes(&random(&mut rng))),
        format!("{:?}", ChainKey::from_bytes(&random(&mut rng))),
        format!("{:?}", MessageKey::from_bytes(&random(&mut rng))),
        format!("{:?}", RatchetKey::generate(&mut rng)),
        format!("{:?}", SingleUseKey::derive(&random(&mut rng), &[])),
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
         KemSeed(..)\n\
         KemKeyPair(..)\n\
         KemCiphertext(..)\n\
         RootKey(..)\n\
         ChainKey(..)\n\
         MessageKey(..)\n\
         RatchetKey(..)\n\
         SingleUseKey(..)\n\
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
    is_cleared::<ChainKey>();
    is_cleared::<ContentKey>();
    is_cleared::<KemSeed>();
    is_cleared::<MessageKey>();
    is_cleared::<MessageOpening>();
    is_cleared::<RecoveryKey>();
    is_cleared::<RootKey>();
    is_cleared::<SingleUseKey>();
    // What SigningKey, and all X25519 secrets, wrap.
    is_cleared::<ed25519_dalek::SigningKey>();
    is_cleared::<x25519_dalek::StaticSecret>();
    is_cleared::<chacha20poly1305::ChaCha20Poly1305>();
}

#[test]
fn clearing_leaves_nothing_of_a_secret() {
    // What drop calls. Memory that was given back cannot be looked at without `unsafe`, which this crate forbids.
    macro_rules! is_zero_after_clearing {
        ($($secret:ident: $length:literal),+) => {$(
            let mut secret = $secret::from_bytes(&[0xa5; $length]);
            secret.zeroize();
            assert_eq!(*secret.as_bytes(), [0; $length], stringify!($secret));
        )+};
    }
    is_zero_after_clearing!(ChainKey: 32, ContentKey: 32, KemSeed: 64, MessageKey: 32, RootKey: 32);
    let mut recovery = RecoveryKey::from_bytes(&[0xa5; 32]);
    recovery.zeroize();
    assert_eq!(*recovery.to_bytes(), [0; 32]);
    let mut single = SingleUseKey::from_parts([0xa5; 32], [0xa5; 12], [0xa5; 32]);
    single.zeroize();
    let zeros = SingleUseKey::from_parts([0; 32], [0; 12], [0; 32]);
    assert_eq!(single.seal(AD, b"text"), zeros.seal(AD, b"text"));
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
        crate::LinkError::WrongDigits.to_string(),
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
        format!("{:?}", PlaceKey::generate(&mut rng)),
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
         PlaceKey(..)\n\
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
    is_cleared::<PlaceKey>();
    is_cleared::<FrankingProof>();
    is_cleared::<chacha20poly1305::XChaCha20Poly1305>();
}

#[test]
fn no_secret_of_a_link_shows_in_debug_output() {
    let mut rng = rng(3);
    let device = Device::new(1, &mut rng);
    let keys = NewDeviceKeys {
        signing: device.signing.public(),
        identity: device.identity.public(),
    };
    let mut shown = Vec::new();
    let show = |value: &dyn std::fmt::Debug| format!("{value:?}");
    let offer = LinkOffer::new(LinkWay::Scan, keys, &mut rng);
    shown.extend([show(&offer), show(&offer.code().unwrap())]);
    let answer = LinkAnswer::to_code(&offer.code().unwrap(), &mut rng);
    shown.extend([show(&answer), show(&answer.message())]);
    let awaiting = offer.answered(&answer.message(), &mut rng).unwrap();
    shown.extend([show(&awaiting), show(&awaiting.message())]);
    let revealed = answer.revealed(&awaiting.message()).unwrap();
    shown.push(show(&revealed));
    let RevealedLink::Confirmed(confirmed) = revealed else {
        panic!("a scanned code is enough");
    };
    let (mut channel, grant) = confirmed.grant(b"payload", &mut rng).unwrap();
    shown.extend([show(&channel), show(&grant)]);
    shown.push(show(&channel.seal(b"payload", &mut rng).unwrap()));
    let offer = LinkOffer::new(LinkWay::Code, keys, &mut rng);
    let answer = LinkAnswer::to_commitment(&offer.message(), &mut rng);
    let awaiting = offer.answered(&answer.message(), &mut rng).unwrap();
    shown.push(show(&answer.revealed(&awaiting.message()).unwrap()));
    shown.extend([
        show(&LinkSeed::from_bytes(&[1; 32])),
        show(&LinkSecret::from_bytes(&[1; 16])),
        show(&LinkKey::from_bytes(&[1; 32])),
    ]);
    assert_eq!(
        shown.join("\n"),
        "LinkOffer(..)\n\
         LinkCode(..)\n\
         LinkAnswer(..)\n\
         AnswerMessage(..)\n\
         AwaitingGrant(..)\n\
         RevealMessage(..)\n\
         Confirmed(ConfirmedLink(..))\n\
         LinkChannel(..)\n\
         GrantMessage(..)\n\
         LinkMessage(..)\n\
         Unconfirmed(UnconfirmedLink(..))\n\
         LinkSeed(..)\n\
         LinkSecret(..)\n\
         LinkKey(..)"
    );
}

#[test]
fn secrets_of_a_link_are_cleared_when_they_are_dropped() {
    fn is_cleared<T: ZeroizeOnDrop>() {}
    is_cleared::<LinkSeed>();
    is_cleared::<LinkSecret>();
    is_cleared::<LinkKey>();
    macro_rules! is_zero_after_clearing {
        ($($secret:ident: $length:literal),+) => {$(
            let mut secret = $secret::from_bytes(&[0xa5; $length]);
            secret.zeroize();
            assert_eq!(*secret.as_bytes(), [0; $length], stringify!($secret));
        )+};
    }
    is_zero_after_clearing!(LinkSeed: 32, LinkSecret: 16, LinkKey: 32);
}

/// A type as its source declares it.
struct Declared {
    name: String,
    attributes: String,
    body: String,
}

/// Every struct and enum of this crate outside its tests, and all of the code without comments.
fn declared() -> (Vec<Declared>, String) {
    let (mut types, mut code) = (Vec::new(), String::new());
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "tests" {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !["tests.rs", "model.rs"].contains(&name.as_str())
            {
                let text = fs::read_to_string(&path).unwrap();
                // Tests come last in a file.
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                let lines = text.lines().map(|line| line.split("//").next().unwrap());
                code.push_str(&lines.collect::<Vec<_>>().join("\n"));
                code.push('\n');
            }
        }
    }
    for keyword in ["struct ", "enum "] {
        for (at, _) in code.match_indices(keyword) {
            let before = &code[..at];
            let line = before.rsplit('\n').next().unwrap();
            if !["", "pub ", "pub(crate) ", "pub(super) "].contains(&line) {
                continue;
            }
            let rest = &code[at + keyword.len()..];
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            // The end of the declaration, by what encloses its fields.
            let start = rest.find(['{', '(', ';']).unwrap();
            let end = match &rest[start..] {
                fields if fields.starts_with("{}") || fields.starts_with(';') => Some(0),
                fields if fields.starts_with('(') => fields.find(");"),
                fields => fields.find("\n}"),
            };
            let above = before.rsplit("\n\n").next().unwrap();
            types.push(Declared {
                name: name.to_owned(),
                attributes: above.to_owned(),
                body: rest[start..start + end.unwrap()].to_owned(),
            });
        }
    }
    (types, code)
}

#[test]
fn whoever_holds_bytes_is_listed_as_secret_or_open() {
    let (types, _) = declared();
    assert!(types.len() > 40, "only {} types found", types.len());
    let mut found = BTreeSet::new();
    for declared in &types {
        let holds_bytes = ["[u8;", "Vec<u8>", "[u8]>"]
            .iter()
            .any(|bytes| declared.body.contains(bytes));
        if holds_bytes {
            found.insert(declared.name.as_str());
        }
    }
    let listed: BTreeSet<&str> = SECRET
        .iter()
        .copied()
        .chain(OPEN.iter().map(|(name, _)| *name))
        .collect();
    assert_eq!(
        found, listed,
        "a type that holds bytes belongs into SECRET (then also into the tests above) or, with a reason, into OPEN"
    );
}

#[test]
fn secret_types_are_redacted_cleared_and_never_compared_or_copied() {
    let (types, code) = declared();
    let redacted: BTreeSet<&str> = code
        .split("redacted!(")
        .skip(1)
        .flat_map(|rest| rest.split(')').next().unwrap().split(','))
        .map(str::trim)
        .collect();
    for name in SECRET {
        let declared = types.iter().find(|declared| declared.name == *name).unwrap();
        assert!(redacted.contains(name), "{name} lacks redacted!");
        assert!(
            declared.attributes.contains("ZeroizeOnDrop"),
            "{name} is not cleared on drop"
        );
        for forbidden in ["Debug", "Clone", "Copy", "PartialEq", "Serialize", "Encode"] {
            assert!(
                !declared.attributes.contains(forbidden),
                "{name} derives {forbidden}"
            );
        }
    }
    // Whoever is redacted is so everywhere: nobody derives what the macro writes.
    for name in redacted {
        if let Some(declared) = types.iter().find(|declared| declared.name == name) {
            assert!(
                !declared.attributes.contains("Debug"),
                "{name} derives Debug, too"
            );
        }
    }
}
