//! How a room is used: history for newcomers, timers, who may post.

use super::limits::{DISAPPEARING_MAX, SLOW_MODE_MAX};
use super::role::RoleSet;
use super::{RoleId, RoomChainError};

/// What a newcomer may read of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Everything that was sent while this policy was in force, and all later.
    All,
    /// What is sent after they joined.
    SinceJoining,
}

/// Everyone, or the holders of some roles. The owner is always included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every member.
    Everyone,
    /// Members with one of these roles, in ascending order.
    Roles(Vec<RoleId>),
}

/// How a room is used. A community's own policy holds in each of its channels, beside the channel's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What newcomers may read.
    pub history: History,
    /// Seconds after which messages disappear; 0 for never.
    pub disappearing: u32,
    /// Seconds between two messages of one member; 0 for none.
    pub slow_mode: u16,
    /// Who may post, of those who have the permission.
    pub posting: Audience,
    /// Nobody posts.
    pub read_only: bool,
    /// Put away: nobody posts, and lists do not show it.
    pub archived: bool,
    /// Devices keep nothing in their vaults.
    pub keep_nothing: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            history: History::SinceJoining,
            disappearing: 0,
            slow_mode: 0,
            posting: Audience::Everyone,
            read_only: false,
            archived: false,
            keep_nothing: false,
        }
    }
}

impl Policy {
    pub(super) fn check_form(&self) -> Result<(), RoomChainError> {
        if self.disappearing > DISAPPEARING_MAX || self.slow_mode > SLOW_MODE_MAX {
            return Err(RoomChainError::Limit);
        }
        Ok(())
    }
}

/// A policy as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PolicyInForce {
    pub(super) history: History,
    /// The sequence since which history is as it is.
    pub(super) history_since: u32,
    pub(super) disappearing: u32,
    pub(super) slow_mode: u16,
    /// Those who may post; none for everyone.
    pub(super) posting: Option<RoleSet>,
    pub(super) read_only: bool,
    pub(super) archived: bool,
    pub(super) keep_nothing: bool,
}

impl PolicyInForce {
    pub(super) fn new(policy: &Policy, posting: Option<RoleSet>, history_since: u32) -> Self {
        Self {
            history: policy.history,
            history_since,
            disappearing: policy.disappearing,
            slow_mode: policy.slow_mode,
            posting,
            read_only: policy.read_only,
            archived: policy.archived,
            keep_nothing: policy.keep_nothing,
        }
    }

    /// The policy that follows from a community's and a channel's: the narrower of the two in each respect.
    pub(super) fn narrowed(&self, other: &Self) -> Self {
        let (history, history_since) = match (self.history, other.history) {
            (History::All, History::All) => (History::All, self.history_since.max(other.history_since)),
            _ => (History::SinceJoining, self.history_since.max(other.history_since)),
        };
        Self {
            history,
            history_since,
            disappearing: match (self.disappearing, other.disappearing) {
                (0, timer) | (timer, 0) => timer,
                (one, two) => one.min(two),
            },
            slow_mode: self.slow_mode.max(other.slow_mode),
            posting: match (self.posting, other.posting) {
                (None, posting) | (posting, None) => posting,
                (Some(one), Some(two)) => Some(RoleSet(one.0 & two.0)),
            },
            read_only: self.read_only || other.read_only,
            archived: self.archived || other.archived,
            keep_nothing: self.keep_nothing || other.keep_nothing,
        }
    }
}
