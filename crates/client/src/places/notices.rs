//! What the chain of a group or community says that happened, as rows of its rooms' timelines.
//!
//! A notice follows from an entry of the chain alone. It is made here, on each device for itself, and never sent.

use conclave_protocol::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

/// One thing that happened. Its author is the row's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Notice {
    /// The place began.
    #[n(0)]
    Created,
    /// Somebody became a member.
    #[n(1)]
    Joined(#[n(0)] AccountId, #[n(1)] Entry),
    /// A member left.
    #[n(2)]
    Left(#[n(0)] AccountId),
    /// A member was removed; why, where that was said and could be opened.
    #[n(3)]
    Removed(#[n(0)] AccountId, #[n(1)] Option<String>),
    /// An account was banned.
    #[n(4)]
    Banned(#[n(0)] AccountId, #[n(1)] Option<String>),
    /// A ban was lifted.
    #[n(5)]
    Unbanned(#[n(0)] AccountId),
    /// A member may not write until then; zero: may again.
    #[n(6)]
    Muted(#[n(0)] AccountId, #[n(1)] Timestamp, #[n(2)] Option<String>),
    /// A member got and lost roles, named as they were then.
    #[n(7)]
    RolesChanged(#[n(0)] AccountId, #[n(1)] Vec<String>, #[n(2)] Vec<String>),
    /// The place or channel has another name; none where it could not be opened.
    #[n(8)]
    Renamed(#[n(0)] Option<String>),
    /// The place or channel is about something else now; none where that could not be opened or is nothing.
    #[n(9)]
    TopicChanged(#[n(0)] Option<String>),
    /// The place has another description.
    #[n(10)]
    DescriptionChanged,
    /// The place has another picture.
    #[n(11)]
    IconChanged,
    /// A member is called something else here; none for nothing.
    #[n(12)]
    NicknameChanged(#[n(0)] AccountId, #[n(1)] Option<String>),
    /// How the room is used changed.
    #[n(13)]
    PolicyChanged,
    /// The channel began.
    #[n(14)]
    ChannelCreated,
    /// Who reads the channel, or where it is listed, changed.
    #[n(15)]
    ChannelChanged,
    /// The channel ended.
    #[n(16)]
    ChannelDeleted,
    /// The place has another owner.
    #[n(17)]
    OwnerChanged(#[n(0)] AccountId, #[n(1)] AccountId),
    /// The place ended.
    #[n(18)]
    Closed,
    /// What a later version knows.
    #[n(19)]
    Other,
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Entry {
    /// By an invite's link.
    #[n(0)]
    Invited,
    /// By an invite's link, and let in by the row's author.
    #[n(1)]
    Approved,
    /// The row's author added them.
    #[n(2)]
    Added,
}
