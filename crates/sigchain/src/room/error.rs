//! Why an entry of a room or community chain is refused.

use conclave_encoding::DecodeError;
use thiserror::Error;

/// Why an entry does not belong where it is offered. Every variant is final for this state: trying again changes
/// nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RoomChainError {
    /// The bytes are not an entry, or not a state.
    #[error("the bytes cannot be read: {0}")]
    Encoding(#[from] DecodeError),
    /// The entry is of a version or kind that this build does not know. Nothing may be sealed to this place before
    /// an update.
    #[error("the entry is of a newer kind than this version knows")]
    Unsupported,
    /// A chain begins with one entry that creates, and has no second one.
    #[error("the log of a place begins with its one first entry")]
    Genesis,
    /// No entries were given.
    #[error("the log is empty")]
    Empty,
    /// The chain does not have the id under which it was asked for, or the entry belongs to another.
    #[error("this belongs to the log of another place")]
    OtherChain,
    /// The sequence is not the next one.
    #[error("the entry is not the next one")]
    Gap,
    /// The entry names another predecessor.
    #[error("the entry continues another version of this log")]
    Fork,
    /// Time runs backwards.
    #[error("the entry is older than the one before it")]
    TimeBackwards,
    /// The place has ended.
    #[error("the place was closed")]
    Closed,
    /// The chain is as long as it may become.
    #[error("the log is full; only what ends something is accepted")]
    Full,
    /// A key is not a usable public key.
    #[error("the entry names a key that is not usable")]
    Key,
    /// The author's signature does not fit.
    #[error("the signature of the entry is not valid")]
    Signature,
    /// The proof by the invite's key does not fit.
    #[error("the proof of the invite is not valid")]
    Proof,
    /// The device signed earlier entries by another key.
    #[error("the device signed earlier entries by another key")]
    DeviceKey,
    /// An account head is older than one that is recorded.
    #[error("the account's head is older than the one recorded here")]
    HeadBehind,
    /// An account head has the sequence of a recorded one and another hash.
    #[error("the account's head contradicts the one recorded here")]
    HeadFork,
    /// A value is over its limit.
    #[error("the entry asks for more than the limits allow")]
    Limit,
    /// A list is not in ascending order, or names something twice.
    #[error("a list in the entry is not in order")]
    Order,
    /// The place has all that it may have of this.
    #[error("the place has as many of these as it may have")]
    TooMany,
    /// The author is no member.
    #[error("the author is not a member")]
    NotMember,
    /// The person meant is no member.
    #[error("the account is not a member")]
    NoSuchMember,
    /// The account is a member already.
    #[error("the account is already a member")]
    AlreadyMember,
    /// The account is banned.
    #[error("the account is banned")]
    Banned,
    /// The account is not banned.
    #[error("the account is not banned")]
    NotBanned,
    /// The author lacks the permission.
    #[error("the author lacks the permission")]
    Permission,
    /// The author's rank is not above what it acts on.
    #[error("the author does not stand above whom or what the entry changes")]
    Rank,
    /// Only the owner may do this.
    #[error("only the owner may do this")]
    OwnerOnly,
    /// The owner stays until the place has another one.
    #[error("the owner hands the place over before leaving")]
    Owner,
    /// There is no such role.
    #[error("there is no such role")]
    NoSuchRole,
    /// The role of everyone has rank 0 and is held by all.
    #[error("the role of everyone cannot be given, taken or moved")]
    Everyone,
    /// There is no such channel, or the place is a group.
    #[error("there is no such channel")]
    NoSuchChannel,
    /// There is no such category.
    #[error("there is no such category")]
    NoSuchCategory,
    /// A group has no channels.
    #[error("a group has no channels")]
    NotInGroup,
    /// The author cannot read the channel.
    #[error("the author cannot read the channel")]
    NotReader,
    /// There is no such invite, or it was revoked or used up.
    #[error("there is no such invite")]
    NoSuchInvite,
    /// The invite has expired.
    #[error("the invite has expired")]
    InviteExpired,
    /// The invite asks for approval, or does not.
    #[error("the invite is for another way of joining")]
    InviteKind,
    /// There is no such request.
    #[error("nobody of this account asked to join")]
    NoSuchRequest,
    /// The account waits for an answer already.
    #[error("the account already asked to join")]
    AlreadyRequested,
    /// The entry changes nothing.
    #[error("the entry changes nothing")]
    NoChange,
    /// A checkpoint names another state.
    #[error("the checkpoint does not fit the state")]
    WrongCheckpoint,
    /// A checkpoint comes too soon after another.
    #[error("the last checkpoint is too near")]
    CheckpointTooSoon,
    /// A state contradicts itself.
    #[error("the state contradicts itself")]
    Inconsistent,
    /// A chain that was read from a checkpoint is not the one that leads to it.
    #[error("the log does not lead to the checkpoint")]
    AuditFailed,
    /// What was claimed of an account's device is not what its chain says.
    #[error("the account's own log says otherwise")]
    FalseClaim,
    /// Two entries are not evidence of a fork.
    #[error("the entries do not prove a fork")]
    NoFork,
}
