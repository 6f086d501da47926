//! The vault: what a new device needs to read the past, kept by a server that can read none of it.
//!
//! | file | owns |
//! |---|---|
//! | `x_wing` | the KEM of the slots, and of links: X25519 and ML-KEM-768 together |
//! | `slot` | ways in: secrets that their owner holds, and the signed public keys to them |
//! | `vault_key` | the key of one generation |
//! | `wrapped_key` | a vault key, wrapped to a slot and signed |
//! | `record` | one sealed record |
//! | `head` | how many records there are, and the hash of the last |
//! | `log` | the chain of records: no gap, no swap, no way back |
//! | `tail` | the same chain, read from its end |
//!
//! Who wrote a slot or a wrapped key is checked against [`crate::RemoteDevice`], which the caller has from the verified
//! account chain; a device that was revoked must not be given here. State of ratchets never goes into the vault.

mod head;
mod log;
mod record;
mod slot;
mod tail;
#[cfg(test)]
mod tests;
mod vault_key;
mod wrapped_key;
pub(crate) mod x_wing;

pub use head::{HeadComparison, VaultHead};
pub use log::VaultLog;
pub use record::VaultRecord;
pub use slot::{SlotKind, SlotSecret, VaultSlot, VerifiedSlot};
pub use tail::{TailPlace, VaultTail};
pub use vault_key::VaultKey;
pub use wrapped_key::{VerifiedWrappedKey, WrappedVaultKey};
#[cfg(test)]
pub(crate) use x_wing::XWingSecret;
