//! The state's one canonical form: what checkpoints hash, and what somebody starts from who has not read the chain.

use std::collections::BTreeMap;

use conclave_encoding::{DecodeError, Reader, Writer, hash, labels};
use conclave_protocol::{AccountId, DeviceId, Hash, PlaceId, RoomId, Timestamp};

use super::body::{
    channel_kind_number, field_number, place_kind_number, read_account, read_bool, read_channel_kind,
    read_field, read_head, read_option_time, read_option_u32, read_permissions, read_place_kind,
    read_policy_kind, write_head, write_option_time, write_option_u32, write_policy_kind,
};
use super::channel::Access;
use super::limits::{
    BANS_MAX, CATEGORIES_MAX, CHANNELS_MAX, DISAPPEARING_MAX, ENTRIES_LAST, RANK_MAX, REQUESTS_MAX,
    ROLES_MAX, SEALED_MAX, SEALED_NAME_MAX, SEALED_NICKNAME_MAX, SLOW_MODE_MAX, SNAPSHOT_MAX,
};
use super::policy::PolicyInForce;
use super::role::{RoleGrants, RoleSet, RoleTable};
use super::{
    Ban, Category, CategoryDefinition, CategoryId, Channel, ChannelId, DeviceClaim, Invite, InviteId,
    JoinRequest, KnownAccount, Member, PlaceKind, Rank, Role, RoleDefinition, RoleId, RoomChainError,
    RoomState, SealedValue,
};

/// Version of the state's form.
const VERSION: u8 = 1;

