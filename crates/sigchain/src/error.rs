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
    /// The author is no device of this account.
    #[error("the entry is by a device that this log does not name")]
    Author,
    /// The author was revoked before.
    #[error("the entry is by a device that was removed")]
    AuthorRevoked,
    /// A device says what only the recovery key may say.
    #[error("only the recovery key may do this")]
    RecoveryOnly,
    /// A key is not a usable public key.
    #[error("the entry names a key that is not usable")]
    Key,
    /// A key stands in this chain already, or did.
    #[error("the entry names a key that this log has named before")]
    KeyReused,
    /// A new key does not sign for itself.
    #[error("a new key in the entry does not sign for itself")]
    Possession,
    /// The account has as many devices as it may have.
    #[error("the account has as many devices as it may have")]
    TooManyDevices,
    /// There is no such device.
    #[error("the entry names a device that this log does not know")]
    UnknownDevice,
    /// The device was revoked before.
    #[error("the device was removed before")]
    AlreadyRevoked,
    /// A device would leave the account without any.
    #[error("only the recovery key may remove the last device")]
    LastDevice,
    /// Too many slots of the vault, or not strictly ascending.
    #[error("the entry's ways into the vault are too many or out of order")]
    VaultSlots,
    /// The vault would go back to an older key.
    #[error("the entry names an older key of the vault")]
    VaultGeneration,
    /// The vault would have fewer records than before.
    #[error("the entry names fewer records of the vault than there were")]
    VaultRecords,
    /// As many records of the vault as before, but others; or a last one of none.
    #[error("the entry names another version of the vault's records")]
    VaultHead,
    /// The account has ended.
    #[error("the account has ended")]
    Closed,
    /// What is left of the chain is kept for the recovery key.
    #[error("the log is nearly full: only the recovery key may go on, and devices may be removed")]
    Reserved,
    /// The chain is full.
    #[error("the log is full")]
    Full,
    /// Two entries do not show that a chain forked here.
    #[error("the entries do not show two versions of this log")]
    NoFork,
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
