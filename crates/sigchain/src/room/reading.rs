//! Who reads and who writes in a room, and since when.

use conclave_protocol::{AccountId, RoomId, Timestamp};
use thiserror::Error;

use super::channel::Access;
use super::policy::PolicyInForce;
use super::state::Location;
use super::{Audience, ChannelKind, History, Member, Permissions, PlaceKind, Policy, RoomState};

/// Why a message may not be posted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PostRefusal {
    /// The place has no such room.
    #[error("there is no such room")]
    NoSuchRoom,
    /// The place has ended.
    #[error("the place was closed")]
    Closed,
    /// The account does not read the room.
    #[error("the account is no reader of the room")]
    NotReader,
    /// The room is archived.
    #[error("the room is archived")]
    Archived,
    /// The room is read-only.
    #[error("the room is read-only")]
    ReadOnly,
    /// The account is muted until then.
    #[error("the account is muted")]
    Muted(Timestamp),
    /// The account lacks the permission, or the room is for others to write.
    #[error("the account may not post here")]
    Forbidden,
}

impl RoomState {
    /// Whether an account reads a room: a member, and for a private channel the owner or a holder of one of its
    /// roles.
    pub fn is_reader(&self, account: AccountId, room: RoomId) -> bool {
        match (self.locate(room), self.members.get(&account)) {
            (Some(location), Some(member)) => self.reads(account, member, location),
            _ => false,
        }
    }

    /// Everybody who reads a room, in the order of their ids: those to whose devices a message is sealed.
    pub fn readers(&self, room: RoomId) -> impl Iterator<Item = AccountId> {
        self.locate(room).into_iter().flat_map(move |location| {
            self.members
                .iter()
                .filter(move |(account, member)| self.reads(**account, member, location))
                .map(|(account, _)| *account)
        })
    }

    fn reads(&self, account: AccountId, member: &Member, location: Location<'_>) -> bool {
        match location {
            Location::Group => true,
            Location::Channel(channel) => channel
                .access
                .is_read_by(member.roles.set(), account == self.owner),
        }
    }

    /// A room's epoch: the sequence of the last entry after which somebody who could read it no longer can, or for
    /// which one of its readers' devices was revoked; at first that of the entry that made it.
    pub fn epoch(&self, room: RoomId) -> Option<u32> {
        match self.locate(room)? {
            Location::Group => Some(self.epoch),
            Location::Channel(channel) => Some(channel.epoch),
        }
    }

    /// The epoch of what every member reads: names, topics, nicknames.
    pub fn place_epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether a member has a permission, in a room where one is given. Nobody may do anything in a room that they
    /// cannot read or in a place that has ended.
    pub fn may(&self, account: AccountId, permission: Permissions, room: Option<RoomId>) -> bool {
        !self.is_closed
            && room.is_none_or(|room| self.is_reader(account, room))
            && self
                .standing(account)
                .is_some_and(|standing| standing.permissions.contains(permission))
    }

    /// Whether a message of `time` may be posted. Slow mode is not judged here: it needs the time of the message
    /// before; see [`RoomState::policy`].
    pub fn may_post(&self, account: AccountId, room: RoomId, time: Timestamp) -> Result<(), PostRefusal> {
        let location = self.locate(room).ok_or(PostRefusal::NoSuchRoom)?;
        if self.is_closed {
            return Err(PostRefusal::Closed);
        }
        let standing = self.standing(account).ok_or(PostRefusal::NotReader)?;
        if !self.is_reader(account, room) {
            return Err(PostRefusal::NotReader);
        }
        let policy = self.policy_at(location);
        if policy.archived {
            return Err(PostRefusal::Archived);
        }
        if policy.read_only {
            return Err(PostRefusal::ReadOnly);
        }
        let until = self
            .accounts
            .get(&account)
            .map_or(Timestamp(0), |known| known.muted_until);
        if until > time {
            return Err(PostRefusal::Muted(until));
        }
        let needed = match location {
            Location::Channel(channel) if channel.kind == ChannelKind::Announcement => {
                Permissions::POST_ANNOUNCEMENTS
            }
            _ => Permissions::POST,
        };
        let is_addressed = standing.is_owner
            || policy
                .posting
                .is_none_or(|roles| roles.intersects(standing.roles));
        if standing.permissions.contains(needed) && is_addressed {
            Ok(())
        } else {
            Err(PostRefusal::Forbidden)
        }
    }

    /// How a room is used: in a channel the narrower of the community's policy and its own.
    pub fn policy(&self, room: RoomId) -> Option<Policy> {
        let location = self.locate(room)?;
        Some(self.shown(&self.policy_at(location)))
    }

    /// The place's own policy.
    pub fn place_policy(&self) -> Policy {
        self.shown(&self.policy)
    }

    /// A channel's own policy, without the community's.
    pub fn channel_policy(&self, channel: super::ChannelId) -> Option<Policy> {
        Some(self.shown(&self.channels.get(&channel)?.policy))
    }

    fn shown(&self, policy: &PolicyInForce) -> Policy {
        let mut posting = policy.posting.map(|set| self.ids(set).collect::<Vec<_>>());
        if let Some(roles) = &mut posting {
            roles.sort_unstable();
        }
        Policy {
            history: policy.history,
            disappearing: policy.disappearing,
            slow_mode: policy.slow_mode,
            posting: posting.map_or(Audience::Everyone, Audience::Roles),
            read_only: policy.read_only,
            archived: policy.archived,
            keep_nothing: policy.keep_nothing,
        }
    }

    fn policy_at(&self, location: Location<'_>) -> PolicyInForce {
        match location {
            Location::Group => self.policy.clone(),
            Location::Channel(channel) => self.policy.narrowed(&channel.policy),
        }
    }

    /// From which chain head on the messages of a room may be handed to an account that reads it: what was sent by
    /// somebody who saw this entry or a later one. None for those who do not read it.
    pub fn history_from(&self, account: AccountId, room: RoomId) -> Option<u32> {
        let location = self.locate(room)?;
        let member = self.members.get(&account)?;
        let since = match location {
            Location::Group => member.joined,
            Location::Channel(channel) => match &channel.access {
                Access::Everyone { since } => (*since).max(member.joined),
                Access::Roles(grants) => {
                    let by_role = grants
                        .iter()
                        .filter_map(|(slot, opened)| {
                            let (_, given) = member.roles.iter().find(|(other, _)| *other == slot)?;
                            Some(opened.max(given))
                        })
                        .min();
                    match by_role {
                        // An owner reads without a role, at the latest since now.
                        None if account == self.owner => self.owner_since.max(member.joined),
                        None => return None,
                        Some(since) if account == self.owner => {
                            since.min(self.owner_since.max(member.joined))
                        }
                        Some(since) => since,
                    }
                }
            },
        };
        let policy = self.policy_at(location);
        Some(match policy.history {
            History::All => since.min(policy.history_since),
            History::SinceJoining => since,
        })
    }

    /// Whether the place is a community.
    pub(super) fn is_community(&self) -> bool {
        self.kind == PlaceKind::Community
    }
}
