//! KDF_CK.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::message_key::MessageKey;
use crate::kdf::hmac_each;
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

    pub(crate) fn copy(&self) -> Self {
        Self(self.0)
    }

    /// The key of the chain's next message, and the chain key behind it.
    pub(crate) fn step(&self) -> (MessageKey, Self) {
        let [message_key, chain_key] = &*hmac_each(&self.0, [MESSAGE_KEY_INPUT, CHAIN_KEY_INPUT]);
        (MessageKey::from_bytes(message_key), Self::from_bytes(chain_key))
    }

    #[cfg(test)]
    pub(crate) fn message_key(&self) -> MessageKey {
        self.step().0
    }

    #[cfg(test)]
    pub(crate) fn next(&self) -> Self {
        self.step().1
    }
}
