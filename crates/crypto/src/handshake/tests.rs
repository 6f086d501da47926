use hkdf::Hkdf;
use sha2::Sha256;

use super::*;
use crate::tests::{AD, Device, NOW, rng};
use crate::{
    HandshakeError, IdentityKey, LocalDevice, OpenError, PairwiseMessage, PrekeyKind, PrekeyMessage, Purpose,
    Sessions,
};

#[test]
fn without_the_kem_share_the_derivation_is_that_of_x3dh() {
    let shares = |one_time: Option<[u8; 32]>| Shares {
        identity_to_signed: Zeroizing::new([1; 32]),
        ephemeral_to_identity: Zeroizing::new([2; 32]),
        ephemeral_to_signed: Zeroizing::new([3; 32]),
        ephemeral_to_one_time: one_time.map(Zeroizing::new),
        kem: None,
    };
    for one_time in [None, Some([4; 32])] {
        // X3DH section 2.2: KDF(KM) with input F ‖ KM, a salt of zeros and the application's info.
        let mut ikm = [vec![0xff; 32], vec![1; 32], vec![2; 32], vec![3; 32]].concat();
        ikm.extend(one_time.into_iter().flatten());
        let mut expected = [0; 32];
        Hkdf::<Sha256>::new(Some(&[0; 32]), &ikm)
            .expand(b"application", &mut expected)
            .unwrap();
        assert_eq!(
            *shares(one_time).root_key(b"application", b"").as_bytes(),
            expected
        );
    }
}

#[test]
fn the_root_key_follows_from_the_kem_share_too() {
    let root = |kem: [u8; 32]| {
        let shares = Shares {
            identity_to_signed: Zeroizing::new([1; 32]),
            ephemeral_to_identity: Zeroizing::new([2; 32]),
            ephemeral_to_signed: Zeroizing::new([3; 32]),
            ephemeral_to_one_time: Some(Zeroizing::new([4; 32])),
            kem: Some(Zeroizing::new(kem)),
        };
        *shares.root_key(b"label", b"transcript").as_bytes()
    };
    assert_ne!(
        root([5; 32]),
        root([6; 32]),
        "who breaks every curve still has no key"
    );
}

fn parse_first(bytes: &[u8]) -> PrekeyMessage {
    match PairwiseMessage::from_bytes(bytes).unwrap() {
        PairwiseMessage::Prekey(message) => message,
        PairwiseMessage::Ratchet(_) => panic!("not the first message of a session"),
    }
}

#[test]
fn two_devices_meet_with_and_without_a_one_time_key() {
    for kind in [PrekeyKind::OneTime, PrekeyKind::LastResort] {
        let mut rng = rng(1);
        let mut alice = Device::new(1, &mut rng);
        let mut bob = Device::new(2, &mut rng);
        alice.begin(&mut bob, kind, &mut rng);
        let first = alice.send(b"hello", &mut rng);
        let parsed = parse_first(&first);
        assert_eq!(
            (
                parsed.prekey_id(),
                parsed.prekey_kind(),
                parsed.signed_prekey_id()
            ),
            (100, kind, 7)
        );
        assert_eq!(bob.receive(&alice.remote(), &first).unwrap(), b"hello");
        let answer = bob.send(b"welcome", &mut rng);
        assert_eq!(alice.receive(&bob.remote(), &answer).unwrap(), b"welcome");
        assert!(!alice.sessions.is_unanswered());
        assert!(matches!(
            PairwiseMessage::from_bytes(&alice.send(b"steady", &mut rng)).unwrap(),
            PairwiseMessage::Ratchet(_)
        ));
    }
}

#[test]
fn the_header_repeats_until_the_first_answer_and_any_of_its_messages_may_come_first() {
    let mut rng = rng(2);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let sent: Vec<_> = (0u8..4).map(|number| alice.send(&[number], &mut rng)).collect();
    for number in [2, 0, 3, 1] {
        assert_eq!(
            bob.receive(&alice.remote(), &sent[number]).unwrap(),
            [u8::try_from(number).unwrap()]
        );
    }
    assert!(bob.prekeys.is_empty(), "the one-time secret outlived its use");
}

