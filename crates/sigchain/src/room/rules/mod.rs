//! The rules: whether an act is allowed in a state, and what it does to it.
//!
//! `check` never changes anything and `apply` never refuses, so a refused entry leaves the state as it was and no
//! state is ever copied. Both are functions of state and entry alone.
//!
//! | module | owns |
//! |---|---|
//! | `place` | the first entry, sealed properties, owner, checkpoints, the end |
//! | `roles` | roles, and who may give which |
//! | `joining` | invites and the ways in |
//! | `leaving` | the ways out, bans, mutes, and what is observed of accounts |
//! | `channels` | channels, categories, policies |

mod channels;
mod joining;
mod leaving;
mod place;
mod roles;

use conclave_protocol::{AccountId, DeviceId, Timestamp};

use super::limits::{ENTRIES_LAST, ENTRIES_MAX};
use super::{
    AccountHead, DeviceClaim, KnownAccount, RoomAuthor, RoomBody, RoomChainError, RoomEvent, RoomState,
    Standing,
};

/// An entry without its body, as the rules see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act {
    pub(super) account: AccountId,
    pub(super) device: DeviceId,
    pub(super) head: AccountHead,
    pub(super) key: [u8; 32],
    pub(super) sequence: u32,
    pub(super) time: Timestamp,
}

impl Act {
    pub(super) fn new(author: &RoomAuthor, sequence: u32, time: Timestamp) -> Self {
        Self {
            account: author.account,
            device: author.device,
            head: author.head,
            key: author.key,
            sequence,
            time,
        }
    }
}

type Checked = Result<(), RoomChainError>;

impl RoomState {
    /// Whether the act is allowed. Signatures are not looked at here.
    pub(super) fn check(&self, act: &Act, body: &RoomBody) -> Checked {
        if self.is_closed {
            return Err(RoomChainError::Closed);
        }
        if act.sequence > ENTRIES_LAST || (act.sequence > ENTRIES_MAX && !body.ends_something()) {
            return Err(RoomChainError::Full);
        }
        self.check_claim(act)?;
        self.check_body(act, body)
    }

    /// Whether the body is allowed by this author.
    pub(super) fn check_body(&self, act: &Act, body: &RoomBody) -> Checked {
        body.check_form()?;
        match body {
            RoomBody::Create { .. } => Err(RoomChainError::Genesis),
            RoomBody::Join { invite, .. } => self.check_join(act, *invite),
            RoomBody::Request { invite, .. } => self.check_request(act, *invite),
            RoomBody::Leave { closings } => self.check_leave(act, closings),
            _ => {
                let by = self.standing(act.account).ok_or(RoomChainError::NotMember)?;
                self.check_by_member(act, &by, body)
            }
        }
    }

    fn check_by_member(&self, act: &Act, by: &Standing, body: &RoomBody) -> Checked {
        match body {
            RoomBody::Create { .. }
            | RoomBody::Join { .. }
            | RoomBody::Request { .. }
            | RoomBody::Leave { .. } => Ok(()),
            RoomBody::DefineRole(definition) => self.check_define_role(by, definition),
            RoomBody::UpdateRole { role, definition } => self.check_update_role(by, *role, definition),
            RoomBody::RemoveRole { role } => self.check_remove_role(by, *role),
            RoomBody::SetRoles { account, roles } => self.check_set_roles(act, by, *account, roles),
            RoomBody::Invite(terms) => self.check_invite(act, by, terms),
            RoomBody::RevokeInvite { invite } => self.check_revoke_invite(act, by, *invite),
            RoomBody::Approve { account } => self.check_approve(by, *account),
            RoomBody::Decline { account } => self.check_decline(by, *account),
            RoomBody::Add { account, head, roles } => self.check_add(by, *account, *head, roles),
            RoomBody::Remove { account, .. } => self.check_remove(act, by, *account),
            RoomBody::Ban { account, .. } => self.check_ban(act, by, *account),
            RoomBody::Unban { account } => self.check_unban(by, *account),
            RoomBody::MuteUntil { account, until, .. } => self.check_mute(act, by, *account, *until),
            RoomBody::Policy { channel, policy } => self.check_policy(by, *channel, policy),
            RoomBody::Metadata { field, sealed } => self.check_metadata(by, *field, sealed),
            RoomBody::Nickname { account, sealed } => self.check_nickname(act, by, *account, sealed),
            RoomBody::CreateChannel {
                definition, policy, ..
            } => self.check_create_channel(by, definition, policy),
            RoomBody::UpdateChannel { channel, definition } => {
                self.check_update_channel(by, *channel, definition)
            }
            RoomBody::DeleteChannel { channel } => self.check_delete_channel(by, *channel),
            RoomBody::CreateCategory(_) => self.check_create_category(by),
            RoomBody::UpdateCategory { category, definition } => {
                self.check_update_category(by, *category, definition)
            }
            RoomBody::DeleteCategory { category } => self.check_delete_category(by, *category),
            RoomBody::Transfer { account } => self.check_transfer(by, *account),
            RoomBody::Observe { account, head, .. } => self.check_observe(*account, *head),
            RoomBody::Checkpoint { .. } => self.check_checkpoint(act, by),
            RoomBody::Close => self.check_owner(by),
        }
    }

