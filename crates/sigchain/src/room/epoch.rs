//! When a room's epoch ends.

use conclave_protocol::{AccountId, RoomId};

use super::channel::Access;
use super::role::RoleSet;
use super::state::RoomState;
use super::{ChannelId, PlaceKind, RoomEvent};

impl RoomState {
    /// Ends the epoch of every room that an account reads: it departs, or a device of it was revoked.
    pub(super) fn end_epochs_of(&mut self, account: AccountId, sequence: u32, events: &mut Vec<RoomEvent>) {
        let roles = self
            .members
            .get(&account)
            .map_or(RoleSet::default(), |member| member.roles.set());
        let is_owner = account == self.owner;
        self.epoch = sequence;
        if self.kind == PlaceKind::Group {
            events.push(RoomEvent::EpochEnded(RoomId::group(self.place)));
        }
        self.end_epochs(sequence, events, |access| access.is_read_by(roles, is_owner));
    }

    /// Ends the epoch of every channel that an account could read with other roles, and now cannot.
    pub(super) fn end_epochs_lost(
        &mut self,
        account: AccountId,
        before: (RoleSet, bool),
        sequence: u32,
        events: &mut Vec<RoomEvent>,
    ) {
        let now = self
            .members
            .get(&account)
            .map_or(RoleSet::default(), |member| member.roles.set());
        let is_owner = account == self.owner;
        self.end_epochs(sequence, events, |access| {
            access.is_read_by(before.0, before.1) && !access.is_read_by(now, is_owner)
        });
    }

    fn end_epochs(&mut self, sequence: u32, events: &mut Vec<RoomEvent>, ends: impl Fn(&Access) -> bool) {
        for channel in self.channels.values_mut() {
            if ends(&channel.access) {
                channel.epoch = sequence;
                events.push(RoomEvent::EpochEnded(channel.room));
            }
        }
    }

    /// Ends one channel's epoch when a member who could read it by `before` now cannot.
    pub(super) fn end_epoch_if_closed(
        &mut self,
        id: ChannelId,
        before: &Access,
        sequence: u32,
        events: &mut Vec<RoomEvent>,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        // Members are many: they are looked at only when somebody can have lost the channel at all.
        if channel.access.includes(before) {
            return;
        }
        let owner = self.owner;
        let is_lost = self.members.iter().any(|(account, member)| {
            let (roles, is_owner) = (member.roles.set(), *account == owner);
            before.is_read_by(roles, is_owner) && !channel.access.is_read_by(roles, is_owner)
        });
        if is_lost {
            channel.epoch = sequence;
            events.push(RoomEvent::EpochEnded(channel.room));
        }
    }
}

impl Access {
    /// Whether everybody who reads by `other` reads by this.
    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everyone { .. }, _) => true,
            (Self::Roles(_), Self::Everyone { .. }) => false,
            (Self::Roles(grants), Self::Roles(others)) => {
                others.set().without(grants.set()) == RoleSet::default()
            }
        }
    }

    /// Whether a member with these roles reads.
    pub(super) fn is_read_by(&self, roles: RoleSet, is_owner: bool) -> bool {
        match self {
            Self::Everyone { .. } => true,
            Self::Roles(grants) => is_owner || grants.set().intersects(roles),
        }
    }
}
