//! What a chain has led to: members, roles, channels, invites, and what is claimed of accounts.

use std::collections::BTreeMap;

use conclave_protocol::{AccountId, Hash, PlaceId, RoomId, Timestamp};

use super::channel::Access;
use super::limits::PlaceLimits;
use super::policy::PolicyInForce;
use super::role::{RoleSet, RoleTable};
use super::{
    Ban, Category, CategoryId, Channel, ChannelId, Invite, InviteId, JoinRequest, KnownAccount, Member,
    MetadataField, Permissions, PlaceKind, Rank, Role, RoleId, RoomChainError, SealedValue,
};

/// The state of a place. It follows from the chain's entries alone, so whoever has the same entries has the same
/// state, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomState {
    pub(super) place: PlaceId,
    pub(super) kind: PlaceKind,
    pub(super) sequence: u32,
    pub(super) head: Hash,
    pub(super) time: Timestamp,
    pub(super) owner: AccountId,
    /// The sequence of the entry that made the owner one.
    pub(super) owner_since: u32,
    pub(super) is_closed: bool,
    /// The sequence of the last checkpoint; 0 when there was none.
    pub(super) checkpoint: u32,
    /// The sequence of the last entry that shrank the set of members, or observed an account.
    pub(super) epoch: u32,
    pub(super) policy: PolicyInForce,
    pub(super) roles: RoleTable,
    pub(super) members: BTreeMap<AccountId, Member>,
    pub(super) accounts: BTreeMap<AccountId, KnownAccount>,
    pub(super) bans: BTreeMap<AccountId, Ban>,
    pub(super) invites: BTreeMap<InviteId, Invite>,
    pub(super) requests: BTreeMap<AccountId, JoinRequest>,
    pub(super) categories: BTreeMap<CategoryId, Category>,
    pub(super) channels: BTreeMap<ChannelId, Channel>,
    pub(super) metadata: BTreeMap<MetadataField, SealedValue>,
    /// Follows from `channels`; no part of the encoded state.
    pub(super) rooms: BTreeMap<RoomId, ChannelId>,
}

/// What an account may do in the place, as its roles say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How high it stands.
    pub rank: Rank,
    /// What it may do, rooms aside.
    pub permissions: Permissions,
    /// Whether it is the owner.
    pub is_owner: bool,
    pub(super) roles: RoleSet,
}

impl Standing {
    pub(super) fn needs(&self, permission: Permissions) -> Result<(), RoomChainError> {
        if self.permissions.contains(permission) {
            Ok(())
        } else {
            Err(RoomChainError::Permission)
        }
    }
}

/// Where something is said.
#[derive(Clone, Copy)]
pub(super) enum Location<'a> {
    /// The one room of a group.
    Group,
    /// A channel of a community.
    Channel(&'a Channel),
}

impl RoomState {
    /// The place: the hash of the chain's first entry.
    pub fn place(&self) -> PlaceId {
        self.place
    }

    /// Group or community.
    pub fn kind(&self) -> PlaceKind {
        self.kind
    }

    /// The newest entry's sequence.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// The newest entry's hash.
    pub fn head_hash(&self) -> Hash {
        self.head
    }

    /// The newest entry's time.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Who owns the place.
    pub fn owner(&self) -> AccountId {
        self.owner
    }

    /// Whether the place has ended.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The sequence of the last checkpoint, if there was one.
    pub fn last_checkpoint(&self) -> Option<u32> {
        (self.checkpoint != 0).then_some(self.checkpoint)
    }

