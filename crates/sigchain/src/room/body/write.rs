//! Each body's bytes, as they are written.

use conclave_encoding::Writer;

use super::form::{
    channel_kind_number, field_number, place_kind_number, write_audience, write_closings, write_head,
    write_option_time, write_option_u32, write_policy, write_roles,
};
use super::{RoomBody, kind};
use crate::room::{CategoryDefinition, ChannelDefinition, RoleDefinition};

impl RoomBody {
    /// Appends the kind's number and the fields.
    pub(in crate::room) fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Create {
                kind,
                nonce,
                everyone,
                policy,
            } => write_policy(
                writer
                    .u8(kind::CREATE)
                    .u8(place_kind_number(*kind))
                    .fixed(nonce)
                    .u64(everyone.bits()),
                policy,
            ),
            Self::DefineRole(definition) => write_role(writer.u8(kind::DEFINE_ROLE), definition),
            Self::UpdateRole { role, definition } => {
                write_role(writer.u8(kind::UPDATE_ROLE).u32(role.0), definition)
            }
            Self::RemoveRole { role } => writer.u8(kind::REMOVE_ROLE).u32(role.0),
            Self::SetRoles { account, roles } => {
                write_roles(writer.u8(kind::SET_ROLES).fixed(account.as_bytes()), roles)
            }
            Self::Invite(terms) => {
                let writer = writer.u8(kind::INVITE).fixed(&terms.key);
                let writer = write_option_time(write_option_u32(writer, terms.uses), terms.expires);
                write_roles(writer.u8(u8::from(terms.approval)), &terms.roles)
            }
            Self::RevokeInvite { invite } => writer.u8(kind::REVOKE_INVITE).u32(invite.0),
            Self::Join { invite, proof } => writer.u8(kind::JOIN).u32(invite.0).fixed(proof),
            Self::Request { invite, proof } => writer.u8(kind::REQUEST).u32(invite.0).fixed(proof),
            Self::Approve { account } => writer.u8(kind::APPROVE).fixed(account.as_bytes()),
            Self::Decline { account } => writer.u8(kind::DECLINE).fixed(account.as_bytes()),
            Self::Add { account, head, roles } => {
                let writer = writer.u8(kind::ADD).fixed(account.as_bytes());
                write_roles(write_head(writer, *head), roles)
            }
            Self::Leave { closings } => write_closings(writer.u8(kind::LEAVE), closings),
            Self::Remove {
                account,
                reason,
                closings,
            } => write_closings(
                writer.u8(kind::REMOVE).fixed(account.as_bytes()).bytes(reason),
                closings,
            ),
            Self::Ban {
                account,
                reason,
                closings,
            } => write_closings(
                writer.u8(kind::BAN).fixed(account.as_bytes()).bytes(reason),
                closings,
            ),
            Self::Unban { account } => writer.u8(kind::UNBAN).fixed(account.as_bytes()),
            Self::MuteUntil {
                account,
                until,
                reason,
            } => writer
                .u8(kind::MUTE_UNTIL)
                .fixed(account.as_bytes())
                .u64(until.0)
                .bytes(reason),
            Self::Policy { channel, policy } => write_policy(
                write_option_u32(writer.u8(kind::POLICY), channel.map(|channel| channel.0)),
                policy,
            ),
            Self::Metadata { field, sealed } => {
                writer.u8(kind::METADATA).u8(field_number(*field)).bytes(sealed)
            }
            Self::Nickname { account, sealed } => {
                writer.u8(kind::NICKNAME).fixed(account.as_bytes()).bytes(sealed)
            }
            Self::CreateChannel {
                kind,
                definition,
                policy,
            } => {
                let writer = writer.u8(kind::CREATE_CHANNEL).u8(channel_kind_number(*kind));
                write_policy(write_channel(writer, definition), policy)
            }
            Self::UpdateChannel { channel, definition } => {
                write_channel(writer.u8(kind::UPDATE_CHANNEL).u32(channel.0), definition)
            }
            Self::DeleteChannel { channel } => writer.u8(kind::DELETE_CHANNEL).u32(channel.0),
            Self::CreateCategory(definition) => write_category(writer.u8(kind::CREATE_CATEGORY), definition),
            Self::UpdateCategory { category, definition } => {
                write_category(writer.u8(kind::UPDATE_CATEGORY).u32(category.0), definition)
            }
            Self::DeleteCategory { category } => writer.u8(kind::DELETE_CATEGORY).u32(category.0),
            Self::Transfer { account } => writer.u8(kind::TRANSFER).fixed(account.as_bytes()),
            Self::Observe {
                account,
                head,
                closings,
            } => write_closings(
                write_head(writer.u8(kind::OBSERVE).fixed(account.as_bytes()), *head),
                closings,
            ),
            Self::Checkpoint { state } => writer.u8(kind::CHECKPOINT).fixed(state.as_bytes()),
            Self::Close => writer.u8(kind::CLOSE),
        }
    }
}

fn write_role(writer: Writer, definition: &RoleDefinition) -> Writer {
    writer
        .u16(definition.rank.0)
        .u64(definition.permissions.bits())
        .bytes(&definition.sealed)
}

fn write_channel(writer: Writer, definition: &ChannelDefinition) -> Writer {
    let writer = write_option_u32(writer, definition.category.map(|category| category.0));
    write_audience(writer.u16(definition.position), &definition.access).bytes(&definition.sealed)
}

fn write_category(writer: Writer, definition: &CategoryDefinition) -> Writer {
    writer.u16(definition.position).bytes(&definition.sealed)
}
