//! KDF_CK.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::message_key::MessageKey;
use crate::kdf::hmac;
use crate::redacted::redacted;

const MESSAGE_KEY_INPUT: u8 = 0x01;
const CHAIN_KEY_INPUT: u8 = 0x02;

/// The state of a chain. From it follow all later message keys and none of the earlier ones.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct ChainKey([u8; 32]);

redacted!(ChainKey);

impl ChainKey {
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn message_key(&self) -> MessageKey {
        MessageKey::from_bytes(&hmac(&self.0, MESSAGE_KEY_INPUT))
    }

    pub(super) fn next(&self) -> Self {
        Self(*hmac(&self.0, CHAIN_KEY_INPUT))
    }
}
