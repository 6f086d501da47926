//! What becomes of an act when somebody else's entry came first.

use conclave_protocol::Timestamp;

use super::rules::Act;
use super::{RoomAuthor, RoomBody, RoomChainError, RoomChange, RoomEvent, RoomState};

/// What to do with an act that was made for an older state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebase {
    /// Sign it anew on this state.
    Allowed,
    /// The state is already as the act wants it.
    AlreadyDone,
    /// What the act was about is gone, so there is nothing to do.
    Moot,
    /// It is allowed, but somebody changed the very same thing meanwhile, and the act would undo that: ask the
    /// person again.
    Overtaken,
    /// It is no longer allowed.
    Refused(RoomChainError),
}

impl RoomState {
    /// Whether an act is still allowed and meaningful on this state, which came out of the act's own state by what
    /// `between` says.
    pub fn rebase<'a>(
        &self,
        author: &RoomAuthor,
        time: Timestamp,
        body: &RoomBody,
        between: impl IntoIterator<Item = &'a RoomChange>,
    ) -> Rebase {
        let act = Act::new(author, self.sequence.saturating_add(1), time.max(self.time));
        // Who is out already need not hear that they may not leave.
        let is_in = self.members.contains_key(&act.account) || self.requests.contains_key(&act.account);
        if matches!(body, RoomBody::Leave { .. }) && !is_in {
            return Rebase::AlreadyDone;
        }
        if self.is_closed {
            return match body {
                RoomBody::Close => Rebase::AlreadyDone,
                _ => Rebase::Moot,
            };
        }
        let error = match self.check(&act, body).and_then(|()| self.check_vouched(body)) {
            Ok(()) => {
                let mut events = between.into_iter().flat_map(|change| &change.events);
                return if events.any(|event| overtakes(event, body)) {
                    Rebase::Overtaken
                } else {
                    Rebase::Allowed
                };
            }
            Err(error) => error,
        };
        match (body, error) {
            (_, RoomChainError::NoChange)
            | (
                RoomBody::Join { .. } | RoomBody::Add { .. } | RoomBody::Request { .. },
                RoomChainError::AlreadyMember,
            )
            | (RoomBody::Request { .. }, RoomChainError::AlreadyRequested)
            | (RoomBody::Ban { .. }, RoomChainError::Banned)
            | (RoomBody::Unban { .. }, RoomChainError::NotBanned)
            | (RoomBody::Remove { .. }, RoomChainError::NoSuchMember)
            | (RoomBody::RemoveRole { .. }, RoomChainError::NoSuchRole)
            | (RoomBody::RevokeInvite { .. }, RoomChainError::NoSuchInvite)
            | (RoomBody::DeleteChannel { .. }, RoomChainError::NoSuchChannel)
            | (RoomBody::DeleteCategory { .. }, RoomChainError::NoSuchCategory) => Rebase::AlreadyDone,
            (RoomBody::Approve { account }, RoomChainError::NoSuchRequest)
                if self.members.contains_key(account) =>
            {
                Rebase::AlreadyDone
            }
            (RoomBody::Decline { account }, RoomChainError::NoSuchRequest)
                if !self.members.contains_key(account) =>
            {
                Rebase::AlreadyDone
            }
            (RoomBody::Approve { .. } | RoomBody::Decline { .. }, RoomChainError::NoSuchRequest)
            | (
                RoomBody::SetRoles { .. }
                | RoomBody::MuteUntil { .. }
                | RoomBody::Nickname { .. }
                | RoomBody::Observe { .. }
                | RoomBody::Transfer { .. },
                RoomChainError::NoSuchMember,
            )
            | (RoomBody::UpdateRole { .. }, RoomChainError::NoSuchRole)
            | (RoomBody::UpdateChannel { .. } | RoomBody::Policy { .. }, RoomChainError::NoSuchChannel)
            | (RoomBody::UpdateCategory { .. }, RoomChainError::NoSuchCategory)
            | (
                RoomBody::Checkpoint { .. },
                RoomChainError::WrongCheckpoint | RoomChainError::CheckpointTooSoon,
            ) => Rebase::Moot,
            // An account that was observed at a later head meanwhile needs no older observation.
            (RoomBody::Observe { account, head, .. }, RoomChainError::HeadBehind)
                if self
                    .accounts
                    .get(account)
                    .is_some_and(|known| known.observed >= head.sequence) =>
            {
                Rebase::AlreadyDone
            }
            (_, error) => Rebase::Refused(error),
        }
    }
}

/// Whether an event changed what the body would set as a whole.
fn overtakes(event: &RoomEvent, body: &RoomBody) -> bool {
    match (event, body) {
        (RoomEvent::RoleUpdated(changed), RoomBody::UpdateRole { role, .. }) => changed == role,
        (RoomEvent::RolesSet { account: changed, .. }, RoomBody::SetRoles { account, .. })
        | (RoomEvent::Muted(changed, ..), RoomBody::MuteUntil { account, .. })
        | (RoomEvent::NicknameChanged(changed), RoomBody::Nickname { account, .. }) => changed == account,
        (RoomEvent::PolicyChanged(changed), RoomBody::Policy { channel, .. }) => changed == channel,
        (RoomEvent::ChannelUpdated(changed), RoomBody::UpdateChannel { channel, .. }) => changed == channel,
        (RoomEvent::CategoryUpdated(changed), RoomBody::UpdateCategory { category, .. }) => {
            changed == category
        }
        (RoomEvent::MetadataChanged(changed), RoomBody::Metadata { field, .. }) => changed == field,
        _ => false,
    }
}
