//! What an entry says, and its exact bytes: the kind's number, then the fields.
//!
//! | module | owns |
//! |---|---|
//! | `form` | the bytes of lists, audiences, policies and the like |
//! | `kind` | the numbers of the kinds |
//! | `read`, `write` | the bytes of each kind |
//!
//! Only the form is decided here: lists in order, lengths within their limits. Whether an act is allowed is the
//! matter of the rules.

mod form;
mod kind;
mod read;
mod write;

use conclave_protocol::{AccountId, Hash, Timestamp};

use super::limits::{
    CLOSINGS_MAX, INVITE_LIFE_MAX_MS, RANK_MAX, ROLES_MAX, SEALED_MAX, SEALED_NAME_MAX, SEALED_NICKNAME_MAX,
    SEALED_REASON_MAX,
};
use super::{
    AccountHead, Audience, CategoryDefinition, CategoryId, ChannelDefinition, ChannelId, ChannelKind,
    InviteId, InviteTerms, Permissions, Policy, RoleDefinition, RoleId, RoomChainError,
};

pub(super) use form::{
    channel_kind_number, field_number, place_kind_number, read_account, read_bool, read_channel_kind,
    read_field, read_head, read_option_time, read_option_u32, read_place_kind, read_policy_kind, write_head,
    write_option_time, write_option_u32, write_policy_kind,
};
pub(super) use read::read_permissions;

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// One room and its members.
    Group,
    /// Members with channels, each of them a room.
    Community,
}

/// Which of a place's sealed properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetadataField {
    /// What it is called.
    Name,
    /// What it is about now.
    Topic,
    /// Its small picture.
    Icon,
    /// What it is for.
    Description,
    /// Its large picture.
    Banner,
    /// Its own emoji and stickers.
    Emoji,
}

/// The last message accepted on one chain of a removed device: nobody takes a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedChain {
    /// The chain's id (`docs/protocol.md`, "Rooms: sender keys").
    pub chain: [u8; 16],
    /// The iteration of the last message.
    pub iteration: u32,
    /// That message's hash.
    pub hash: Hash,
}

/// What an entry says. Whatever an entry makes (a role, an invite, a channel, a category) is named by the entry's
/// sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomBody {
    /// The first entry: its author is the owner and first member.
    Create {
        /// Group or community.
        kind: PlaceKind,
        /// Random, so that no two places have one id.
        nonce: [u8; 16],
        /// What every member may do.
        everyone: Permissions,
        /// The place's policy.
        policy: Policy,
    },
    /// A new role.
    DefineRole(RoleDefinition),
    /// A role becomes another.
    UpdateRole {
        /// Which.
        role: RoleId,
        /// What it is from now on.
        definition: RoleDefinition,
    },
    /// A role ends, and everybody loses it.
    RemoveRole {
        /// Which.
        role: RoleId,
    },
    /// A member has these roles and no others from now on.
    SetRoles {
        /// Who.
        account: AccountId,
        /// The roles in ascending order, without that of everyone.
        roles: Vec<RoleId>,
    },
    /// A new invite.
    Invite(InviteTerms),
    /// An invite ends.
    RevokeInvite {
        /// Which.
        invite: InviteId,
    },
    /// The author joins by an invite.
    Join {
        /// Which.
        invite: InviteId,
        /// Signature with the invite's key over [`super::join_proof_bytes`].
        proof: [u8; 64],
    },
    /// The author asks to be let in by an invite that needs approval.
    Request {
        /// Which.
        invite: InviteId,
        /// Signature with the invite's key over [`super::join_proof_bytes`].
        proof: [u8; 64],
    },
    /// Somebody who asked becomes a member.
    Approve {
        /// Who.
        account: AccountId,
    },
    /// Somebody who asked is not let in.
    Decline {
        /// Who.
        account: AccountId,
    },
    /// An account becomes a member without asking.
    Add {
        /// Who.
        account: AccountId,
        /// Their chain's head as the author saw it.
        head: AccountHead,
        /// Roles that they get, in ascending order.
        roles: Vec<RoleId>,
    },
    /// The author leaves, or takes a request back.
    Leave {
        /// The author's chains.
        closings: Vec<ClosedChain>,
    },
    /// A member is removed and may come back.
    Remove {
        /// Who.
        account: AccountId,
        /// Why, sealed; empty for no word.
        reason: Vec<u8>,
        /// The chains of their devices.
        closings: Vec<ClosedChain>,
    },
    /// An account is removed, or kept out, until the ban is lifted.
    Ban {
        /// Who.
        account: AccountId,
        /// Why, sealed; empty for no word.
        reason: Vec<u8>,
        /// The chains of their devices.
        closings: Vec<ClosedChain>,
    },
    /// A ban is lifted.
    Unban {
        /// Whose.
        account: AccountId,
    },
    /// A member may not post for a time.
    MuteUntil {
        /// Who.
        account: AccountId,
        /// Until when; zero lifts it.
        until: Timestamp,
        /// Why, sealed; empty for no word.
        reason: Vec<u8>,
    },
    /// The policy of the place or of a channel.
    Policy {
        /// The channel; none for the place.
        channel: Option<ChannelId>,
        /// What holds from now on.
        policy: Policy,
    },
    /// A sealed property of the place.
    Metadata {
        /// Which.
        field: MetadataField,
        /// What it is from now on; empty for nothing.
        sealed: Vec<u8>,
    },
    /// A member's nickname here.
    Nickname {
        /// Whose.
        account: AccountId,
        /// What it is from now on, sealed; empty for none.
        sealed: Vec<u8>,
    },
    /// A new channel.
    CreateChannel {
        /// What it is for.
        kind: ChannelKind,
        /// Where it stands, who reads it, what it is called.
        definition: ChannelDefinition,
        /// How it is used.
        policy: Policy,
    },
    /// A channel changes.
    UpdateChannel {
        /// Which.
        channel: ChannelId,
        /// What it is from now on.
        definition: ChannelDefinition,
    },
    /// A channel ends.
    DeleteChannel {
        /// Which.
        channel: ChannelId,
    },
    /// A new category.
    CreateCategory(CategoryDefinition),
    /// A category changes.
    UpdateCategory {
        /// Which.
        category: CategoryId,
        /// What it is from now on.
        definition: CategoryDefinition,
    },
    /// A category ends; its channels stay, without one.
    DeleteCategory {
        /// Which.
        category: CategoryId,
    },
    /// The place has another owner.
    Transfer {
        /// Who, a member.
        account: AccountId,
    },
    /// A member's account chain has grown: a device of it was revoked.
    Observe {
        /// Whose.
        account: AccountId,
        /// Its new head.
        head: AccountHead,
        /// The chains of the devices that were revoked.
        closings: Vec<ClosedChain>,
    },
    /// The owner vouches for the state before this entry.
    Checkpoint {
        /// [`super::RoomState::hash`] of it.
        state: Hash,
    },
    /// The place ends.
    Close,
}

