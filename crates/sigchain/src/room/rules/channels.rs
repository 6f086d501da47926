//! Channels, categories and policies.

use conclave_protocol::RoomId;

use super::{Act, Checked};
use crate::room::channel::Access;
use crate::room::limits::{CATEGORIES_MAX, CHANNELS_MAX};
use crate::room::policy::PolicyInForce;
use crate::room::role::{RoleGrants, RoleSet};
use crate::room::{
    Audience, Category, CategoryDefinition, CategoryId, Channel, ChannelDefinition, ChannelId, ChannelKind,
    Permissions, Policy, RoomChainError, RoomEvent, RoomState, Standing,
};

impl RoomState {
    pub(super) fn check_policy(&self, by: &Standing, channel: Option<ChannelId>, policy: &Policy) -> Checked {
        let before = match channel {
            None => {
                by.needs(Permissions::MANAGE_PLACE)?;
                &self.policy
            }
            Some(id) => &self.managed_channel(by, id)?.policy,
        };
        let posting = self.check_audience(by, before.posting, &policy.posting)?;
        if PolicyInForce::new(policy, posting, before.history_since) == *before {
            return Err(RoomChainError::NoChange);
        }
        Ok(())
    }

    pub(super) fn apply_policy(
        &mut self,
        act: &Act,
        channel: Option<ChannelId>,
        policy: &Policy,
        events: &mut Vec<RoomEvent>,
    ) {
        let posting = self.audience_set(&policy.posting);
        let place = match channel {
            None => Some(&mut self.policy),
            Some(id) => self.channels.get_mut(&id).map(|channel| &mut channel.policy),
        };
        if let Some(place) = place {
            let since = if place.history == policy.history {
                place.history_since
            } else {
                act.sequence
            };
            *place = PolicyInForce::new(policy, posting, since);
            events.push(RoomEvent::PolicyChanged(channel));
        }
    }

    pub(super) fn check_create_channel(
        &self,
        by: &Standing,
        definition: &ChannelDefinition,
        policy: &Policy,
    ) -> Checked {
        self.check_has_channels(by)?;
        if self.channels.len() >= CHANNELS_MAX {
            return Err(RoomChainError::TooMany);
        }
        self.check_category(definition.category)?;
        self.check_audience(by, None, &definition.access)?;
        self.check_audience(by, None, &policy.posting)?;
        Ok(())
    }

    pub(super) fn apply_create_channel(
        &mut self,
        act: &Act,
        kind: ChannelKind,
        definition: &ChannelDefinition,
        policy: &Policy,
        events: &mut Vec<RoomEvent>,
    ) {
        let id = ChannelId(act.sequence);
        let room = RoomId::channel(self.place, id.0);
        let access = match self.audience_set(&definition.access) {
            None => Access::Everyone { since: act.sequence },
            Some(set) => Access::Roles(granted(set, act.sequence)),
        };
        let posting = self.audience_set(&policy.posting);
        self.channels.insert(
            id,
            Channel {
                room,
                kind,
                category: definition.category,
                position: definition.position,
                sealed: definition.sealed.clone(),
                named: act.sequence,
                epoch: act.sequence,
                access,
                policy: PolicyInForce::new(policy, posting, act.sequence),
            },
        );
        self.rooms.insert(room, id);
        events.push(RoomEvent::ChannelCreated(id));
    }

    pub(super) fn check_update_channel(
        &self,
        by: &Standing,
        id: ChannelId,
        definition: &ChannelDefinition,
    ) -> Checked {
        let channel = self.managed_channel(by, id)?;
        self.check_category(definition.category)?;
        let before = match &channel.access {
            Access::Everyone { .. } => None,
            Access::Roles(grants) => Some(grants.set()),
        };
        let after = self.check_audience(by, before, &definition.access)?;
        if before == after
            && channel.category == definition.category
            && channel.position == definition.position
            && channel.sealed == definition.sealed
        {
            return Err(RoomChainError::NoChange);
        }
        Ok(())
    }

