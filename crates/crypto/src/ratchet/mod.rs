//! The Double Ratchet (revision of 2025, without header encryption): a new key for each message, and a new secret
//! for each turn of the conversation.
//!
//! | file | owns |
//! |---|---|
//! | `root_key` | KDF_RK: a new agreement makes a new root and a chain |
//! | `chain_key`, `chain` | KDF_CK: a chain of message keys and its counter |
//! | `message_key` | the key of one message |
//! | `ratchet_key` | our current pair, its public half cached |
//! | `state` | all of it together: sealing and transactional opening |
//! | `storage` | its exact serialized form |
//!
//! Nothing here knows peers, sessions or how a message is written. The chains of sender keys step as those here do,
//! so `chain`, `chain_key` and `message_key` are lent to that module.

mod chain;
mod chain_key;
mod message_key;
mod ratchet_key;
mod root_key;
mod state;
mod storage;
#[cfg(test)]
mod tests;

pub(crate) use chain::{Chain, OvertakenKey};
pub(crate) use chain_key::ChainKey;
pub(crate) use message_key::MessageKey;
#[cfg(test)]
pub(crate) use ratchet_key::RatchetKey;
pub(crate) use root_key::RootKey;
pub(crate) use state::Ratchet;
