//! The key of one message, used once and then gone.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::redacted::redacted;

/// 32 bytes; the suite expands them, with the message's random bytes, to what its AEAD needs.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct MessageKey([u8; 32]);

redacted!(MessageKey);

impl MessageKey {
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
