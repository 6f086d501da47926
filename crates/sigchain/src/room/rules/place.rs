//! The first entry, sealed properties, the owner, checkpoints and the end.

use std::collections::BTreeMap;

use conclave_protocol::{AccountId, Hash, PlaceId};

use super::{Act, Checked, outranks};
use crate::room::limits::checkpoint_gap;
use crate::room::policy::PolicyInForce;
use crate::room::role::{RoleSet, RoleTable};
use crate::room::{
    Entrance, MetadataField, Permissions, PlaceKind, Policy, Rank, Role, RoleDefinition, RoleId, RoomBody,
    RoomChainError, RoomEvent, RoomState, SealedValue, Standing,
};

impl RoomState {
    /// The state after a chain's first entry.
    pub(in crate::room) fn begin(
        place: PlaceId,
        act: &Act,
        kind: PlaceKind,
        everyone: Permissions,
        policy: &Policy,
    ) -> (Self, Vec<RoomEvent>) {
        let mut roles = RoleTable::default();
        roles.insert(Role {
            id: RoleId::EVERYONE,
            definition: RoleDefinition {
                rank: Rank(0),
                permissions: everyone,
                sealed: Vec::new(),
            },
            named: 0,
        });
        let mut state = Self {
            place,
            kind,
            sequence: 0,
            head: Hash(place.0),
            time: act.time,
            owner: act.account,
            owner_since: 0,
            is_closed: false,
            checkpoint: 0,
            epoch: 0,
            policy: PolicyInForce::new(policy, None, 0),
            roles,
            members: BTreeMap::new(),
            accounts: BTreeMap::new(),
            bans: BTreeMap::new(),
            invites: BTreeMap::new(),
            requests: BTreeMap::new(),
            categories: BTreeMap::new(),
            channels: BTreeMap::new(),
            metadata: BTreeMap::new(),
            rooms: BTreeMap::new(),
        };
        let mut events = vec![RoomEvent::Created];
        state.record_claim(act);
        state.admit(
            act.account,
            act.head,
            RoleSet::default(),
            0,
            Entrance::Created,
            &mut events,
        );
        (state, events)
    }

    pub(super) fn check_metadata(&self, by: &Standing, field: MetadataField, sealed: &[u8]) -> Checked {
        by.needs(match field {
            MetadataField::Emoji => Permissions::MANAGE_EMOJI,
            _ => Permissions::CHANGE_METADATA,
        })?;
        let before = self.metadata.get(&field).map_or(&[][..], |value| &value.sealed);
        if before == sealed {
            return Err(RoomChainError::NoChange);
        }
        Ok(())
    }

    pub(super) fn apply_metadata(
        &mut self,
        act: &Act,
        field: MetadataField,
        sealed: &[u8],
        events: &mut Vec<RoomEvent>,
    ) {
        match value(act, sealed) {
            Some(value) => {
                self.metadata.insert(field, value);
            }
            None => {
                self.metadata.remove(&field);
            }
        }
        events.push(RoomEvent::MetadataChanged(field));
    }

    pub(super) fn check_nickname(
        &self,
        act: &Act,
        by: &Standing,
        account: AccountId,
        sealed: &[u8],
    ) -> Checked {
        let member = self.members.get(&account).ok_or(RoomChainError::NoSuchMember)?;
        if account == act.account {
            by.needs(Permissions::CHANGE_NICKNAME)?;
        } else {
            by.needs(Permissions::MANAGE_NICKNAMES)?;
            let target = self.standing(account).ok_or(RoomChainError::NoSuchMember)?;
            outranks(by, target.rank)?;
        }
        let before = member.nickname.as_ref().map_or(&[][..], |value| &value.sealed);
        if before == sealed {
            return Err(RoomChainError::NoChange);
        }
        Ok(())
    }

    pub(super) fn apply_nickname(
        &mut self,
        act: &Act,
        account: AccountId,
        sealed: &[u8],
        events: &mut Vec<RoomEvent>,
    ) {
        if let Some(member) = self.members.get_mut(&account) {
            member.nickname = value(act, sealed);
            events.push(RoomEvent::NicknameChanged(account));
        }
    }

    pub(super) fn check_transfer(&self, by: &Standing, account: AccountId) -> Checked {
        self.check_owner(by)?;
        if account == self.owner {
            return Err(RoomChainError::NoChange);
        }
        if self.members.contains_key(&account) {
            Ok(())
        } else {
            Err(RoomChainError::NoSuchMember)
        }
    }

    pub(super) fn apply_transfer(&mut self, act: &Act, account: AccountId, events: &mut Vec<RoomEvent>) {
        let from = self.owner;
        self.owner = account;
        self.owner_since = act.sequence;
        events.push(RoomEvent::OwnerChanged { from, to: account });
        // Who was the owner keeps the rooms that their roles open.
        if let Some(member) = self.members.get(&from) {
            let roles = member.roles.set();
            self.end_epochs_lost(from, (roles, true), act.sequence, events);
        }
    }

    /// Whether a checkpoint may stand here. Its hash is compared last of all ([`RoomState::check_vouched`]), since
    /// that is the one costly rule.
    pub(super) fn check_checkpoint(&self, act: &Act, by: &Standing) -> Checked {
        self.check_owner(by)?;
        let gap = act.sequence.saturating_sub(self.checkpoint);
        if gap < checkpoint_gap(self.parts()) {
            return Err(RoomChainError::CheckpointTooSoon);
        }
        Ok(())
    }

    /// Whether a checkpoint names this state. Every other body vouches for nothing.
    pub(in crate::room) fn check_vouched(&self, body: &RoomBody) -> Checked {
        match body {
            RoomBody::Checkpoint { state } if *state != self.hash() => Err(RoomChainError::WrongCheckpoint),
            _ => Ok(()),
        }
    }

    pub(super) fn check_owner(&self, by: &Standing) -> Checked {
        if by.is_owner {
            Ok(())
        } else {
            Err(RoomChainError::OwnerOnly)
        }
    }
}

fn value(act: &Act, sealed: &[u8]) -> Option<SealedValue> {
    (!sealed.is_empty()).then(|| SealedValue {
        sealed: sealed.to_vec(),
        sequence: act.sequence,
    })
}
