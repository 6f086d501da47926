//! Channels of a community and the categories that order them.

use conclave_protocol::RoomId;

use super::Audience;
use super::policy::PolicyInForce;
use super::role::RoleGrants;

/// A channel, named by the sequence of the entry that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u32);

/// A category, named by the sequence of the entry that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId(pub u32);

/// What a channel is for. It never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// Conversation.
    Text,
    /// Written by those with [`super::Permissions::POST_ANNOUNCEMENTS`], read by all.
    Announcement,
    /// Pictures and films.
    Gallery,
    /// Talk.
    Voice,
}

/// What can be changed of a channel, beside its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelDefinition {
    /// Where it is listed.
    pub category: Option<CategoryId>,
    /// Its place in the list.
    pub position: u16,
    /// Who may read it.
    pub access: Audience,
    /// Name and topic, sealed.
    pub sealed: Vec<u8>,
}

/// What can be changed of a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryDefinition {
    /// Its place in the list.
    pub position: u16,
    /// Name, sealed.
    pub sealed: Vec<u8>,
}

/// A category in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// What it is now.
    pub definition: CategoryDefinition,
    /// The sequence of the entry that gave it its sealed name.
    pub named: u32,
}

/// Who may read a channel, with since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Every member.
    Everyone {
        /// The sequence since which it is so.
        since: u32,
    },
    /// Holders of one of these roles, and the owner.
    Roles(RoleGrants),
}

/// A channel in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its room's id, which follows from the community's and the channel's.
    pub room: RoomId,
    /// What it is for.
    pub kind: ChannelKind,
    /// Where it is listed.
    pub category: Option<CategoryId>,
    /// Its place in the list.
    pub position: u16,
    /// Name and topic, sealed; by the entry of `named`.
    pub sealed: Vec<u8>,
    /// The sequence of the entry that sealed the name.
    pub named: u32,
    /// The sequence of the last entry after which somebody could read it no longer, or of the one that made it.
    pub epoch: u32,
    pub(super) access: Access,
    pub(super) policy: PolicyInForce,
}

impl Channel {
    /// Whether every member reads it.
    pub fn is_open(&self) -> bool {
        matches!(self.access, Access::Everyone { .. })
    }
}