impl RoomBody {
    /// Whether it ends something, so that a full chain still takes it.
    pub(super) fn ends_something(&self) -> bool {
        matches!(
            self,
            Self::Leave { .. }
                | Self::Remove { .. }
                | Self::Ban { .. }
                | Self::RevokeInvite { .. }
                | Self::Decline { .. }
                | Self::Transfer { .. }
                | Self::Observe { .. }
                | Self::Close
        )
    }

    /// Checks lengths and orders.
    pub(super) fn check_form(&self) -> Result<(), RoomChainError> {
        match self {
            Self::Create { policy, .. } => {
                // There is no role yet that could be named.
                if policy.posting != Audience::Everyone {
                    return Err(RoomChainError::NoSuchRole);
                }
                policy.check_form()
            }
            Self::DefineRole(definition) | Self::UpdateRole { definition, .. } => {
                within(&definition.sealed, SEALED_NAME_MAX)?;
                if definition.rank.0 > RANK_MAX {
                    return Err(RoomChainError::Limit);
                }
                Ok(())
            }
            Self::SetRoles { roles, .. } | Self::Add { roles, .. } => roles_in_order(roles),
            Self::Invite(terms) => {
                if terms.uses == Some(0) {
                    return Err(RoomChainError::Limit);
                }
                roles_in_order(&terms.roles)
            }
            Self::Leave { closings } | Self::Observe { closings, .. } => closings_in_order(closings),
            Self::Remove { reason, closings, .. } | Self::Ban { reason, closings, .. } => {
                within(reason, SEALED_REASON_MAX)?;
                closings_in_order(closings)
            }
            Self::MuteUntil { reason, .. } => within(reason, SEALED_REASON_MAX),
            Self::Policy { policy, .. } => {
                audience_in_order(&policy.posting)?;
                policy.check_form()
            }
            Self::Metadata { sealed, .. } => within(sealed, SEALED_MAX),
            Self::Nickname { sealed, .. } => within(sealed, SEALED_NICKNAME_MAX),
            Self::CreateChannel {
                definition, policy, ..
            } => {
                channel_form(definition)?;
                audience_in_order(&policy.posting)?;
                policy.check_form()
            }
            Self::UpdateChannel { definition, .. } => channel_form(definition),
            Self::CreateCategory(definition) | Self::UpdateCategory { definition, .. } => {
                within(&definition.sealed, SEALED_NAME_MAX)
            }
            Self::RemoveRole { .. }
            | Self::RevokeInvite { .. }
            | Self::Join { .. }
            | Self::Request { .. }
            | Self::Approve { .. }
            | Self::Decline { .. }
            | Self::Unban { .. }
            | Self::DeleteChannel { .. }
            | Self::DeleteCategory { .. }
            | Self::Transfer { .. }
            | Self::Checkpoint { .. }
            | Self::Close => Ok(()),
        }
    }
}

/// Whether an invite ends within its longest life.
pub(super) fn expires_in_time(now: Timestamp, expires: Option<Timestamp>) -> bool {
    expires.is_none_or(|expires| expires > now && expires.since(now) <= INVITE_LIFE_MAX_MS)
}

fn channel_form(definition: &ChannelDefinition) -> Result<(), RoomChainError> {
    within(&definition.sealed, SEALED_NAME_MAX)?;
    audience_in_order(&definition.access)
}

fn within(sealed: &[u8], limit: usize) -> Result<(), RoomChainError> {
    if sealed.len() > limit {
        return Err(RoomChainError::Limit);
    }
    Ok(())
}

fn roles_in_order(roles: &[RoleId]) -> Result<(), RoomChainError> {
    if roles.len() >= ROLES_MAX {
        return Err(RoomChainError::Limit);
    }
    in_order(roles, |role| *role)
}

fn audience_in_order(audience: &Audience) -> Result<(), RoomChainError> {
    match audience {
        Audience::Everyone => Ok(()),
        Audience::Roles(roles) => roles_in_order(roles),
    }
}

fn closings_in_order(closings: &[ClosedChain]) -> Result<(), RoomChainError> {
    if closings.len() > CLOSINGS_MAX {
        return Err(RoomChainError::Limit);
    }
    in_order(closings, |closing| closing.chain)
}

fn in_order<T, K: Ord>(list: &[T], key: impl Fn(&T) -> K) -> Result<(), RoomChainError> {
    if list.is_sorted_by(|one, next| key(one) < key(next)) {
        Ok(())
    } else {
        Err(RoomChainError::Order)
    }
}
