//! X-Wing (draft-connolly-cfrg-xwing-kem): a KEM that holds while X25519 or ML-KEM-768 does.
//!
//! Beyond the draft, X25519 keys that are not canonical or of small order are refused, as everywhere in this crate;
//! no honest side makes them. What a shared secret is used for is the caller's.

use libcrux_sha3::{sha256, shake256};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::KeyError;
use crate::kdf::random;
use crate::keys::{X25519Public, X25519Secret};
use crate::prekeys::{
    CIPHERTEXT_LENGTH as KEM_CIPHERTEXT_LENGTH, KemCiphertext, KemKeyPair, KemPublicKey, KemSeed,
    PUBLIC_KEY_LENGTH as KEM_PUBLIC_KEY_LENGTH, encapsulate_with,
};
use crate::redacted::redacted;

pub(crate) const PUBLIC_KEY_LENGTH: usize = KEM_PUBLIC_KEY_LENGTH + 32;
pub(crate) const CIPHERTEXT_LENGTH: usize = KEM_CIPHERTEXT_LENGTH + 32;

const LABEL: &[u8; 6] = br"\.//^\";

/// Both secrets, expanded from a seed. Lives as long as one use of the seed.
pub(crate) struct XWingSecret {
    kem: KemKeyPair,
    x25519: X25519Secret,
}

/// Both public keys, checked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct XWingPublic {
    kem: KemPublicKey,
    x25519: X25519Public,
}

/// A ciphertext and the secret that it carries.
pub(crate) type Encapsulated = (Box<[u8; CIPHERTEXT_LENGTH]>, Zeroizing<[u8; 32]>);

redacted!(XWingSecret, XWingPublic);

impl XWingSecret {
    pub(crate) fn expand(seed: &[u8; 32]) -> Self {
        let expanded = Zeroizing::new(shake256::<96>(seed));
        let bytes: &[u8; 96] = &expanded;
        let mut kem_seed = Zeroizing::new([0; 64]);
        let mut x25519 = Zeroizing::new([0; 32]);
        kem_seed.copy_from_slice(&bytes[..64]);
        x25519.copy_from_slice(&bytes[64..]);
        Self {
            kem: KemSeed::from_bytes(&kem_seed).expand(),
            x25519: X25519Secret::from_bytes(&x25519),
        }
    }

    pub(crate) fn public(&self) -> XWingPublic {
        XWingPublic {
            kem: self.kem.public().clone(),
            x25519: self.x25519.public(),
        }
    }

    /// The secret that a ciphertext carries. A wrong one carries a secret that nobody knows.
    pub(crate) fn decapsulate(
        &self,
        ciphertext: &[u8; CIPHERTEXT_LENGTH],
    ) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let mut kem = Box::new([0; KEM_CIPHERTEXT_LENGTH]);
        let mut ephemeral = [0; 32];
        kem.copy_from_slice(&ciphertext[..KEM_CIPHERTEXT_LENGTH]);
        ephemeral.copy_from_slice(&ciphertext[KEM_CIPHERTEXT_LENGTH..]);
        let ephemeral = X25519Public::from_bytes(&ephemeral)?;
        let kem_secret = self.kem.decapsulate(&KemCiphertext::from_bytes(&kem));
        let x25519_secret = self.x25519.agree(&ephemeral)?;
        Ok(combine(
            &kem_secret,
            &x25519_secret,
            &ephemeral,
            &self.x25519.public(),
        ))
    }
}

impl XWingPublic {
    pub(crate) fn from_bytes(bytes: &[u8; PUBLIC_KEY_LENGTH]) -> Result<Self, KeyError> {
        let mut kem = Box::new([0; KEM_PUBLIC_KEY_LENGTH]);
        let mut x25519 = [0; 32];
        kem.copy_from_slice(&bytes[..KEM_PUBLIC_KEY_LENGTH]);
        x25519.copy_from_slice(&bytes[KEM_PUBLIC_KEY_LENGTH..]);
        Ok(Self {
            kem: KemPublicKey::from_bytes(&kem)?,
            x25519: X25519Public::from_bytes(&x25519)?,
        })
    }

    pub(crate) fn to_bytes(&self) -> Box<[u8; PUBLIC_KEY_LENGTH]> {
        let mut bytes = Box::new([0; PUBLIC_KEY_LENGTH]);
        let out: &mut [u8; PUBLIC_KEY_LENGTH] = &mut bytes;
        out[..KEM_PUBLIC_KEY_LENGTH].copy_from_slice(self.kem.as_bytes());
        out[KEM_PUBLIC_KEY_LENGTH..].copy_from_slice(self.x25519.as_bytes());
        bytes
    }

    /// A fresh secret and the ciphertext that carries it.
    pub(crate) fn encapsulate(&self, rng: &mut impl CryptoRng) -> Result<Encapsulated, KeyError> {
        self.encapsulate_with(&random(rng))
    }

    /// As [`Self::encapsulate`] with the draft's 64 random bytes: ML-KEM's, then the ephemeral secret.
    pub(crate) fn encapsulate_with(&self, randomness: &[u8; 64]) -> Result<Encapsulated, KeyError> {
        let mut kem_randomness = Zeroizing::new([0; 32]);
        let mut ephemeral = Zeroizing::new([0; 32]);
        kem_randomness.copy_from_slice(&randomness[..32]);
        ephemeral.copy_from_slice(&randomness[32..]);
        let ephemeral = X25519Secret::from_bytes(&ephemeral);
        let (kem_ciphertext, kem_secret) = encapsulate_with(&self.kem, &kem_randomness);
        let x25519_secret = ephemeral.agree(&self.x25519)?;
        let ephemeral = ephemeral.public();
        let mut ciphertext = Box::new([0; CIPHERTEXT_LENGTH]);
        let out: &mut [u8; CIPHERTEXT_LENGTH] = &mut ciphertext;
        out[..KEM_CIPHERTEXT_LENGTH].copy_from_slice(kem_ciphertext.as_bytes());
        out[KEM_CIPHERTEXT_LENGTH..].copy_from_slice(ephemeral.as_bytes());
        let secret = combine(&kem_secret, &x25519_secret, &ephemeral, &self.x25519);
        Ok((ciphertext, secret))
    }
}

fn combine(
    kem_secret: &[u8; 32],
    x25519_secret: &[u8; 32],
    ephemeral: &X25519Public,
    public: &X25519Public,
) -> Zeroizing<[u8; 32]> {
    let mut input = Zeroizing::new([0; 4 * 32 + LABEL.len()]);
    let parts = kem_secret
        .iter()
        .chain(x25519_secret)
        .chain(ephemeral.as_bytes())
        .chain(public.as_bytes())
        .chain(LABEL);
    for (to, from) in input.iter_mut().zip(parts) {
        *to = *from;
    }
    let mut digest = sha256(input.as_slice());
    let secret = Zeroizing::new(digest);
    digest.zeroize();
    secret
}
