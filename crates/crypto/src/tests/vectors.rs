//! Known answers of the RFCs, through this crate's own wrappers.

use crate::aead::SingleUseKey;
use crate::kdf::hkdf;
use crate::keys::{X25519Public, X25519Secret};
use crate::tests::vectors;
use crate::{KeyError, SigningKey, VerifyingKey};

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
    // The RFC's second point has its unused bit set. RFC 7748 clears it; we refuse a point in a second form.
    let point = bytes("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493");
    assert_eq!(X25519Public::from_bytes(&point), Err(KeyError::NonCanonical));

    let mut scalar = std::array::from_fn(|index| if index == 0 { 9 } else { 0 });
    let mut point = scalar;
    for round in 1..=1000 {
        let next = *X25519Secret::from_bytes(&scalar)
            .agree(&X25519Public::from_bytes(&point).unwrap())
            .unwrap();
        (point, scalar) = (scalar, next);
        if round == 1 {
            assert_eq!(
                scalar,
                bytes("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
            );
        }
    }
    assert_eq!(
        scalar,
        bytes("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
    );
    vectors("RFC 7748 X25519", 5);
}

#[test]
fn ed25519_gives_the_answers_of_rfc_8032() {
    let answers = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589
             09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (secret, public, message, signature) in answers {
        let key = SigningKey::from_bytes(&bytes(secret));
        assert_eq!(key.public().to_bytes(), bytes(public));
        assert_eq!(key.sign(&unhex(message)), bytes(signature));
        let public = VerifyingKey::from_bytes(&bytes(public)).unwrap();
        assert_eq!(public.verify(&unhex(message), &bytes(signature)), Ok(()));
    }
    vectors("RFC 8032 Ed25519", answers.len());
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
    vectors("RFC 8439 ChaCha20-Poly1305", 1);
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
    let counting = |from: u8, to: u8| (from..to).collect::<Vec<_>>();
    let info = [counting(0xb0, 0xff), vec![0xff]].concat();
    assert_eq!(
        hkdf::<82>(
            &counting(0x60, 0xb0),
            &counting(0, 0x50),
            &[&info[..40], &info[40..]]
        )
        .to_vec(),
        unhex(
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09
             da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        )
    );
    vectors("RFC 5869 HKDF-SHA-256", 3);
}

#[test]
fn hmac_sha256_gives_the_answers_of_rfc_4231() {
    // Our wrapper takes 32-byte keys and one byte alone, as no case of the RFC does; so these go to what it calls.
    use hmac::{Hmac, KeyInit, Mac};
    let long =
        b"This is a test using a larger than block-size key and a larger than block-size data. The key \
                 needs to be hashed before being used by the HMAC algorithm.";
    let answers: [(&[u8], &[u8], &str); 7] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            &std::array::from_fn::<u8, 25, _>(|index| u8::try_from(index + 1).unwrap()),
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        // Truncated to 128 bits in the RFC.
        (
            &[0x0c; 20],
            b"Test With Truncation",
            "a3b6167473100ee06e0c796c2955552b",
        ),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            &[0xaa; 131],
            long,
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, message, tag) in answers {
        let tag = unhex(tag);
        let computed = Hmac::<sha2::Sha256>::new_from_slice(key)
            .unwrap()
            .chain_update(message)
            .finalize()
            .into_bytes();
        assert_eq!(computed[..tag.len()], tag);
    }
    vectors("RFC 4231 HMAC-SHA-256", answers.len());
}

#[test]
fn sha256_gives_the_answers_of_rfc_6234() {
    use sha2::{Digest, Sha256};
    let answers: [(&[u8], usize, &str); 4] = [
        (
            b"abc",
            1,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            &[b'a'; 1000],
            1000,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
        (
            b"0123456701234567012345670123456701234567012345670123456701234567",
            10,
            "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5",
        ),
    ];
    for (message, times, digest) in answers {
        assert_eq!(Sha256::digest(message.repeat(times))[..], unhex(digest)[..]);
    }
    vectors("RFC 6234 SHA-256", answers.len());
}

#[test]
fn verifying_keys_of_small_order_or_in_a_second_form_are_refused() {
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
