//! The key of one file.

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::kdf::random;
use crate::redacted::redacted;

/// 32 bytes that seal exactly one file. They travel in the sealed message that names the file.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct AttachmentKey([u8; 32]);

redacted!(AttachmentKey);

impl AttachmentKey {
    /// A new key. Each upload has its own.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_bytes(&random(rng))
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
