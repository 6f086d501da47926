//! The key of one direct message's body. It travels to each reader through a session.

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::kdf::random;
use crate::redacted::redacted;

/// 32 bytes that seal exactly one content.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ContentKey([u8; 32]);

redacted!(ContentKey);

impl ContentKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_bytes(&random(rng))
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The key's bytes, for sealing to a reader.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
