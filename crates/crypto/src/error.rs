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

/// Why a file was not sealed or opened.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AttachmentError {
    /// The file is over its limit.
    #[error("the file is too long")]
    TooLong,
    /// A length contradicts another, or more or fewer bytes were given than the chunk takes.
    #[error("the lengths do not belong together")]
    Lengths,
    /// There is no such chunk.
    #[error("the file has no such chunk")]
    OutOfRange,
    /// Bytes are missing, or follow the end.
    #[error("the file is cut or extended")]
    Cut,
    /// The ciphertext was made with another key or for another purpose.
    #[error("the file was sealed with another key")]
    OtherKey,
    /// A chunk is not what was sealed at its place.
    #[error("a chunk is not authentic")]
    NotAuthentic,
    /// What fills the file up is not zero.
    #[error("the filling is not zero")]
    Filling,
    /// The whole is not what the message named.
    #[error("the file is another than the message names")]
    OtherFile,
}

/// Why something of the vault is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VaultError {
    /// The encoding is broken.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// It was made by another version or with another suite.
    #[error("it has another version or suite")]
    OtherVersion,
    /// The slot is of no kind of this version.
    #[error("the slot is of an unknown kind")]
    UnknownKind,
    /// It was made by another device than the one that it is checked for.
    #[error("another device made it")]
    OtherDevice,
    /// The signature does not verify.
    #[error("the signature is not valid")]
    Signature,
    /// It belongs to another account.
    #[error("it belongs to another account")]
    OtherAccount,
    /// The key is wrapped to another slot than the one that it is opened with, or the secret is another slot's.
    #[error("it belongs to another slot")]
    OtherSlot,
    /// The record is sealed with another generation's key.
    #[error("it belongs to another generation")]
    OtherGeneration,
    /// The record stands under another name.
    #[error("it has another name")]
    OtherName,
    /// The record's number is not the next: records are missing, or it came before.
    #[error("the record is not the next one")]
    Gap,
    /// The chain goes on from other records than those known, or differs from a head that was named.
    #[error("the records are others than those known")]
    Forked,
    /// The chain ends before a head that was named.
    #[error("the newest records are missing")]
    RolledBack,
    /// The log is past the head, so it is not met any more.
    #[error("the head was passed already")]
    PassedHead,
    /// The record goes back to a key that was replaced.
    #[error("the generation was replaced")]
    OlderGeneration,
    /// The record's name has this version, or a newer one.
    #[error("the record's version is not newer")]
    OlderVersion,
    /// No key at hand opens it.
    #[error("it is not authentic")]
    NotAuthentic,
    /// The content was authentic but not padded as this version pads.
    #[error(transparent)]
    Padding(#[from] PaddingError),
    /// A key is not acceptable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The content is over its limit.
    #[error("the content is too long")]
    TooLong,
    /// There are more names or heads than are kept.
    #[error("there are too many")]
    TooMany,
    /// A counter has no next value.
    #[error("a counter is exhausted")]
    Exhausted,
}

/// Why two devices do not link. Whatever a step of the agreement refuses ends the link: a new one is begun. Bytes that
/// do not parse never reach it, and what a [`crate::linking::LinkChannel`] refuses changes nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LinkError {
    /// The encoding is broken.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// It was made by another version or with another suite.
    #[error("it has another version or suite")]
    OtherVersion,
    /// It is another message of a link than the one that comes here.
    #[error("it is another message than the one expected")]
    OtherMessage,
    /// What was scanned is no code for linking.
    #[error("it is no code for linking")]
    NotACode,
    /// What was typed is not six digits. It does not count as a try.
    #[error("it is not a code of digits")]
    NotDigits,
    /// A key is not acceptable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The new device reveals something else than it committed to.
    #[error("the device reveals something else than it committed to")]
    OtherCommitment,
    /// The digits are those of another link: somebody stands between, or they were mistyped.
    #[error("the digits are those of another link")]
    WrongDigits,
    /// The message was opened before.
    #[error("the message was opened before")]
    AlreadyOpened,
    /// Messages before this one are missing.
    #[error("messages before this one are missing")]
    OutOfOrder,
    /// It was sealed by somebody else, for another link, or was altered.
    #[error("it is not authentic")]
    NotAuthentic,
    /// The content was authentic but not padded as this version pads.
    #[error(transparent)]
    Padding(#[from] PaddingError),
    /// The content is over its limit.
    #[error("the content is too long")]
    TooLong,
    /// The link has carried all messages that it may.
    #[error("the link has no more messages")]
    Exhausted,
}

/// Why a scanned safety code is not the expected one.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SafetyCodeError {
    /// It is no safety code.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// It was made by another version.
    #[error("the safety code has another version")]
    OtherVersion,
    /// It names other accounts: it is somebody else's, or somebody stands between the two.
    #[error("the safety code is for other people")]
    OtherPeople,
}

/// Why a report proves nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FrankingError {
    /// The encoding is broken.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// The proof was made by another version or with another suite.
    #[error("the proof has another version or suite")]
    OtherVersion,
    /// The proof is of no kind of this version.
    #[error("the proof is of an unknown kind")]
    UnknownKind,
    /// The proof is for another kind of message.
    #[error("the proof is for another kind of message")]
    OtherKind,
    /// Body and associated data are not those that the tag names.
    #[error("the tag names another message")]
    OtherMessage,
    /// The body is no room message.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The message is not its author's, or the revealed key does not open it.
    #[error(transparent)]
    Open(#[from] OpenError),
}
