//! Invites and the ways in.

use conclave_protocol::{AccountId, Timestamp};

use super::{Act, Checked};
use crate::room::body::expires_in_time;
use crate::room::limits::REQUESTS_MAX;
use crate::room::role::{RoleGrants, RoleSet};
use crate::room::{
    AccountHead, Entrance, Invite, InviteId, InviteTerms, JoinRequest, Member, Permissions, RoleId,
    RoomChainError, RoomEvent, RoomState, Standing,
};
use crate::signature::check_key;

impl RoomState {
    pub(super) fn check_invite(&self, act: &Act, by: &Standing, terms: &InviteTerms) -> Checked {
        by.needs(Permissions::INVITE)?;
        if !expires_in_time(act.time, terms.expires) {
            return Err(RoomChainError::Limit);
        }
        if self.invites.len() >= self.limits().invites {
            return Err(RoomChainError::TooMany);
        }
        let roles = self.role_set(&terms.roles)?;
        self.check_gives_with_membership(by, roles)?;
        check_key(&terms.key).map(|_| ()).map_err(|_| RoomChainError::Key)
    }

    pub(super) fn apply_invite(&mut self, act: &Act, terms: &InviteTerms, events: &mut Vec<RoomEvent>) {
        let id = InviteId(act.sequence);
        self.invites.insert(
            id,
            Invite {
                by: act.account,
                key: terms.key,
                uses_left: terms.uses,
                expires: terms.expires,
                approval: terms.approval,
                // Invariant: `check_invite` found them all.
                roles: self.role_set(&terms.roles).unwrap_or_default(),
            },
        );
        events.push(RoomEvent::InviteMade(id));
    }

    pub(super) fn check_revoke_invite(&self, act: &Act, by: &Standing, id: InviteId) -> Checked {
        let invite = self.invites.get(&id).ok_or(RoomChainError::NoSuchInvite)?;
        if invite.by == act.account {
            Ok(())
        } else {
            by.needs(Permissions::MANAGE_INVITES)
        }
    }

    pub(super) fn end_invite(&mut self, id: InviteId, events: &mut Vec<RoomEvent>) {
        self.invites.remove(&id);
        events.push(RoomEvent::InviteEnded(id));
    }

    pub(super) fn check_join(&self, act: &Act, id: InviteId) -> Checked {
        self.check_newcomer(act.account)?;
        let invite = self.usable_invite(id, act.time)?;
        if invite.approval {
            return Err(RoomChainError::InviteKind);
        }
        self.check_room_for_one()
    }

    pub(super) fn apply_join(&mut self, act: &Act, id: InviteId, events: &mut Vec<RoomEvent>) {
        let roles = self.use_invite(id, events);
        self.admit(
            act.account,
            act.head,
            roles,
            act.sequence,
            Entrance::Invite(id),
            events,
        );
    }

    pub(super) fn check_request(&self, act: &Act, id: InviteId) -> Checked {
        self.check_newcomer(act.account)?;
        if self.requests.contains_key(&act.account) {
            return Err(RoomChainError::AlreadyRequested);
        }
        let invite = self.usable_invite(id, act.time)?;
        if !invite.approval {
            return Err(RoomChainError::InviteKind);
        }
        if self.requests.len() >= REQUESTS_MAX {
            return Err(RoomChainError::TooMany);
        }
        Ok(())
    }

    pub(super) fn apply_request(&mut self, act: &Act, id: InviteId, events: &mut Vec<RoomEvent>) {
        // The use is spent here and not given back, so that an invite for one is for one.
        let roles = self.use_invite(id, events);
        self.requests.insert(
            act.account,
            JoinRequest {
                invite: id,
                sequence: act.sequence,
                roles,
            },
        );
        events.push(RoomEvent::Requested(act.account, id));
    }

    pub(super) fn check_approve(&self, by: &Standing, account: AccountId) -> Checked {
        by.needs(Permissions::APPROVE)?;
        if !self.requests.contains_key(&account) {
            return Err(RoomChainError::NoSuchRequest);
        }
        self.check_room_for_one()
    }