#[test]
fn a_flipped_bit_anywhere_in_the_first_message_is_refused() {
    let mut rng = rng(3);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"hello", &mut rng);
    let ciphertext = 42..42 + 1088;
    for position in 0..first.len() {
        // The KEM ciphertext is long and uniform: one bit of every eighth byte speaks for it.
        let bits = if !ciphertext.contains(&position) {
            0..8
        } else if position % 8 == 0 {
            3..4
        } else {
            0..0
        };
        for bit in bits {
            let mut altered = first.clone();
            altered[position] ^= 1 << bit;
            let Ok(PairwiseMessage::Prekey(message)) = PairwiseMessage::from_bytes(&altered) else {
                continue;
            };
            let mut sessions = Sessions::default();
            let result = sessions.respond(
                &bob.local(),
                &alice.remote(),
                &bob.signed,
                &bob.prekeys[0],
                &message,
                Purpose::Control,
                AD,
                NOW,
            );
            assert!(result.is_err(), "bit {bit} of byte {position}");
            assert!(sessions.is_empty());
        }
    }
    assert!(bob.receive(&alice.remote(), &first).is_ok());
}

#[test]
fn a_handshake_binds_accounts_devices_entries_and_identities() {
    let mut rng = rng(4);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = parse_first(&alice.send(b"hello", &mut rng));
    let other_identity = IdentityKey::generate(&mut rng);

    let mut remotes = [alice.remote(); 4];
    remotes[0].account[0] ^= 1;
    remotes[1].device ^= 1;
    remotes[2].entry_hash[0] ^= 1;
    remotes[3].identity = other_identity.public();
    let mut locals = [bob.local(); 4];
    locals[0].account[0] ^= 1;
    locals[1].device ^= 1;
    locals[2].entry_hash[0] ^= 1;
    locals[3].identity = &other_identity;

    let respond = |local: &LocalDevice<'_>, remote| {
        Sessions::default()
            .respond(
                local,
                &remote,
                &bob.signed,
                &bob.prekeys[0],
                &first,
                Purpose::Control,
                AD,
                NOW,
            )
            .map(|text| text.to_vec())
    };
    for remote in remotes {
        assert_eq!(
            respond(&bob.local(), remote),
            Err(OpenError::NotAuthentic),
            "{remote:?}"
        );
    }
    for local in locals {
        assert_eq!(
            respond(&local, alice.remote()),
            Err(OpenError::NotAuthentic),
            "{local:?}"
        );
    }
    assert!(respond(&bob.local(), alice.remote()).is_ok());
}

#[test]
fn other_prekeys_than_those_named_are_refused() {
    let mut rng = rng(5);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    bob.publish(PrekeyKind::OneTime, &mut rng);
    let first = parse_first(&alice.send(b"hello", &mut rng));
    let other_signed = crate::SignedPrekey::generate(8, NOW, &mut rng);
    for (signed, secret) in [(&bob.signed, &bob.prekeys[1]), (&other_signed, &bob.prekeys[0])] {
        let refused = Sessions::default()
            .respond(
                &bob.local(),
                &alice.remote(),
                signed,
                secret,
                &first,
                Purpose::Control,
                AD,
                NOW,
            )
            .unwrap_err();
        assert_eq!(refused, OpenError::Handshake(HandshakeError::WrongPrekey));
    }
}

#[test]
fn a_verified_bundle_starts_no_session_with_another_device_nor_with_oneself() {
    let mut rng = rng(7);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    let carol = Device::new(3, &mut rng);
    let bundle = bob
        .publish(PrekeyKind::OneTime, &mut rng)
        .verify(&bob.remote())
        .unwrap();
    let refused = Sessions::default().initiate(&alice.local(), &carol.remote(), &bundle, NOW, &mut rng);
    assert_eq!(refused, Err(HandshakeError::WrongOwner));
    let own = alice
        .publish(PrekeyKind::OneTime, &mut rng)
        .verify(&alice.remote())
        .unwrap();
    let refused = Sessions::default().initiate(&alice.local(), &alice.remote(), &own, NOW, &mut rng);
    assert_eq!(refused, Err(HandshakeError::OwnDevice));
}

#[test]
fn a_replayed_first_message_opens_nothing() {
    let mut rng = rng(9);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"hello", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    assert_eq!(bob.receive(&alice.remote(), &first), Err(OpenError::KeyGone));
    // Even a device that lost its sessions: the one-time secret is gone.
    bob.sessions = Sessions::default();
    assert_eq!(
        bob.receive(&alice.remote(), &first),
        Err(OpenError::Handshake(HandshakeError::WrongPrekey))
    );
}