    pub(super) fn apply_update_channel(
        &mut self,
        act: &Act,
        id: ChannelId,
        definition: &ChannelDefinition,
        events: &mut Vec<RoomEvent>,
    ) {
        let after = self.audience_set(&definition.access);
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.category = definition.category;
        channel.position = definition.position;
        if channel.sealed != definition.sealed {
            channel.sealed.clone_from(&definition.sealed);
            channel.named = act.sequence;
        }
        events.push(RoomEvent::ChannelUpdated(id));
        let before = channel.access.clone();
        match (&mut channel.access, after) {
            (Access::Everyone { .. }, None) => return,
            (Access::Roles(grants), Some(set)) => {
                if grants.set() == set {
                    return;
                }
                grants.replace(set, act.sequence);
            }
            (access, None) => *access = Access::Everyone { since: act.sequence },
            (access, Some(set)) => *access = Access::Roles(granted(set, act.sequence)),
        }
        self.end_epoch_if_closed(id, &before, act.sequence, events);
    }

    pub(super) fn check_delete_channel(&self, by: &Standing, id: ChannelId) -> Checked {
        self.managed_channel(by, id).map(|_| ())
    }

    pub(super) fn apply_delete_channel(&mut self, id: ChannelId, events: &mut Vec<RoomEvent>) {
        if let Some(channel) = self.channels.remove(&id) {
            self.rooms.remove(&channel.room);
        }
        events.push(RoomEvent::ChannelDeleted(id));
    }

    pub(super) fn check_create_category(&self, by: &Standing) -> Checked {
        self.check_has_channels(by)?;
        if self.categories.len() >= CATEGORIES_MAX {
            return Err(RoomChainError::TooMany);
        }
        Ok(())
    }

    pub(super) fn apply_create_category(
        &mut self,
        act: &Act,
        definition: &CategoryDefinition,
        events: &mut Vec<RoomEvent>,
    ) {
        let id = CategoryId(act.sequence);
        self.categories.insert(
            id,
            Category {
                definition: definition.clone(),
                named: act.sequence,
            },
        );
        events.push(RoomEvent::CategoryCreated(id));
    }

    pub(super) fn check_update_category(
        &self,
        by: &Standing,
        id: CategoryId,
        definition: &CategoryDefinition,
    ) -> Checked {
        self.check_has_channels(by)?;
        let category = self.categories.get(&id).ok_or(RoomChainError::NoSuchCategory)?;
        if category.definition == *definition {
            return Err(RoomChainError::NoChange);
        }
        Ok(())
    }

    pub(super) fn apply_update_category(
        &mut self,
        act: &Act,
        id: CategoryId,
        definition: &CategoryDefinition,
        events: &mut Vec<RoomEvent>,
    ) {
        if let Some(category) = self.categories.get_mut(&id) {
            if category.definition.sealed != definition.sealed {
                category.named = act.sequence;
            }
            category.definition = definition.clone();
            events.push(RoomEvent::CategoryUpdated(id));
        }
    }

    pub(super) fn check_delete_category(&self, by: &Standing, id: CategoryId) -> Checked {
        self.check_has_channels(by)?;
        self.check_category(Some(id))
    }

    pub(super) fn apply_delete_category(&mut self, id: CategoryId, events: &mut Vec<RoomEvent>) {
        self.categories.remove(&id);
        for channel in self.channels.values_mut() {
            if channel.category == Some(id) {
                channel.category = None;
            }
        }
        events.push(RoomEvent::CategoryDeleted(id));
    }

    fn check_has_channels(&self, by: &Standing) -> Checked {
        if !self.is_community() {
            return Err(RoomChainError::NotInGroup);
        }
        by.needs(Permissions::MANAGE_CHANNELS)
    }

    /// The channel, if the author may change it: whoever cannot read a channel cannot open it to themselves.
    fn managed_channel(&self, by: &Standing, id: ChannelId) -> Result<&Channel, RoomChainError> {
        self.check_has_channels(by)?;
        let channel = self.channels.get(&id).ok_or(RoomChainError::NoSuchChannel)?;
        if channel.access.is_read_by(by.roles, by.is_owner) {
            Ok(channel)
        } else {
            Err(RoomChainError::NotReader)
        }
    }

    fn check_category(&self, category: Option<CategoryId>) -> Checked {
        match category {
            Some(id) if !self.categories.contains_key(&id) => Err(RoomChainError::NoSuchCategory),
            _ => Ok(()),
        }
    }

    /// The set of an audience whose roles were found before; none for everyone.
    fn audience_set(&self, audience: &Audience) -> Option<RoleSet> {
        match audience {
            Audience::Everyone => None,
            Audience::Roles(roles) => Some(self.role_set(roles).unwrap_or_default()),
        }
    }
}

fn granted(set: RoleSet, sequence: u32) -> RoleGrants {
    let mut grants = RoleGrants::default();
    grants.replace(set, sequence);
    grants
}
