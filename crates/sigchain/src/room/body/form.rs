//! The bytes of what several bodies hold.

use conclave_encoding::{DecodeError, Reader, Writer};
use conclave_protocol::{AccountId, Hash, Timestamp};

use super::ClosedChain;
use crate::room::limits::{CLOSINGS_MAX, ROLES_MAX};
use crate::room::{AccountHead, Audience, ChannelKind, History, MetadataField, PlaceKind, Policy, RoleId};

pub(super) fn write_roles(writer: Writer, roles: &[RoleId]) -> Writer {
    // Invariant: `check_form` holds lists far below 255.
    let count = u8::try_from(roles.len()).unwrap_or(u8::MAX);
    roles
        .iter()
        .fold(writer.u8(count), |writer, role| writer.u32(role.0))
}

pub(super) fn read_roles(reader: &mut Reader<'_>) -> Result<Vec<RoleId>, DecodeError> {
    let count = usize::from(reader.u8()?);
    if count >= ROLES_MAX {
        return Err(DecodeError::TooLong);
    }
    (0..count).map(|_| Ok(RoleId(reader.u32()?))).collect()
}

pub(super) fn write_audience(writer: Writer, audience: &Audience) -> Writer {
    match audience {
        Audience::Everyone => writer.u8(0),
        Audience::Roles(roles) => write_roles(writer.u8(1), roles),
    }
}

pub(super) fn read_audience(reader: &mut Reader<'_>) -> Result<Audience, DecodeError> {
    match reader.u8()? {
        0 => Ok(Audience::Everyone),
        1 => Ok(Audience::Roles(read_roles(reader)?)),
        _ => Err(DecodeError::InvalidValue),
    }
}

pub(super) fn write_closings(writer: Writer, closings: &[ClosedChain]) -> Writer {
    // Invariant: `check_form` holds lists far below 65,535.
    let count = u16::try_from(closings.len()).unwrap_or(u16::MAX);
    closings.iter().fold(writer.u16(count), |writer, closing| {
        writer
            .fixed(&closing.chain)
            .u32(closing.iteration)
            .fixed(closing.hash.as_bytes())
    })
}

pub(super) fn read_closings(reader: &mut Reader<'_>) -> Result<Vec<ClosedChain>, DecodeError> {
    let count = usize::from(reader.u16()?);
    if count > CLOSINGS_MAX {
        return Err(DecodeError::TooLong);
    }
    (0..count)
        .map(|_| {
            Ok(ClosedChain {
                chain: reader.fixed()?,
                iteration: reader.u32()?,
                hash: Hash(reader.fixed()?),
            })
        })
        .collect()
}

pub(super) fn write_policy(writer: Writer, policy: &Policy) -> Writer {
    let writer = write_policy_kind(
        writer,
        policy.history,
        policy.disappearing,
        policy.slow_mode,
        [policy.read_only, policy.archived, policy.keep_nothing],
    );
    write_audience(writer, &policy.posting)
}

pub(super) fn read_policy(reader: &mut Reader<'_>) -> Result<Policy, DecodeError> {
    let (history, disappearing, slow_mode, [read_only, archived, keep_nothing]) = read_policy_kind(reader)?;
    Ok(Policy {
        history,
        disappearing,
        slow_mode,
        posting: read_audience(reader)?,
        read_only,
        archived,
        keep_nothing,
    })
}

/// A policy without those who may post, as entries and states hold it.
pub(in crate::room) fn write_policy_kind(
    writer: Writer,
    history: History,
    disappearing: u32,
    slow_mode: u16,
    flags: [bool; 3],
) -> Writer {
    let [read_only, archived, keep_nothing] = flags.map(u8::from);
    writer
        .u8(match history {
            History::All => 0,
            History::SinceJoining => 1,
        })
        .u32(disappearing)
        .u16(slow_mode)
        .u8(read_only)
        .u8(archived)
        .u8(keep_nothing)
}