    pub(super) fn apply_approve(&mut self, act: &Act, account: AccountId, events: &mut Vec<RoomEvent>) {
        let (Some(request), Some(known)) = (self.requests.get(&account), self.accounts.get(&account)) else {
            return;
        };
        let (request, head) = (*request, known.head);
        self.admit(
            account,
            head,
            request.roles,
            act.sequence,
            Entrance::Approved(request.invite),
            events,
        );
    }

    pub(super) fn check_decline(&self, by: &Standing, account: AccountId) -> Checked {
        by.needs(Permissions::APPROVE)?;
        if self.requests.contains_key(&account) {
            Ok(())
        } else {
            Err(RoomChainError::NoSuchRequest)
        }
    }

    pub(super) fn end_request(&mut self, account: AccountId, events: &mut Vec<RoomEvent>) {
        self.requests.remove(&account);
        events.push(RoomEvent::RequestEnded(account));
    }

    pub(super) fn check_add(
        &self,
        by: &Standing,
        account: AccountId,
        head: AccountHead,
        roles: &[RoleId],
    ) -> Checked {
        by.needs(Permissions::ADD_MEMBERS)?;
        self.check_newcomer(account)?;
        self.check_head(account, head)?;
        let roles = self.role_set(roles)?;
        self.check_gives_with_membership(by, roles)?;
        self.check_room_for_one()
    }

    pub(super) fn apply_add(
        &mut self,
        act: &Act,
        account: AccountId,
        head: AccountHead,
        roles: &[RoleId],
        events: &mut Vec<RoomEvent>,
    ) {
        // Invariant: `check_add` found them all.
        let roles = self.role_set(roles).unwrap_or_default();
        self.admit(account, head, roles, act.sequence, Entrance::Added, events);
    }

    /// Makes an account a member.
    pub(super) fn admit(
        &mut self,
        account: AccountId,
        head: AccountHead,
        roles: RoleSet,
        sequence: u32,
        entrance: Entrance,
        events: &mut Vec<RoomEvent>,
    ) {
        self.requests.remove(&account);
        // With new members come new keys for their devices: what their head names is observed.
        self.record_head(account, head).observed = head.sequence;
        let mut grants = RoleGrants::default();
        grants.replace(roles, sequence);
        self.members.insert(
            account,
            Member {
                joined: sequence,
                nickname: None,
                roles: grants,
            },
        );
        events.push(RoomEvent::Joined(account, entrance));
    }

    fn check_newcomer(&self, account: AccountId) -> Checked {
        if self.members.contains_key(&account) {
            Err(RoomChainError::AlreadyMember)
        } else if self.bans.contains_key(&account) {
            Err(RoomChainError::Banned)
        } else {
            Ok(())
        }
    }

    fn check_room_for_one(&self) -> Checked {
        if self.members.len() >= self.limits().members {
            return Err(RoomChainError::TooMany);
        }
        Ok(())
    }

    /// Roles that come with membership are given by whoever lets in.
    fn check_gives_with_membership(&self, by: &Standing, roles: RoleSet) -> Checked {
        if roles == RoleSet::default() {
            return Ok(());
        }
        by.needs(Permissions::MANAGE_ROLES)?;
        self.check_gives(by, roles)
    }

    fn usable_invite(&self, id: InviteId, time: Timestamp) -> Result<&Invite, RoomChainError> {
        let invite = self.invites.get(&id).ok_or(RoomChainError::NoSuchInvite)?;
        if invite.expires.is_some_and(|expires| time > expires) {
            return Err(RoomChainError::InviteExpired);
        }
        Ok(invite)
    }

    /// Counts a use and returns the roles that the invite gives. One that is used up ends.
    fn use_invite(&mut self, id: InviteId, events: &mut Vec<RoomEvent>) -> RoleSet {
        let Some(invite) = self.invites.get_mut(&id) else {
            return RoleSet::default();
        };
        let roles = invite.roles;
        if let Some(left) = &mut invite.uses_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.end_invite(id, events);
            }
        }
        roles
    }
}
