//! KDF_RK.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::chain_key::ChainKey;
use crate::kdf::hkdf;
use crate::redacted::redacted;
use crate::suite::Suite;

/// What all later agreements are mixed into.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct RootKey([u8; 32]);

redacted!(RootKey);

impl RootKey {
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HKDF with the root as salt and an agreement as input: the next root, and a chain.
    pub(super) fn step<S: Suite>(&self, shared: &[u8; 32]) -> (Self, ChainKey) {
        let okm = hkdf::<64>(&self.0, shared, &[S::ROOT_INFO]);
        let okm: &[u8; 64] = &okm;
        let mut root = Self([0; 32]);
        root.0.copy_from_slice(&okm[..32]);
        let mut chain = Zeroizing::new([0; 32]);
        chain.copy_from_slice(&okm[32..64]);
        (root, ChainKey::from_bytes(&chain))
    }
}