/// What [`write_policy_kind`] wrote.
pub(in crate::room) fn read_policy_kind(
    reader: &mut Reader<'_>,
) -> Result<(History, u32, u16, [bool; 3]), DecodeError> {
    let history = match reader.u8()? {
        0 => History::All,
        1 => History::SinceJoining,
        _ => return Err(DecodeError::InvalidValue),
    };
    Ok((
        history,
        reader.u32()?,
        reader.u16()?,
        [read_bool(reader)?, read_bool(reader)?, read_bool(reader)?],
    ))
}

pub(in crate::room) fn read_bool(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::InvalidValue),
    }
}

pub(in crate::room) fn write_option_u32(writer: Writer, value: Option<u32>) -> Writer {
    writer.option_fixed(value.map(u32::to_be_bytes).as_ref())
}

pub(in crate::room) fn read_option_u32(reader: &mut Reader<'_>) -> Result<Option<u32>, DecodeError> {
    Ok(reader.option_fixed()?.map(u32::from_be_bytes))
}

pub(in crate::room) fn write_option_time(writer: Writer, value: Option<Timestamp>) -> Writer {
    writer.option_fixed(value.map(|time| time.0.to_be_bytes()).as_ref())
}

pub(in crate::room) fn read_option_time(reader: &mut Reader<'_>) -> Result<Option<Timestamp>, DecodeError> {
    Ok(reader
        .option_fixed()?
        .map(|bytes| Timestamp(u64::from_be_bytes(bytes))))
}

pub(in crate::room) fn write_head(writer: Writer, head: AccountHead) -> Writer {
    writer.u32(head.sequence).fixed(head.hash.as_bytes())
}

pub(in crate::room) fn read_head(reader: &mut Reader<'_>) -> Result<AccountHead, DecodeError> {
    Ok(AccountHead {
        sequence: reader.u32()?,
        hash: Hash(reader.fixed()?),
    })
}

pub(in crate::room) fn read_account(reader: &mut Reader<'_>) -> Result<AccountId, DecodeError> {
    Ok(AccountId(reader.fixed()?))
}

pub(in crate::room) fn place_kind_number(kind: PlaceKind) -> u8 {
    match kind {
        PlaceKind::Group => 0,
        PlaceKind::Community => 1,
    }
}

pub(in crate::room) fn read_place_kind(reader: &mut Reader<'_>) -> Result<PlaceKind, DecodeError> {
    match reader.u8()? {
        0 => Ok(PlaceKind::Group),
        1 => Ok(PlaceKind::Community),
        _ => Err(DecodeError::InvalidValue),
    }
}

pub(in crate::room) fn channel_kind_number(kind: ChannelKind) -> u8 {
    match kind {
        ChannelKind::Text => 0,
        ChannelKind::Announcement => 1,
        ChannelKind::Gallery => 2,
        ChannelKind::Voice => 3,
    }
}

pub(in crate::room) fn read_channel_kind(reader: &mut Reader<'_>) -> Result<ChannelKind, DecodeError> {
    match reader.u8()? {
        0 => Ok(ChannelKind::Text),
        1 => Ok(ChannelKind::Announcement),
        2 => Ok(ChannelKind::Gallery),
        3 => Ok(ChannelKind::Voice),
        _ => Err(DecodeError::InvalidValue),
    }
}

pub(in crate::room) fn field_number(field: MetadataField) -> u8 {
    match field {
        MetadataField::Name => 0,
        MetadataField::Topic => 1,
        MetadataField::Icon => 2,
        MetadataField::Description => 3,
        MetadataField::Banner => 4,
        MetadataField::Emoji => 5,
    }
}

pub(in crate::room) fn read_field(reader: &mut Reader<'_>) -> Result<MetadataField, DecodeError> {
    match reader.u8()? {
        0 => Ok(MetadataField::Name),
        1 => Ok(MetadataField::Topic),
        2 => Ok(MetadataField::Icon),
        3 => Ok(MetadataField::Description),
        4 => Ok(MetadataField::Banner),
        5 => Ok(MetadataField::Emoji),
        _ => Err(DecodeError::InvalidValue),
    }
}
