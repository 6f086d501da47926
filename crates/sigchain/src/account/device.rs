//! A device as its account's chain knows it.

use conclave_protocol::{Hash, Timestamp};

use super::DeviceKeys;
use crate::ChainError;
use crate::signature::verify;

/// A device of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its public keys.
    pub keys: DeviceKeys,
    /// Hash of the entry that added it; bound into every handshake with it.
    pub entry: Hash,
    /// Sequence of the entry that added it: the same number as its id.
    pub added: u32,
    /// Time of that entry.
    pub added_at: Timestamp,
    /// Sequence of the entry since which it speaks for the account no more.
    pub revoked: Option<u32>,
}

impl Device {
    /// Whether it speaks for the account now.
    pub const fn is_active(&self) -> bool {
        self.revoked.is_none()
    }

    /// Whether it spoke for the account when the entry of this sequence was the newest.
    pub fn was_active_at(&self, sequence: u32) -> bool {
        self.added <= sequence && self.revoked.is_none_or(|revoked| sequence < revoked)
    }

    /// Checks a statement that this device signed: a login, a registration. Whether it still speaks for the
    /// account is another question.
    pub fn verify(&self, statement: &[u8], signature: &[u8; 64]) -> Result<(), ChainError> {
        verify(&self.keys.signing, statement, signature)
    }
}
