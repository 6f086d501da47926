//! A device's Ed25519 secret. It signs chain entries, prekey entries and logins, and never agrees on keys.

use conclave_encoding::labels;
use ed25519_dalek::Signer;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::VerifyingKey;
use crate::kdf::{hkdf, random};
use crate::redacted::redacted;

/// Ed25519 secret. The library zeroizes it on drop.
pub struct SigningKey(ed25519_dalek::SigningKey);

redacted!(SigningKey);

impl SigningKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_bytes(&random(rng))
    }

    /// The key whose 32-byte seed this is.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(bytes))
    }

    /// The key of an invite to a group or community, from the secret in its link.
    pub fn from_invite_secret(secret: &[u8; 16]) -> Self {
        Self::from_bytes(&hkdf(&[], secret, &[labels::ROOM_INVITE_KEY.as_bytes()]))
    }

    /// The key's seed, for storing.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> VerifyingKey {
        VerifyingKey::of(&self.0)
    }

    /// Signs a message. What is signed must begin with a label, so that no signature fits two purposes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}
