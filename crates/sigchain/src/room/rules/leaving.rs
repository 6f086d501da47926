//! The ways out, bans, mutes, and what is observed of accounts.

use conclave_protocol::{AccountId, Timestamp};

use super::{Act, Checked, outranks};
use crate::room::limits::{BANS_MAX, MUTE_MAX_MS};
use crate::room::{
    AccountHead, Ban, ClosedChain, Departure, InviteId, Permissions, RoomChainError, RoomEvent, RoomState,
    Standing,
};

impl RoomState {
    pub(super) fn check_leave(&self, act: &Act, closings: &[ClosedChain]) -> Checked {
        if act.account == self.owner {
            return Err(RoomChainError::Owner);
        }
        if self.members.contains_key(&act.account) {
            return Ok(());
        }
        // Who only asked has no chains yet.
        if self.requests.contains_key(&act.account) && closings.is_empty() {
            return Ok(());
        }
        Err(RoomChainError::NotMember)
    }

    pub(super) fn apply_leave(&mut self, act: &Act, closings: &[ClosedChain], events: &mut Vec<RoomEvent>) {
        if self.members.contains_key(&act.account) {
            self.depart(act, act.account, Departure::Left, closings, events);
        } else {
            self.end_request(act.account, events);
        }
    }

    pub(super) fn check_remove(&self, act: &Act, by: &Standing, account: AccountId) -> Checked {
        by.needs(Permissions::KICK)?;
        let target = self.standing(account).ok_or(RoomChainError::NoSuchMember)?;
        // Whoever goes by themselves leaves.
        if account == act.account {
            return Err(RoomChainError::Rank);
        }
        outranks(by, target.rank)
    }

    pub(super) fn apply_remove(
        &mut self,
        act: &Act,
        account: AccountId,
        reason: &[u8],
        closings: &[ClosedChain],
        events: &mut Vec<RoomEvent>,
    ) {
        self.depart(
            act,
            account,
            Departure::Removed(reason.to_vec()),
            closings,
            events,
        );
    }

    pub(super) fn check_ban(&self, act: &Act, by: &Standing, account: AccountId) -> Checked {
        by.needs(Permissions::BAN)?;
        if self.bans.contains_key(&account) {
            return Err(RoomChainError::Banned);
        }
        if self.bans.len() >= BANS_MAX {
            return Err(RoomChainError::TooMany);
        }
        if account == act.account {
            return Err(RoomChainError::Rank);
        }
        match self.standing(account) {
            Some(target) => outranks(by, target.rank),
            None => Ok(()),
        }
    }

    pub(super) fn apply_ban(
        &mut self,
        act: &Act,
        account: AccountId,
        reason: &[u8],
        closings: &[ClosedChain],
        events: &mut Vec<RoomEvent>,
    ) {
        self.bans.insert(
            account,
            Ban {
                by: act.account,
                sequence: act.sequence,
            },
        );
        if self.requests.contains_key(&account) {
            self.end_request(account, events);
        }
        if self.members.contains_key(&account) {
            self.depart(act, account, Departure::Banned(reason.to_vec()), closings, events);
        } else {
            events.push(RoomEvent::Banned(account, reason.to_vec()));
        }
    }

    pub(super) fn check_unban(&self, by: &Standing, account: AccountId) -> Checked {
        by.needs(Permissions::BAN)?;
        if self.bans.contains_key(&account) {
            Ok(())
        } else {
            Err(RoomChainError::NotBanned)
        }
    }

    pub(super) fn check_mute(
        &self,
        act: &Act,
        by: &Standing,
        account: AccountId,
        until: Timestamp,
    ) -> Checked {
        by.needs(Permissions::TIMEOUT)?;
        let target = self.standing(account).ok_or(RoomChainError::NoSuchMember)?;
        if account == act.account {
            return Err(RoomChainError::Rank);
        }
        outranks(by, target.rank)?;
        let before = self
            .accounts
            .get(&account)
            .map_or(Timestamp(0), |known| known.muted_until);
        if until == before {
            return Err(RoomChainError::NoChange);
        }
        let is_lifted = until == Timestamp(0);
        if !is_lifted && (until <= act.time || until.since(act.time) > MUTE_MAX_MS) {
            return Err(RoomChainError::Limit);
        }
        Ok(())
    }

    pub(super) fn apply_mute(
        &mut self,
        account: AccountId,
        until: Timestamp,
        reason: &[u8],
        events: &mut Vec<RoomEvent>,
    ) {
        if let Some(known) = self.accounts.get_mut(&account) {
            known.muted_until = until;
        }
        events.push(RoomEvent::Muted(account, until, reason.to_vec()));
    }

    pub(super) fn check_observe(&self, account: AccountId, head: AccountHead) -> Checked {
        if !self.members.contains_key(&account) {
            return Err(RoomChainError::NoSuchMember);
        }
        self.check_head(account, head)?;
        match self.accounts.get(&account) {
            Some(known) if head.sequence > known.observed => Ok(()),
            _ => Err(RoomChainError::NoChange),
        }
    }

    pub(super) fn apply_observe(
        &mut self,
        act: &Act,
        account: AccountId,
        head: AccountHead,
        closings: &[ClosedChain],
        events: &mut Vec<RoomEvent>,
    ) {
        self.record_head(account, head).observed = head.sequence;
        events.push(RoomEvent::Observed(account, head));
        close_chains(account, closings, events);
        self.end_epochs_of(account, act.sequence, events);
    }

    /// Ends a membership: the invites that the member made go with it, so that nobody comes back by their own.
    fn depart(
        &mut self,
        act: &Act,
        account: AccountId,
        how: Departure,
        closings: &[ClosedChain],
        events: &mut Vec<RoomEvent>,
    ) {
        events.push(RoomEvent::Departed(account, how));
        close_chains(account, closings, events);
        self.end_epochs_of(account, act.sequence, events);
        self.members.remove(&account);
        let theirs: Vec<InviteId> = self
            .invites
            .iter()
            .filter(|(_, invite)| invite.by == account)
            .map(|(id, _)| *id)
            .collect();
        for id in theirs {
            self.end_invite(id, events);
        }
    }
}

fn close_chains(account: AccountId, closings: &[ClosedChain], events: &mut Vec<RoomEvent>) {
    if !closings.is_empty() {
        events.push(RoomEvent::ChainsClosed(account, closings.to_vec()));
    }
}
