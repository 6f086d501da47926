//! Known answers of the RFCs, through this crate's own wrappers.

use crate::aead::SingleUseKey;
use crate::kdf::hkdf;
use crate::keys::{X25519Public, X25519Secret};
use crate::{SigningKey, VerifyingKey};

pub(crate) fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    unhex(hex).try_into().unwrap()
}

pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .filter(char::is_ascii_hexdigit)
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn x25519_gives_the_answers_of_rfc_7748() {
    let alice = X25519Secret::from_bytes(&bytes(
        "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    ));
    let bob = X25519Secret::from_bytes(&bytes(
        "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    ));
    let alice_public: [u8; 32] = bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let bob_public: [u8; 32] = bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    let shared: [u8; 32] = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(alice.public().to_bytes(), alice_public);
    assert_eq!(bob.public().to_bytes(), bob_public);
    assert_eq!(
        *alice
            .agree(&X25519Public::from_bytes(&bob_public).unwrap())
            .unwrap(),
        shared
    );
    assert_eq!(
        *bob.agree(&X25519Public::from_bytes(&alice_public).unwrap())
            .unwrap(),
        shared
    );

    let scalar = X25519Secret::from_bytes(&bytes(
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
    ));
    let point = bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    assert_eq!(
        *scalar.agree(&X25519Public::from_bytes(&point).unwrap()).unwrap(),
        bytes("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    );
}

#[test]
fn ed25519_gives_the_answers_of_rfc_8032() {
    for (secret, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let key = SigningKey::from_bytes(&bytes(secret));
        assert_eq!(key.public().to_bytes(), bytes(public));
        assert_eq!(key.sign(&unhex(message)), bytes(signature));
        let public = VerifyingKey::from_bytes(&bytes(public)).unwrap();
        assert_eq!(public.verify(&unhex(message), &bytes(signature)), Ok(()));
    }
}

#[test]
fn chacha20_poly1305_gives_the_answer_of_rfc_8439() {
    let key = || {
        SingleUseKey::from_parts(
            bytes("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
            bytes("070000004041424344454647"),
            [0xcc; 32],
        )
    };
    let associated_data = unhex("50515253c0c1c2c3c4c5c6c7");
    let plaintext = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
                      future, sunscreen would be it.";
    let sealed = unhex(
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
         1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
         3ff4def08e4b7a9de576d26586cec64b6116 1ae10b594f09e26a7e902ecbd0600691",
    );
    let sealed = [&[0xcc; 32][..], &sealed].concat();
    assert_eq!(key().seal(&associated_data, plaintext).unwrap(), sealed);
    assert_eq!(*key().open(&associated_data, &sealed).unwrap(), plaintext);
}

#[test]
fn hkdf_gives_the_answers_of_rfc_5869() {
    assert_eq!(
        *hkdf::<42>(
            &unhex("000102030405060708090a0b0c"),
            &[0x0b; 22],
            &[&unhex("f0f1f2f3f4f5f6f7f8f9")]
        ),
        bytes("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    );
    assert_eq!(
        *hkdf::<42>(&[], &[0x0b; 22], &[]),
        bytes("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    );
}

#[test]
fn verifying_keys_of_small_order_or_in_a_second_form_are_refused() {
    use crate::KeyError;
    // The neutral element, the point of order two, one of order four (y = 0), and one of order eight.
    for weak in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    ] {
        assert_eq!(
            VerifyingKey::from_bytes(&bytes(weak)).err(),
            Some(KeyError::SmallOrder),
            "{weak}"
        );
    }
    // y = p + 1, and minus zero as x.
    for odd in [
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
    ] {
        let refusal = VerifyingKey::from_bytes(&bytes(odd)).err();
        assert!(
            matches!(refusal, Some(KeyError::NonCanonical | KeyError::NotOnCurve)),
            "{odd}: {refusal:?}"
        );
    }
    assert_eq!(
        VerifyingKey::from_bytes(&[2; 32]).err(),
        Some(KeyError::NotOnCurve)
    );
}
