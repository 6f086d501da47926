//! Roles: nobody makes, changes, gives or takes one at or above their own rank, or gives a permission that they
//! lack.

use conclave_protocol::AccountId;

use super::{Act, Checked, outranks};
use crate::room::channel::Access;
use crate::room::role::RoleSet;
use crate::room::{
    Audience, Permissions, Rank, Role, RoleDefinition, RoleId, RoomChainError, RoomEvent, RoomState, Standing,
};

impl RoomState {
    pub(super) fn check_define_role(&self, by: &Standing, definition: &RoleDefinition) -> Checked {
        by.needs(Permissions::MANAGE_ROLES)?;
        if self.roles.len() >= self.limits().roles {
            return Err(RoomChainError::TooMany);
        }
        check_definition(by, definition, Permissions::NONE)
    }

    pub(super) fn apply_define_role(
        &mut self,
        act: &Act,
        definition: &RoleDefinition,
        events: &mut Vec<RoomEvent>,
    ) {
        let id = RoleId(act.sequence);
        self.roles.insert(Role {
            id,
            definition: definition.clone(),
            named: act.sequence,
        });
        events.push(RoomEvent::RoleDefined(id));
    }

    pub(super) fn check_update_role(
        &self,
        by: &Standing,
        id: RoleId,
        definition: &RoleDefinition,
    ) -> Checked {
        by.needs(Permissions::MANAGE_ROLES)?;
        let role = self.roles.find(id).ok_or(RoomChainError::NoSuchRole)?;
        outranks(by, role.definition.rank)?;
        if role.definition == *definition {
            return Err(RoomChainError::NoChange);
        }
        if id == RoleId::EVERYONE {
            if definition.rank != Rank(0) {
                return Err(RoomChainError::Everyone);
            }
            return check_given(by, definition.permissions, role.definition.permissions);
        }
        check_definition(by, definition, role.definition.permissions)
    }

    pub(super) fn apply_update_role(
        &mut self,
        act: &Act,
        id: RoleId,
        definition: &RoleDefinition,
        events: &mut Vec<RoomEvent>,
    ) {
        if let Some(role) = self.roles.find_mut(id) {
            if role.definition.sealed != definition.sealed {
                role.named = act.sequence;
            }
            role.definition = definition.clone();
            events.push(RoomEvent::RoleUpdated(id));
        }
    }

    pub(super) fn check_remove_role(&self, by: &Standing, id: RoleId) -> Checked {
        by.needs(Permissions::MANAGE_ROLES)?;
        let role = self.roles.find(id).ok_or(RoomChainError::NoSuchRole)?;
        if id == RoleId::EVERYONE {
            return Err(RoomChainError::Everyone);
        }
        outranks(by, role.definition.rank)
    }

    pub(super) fn apply_remove_role(&mut self, act: &Act, id: RoleId, events: &mut Vec<RoomEvent>) {
        let Some(slot) = self.roles.slot(id) else {
            return;
        };
        let role = RoleSet::of(slot);
        events.push(RoomEvent::RoleRemoved(id));
        // First the channels that its holders lose, then the role itself everywhere.
        let owner = self.owner;
        for channel in self.channels.values_mut() {
            let Access::Roles(grants) = &channel.access else {
                continue;
            };
            if !grants.set().contains(slot) {
                continue;
            }
            let others = grants.set().without(role);
            let is_lost = self.members.iter().any(|(account, member)| {
                let held = member.roles.set();
                *account != owner && held.contains(slot) && !held.intersects(others)
            });
            if is_lost {
                channel.epoch = act.sequence;
                events.push(RoomEvent::EpochEnded(channel.room));
            }
        }
        for channel in self.channels.values_mut() {
            if let Access::Roles(grants) = &mut channel.access {
                grants.remove(slot);
            }
            channel.policy.posting = channel.policy.posting.map(|set| set.without(role));
        }
        self.policy.posting = self.policy.posting.map(|set| set.without(role));
        for member in self.members.values_mut() {
            member.roles.remove(slot);
        }
        for invite in self.invites.values_mut() {
            invite.roles = invite.roles.without(role);
        }
        for request in self.requests.values_mut() {
            request.roles = request.roles.without(role);
        }
        self.roles.remove(slot);
    }