    /// Does what [`RoomState::check`] allowed.
    pub(super) fn apply(&mut self, act: &Act, body: &RoomBody) -> Vec<RoomEvent> {
        let mut events = Vec::new();
        self.record_claim(act);
        let told = &mut events;
        match body {
            RoomBody::Create { .. } => {}
            RoomBody::DefineRole(definition) => self.apply_define_role(act, definition, told),
            RoomBody::UpdateRole { role, definition } => {
                self.apply_update_role(act, *role, definition, told);
            }
            RoomBody::RemoveRole { role } => self.apply_remove_role(act, *role, told),
            RoomBody::SetRoles { account, roles } => self.apply_set_roles(act, *account, roles, told),
            RoomBody::Invite(terms) => self.apply_invite(act, terms, told),
            RoomBody::RevokeInvite { invite } => self.end_invite(*invite, told),
            RoomBody::Join { invite, .. } => self.apply_join(act, *invite, told),
            RoomBody::Request { invite, .. } => self.apply_request(act, *invite, told),
            RoomBody::Approve { account } => self.apply_approve(act, *account, told),
            RoomBody::Decline { account } => self.end_request(*account, told),
            RoomBody::Add { account, head, roles } => self.apply_add(act, *account, *head, roles, told),
            RoomBody::Leave { closings } => self.apply_leave(act, closings, told),
            RoomBody::Remove {
                account,
                reason,
                closings,
            } => self.apply_remove(act, *account, reason, closings, told),
            RoomBody::Ban {
                account,
                reason,
                closings,
            } => self.apply_ban(act, *account, reason, closings, told),
            RoomBody::Unban { account } => {
                self.bans.remove(account);
                told.push(RoomEvent::Unbanned(*account));
            }
            RoomBody::MuteUntil {
                account,
                until,
                reason,
            } => self.apply_mute(*account, *until, reason, told),
            RoomBody::Policy { channel, policy } => self.apply_policy(act, *channel, policy, told),
            RoomBody::Metadata { field, sealed } => self.apply_metadata(act, *field, sealed, told),
            RoomBody::Nickname { account, sealed } => self.apply_nickname(act, *account, sealed, told),
            RoomBody::CreateChannel {
                kind,
                definition,
                policy,
            } => self.apply_create_channel(act, *kind, definition, policy, told),
            RoomBody::UpdateChannel { channel, definition } => {
                self.apply_update_channel(act, *channel, definition, told);
            }
            RoomBody::DeleteChannel { channel } => self.apply_delete_channel(*channel, told),
            RoomBody::CreateCategory(definition) => self.apply_create_category(act, definition, told),
            RoomBody::UpdateCategory { category, definition } => {
                self.apply_update_category(act, *category, definition, told);
            }
            RoomBody::DeleteCategory { category } => self.apply_delete_category(*category, told),
            RoomBody::Transfer { account } => self.apply_transfer(act, *account, told),
            RoomBody::Observe {
                account,
                head,
                closings,
            } => self.apply_observe(act, *account, *head, closings, told),
            RoomBody::Checkpoint { .. } => {
                self.checkpoint = act.sequence;
                told.push(RoomEvent::Checkpointed);
            }
            RoomBody::Close => {
                self.is_closed = true;
                told.push(RoomEvent::Closed);
            }
        }
        events
    }

    /// A device keeps its key, and no account's head goes back.
    pub(super) fn check_claim(&self, act: &Act) -> Checked {
        // A device is named by the entry that added it, so no older head can have it.
        if act.device.0 > act.head.sequence {
            return Err(RoomChainError::HeadBehind);
        }
        self.check_head(act.account, act.head)?;
        let claim = self
            .accounts
            .get(&act.account)
            .and_then(|known| known.device(act.device));
        match claim {
            Some(claim) if claim.key != act.key => Err(RoomChainError::DeviceKey),
            _ => Ok(()),
        }
    }

    /// A head is the recorded one or a later one.
    fn check_head(&self, account: AccountId, head: AccountHead) -> Checked {
        let Some(known) = self.accounts.get(&account) else {
            return Ok(());
        };
        if head.sequence < known.head.sequence {
            Err(RoomChainError::HeadBehind)
        } else if head.sequence == known.head.sequence && head.hash != known.head.hash {
            Err(RoomChainError::HeadFork)
        } else {
            Ok(())
        }
    }

    fn record_claim(&mut self, act: &Act) {
        let known = self.record_head(act.account, act.head);
        let place = known
            .devices
            .binary_search_by_key(&act.device, |claim| claim.device);
        match place {
            Ok(index) => {
                if let Some(claim) = known.devices.get_mut(index) {
                    claim.last_head = act.head;
                }
            }
            Err(index) => known.devices.insert(
                index,
                DeviceClaim {
                    device: act.device,
                    key: act.key,
                    first: act.sequence,
                    first_head: act.head,
                    last_head: act.head,
                },
            ),
        }
    }

    fn record_head(&mut self, account: AccountId, head: AccountHead) -> &mut KnownAccount {
        let known = self.accounts.entry(account).or_insert_with(|| KnownAccount {
            head,
            observed: head.sequence,
            muted_until: Timestamp(0),
            devices: Vec::new(),
        });
        known.head = head;
        known
    }
}

/// Nobody acts on an equal or higher rank.
fn outranks(by: &Standing, other: super::Rank) -> Checked {
    if by.rank > other {
        Ok(())
    } else {
        Err(RoomChainError::Rank)
    }
}
