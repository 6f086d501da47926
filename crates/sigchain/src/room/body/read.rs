//! Each body's bytes, as they are read.

use conclave_encoding::{DecodeError, Reader};
use conclave_protocol::{Hash, Timestamp};

use super::form::{
    read_account, read_audience, read_bool, read_channel_kind, read_closings, read_field, read_head,
    read_option_time, read_option_u32, read_place_kind, read_policy, read_roles,
};
use super::{RoomBody, kind};
use crate::room::limits::{SEALED_MAX, SEALED_NAME_MAX, SEALED_NICKNAME_MAX, SEALED_REASON_MAX};
use crate::room::{
    CategoryDefinition, CategoryId, ChannelDefinition, ChannelId, InviteId, InviteTerms, Permissions, Rank,
    RoleDefinition, RoleId, RoomChainError,
};

impl RoomBody {
    /// Reads the kind's number and the fields.
    pub(in crate::room) fn read(reader: &mut Reader<'_>) -> Result<Self, RoomChainError> {
        let kind = reader.u8()?;
        if kind > kind::CLOSE {
            return Err(RoomChainError::Unsupported);
        }
        Ok(read_kind(kind, reader)?)
    }
}

fn read_kind(kind: u8, reader: &mut Reader<'_>) -> Result<RoomBody, DecodeError> {
    Ok(match kind {
        kind::CREATE => RoomBody::Create {
            kind: read_place_kind(reader)?,
            nonce: reader.fixed()?,
            everyone: read_permissions(reader)?,
            policy: read_policy(reader)?,
        },
        kind::DEFINE_ROLE => RoomBody::DefineRole(read_role(reader)?),
        kind::UPDATE_ROLE => RoomBody::UpdateRole {
            role: RoleId(reader.u32()?),
            definition: read_role(reader)?,
        },
        kind::REMOVE_ROLE => RoomBody::RemoveRole {
            role: RoleId(reader.u32()?),
        },
        kind::SET_ROLES => RoomBody::SetRoles {
            account: read_account(reader)?,
            roles: read_roles(reader)?,
        },
        kind::INVITE => RoomBody::Invite(InviteTerms {
            key: reader.fixed()?,
            uses: read_option_u32(reader)?,
            expires: read_option_time(reader)?,
            approval: read_bool(reader)?,
            roles: read_roles(reader)?,
        }),
        kind::REVOKE_INVITE => RoomBody::RevokeInvite {
            invite: InviteId(reader.u32()?),
        },
        kind::JOIN => RoomBody::Join {
            invite: InviteId(reader.u32()?),
            proof: reader.fixed()?,
        },
        kind::REQUEST => RoomBody::Request {
            invite: InviteId(reader.u32()?),
            proof: reader.fixed()?,
        },
        kind::APPROVE => RoomBody::Approve {
            account: read_account(reader)?,
        },
        kind::DECLINE => RoomBody::Decline {
            account: read_account(reader)?,
        },
        kind::ADD => RoomBody::Add {
            account: read_account(reader)?,
            head: read_head(reader)?,
            roles: read_roles(reader)?,
        },
        kind::LEAVE => RoomBody::Leave {
            closings: read_closings(reader)?,
        },
        kind::REMOVE => RoomBody::Remove {
            account: read_account(reader)?,
            reason: read_sealed(reader, SEALED_REASON_MAX)?,
            closings: read_closings(reader)?,
        },
        kind::BAN => RoomBody::Ban {
            account: read_account(reader)?,
            reason: read_sealed(reader, SEALED_REASON_MAX)?,
            closings: read_closings(reader)?,
        },
        kind::UNBAN => RoomBody::Unban {
            account: read_account(reader)?,
        },
        kind::MUTE_UNTIL => RoomBody::MuteUntil {
            account: read_account(reader)?,
            until: Timestamp(reader.u64()?),
            reason: read_sealed(reader, SEALED_REASON_MAX)?,
        },
        kind::POLICY => RoomBody::Policy {
            channel: read_option_u32(reader)?.map(ChannelId),
            policy: read_policy(reader)?,
        },
        kind::METADATA => RoomBody::Metadata {
            field: read_field(reader)?,
            sealed: read_sealed(reader, SEALED_MAX)?,
        },
        kind::NICKNAME => RoomBody::Nickname {
            account: read_account(reader)?,
            sealed: read_sealed(reader, SEALED_NICKNAME_MAX)?,
        },
        kind::CREATE_CHANNEL => RoomBody::CreateChannel {
            kind: read_channel_kind(reader)?,
            definition: read_channel(reader)?,
            policy: read_policy(reader)?,
        },
        kind::UPDATE_CHANNEL => RoomBody::UpdateChannel {
            channel: ChannelId(reader.u32()?),
            definition: read_channel(reader)?,
        },
        kind::DELETE_CHANNEL => RoomBody::DeleteChannel {
            channel: ChannelId(reader.u32()?),
        },
        kind::CREATE_CATEGORY => RoomBody::CreateCategory(read_category(reader)?),
        kind::UPDATE_CATEGORY => RoomBody::UpdateCategory {
            category: CategoryId(reader.u32()?),
            definition: read_category(reader)?,
        },
        kind::DELETE_CATEGORY => RoomBody::DeleteCategory {
            category: CategoryId(reader.u32()?),
        },
        kind::TRANSFER => RoomBody::Transfer {
            account: read_account(reader)?,
        },
        kind::OBSERVE => RoomBody::Observe {
            account: read_account(reader)?,
            head: read_head(reader)?,
            closings: read_closings(reader)?,
        },
        kind::CHECKPOINT => RoomBody::Checkpoint {
            state: Hash(reader.fixed()?),
        },
        kind::CLOSE => RoomBody::Close,
        _ => return Err(DecodeError::InvalidValue),
    })
}

fn read_sealed(reader: &mut Reader<'_>, limit: usize) -> Result<Vec<u8>, DecodeError> {
    reader.bytes(limit).map(<[u8]>::to_vec)
}

pub(in crate::room) fn read_permissions(reader: &mut Reader<'_>) -> Result<Permissions, DecodeError> {
    Permissions::from_bits(reader.u64()?).ok_or(DecodeError::InvalidValue)
}

fn read_role(reader: &mut Reader<'_>) -> Result<RoleDefinition, DecodeError> {
    Ok(RoleDefinition {
        rank: Rank(reader.u16()?),
        permissions: read_permissions(reader)?,
        sealed: read_sealed(reader, SEALED_NAME_MAX)?,
    })
}

fn read_channel(reader: &mut Reader<'_>) -> Result<ChannelDefinition, DecodeError> {
    Ok(ChannelDefinition {
        category: read_option_u32(reader)?.map(CategoryId),
        position: reader.u16()?,
        access: read_audience(reader)?,
        sealed: read_sealed(reader, SEALED_NAME_MAX)?,
    })
}

fn read_category(reader: &mut Reader<'_>) -> Result<CategoryDefinition, DecodeError> {
    Ok(CategoryDefinition {
        position: reader.u16()?,
        sealed: read_sealed(reader, SEALED_NAME_MAX)?,
    })
}