    pub(super) fn check_set_roles(
        &self,
        act: &Act,
        by: &Standing,
        account: AccountId,
        roles: &[RoleId],
    ) -> Checked {
        let target = self.standing(account).ok_or(RoomChainError::NoSuchMember)?;
        let set = self.role_set(roles)?;
        if set == target.roles {
            return Err(RoomChainError::NoChange);
        }
        let given = set.without(target.roles);
        if account == act.account {
            // Anybody may lay a role of their own down.
            if given == RoleSet::default() {
                return Ok(());
            }
        } else {
            outranks(by, target.rank)?;
        }
        by.needs(Permissions::MANAGE_ROLES)?;
        self.check_gives(by, given)
    }

    pub(super) fn apply_set_roles(
        &mut self,
        act: &Act,
        account: AccountId,
        roles: &[RoleId],
        events: &mut Vec<RoomEvent>,
    ) {
        // Invariant: `check_set_roles` found them all.
        let set = self.role_set(roles).unwrap_or_default();
        let Some(member) = self.members.get_mut(&account) else {
            return;
        };
        let before = member.roles.set();
        member.roles.replace(set, act.sequence);
        events.push(RoomEvent::RolesSet {
            account,
            given: self.ids(set.without(before)).collect(),
            taken: self.ids(before.without(set)).collect(),
        });
        let is_owner = account == self.owner;
        self.end_epochs_lost(account, (before, is_owner), act.sequence, events);
    }

    /// The set of these roles, which must exist; that of everyone is never named.
    pub(super) fn role_set(&self, roles: &[RoleId]) -> Result<RoleSet, RoomChainError> {
        roles.iter().try_fold(RoleSet::default(), |set, id| {
            if *id == RoleId::EVERYONE {
                return Err(RoomChainError::Everyone);
            }
            let slot = self.roles.slot(*id).ok_or(RoomChainError::NoSuchRole)?;
            Ok(set.with(slot))
        })
    }

    /// Whether somebody may give each of these roles.
    pub(super) fn check_gives(&self, by: &Standing, set: RoleSet) -> Checked {
        for role in set.slots().filter_map(|slot| self.roles.at(slot)) {
            outranks(by, role.definition.rank)?;
            check_given(by, role.definition.permissions, Permissions::NONE)?;
        }
        Ok(())
    }

    /// Whether somebody may let an audience become another: roles that are named anew are below their rank or
    /// their own, roles that are left out are below it. To widen it to everyone takes nothing from anybody.
    pub(super) fn check_audience(
        &self,
        by: &Standing,
        before: Option<RoleSet>,
        after: &Audience,
    ) -> Result<Option<RoleSet>, RoomChainError> {
        let Audience::Roles(roles) = after else {
            return Ok(None);
        };
        let after = self.role_set(roles)?;
        let before = before.unwrap_or_default();
        for (slot, role) in self.roles.iter() {
            let is_named = after.contains(slot) && !before.contains(slot);
            let is_left_out = before.contains(slot) && !after.contains(slot);
            if is_left_out || (is_named && !by.roles.contains(slot)) {
                outranks(by, role.definition.rank)?;
            }
        }
        Ok(Some(after))
    }
}

fn check_definition(by: &Standing, definition: &RoleDefinition, before: Permissions) -> Checked {
    if definition.rank == Rank(0) {
        return Err(RoomChainError::Limit);
    }
    outranks(by, definition.rank)?;
    check_given(by, definition.permissions, before)
}

/// Whoever gives a permission has it.
fn check_given(by: &Standing, after: Permissions, before: Permissions) -> Checked {
    by.needs(after.without(before))
}
