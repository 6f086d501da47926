//! What can go wrong, per operation. The texts carry no data of users, so they may be logged.

use conclave_encoding::DecodeError;
use thiserror::Error;

use crate::sender_keys::RotationReason;

/// Why bytes are not a key that this crate works with.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// The point has small order: whoever sent it could fix the agreed secret, or sign anything.
    #[error("the key is a point of small order")]
    SmallOrder,
    /// The point is encoded in another than its one canonical form.
    #[error("the key is not canonically encoded")]
    NonCanonical,
    /// The bytes encode no point of the curve.
    #[error("the key is not on the curve")]
    NotOnCurve,
    /// The ML-KEM key fails its modulus check.
    #[error("the ML-KEM key is not valid")]
    InvalidKemKey,
    /// The agreement gave the all-zero secret.
    #[error("the key agreement was not contributory")]
    NotContributory,
}

/// The signature does not fit the key and the message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the signature is not valid")]
pub struct SignatureError;

/// Why received bytes are not the value that was expected.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// The bytes are longer than their limit.
    #[error("the message is longer than its limit")]
    TooLong,
    /// The bytes end before the value does.
    #[error("the message ends too early")]
    Truncated,
    /// The first byte names no type of this version.
    #[error("the message has an unknown type or version")]
    UnknownType,
    /// A number is not in its shortest form, or a field contradicts another.
    #[error("the message is not canonically encoded")]
    NonCanonical,
    /// A public key is not acceptable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A canonical encoding is broken.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
}

/// Why stored state is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StateError {
    /// The state was written by another version or with another suite.
    #[error("the state has another version or suite")]
    OtherVersion,
    /// The bytes are the state of something else.
    #[error("the state belongs to something else")]
    OtherRecord,
    /// The state breaks one of its limits.
    #[error("the state is over a limit")]
    OverLimit,
    /// The encoding is broken.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// A stored public key is not acceptable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A stored message header is broken.
    #[error(transparent)]
    Header(#[from] ParseError),
}

/// Why two devices did not agree on a session.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HandshakeError {
    /// The bundle was made by another device than the one that it is used for.
    #[error("the bundle belongs to another device")]
    WrongOwner,
    /// The bundle's signature does not verify.
    #[error("the bundle's signature is not valid")]
    Signature,
    /// The message names other prekeys than those given.
    #[error("the message names other prekeys")]
    WrongPrekey,
    /// Both sides are the same device.
    #[error("a device has no session with itself")]
    OwnDevice,
    /// A key is not acceptable.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// There is no session to send on: none was begun, or nobody answered it in time.
    #[error("there is no active session")]
    NoSession,
    /// The plaintext is over its limit.
    #[error("the plaintext is too long")]
    TooLong,
    /// The chain has no more counters.
    #[error("the chain is exhausted")]
    CounterExhausted,
    /// A stored key is not acceptable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The sender-key chain is spent: its device begins a new one first.
    #[error("the chain is spent")]
    RotationDue(RotationReason),
}

/// Why a message was not opened. Whatever the reason, nothing has changed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// There is no session at all with the sender.
    #[error("there is no session with the sender")]
    NoSession,
    /// The message was sealed for another purpose than it is opened for.
    #[error("the message has another purpose")]
    WrongPurpose,
    /// The message's key was used already, or was dropped as too old.
    #[error("the message was opened before or its key has expired")]
    KeyGone,
    /// The message skips more keys than allowed.
    #[error("the message is too far ahead")]
    TooFarAhead,
    /// No key at hand opens the message.
    #[error("the message is not authentic")]
    NotAuthentic,
    /// The content was authentic but not padded as this version pads.
    #[error(transparent)]
    Padding(#[from] PaddingError),
    /// The sealed bytes are over their limit.
    #[error("the message is longer than its limit")]
    TooLong,
    /// The room message belongs to a chain that was never accepted, or is too old.
    #[error("the chain of the message is not known")]
    UnknownChain,
    /// The room message lies beyond the end of a closed chain.
    #[error("the message lies beyond the end of its chain")]
    ChainClosed,
    /// The first message of a session failed in the handshake.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

/// The padding is not the one that [`crate::pad`] makes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the padding is not valid")]
pub struct PaddingError;

/// Why a sender-key chain, or the statement on one, is not believed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SenderKeyError {
    /// The statement names another device than the one that it must come from.
    #[error("the chain belongs to another device")]
    WrongDevice,
    /// The statement names another room.
    #[error("the chain belongs to another room")]
    WrongRoom,
    /// The statement names another epoch.
    #[error("the chain belongs to another epoch")]
    WrongEpoch,
    /// The statement's signature does not verify.
    #[error("the statement's signature is not valid")]
    Signature,
    /// A chain with the same id and another statement is known.
    #[error("the chain is known under another statement")]
    OtherStatement,
    /// The chain's signature key is not acceptable.
    #[error(transparent)]
    Key(#[from] KeyError),
}
