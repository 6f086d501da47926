//! What an entry changed, for notices and for the engine.

use conclave_protocol::{AccountId, DeviceAddress, Hash, RoomId, Timestamp};

use super::{AccountHead, CategoryId, ChannelId, ClosedChain, InviteId, MetadataField, RoleId};

/// What one accepted entry did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomChange {
    /// Who did it.
    pub by: DeviceAddress,
    /// The entry's sequence.
    pub sequence: u32,
    /// The entry's hash.
    pub hash: Hash,
    /// The author's clock.
    pub time: Timestamp,
    /// What changed, in the order in which it is to be told.
    pub events: Vec<RoomEvent>,
}

/// How somebody became a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// By making the place.
    Created,
    /// By an invite.
    Invite(InviteId),
    /// By an invite, and let in by the entry's author.
    Approved(InviteId),
    /// The entry's author added them.
    Added,
}

/// How a membership ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// By oneself.
    Left,
    /// Removed by the entry's author; why, sealed.
    Removed(Vec<u8>),
    /// Banned by the entry's author; why, sealed.
    Banned(Vec<u8>),
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomEvent {
    /// The place began.
    Created,
    /// Somebody became a member.
    Joined(AccountId, Entrance),
    /// Somebody asks to be let in.
    Requested(AccountId, InviteId),
    /// Somebody who asked is not let in, or took it back.
    RequestEnded(AccountId),
    /// A member is none any more.
    Departed(AccountId, Departure),
    /// An account that was no member was banned; why, sealed.
    Banned(AccountId, Vec<u8>),
    /// A ban was lifted.
    Unbanned(AccountId),
    /// A member may not post until then; why, sealed. Zero: may again.
    Muted(AccountId, Timestamp, Vec<u8>),
    /// A role began.
    RoleDefined(RoleId),
    /// A role became another.
    RoleUpdated(RoleId),
    /// A role ended.
    RoleRemoved(RoleId),
    /// A member's roles changed.
    RolesSet {
        /// Whose.
        account: AccountId,
        /// What they got.
        given: Vec<RoleId>,
        /// What they lost.
        taken: Vec<RoleId>,
    },
    /// An invite was made.
    InviteMade(InviteId),
    /// An invite was revoked, used up, or went with its maker.
    InviteEnded(InviteId),
    /// The policy of a channel, or of the place, changed.
    PolicyChanged(Option<ChannelId>),
    /// A sealed property of the place changed.
    MetadataChanged(MetadataField),
    /// A member's nickname changed.
    NicknameChanged(AccountId),
    /// A channel began.
    ChannelCreated(ChannelId),
    /// A channel changed.
    ChannelUpdated(ChannelId),
    /// A channel ended.
    ChannelDeleted(ChannelId),
    /// A category began.
    CategoryCreated(CategoryId),
    /// A category changed.
    CategoryUpdated(CategoryId),
    /// A category ended.
    CategoryDeleted(CategoryId),
    /// The place has another owner.
    OwnerChanged {
        /// Who was.
        from: AccountId,
        /// Who is.
        to: AccountId,
    },
    /// A member's account chain was seen to have grown.
    Observed(AccountId, AccountHead),
    /// Nothing beyond these messages is taken from this account's chains.
    ChainsClosed(AccountId, Vec<ClosedChain>),
    /// A room has new keys from here on.
    EpochEnded(RoomId),
    /// The owner vouched for the state.
    Checkpointed,
    /// The place ended.
    Closed,
}
