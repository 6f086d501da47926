//! Sender Keys: the messages of rooms. Each device has one chain per room and epoch, which its own word ties to it.
//!
//! | file | owns |
//! |---|---|
//! | `statement` | a device's signed word on one chain, unverified and verified |
//! | `binding` | what a statement says; associated data, signature and seal of a message in its name |
//! | `distribution` | a chain as it is handed on: by its device, and by a member or the vault |
//! | `message` | a room message as it travels |
//! | `opening` | an opened message, and the key that opens it in a report |
//! | `sending` | this device's own chain |
//! | `receiving` | the chains of another device |
//! | `history` | a chain of the past, read without a state |
//! | `storage` | the exact stored form of chains |
//!
//! The chain itself steps as the ratchet's does (KDF_CK). Who may write in a room, and in which epoch, is decided by
//! the room's chain of entries; nothing here may guess it.

mod binding;
mod distribution;
mod history;
mod message;
#[cfg(test)]
mod model;
mod opening;
mod receiving;
mod sending;
mod statement;
mod storage;
#[cfg(test)]
mod tests;

pub use distribution::{SenderKeyDistribution, SenderKeySeed};
pub use history::HistoryChain;
pub use message::SenderKeyMessage;
pub use opening::{MessageOpening, OpenedRoomMessage};
pub use receiving::{Accepted, ReceivingChains};
pub use sending::{RotationReason, SealedRoomMessage, SendingChain};
pub use statement::{SenderKeyStatement, VerifiedStatement};

/// Bytes of a chain's id.
pub const CHAIN_ID_LENGTH: usize = 16;
