use conclave_encoding::labels;

use crate::tests::{Device, rng};
use crate::{HandshakeError, KeyError, ParseError, PrekeyBundle, PrekeyKind};

#[test]
fn a_bundle_opens_only_for_its_owner_and_unaltered() {
    let mut rng = rng(6);
    let alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    let bundle = bob.publish(PrekeyKind::OneTime, &mut rng);
    let bytes = bundle.to_bytes();
    assert!(bundle.verify(&bob.remote()).is_ok());
    assert_eq!(
        bundle.verify(&alice.remote()).unwrap_err(),
        HandshakeError::WrongOwner
    );
    let mut impostor = bob.remote();
    impostor.signing = alice.signing.public();
    assert_eq!(bundle.verify(&impostor).unwrap_err(), HandshakeError::Signature);
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 1 << (position % 8);
        let refused =
            PrekeyBundle::from_bytes(&altered).map_or(true, |bundle| bundle.verify(&bob.remote()).is_err());
        assert!(refused, "byte {position}");
    }
    for length in 0..bytes.len() {
        assert!(PrekeyBundle::from_bytes(&bytes[..length]).is_err());
    }
}

#[test]
fn a_bundle_whose_kind_contradicts_its_keys_does_not_parse() {
    let mut rng = rng(10);
    let mut bob = Device::new(2, &mut rng);
    for kind in [PrekeyKind::OneTime, PrekeyKind::LastResort] {
        let mut bytes = bob.publish(kind, &mut rng).to_bytes();
        let kind_at = 1 + labels::PREKEY_ENTRY.as_bytes().len() + 2 + 32 + 4 + 4;
        bytes[kind_at] ^= 1;
        assert_eq!(
            PrekeyBundle::from_bytes(&bytes).unwrap_err(),
            ParseError::NonCanonical
        );
    }
}

#[test]
fn bundles_with_zero_or_small_order_keys_are_refused_even_when_signed() {
    // The device itself is hostile here: it signs what it likes.
    let mut rng = rng(8);
    let mut bob = Device::new(2, &mut rng);
    let bytes = bob.publish(PrekeyKind::OneTime, &mut rng).to_bytes();
    let signed_prekey = bytes
        .windows(32)
        .position(|window| *window == bob.signed.public().to_bytes())
        .unwrap();
    let one_time = signed_prekey + 32 + 1;
    let one = std::array::from_fn::<u8, 32, _>(|index| u8::from(index == 0));
    for (offset, key) in [
        (signed_prekey, [0; 32]),
        (signed_prekey, one),
        (one_time, [0; 32]),
        (one_time, one),
    ] {
        let mut hostile = bytes.clone();
        hostile[offset..offset + 32].copy_from_slice(&key);
        let signature = bob.signing.sign(&hostile[..hostile.len() - 64]);
        let at = hostile.len() - 64;
        hostile[at..].copy_from_slice(&signature);
        let refused = PrekeyBundle::from_bytes(&hostile)
            .unwrap()
            .verify(&bob.remote())
            .unwrap_err();
        assert_eq!(refused, HandshakeError::Key(KeyError::SmallOrder));
    }
    let mut hostile = bytes.clone();
    hostile[one_time + 32..one_time + 35].copy_from_slice(&[0xff; 3]);
    let at = hostile.len() - 64;
    let signature = bob.signing.sign(&hostile[..at]);
    hostile[at..].copy_from_slice(&signature);
    let refused = PrekeyBundle::from_bytes(&hostile)
        .unwrap()
        .verify(&bob.remote())
        .unwrap_err();
    assert_eq!(refused, HandshakeError::Key(KeyError::InvalidKemKey));
}