impl RoomState {
    /// The state's bytes. Equal states have equal bytes, and only one form of each state is read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let capacity = self.parts().saturating_mul(192).saturating_add(1024);
        let writer = Writer::with_capacity(labels::ROOM_STATE, capacity)
            .u8(VERSION)
            .fixed(self.place.as_bytes())
            .u8(place_kind_number(self.kind))
            .u32(self.sequence)
            .fixed(self.head.as_bytes())
            .u64(self.time.0)
            .fixed(self.owner.as_bytes())
            .u32(self.owner_since)
            .u8(u8::from(self.is_closed))
            .u32(self.checkpoint)
            .u32(self.epoch);
        let writer = write_policy(writer, &self.policy);
        let writer = self
            .roles
            .iter()
            .fold(count(writer, self.roles.len()), write_role);
        let writer = self
            .members
            .iter()
            .fold(count(writer, self.members.len()), write_member);
        let writer = self
            .accounts
            .iter()
            .fold(count(writer, self.accounts.len()), write_known);
        let writer = self
            .bans
            .iter()
            .fold(count(writer, self.bans.len()), |writer, (account, ban)| {
                writer
                    .fixed(account.as_bytes())
                    .fixed(ban.by.as_bytes())
                    .u32(ban.sequence)
            });
        let writer = self
            .invites
            .iter()
            .fold(count(writer, self.invites.len()), write_invite);
        let writer = self.requests.iter().fold(
            count(writer, self.requests.len()),
            |writer, (account, request)| {
                writer
                    .fixed(account.as_bytes())
                    .u32(request.invite.0)
                    .u32(request.sequence)
                    .u64(request.roles.0)
            },
        );
        let writer =
            self.categories
                .iter()
                .fold(count(writer, self.categories.len()), |writer, (id, category)| {
                    writer
                        .u32(id.0)
                        .u16(category.definition.position)
                        .bytes(&category.definition.sealed)
                        .u32(category.named)
                });
        let writer = self
            .channels
            .iter()
            .fold(count(writer, self.channels.len()), write_channel);
        self.metadata
            .iter()
            .fold(count(writer, self.metadata.len()), |writer, (field, value)| {
                write_value(writer.u8(field_number(*field)), value)
            })
            .finish()
    }

    /// The state's hash, which a checkpoint names.
    pub fn hash(&self) -> Hash {
        Hash(hash(labels::ROOM_STATE, &self.to_bytes()))
    }

    /// The state of these bytes. It is worth nothing before a checkpoint or the chain itself vouches for it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RoomChainError> {
        if bytes.len() > SNAPSHOT_MAX {
            return Err(DecodeError::TooLong.into());
        }
        let mut reader = Reader::new(labels::ROOM_STATE, bytes)?;
        if reader.u8()? != VERSION {
            return Err(RoomChainError::Unsupported);
        }
        let state = read_state(&mut reader)?;
        reader.finish()?;
        state.check_consistent()?;
        Ok(state)
    }

    /// How much there is to hash, roughly.
    pub(super) fn parts(&self) -> usize {
        [
            self.members.len(),
            self.accounts.len(),
            self.bans.len(),
            self.invites.len(),
            self.requests.len(),
            self.channels.len(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    fn check_consistent(&self) -> Result<(), RoomChainError> {
        let all = self.roles.all();
        let given = all.without(RoleSet::of(0));
        let known = |set: RoleSet| set.without(given) == RoleSet::default();
        let limits = self.limits();
        let is_everyone = self
            .roles
            .at(0)
            .is_some_and(|role| role.id == RoleId::EVERYONE && role.definition.rank == Rank(0));
        let ranks = self
            .roles
            .iter()
            .all(|(slot, role)| slot == 0 || (1..=RANK_MAX).contains(&role.definition.rank.0));
        let mut ids: Vec<RoleId> = self.roles.iter().map(|(_, role)| role.id).collect();
        ids.sort_unstable();
        let roles_differ = ids.is_sorted_by(|one, next| one < next);
        let counts = self.roles.len() <= limits.roles
            && self.members.len() <= limits.members
            && self.invites.len() <= limits.invites;
        let members = self.members.iter().all(|(account, member)| {
            known(member.roles.set())
                && self.accounts.contains_key(account)
                && !self.bans.contains_key(account)
                && !self.requests.contains_key(account)
        });
        let requests = self.requests.iter().all(|(account, request)| {
            known(request.roles) && self.accounts.contains_key(account) && !self.bans.contains_key(account)
        });
        let invites = self.invites.values().all(|invite| {
            known(invite.roles) && invite.uses_left != Some(0) && self.members.contains_key(&invite.by)
        });
        let policy = |policy: &PolicyInForce| {
            policy.posting.is_none_or(known)
                && policy.disappearing <= DISAPPEARING_MAX
                && policy.slow_mode <= SLOW_MODE_MAX
        };
        let channels = self.channels.values().all(|channel| {
            let access = match &channel.access {
                Access::Everyone { .. } => true,
                Access::Roles(grants) => known(grants.set()),
            };
            let category = channel
                .category
                .is_none_or(|id| self.categories.contains_key(&id));
            access && category && policy(&channel.policy)
        });
        let rooms = self.is_community() || (self.channels.is_empty() && self.categories.is_empty());
        let values = self
            .metadata
            .values()
            .chain(
                self.members
                    .values()
                    .filter_map(|member| member.nickname.as_ref()),
            )
            .all(|value| !value.sealed.is_empty());
        let is_consistent = is_everyone
            && ranks
            && roles_differ
            && counts
            && members
            && requests
            && invites
            && policy(&self.policy)
            && channels
            && rooms
            && values
            && self.sequence <= ENTRIES_LAST
            && self.members.contains_key(&self.owner);
        if is_consistent {
            Ok(())
        } else {
            Err(RoomChainError::Inconsistent)
        }
    }
}

fn count(writer: Writer, count: usize) -> Writer {
    // Invariant: every map of the state is bounded by its limit or by the length of the chain, both below 2³².
    writer.u32(u32::try_from(count).unwrap_or(u32::MAX))
}

fn write_policy(writer: Writer, policy: &PolicyInForce) -> Writer {
    write_policy_kind(
        writer,
        policy.history,
        policy.disappearing,
        policy.slow_mode,
        [policy.read_only, policy.archived, policy.keep_nothing],
    )
    .u32(policy.history_since)
    .option_fixed(policy.posting.map(|set| set.0.to_be_bytes()).as_ref())
}

fn write_role(writer: Writer, (slot, role): (u8, &Role)) -> Writer {
    writer
        .u8(slot)
        .u32(role.id.0)
        .u16(role.definition.rank.0)
        .u64(role.definition.permissions.bits())
        .bytes(&role.definition.sealed)
        .u32(role.named)
}

fn write_grants(writer: Writer, grants: &RoleGrants) -> Writer {
    grants
        .iter()
        .fold(writer.u64(grants.set().0), |writer, (_, since)| writer.u32(since))
}

fn write_value(writer: Writer, value: &SealedValue) -> Writer {
    writer.bytes(&value.sealed).u32(value.sequence)
}

fn write_member(writer: Writer, (account, member): (&AccountId, &Member)) -> Writer {
    let writer = writer.fixed(account.as_bytes()).u32(member.joined);
    let writer = write_grants(writer, &member.roles);
    match &member.nickname {
        None => writer.u8(0),
        Some(value) => write_value(writer.u8(1), value),
    }
}

fn write_known(writer: Writer, (account, known): (&AccountId, &KnownAccount)) -> Writer {
    let writer = write_head(writer.fixed(account.as_bytes()), known.head)
        .u32(known.observed)
        .u64(known.muted_until.0);
    known
        .devices
        .iter()
        .fold(count(writer, known.devices.len()), |writer, claim| {
            let writer = writer.u32(claim.device.0).fixed(&claim.key).u32(claim.first);
            write_head(write_head(writer, claim.first_head), claim.last_head)
        })
}

fn write_invite(writer: Writer, (id, invite): (&InviteId, &Invite)) -> Writer {
    let writer = writer.u32(id.0).fixed(invite.by.as_bytes()).fixed(&invite.key);
    let writer = write_option_time(write_option_u32(writer, invite.uses_left), invite.expires);
    writer.u8(u8::from(invite.approval)).u64(invite.roles.0)
}

fn write_channel(writer: Writer, (id, channel): (&ChannelId, &Channel)) -> Writer {
    let writer = writer.u32(id.0).u8(channel_kind_number(channel.kind));
    let writer = write_option_u32(writer, channel.category.map(|category| category.0))
        .u16(channel.position)
        .bytes(&channel.sealed)
        .u32(channel.named)
        .u32(channel.epoch);
    let writer = match &channel.access {
        Access::Everyone { since } => writer.u8(0).u32(*since),
        Access::Roles(grants) => write_grants(writer.u8(1), grants),
    };
    write_policy(writer, &channel.policy)
}

fn read_state(reader: &mut Reader<'_>) -> Result<RoomState, DecodeError> {
    let place = PlaceId(reader.fixed()?);
    let kind = read_place_kind(reader)?;
    let mut state = RoomState {
        place,
        kind,
        sequence: reader.u32()?,
        head: Hash(reader.fixed()?),
        time: Timestamp(reader.u64()?),
        owner: read_account(reader)?,
        owner_since: reader.u32()?,
        is_closed: read_bool(reader)?,
        checkpoint: reader.u32()?,
        epoch: reader.u32()?,
        policy: read_policy(reader)?,
        roles: read_roles(reader)?,
        members: read_map(reader, PlaceKind::MEMBERS, read_account, read_member)?,
        accounts: read_map(reader, ENTRIES, read_account, read_known)?,
        bans: read_map(reader, BANS_MAX, read_account, |reader| {
            Ok(Ban {
                by: read_account(reader)?,
                sequence: reader.u32()?,
            })
        })?,
        invites: read_map(reader, PlaceKind::INVITES, read_invite_id, read_invite)?,
        requests: read_map(reader, REQUESTS_MAX, read_account, |reader| {
            Ok(JoinRequest {
                invite: read_invite_id(reader)?,
                sequence: reader.u32()?,
                roles: RoleSet(reader.u64()?),
            })
        })?,
        categories: read_map(reader, CATEGORIES_MAX, read_category_id, |reader| {
            Ok(Category {
                definition: CategoryDefinition {
                    position: reader.u16()?,
                    sealed: reader.bytes(SEALED_NAME_MAX)?.to_vec(),
                },
                named: reader.u32()?,
            })
        })?,
        channels: BTreeMap::new(),
        metadata: BTreeMap::new(),
        rooms: BTreeMap::new(),
    };
    state.channels = read_map(
        reader,
        CHANNELS_MAX,
        |reader| Ok(ChannelId(reader.u32()?)),
        read_channel,
    )?;
    for (id, channel) in &mut state.channels {
        channel.room = RoomId::channel(place, id.0);
        state.rooms.insert(channel.room, *id);
    }
    state.metadata = read_map(reader, METADATA, read_field, |reader| {
        read_value(reader, SEALED_MAX)
    })?;
    Ok(state)
}

/// Accounts and devices are bounded by the chain's length alone.
const ENTRIES: usize = 2 * ENTRIES_LAST as usize;
/// Each property of a place once.
const METADATA: usize = 8;

impl PlaceKind {
    const MEMBERS: usize = super::limits::MEMBERS_MAX;
    const INVITES: usize = super::limits::INVITES_MAX;
}

/// A map whose keys stand in strictly ascending order.
fn read_map<K: Ord + Copy, V>(
    reader: &mut Reader<'_>,
    limit: usize,
    key: impl Fn(&mut Reader<'_>) -> Result<K, DecodeError>,
    value: impl Fn(&mut Reader<'_>) -> Result<V, DecodeError>,
) -> Result<BTreeMap<K, V>, DecodeError> {
    let count = read_count(reader, limit)?;
    let mut map = BTreeMap::new();
    for _ in 0..count {
        let next = key(reader)?;
        if map.last_key_value().is_some_and(|(last, _)| *last >= next) {
            return Err(DecodeError::InvalidValue);
        }
        map.insert(next, value(reader)?);
    }
    Ok(map)
}

fn read_count(reader: &mut Reader<'_>, limit: usize) -> Result<usize, DecodeError> {
    match usize::try_from(reader.u32()?) {
        Ok(count) if count <= limit => Ok(count),
        _ => Err(DecodeError::TooLong),
    }
}

fn read_policy(reader: &mut Reader<'_>) -> Result<PolicyInForce, DecodeError> {
    let (history, disappearing, slow_mode, [read_only, archived, keep_nothing]) = read_policy_kind(reader)?;
    Ok(PolicyInForce {
        history,
        disappearing,
        slow_mode,
        read_only,
        archived,
        keep_nothing,
        history_since: reader.u32()?,
        posting: reader
            .option_fixed()?
            .map(|bytes| RoleSet(u64::from_be_bytes(bytes))),
    })
}

fn read_roles(reader: &mut Reader<'_>) -> Result<RoleTable, DecodeError> {
    let count = read_count(reader, ROLES_MAX)?;
    let mut roles = RoleTable::default();
    let mut least = 0;
    for _ in 0..count {
        let slot = reader.u8()?;
        if slot < least || usize::from(slot) >= ROLES_MAX {
            return Err(DecodeError::InvalidValue);
        }
        least = slot.saturating_add(1);
        let role = Role {
            id: RoleId(reader.u32()?),
            definition: RoleDefinition {
                rank: Rank(reader.u16()?),
                permissions: read_permissions(reader)?,
                sealed: reader.bytes(SEALED_NAME_MAX)?.to_vec(),
            },
            named: reader.u32()?,
        };
        roles.place(slot, role);
    }
    Ok(roles)
}

fn read_grants(reader: &mut Reader<'_>) -> Result<RoleGrants, DecodeError> {
    let set = RoleSet(reader.u64()?);
    let since = (0..set.len()).map(|_| reader.u32()).collect::<Result<_, _>>()?;
    RoleGrants::new(set, since).ok_or(DecodeError::InvalidValue)
}

fn read_value(reader: &mut Reader<'_>, limit: usize) -> Result<SealedValue, DecodeError> {
    Ok(SealedValue {
        sealed: reader.bytes(limit)?.to_vec(),
        sequence: reader.u32()?,
    })
}

fn read_member(reader: &mut Reader<'_>) -> Result<Member, DecodeError> {
    Ok(Member {
        joined: reader.u32()?,
        roles: read_grants(reader)?,
        nickname: if read_bool(reader)? {
            Some(read_value(reader, SEALED_NICKNAME_MAX)?)
        } else {
            None
        },
    })
}

fn read_known(reader: &mut Reader<'_>) -> Result<KnownAccount, DecodeError> {
    let head = read_head(reader)?;
    let observed = reader.u32()?;
    let muted_until = Timestamp(reader.u64()?);
    let count = read_count(reader, ENTRIES)?;
    let mut devices: Vec<DeviceClaim> = Vec::new();
    for _ in 0..count {
        let claim = DeviceClaim {
            device: DeviceId(reader.u32()?),
            key: reader.fixed()?,
            first: reader.u32()?,
            first_head: read_head(reader)?,
            last_head: read_head(reader)?,
        };
        if devices.last().is_some_and(|last| last.device >= claim.device) {
            return Err(DecodeError::InvalidValue);
        }
        devices.push(claim);
    }
    Ok(KnownAccount {
        head,
        observed,
        muted_until,
        devices,
    })
}

fn read_invite_id(reader: &mut Reader<'_>) -> Result<InviteId, DecodeError> {
    Ok(InviteId(reader.u32()?))
}

fn read_category_id(reader: &mut Reader<'_>) -> Result<CategoryId, DecodeError> {
    Ok(CategoryId(reader.u32()?))
}

fn read_invite(reader: &mut Reader<'_>) -> Result<Invite, DecodeError> {
    Ok(Invite {
        by: read_account(reader)?,
        key: reader.fixed()?,
        uses_left: read_option_u32(reader)?,
        expires: read_option_time(reader)?,
        approval: read_bool(reader)?,
        roles: RoleSet(reader.u64()?),
    })
}

fn read_channel(reader: &mut Reader<'_>) -> Result<Channel, DecodeError> {
    Ok(Channel {
        // Set by whoever knows the channel's number.
        room: RoomId([0; 32]),
        kind: read_channel_kind(reader)?,
        category: read_option_u32(reader)?.map(CategoryId),
        position: reader.u16()?,
        sealed: reader.bytes(SEALED_NAME_MAX)?.to_vec(),
        named: reader.u32()?,
        epoch: reader.u32()?,
        access: match reader.u8()? {
            0 => Access::Everyone { since: reader.u32()? },
            1 => Access::Roles(read_grants(reader)?),
            _ => return Err(DecodeError::InvalidValue),
        },
        policy: read_policy(reader)?,
    })
}
