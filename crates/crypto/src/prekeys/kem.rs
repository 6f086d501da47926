//! ML-KEM-768: the share of the handshake that a quantum computer does not undo.
//!
//! Only the 64-byte seed is stored; the expanded key lives as long as one decapsulation.

use libcrux_ml_kem::mlkem768::{
    self, MlKem768Ciphertext, MlKem768PrivateKey, MlKem768PublicKey, validate_public_key,
};
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::KeyError;
use crate::kdf::random;
use crate::redacted::redacted;

pub(crate) const PUBLIC_KEY_LENGTH: usize = 1184;
pub(crate) const CIPHERTEXT_LENGTH: usize = 1088;
pub(crate) const SEED_LENGTH: usize = 64;

/// The seed `d ‖ z` from which a key pair is expanded (FIPS 203).
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct KemSeed([u8; SEED_LENGTH]);

/// An expanded pair.
pub(crate) struct KemKeyPair {
    private: MlKem768PrivateKey,
    public: KemPublicKey,
}

/// A public key that passed the modulus check.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KemPublicKey(Box<[u8; PUBLIC_KEY_LENGTH]>);

/// What the initiator sends. Every value of this length is decapsulated, the wrong ones to a secret nobody knows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KemCiphertext(Box<[u8; CIPHERTEXT_LENGTH]>);

redacted!(KemSeed, KemKeyPair, KemPublicKey, KemCiphertext);

impl KemSeed {
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_bytes(&random(rng))
    }

    pub(crate) fn from_bytes(bytes: &[u8; SEED_LENGTH]) -> Self {
        Self(*bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; SEED_LENGTH] {
        &self.0
    }

    pub(crate) fn expand(&self) -> KemKeyPair {
        let (private, public) = mlkem768::generate_key_pair(self.0).into_parts();
        KemKeyPair {
            private,
            public: KemPublicKey(Box::new(public.into())),
        }
    }
}

impl KemKeyPair {
    pub(crate) fn public(&self) -> &KemPublicKey {
        &self.public
    }

    pub(crate) fn decapsulate(&self, ciphertext: &KemCiphertext) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(mlkem768::decapsulate(
            &self.private,
            &MlKem768Ciphertext::from(ciphertext.as_bytes()),
        ))
    }
}

impl Drop for KemKeyPair {
    fn drop(&mut self) {
        // The library does not clear its keys.
        self.private[0..MlKem768PrivateKey::len()].zeroize();
    }
}

impl KemPublicKey {
    pub(crate) fn from_bytes(bytes: &[u8; PUBLIC_KEY_LENGTH]) -> Result<Self, KeyError> {
        if !validate_public_key(&MlKem768PublicKey::from(bytes)) {
            return Err(KeyError::InvalidKemKey);
        }
        Ok(Self(Box::new(*bytes)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; PUBLIC_KEY_LENGTH] {
        &self.0
    }
}

impl KemCiphertext {
    pub(crate) fn from_bytes(bytes: &[u8; CIPHERTEXT_LENGTH]) -> Self {
        Self(Box::new(*bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; CIPHERTEXT_LENGTH] {
        &self.0
    }
}

/// A fresh secret and the ciphertext that carries it to the holder of the key.
pub(crate) fn encapsulate(
    public: &KemPublicKey,
    rng: &mut impl CryptoRng,
) -> (KemCiphertext, Zeroizing<[u8; 32]>) {
    encapsulate_with(public, &random(rng))
}

/// As [`encapsulate`], with the 32 random bytes given.
pub(crate) fn encapsulate_with(
    public: &KemPublicKey,
    randomness: &[u8; 32],
) -> (KemCiphertext, Zeroizing<[u8; 32]>) {
    let (ciphertext, secret) =
        mlkem768::encapsulate(&MlKem768PublicKey::from(public.as_bytes()), *randomness);
    (KemCiphertext(Box::new(ciphertext.into())), Zeroizing::new(secret))
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn both_sides_agree_and_another_ciphertext_gives_another_secret() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let pair = KemSeed::generate(&mut rng).expand();
        let (ciphertext, secret) = encapsulate(pair.public(), &mut rng);
        assert_eq!(*pair.decapsulate(&ciphertext), *secret);
        let mut other = *ciphertext.as_bytes();
        other[5] ^= 1;
        assert_ne!(*pair.decapsulate(&KemCiphertext::from_bytes(&other)), *secret);
    }

    #[test]
    fn a_public_key_that_fails_the_modulus_check_is_refused() {
        assert_eq!(
            KemPublicKey::from_bytes(&[0xff; PUBLIC_KEY_LENGTH]).err(),
            Some(KeyError::InvalidKemKey)
        );
    }
}
