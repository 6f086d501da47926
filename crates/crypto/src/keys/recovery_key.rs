//! The account's recovery key: 256 bits that its owner writes down.
//!
//! Its signing key derives from it alone and is stored nowhere, so a server that guesses a password still cannot
//! add a device.

use conclave_encoding::labels;
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::SigningKey;
use crate::kdf::{hkdf, random};
use crate::redacted::redacted;

/// 32 random bytes that outrank every device of the account.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecoveryKey([u8; 32]);

redacted!(RecoveryKey);

impl RecoveryKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_bytes(&random(rng))
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The key's bytes, for showing to its owner.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0)
    }

    /// The key that signs recovery statements in the account's chain.
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&hkdf(&[], &self.0, &[labels::RECOVERY_SIGNING_KEY.as_bytes()]))
    }
}
