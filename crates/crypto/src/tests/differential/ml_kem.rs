//! ML-KEM-768 of libcrux, which ships, against that of RustCrypto.

use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::ml_kem_768::{DecapsulationKey, EncapsulationKey};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use crate::KeyError;
use crate::prekeys::{
    CIPHERTEXT_LENGTH, KemCiphertext, KemPublicKey, KemSeed, PUBLIC_KEY_LENGTH, SEED_LENGTH, encapsulate,
};
use crate::tests::{Fixed, cases, rng, wanted};

fn draw<const N: usize>(rng: &mut ChaCha20Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn below(rng: &mut ChaCha20Rng, end: usize) -> usize {
    usize::try_from(rng.next_u32()).unwrap() % end
}

/// What RustCrypto thinks of a public key.
fn oracle(public: &[u8; PUBLIC_KEY_LENGTH]) -> Option<EncapsulationKey> {
    EncapsulationKey::new(&(*public).into()).ok()
}

#[test]
fn libcrux_and_rustcrypto_expand_encapsulate_and_decapsulate_alike() {
    let mut rng = rng(101);
    let count = wanted(300);
    let mut altered_ciphertexts = 0;
    for _ in 0..count {
        let seed = draw::<SEED_LENGTH>(&mut rng);
        let pair = KemSeed::from_bytes(&seed).expand();
        let other = DecapsulationKey::from_seed(seed.into());
        let public = *pair.public().as_bytes();
        assert_eq!(public[..], other.encapsulation_key().to_bytes()[..]);

        let randomness = draw::<32>(&mut rng);
        let (ciphertext, secret) = encapsulate(pair.public(), &mut Fixed::new(randomness));
        let (other_ciphertext, other_secret) = oracle(&public)
            .unwrap()
            .encapsulate_deterministic(&randomness.into());
        assert_eq!(ciphertext.as_bytes()[..], other_ciphertext[..]);
        assert_eq!(secret[..], other_secret[..]);
        assert_eq!(*pair.decapsulate(&ciphertext), *secret);

        // Implicit rejection: a flipped bit in either half, some random bytes, and zeros.
        let flipped = |rng: &mut ChaCha20Rng| {
            let mut bytes = *ciphertext.as_bytes();
            bytes[below(rng, CIPHERTEXT_LENGTH)] ^= 1 << below(rng, 8);
            bytes
        };
        for altered in [
            flipped(&mut rng),
            flipped(&mut rng),
            draw::<CIPHERTEXT_LENGTH>(&mut rng),
            [0; CIPHERTEXT_LENGTH],
        ] {
            altered_ciphertexts += 1;
            let rejected = *pair.decapsulate(&KemCiphertext::from_bytes(&altered));
            assert_ne!(rejected, *secret);
            assert_eq!(rejected[..], other.decapsulate(&altered.into())[..]);
        }
    }
    cases(
        "libcrux and ml-kem: keys and ciphertexts",
        usize::try_from(count).unwrap(),
    );
    cases("libcrux and ml-kem: altered ciphertexts", altered_ciphertexts);
}

/// Puts a coefficient in the place of one of the 768 of a public key; two take three bytes.
fn put(public: &mut [u8; PUBLIC_KEY_LENGTH], place: usize, coefficient: u16) {
    let [low, high] = coefficient.to_le_bytes();
    let at = place / 2 * 3;
    if place.is_multiple_of(2) {
        public[at] = low;
        public[at + 1] = public[at + 1] & 0xf0 | high;
    } else {
        public[at + 1] = public[at + 1] & 0x0f | low << 4;
        public[at + 2] = high << 4 | low >> 4;
    }
}

#[test]
fn libcrux_and_rustcrypto_judge_public_keys_alike() {
    const MODULUS: u16 = 3329;
    let mut rng = rng(102);
    let count = wanted(300);
    let mut judged = 0;
    for _ in 0..count {
        let public = *KemSeed::from_bytes(&draw(&mut rng)).expand().public().as_bytes();
        let place = below(&mut rng, 768);
        let over = MODULUS + u16::try_from(below(&mut rng, usize::from(4096 - MODULUS))).unwrap();
        let under = u16::try_from(below(&mut rng, usize::from(MODULUS))).unwrap();
        for (coefficient, is_good) in [
            (MODULUS, false),
            (over, false),
            (4095, false),
            (MODULUS - 1, true),
            (under, true),
            (0, true),
        ] {
            judged += 1;
            let mut changed = public;
            put(&mut changed, place, coefficient);
            let ours = KemPublicKey::from_bytes(&changed);
            assert_eq!(ours.is_ok(), is_good, "coefficient {coefficient} at {place}");
            assert_eq!(oracle(&changed).is_some(), is_good);
            match ours {
                Err(refusal) => assert_eq!(refusal, KeyError::InvalidKemKey),
                Ok(key) => {
                    // A valid key that nobody made from a seed: both must still encapsulate alike.
                    let randomness = draw::<32>(&mut rng);
                    let (ciphertext, secret) = encapsulate(&key, &mut Fixed::new(randomness));
                    let (other_ciphertext, other_secret) = oracle(&changed)
                        .unwrap()
                        .encapsulate_deterministic(&randomness.into());
                    assert_eq!(ciphertext.as_bytes()[..], other_ciphertext[..]);
                    assert_eq!(secret[..], other_secret[..]);
                }
            }
        }
    }
    cases("libcrux and ml-kem: public keys", judged);
}
