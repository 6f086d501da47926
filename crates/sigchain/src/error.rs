//! Why an entry or a chain is refused.

use conclave_encoding::DecodeError;
use thiserror::Error;

/// Why an entry does not belong where it is offered. Every variant is final: trying again changes nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ChainError {
    /// The bytes are not an entry.
    #[error("the entry cannot be read: {0}")]
    Encoding(#[from] DecodeError),
    /// The entry is of a version or kind that this build does not know. The chain may be sound, but nothing
    /// may be sealed to it before an update.
    #[error("the entry is of a newer kind than this version knows")]
    Unsupported,
    /// A chain begins with a genesis entry and has no second one.
    #[error("an account's log begins with its one genesis entry")]
    Genesis,
    /// The entry belongs to another chain.
    #[error("the entry belongs to another account's log")]
    OtherChain,
    /// The sequence is not the next one.
    #[error("the entry is not the next one")]
    Gap,
    /// The entry names another predecessor: the log was forked.
    #[error("the entry continues another version of this log")]
    Fork,
    /// Time runs backwards.
    #[error("the entry is older than the one before it")]
    TimeBackwards,
    /// A key is not a usable public key.
    #[error("the entry names a key that is not usable")]
    Key,
    /// A signature does not fit.
    #[error("a signature in the entry is not valid")]
    Signature,
    /// The chain does not have the id under which it was asked for.
    #[error("this is the log of another account")]
    WrongAccount,
    /// No entries were given.
    #[error("the log is empty")]
    Empty,
}