    /// The members, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = (AccountId, &Member)> {
        self.members.iter().map(|(account, member)| (*account, member))
    }

    /// How many members there are.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// One member.
    pub fn member(&self, account: AccountId) -> Option<&Member> {
        self.members.get(&account)
    }

    /// A member's roles, that of everyone aside, with the sequence since which they have each.
    pub fn roles_of(&self, account: AccountId) -> impl Iterator<Item = (RoleId, u32)> {
        self.members
            .get(&account)
            .into_iter()
            .flat_map(|member| member.roles.iter())
            .filter_map(|(slot, since)| Some((self.roles.at(slot)?.id, since)))
    }

    /// All roles, that of everyone included.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.iter().map(|(_, role)| role)
    }

    /// One role.
    pub fn role(&self, id: RoleId) -> Option<&Role> {
        self.roles.find(id)
    }

    /// What is known of an account that is or was a member, or asked to be one.
    pub fn account(&self, account: AccountId) -> Option<&KnownAccount> {
        self.accounts.get(&account)
    }

    /// The bans in force.
    pub fn bans(&self) -> impl Iterator<Item = (AccountId, &Ban)> {
        self.bans.iter().map(|(account, ban)| (*account, ban))
    }

    /// Whether an account is banned.
    pub fn is_banned(&self, account: AccountId) -> bool {
        self.bans.contains_key(&account)
    }

    /// The invites in force; one that expired stands here until it is revoked.
    pub fn invites(&self) -> impl Iterator<Item = (InviteId, &Invite)> {
        self.invites.iter().map(|(id, invite)| (*id, invite))
    }

    /// One invite.
    pub fn invite(&self, id: InviteId) -> Option<&Invite> {
        self.invites.get(&id)
    }

    /// The roles that an invite gives.
    pub fn roles_of_invite(&self, id: InviteId) -> impl Iterator<Item = RoleId> {
        self.ids(
            self.invites
                .get(&id)
                .map(|invite| invite.roles)
                .unwrap_or_default(),
        )
    }

    /// Those who wait to be let in.
    pub fn requests(&self) -> impl Iterator<Item = (AccountId, &JoinRequest)> {
        self.requests.iter().map(|(account, request)| (*account, request))
    }

    /// The request of an account that waits to be let in.
    pub fn request(&self, account: AccountId) -> Option<&JoinRequest> {
        self.requests.get(&account)
    }

    /// The channels of a community.
    pub fn channels(&self) -> impl Iterator<Item = (ChannelId, &Channel)> {
        self.channels.iter().map(|(id, channel)| (*id, channel))
    }

    /// One channel.
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.get(&id)
    }

    /// The roles whose holders read a private channel; none when every member reads it.
    pub fn channel_roles(&self, id: ChannelId) -> Option<Vec<RoleId>> {
        match &self.channels.get(&id)?.access {
            Access::Everyone { .. } => None,
            Access::Roles(grants) => Some(self.ids(grants.set()).collect()),
        }
    }

    /// The categories of a community.
    pub fn categories(&self) -> impl Iterator<Item = (CategoryId, &Category)> {
        self.categories.iter().map(|(id, category)| (*id, category))
    }

    /// The place's sealed properties.
    pub fn metadata(&self) -> impl Iterator<Item = (MetadataField, &SealedValue)> {
        self.metadata.iter().map(|(field, value)| (*field, value))
    }

    /// The rooms: one in a group, one for each channel in a community.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> {
        let group = (self.kind == PlaceKind::Group).then(|| RoomId::group(self.place));
        group.into_iter().chain(self.rooms.keys().copied())
    }

    /// The channel of a room.
    pub fn channel_of(&self, room: RoomId) -> Option<ChannelId> {
        self.rooms.get(&room).copied()
    }

    /// What a member may do, rooms aside; none for others.
    pub fn standing(&self, account: AccountId) -> Option<Standing> {
        let member = self.members.get(&account)?;
        let roles = member.roles.set();
        if account == self.owner {
            return Some(Standing {
                rank: Rank::OWNER,
                permissions: Permissions::ALL,
                is_owner: true,
                roles,
            });
        }
        let everyone = self
            .roles
            .at(0)
            .map_or(Permissions::NONE, |role| role.definition.permissions);
        let (rank, permissions) = roles.slots().filter_map(|slot| self.roles.at(slot)).fold(
            (Rank(0), everyone),
            |(rank, permissions), role| {
                (
                    rank.max(role.definition.rank),
                    permissions.union(role.definition.permissions),
                )
            },
        );
        Some(Standing {
            rank,
            permissions,
            is_owner: false,
            roles,
        })
    }

    pub(super) fn limits(&self) -> PlaceLimits {
        PlaceLimits::of(self.kind)
    }

    pub(super) fn locate(&self, room: RoomId) -> Option<Location<'_>> {
        match self.kind {
            PlaceKind::Group => (room == RoomId::group(self.place)).then_some(Location::Group),
            PlaceKind::Community => {
                let channel = self.channels.get(self.rooms.get(&room)?)?;
                Some(Location::Channel(channel))
            }
        }
    }

    pub(super) fn ids(&self, set: RoleSet) -> impl Iterator<Item = RoleId> {
        set.slots()
            .filter_map(|slot| self.roles.at(slot).map(|role| role.id))
    }
}
