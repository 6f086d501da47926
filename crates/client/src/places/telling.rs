//! From what an entry did to rows of timelines.
//!
//! A notice stands before the first message whose sender had seen its entry, so that every device shows the same
//! order whenever it hears of what. Until such a message is here it stands behind all that are.

use conclave_protocol::{DeviceAddress, EnvelopeId, RoomId, Timestamp};
use conclave_sigchain::room::{
    Departure, Entrance, MetadataField, PlaceKind, RoleId, RoomChange, RoomEvent, RoomState,
};
use minicbor::{Decode, Encode};

use super::names::{Names, Value};
use super::notices::{Entry, Notice};
use super::unopened::sealed_words;
use crate::changes::Table;
use crate::reads::ReadError;
use crate::rows::{Delivery, MessageBody, MessageRow};
use crate::work::Work;

const NOTICES: &[u8] = b"notices/";
/// Notices of a room that a message may still put elsewhere; older ones stay where they are.
const OPEN_MAX: usize = 64;
/// Notices of one entry in one room, so that their order fits below that of messages.
const EACH_MAX: u64 = 256;

/// A notice that has no row yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    room: RoomId,
    by: DeviceAddress,
    entry: u32,
    index: u64,
    time: Timestamp,
    notice: Notice,
    /// Words of it that could not be opened yet.
    sealed: Option<Vec<u8>>,
}

impl Draft {
    /// The entry that it tells of.
    pub(crate) fn entry(&self) -> u32 {
        self.entry
    }

    /// The same of another entry.
    #[cfg(test)]
    pub(crate) fn of_entry(self, entry: u32) -> Self {
        Self { entry, ..self }
    }
}

/// Where the notices of a room stand.
#[derive(Default, Encode, Decode)]
struct NoticeLog {
    /// The newest message that was placed in the room.
    #[n(0)]
    newest: u64,
    #[n(1)]
    open: Vec<OpenNotice>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct OpenNotice {
    #[n(0)]
    entry: u32,
    #[n(1)]
    row: EnvelopeId,
    /// The first message known whose sender had seen the entry.
    #[n(2)]
    first: Option<u64>,
}

/// What an entry is told as, on the state that it led to.
pub(crate) fn drafts(state: &RoomState, names: &Names, change: &RoomChange) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for event in &change.events {
        for (room, notice) in told(state, names, event) {
            let sealed = sealed_words(state, event, &notice);
            let index = u64::try_from(drafts.len()).unwrap_or(u64::MAX);
            if index >= EACH_MAX {
                return drafts;
            }
            drafts.push(Draft {
                room,
                by: change.by,
                entry: change.sequence,
                index,
                time: change.time,
                notice,
                sealed,
            });
        }
    }
    drafts
}

/// The room in which what concerns the whole place is told: a group's one, a community's oldest open channel.
pub(crate) fn main_room(state: &RoomState) -> Option<RoomId> {
    match state.kind() {
        PlaceKind::Group => Some(RoomId::group(state.place())),
        PlaceKind::Community => state
            .channels()
            .find(|(_, channel)| channel.is_open())
            .map(|(_, channel)| channel.room),
    }
}

fn told(state: &RoomState, names: &Names, event: &RoomEvent) -> Vec<(RoomId, Notice)> {
    let everywhere = |notice| main_room(state).map(|room| (room, notice)).into_iter().collect();
    let in_channel = |id, notice| {
        let channel = state.channel(id);
        channel
            .map(|channel| (channel.room, notice))
            .into_iter()
            .collect()
    };
    let role_names = |roles: &[RoleId]| {
        let name = |id: &RoleId| names.open(Value::Role, &state.role(*id)?.definition.sealed);
        roles.iter().filter_map(name).map(|words| words.text).collect()
    };
    match event {
        RoomEvent::Created => everywhere(Notice::Created),
        RoomEvent::Joined(account, how) if *how != Entrance::Created => {
            let how = match how {
                Entrance::Created | Entrance::Invite(_) => Entry::Invited,
                Entrance::Approved(_) => Entry::Approved,
                Entrance::Added => Entry::Added,
            };
            everywhere(Notice::Joined(*account, how))
        }
        RoomEvent::Departed(account, how) => everywhere(match how {
            Departure::Left => Notice::Left(*account),
            Departure::Removed(reason) => Notice::Removed(*account, names.reason(*account, reason)),
            Departure::Banned(reason) => Notice::Banned(*account, names.reason(*account, reason)),
        }),
        RoomEvent::Banned(account, reason) => {
            everywhere(Notice::Banned(*account, names.reason(*account, reason)))
        }
        RoomEvent::Unbanned(account) => everywhere(Notice::Unbanned(*account)),
        RoomEvent::Muted(account, until, reason) => {
            everywhere(Notice::Muted(*account, *until, names.reason(*account, reason)))
        }
        RoomEvent::RolesSet {
            account,
            given,
            taken,
        } => everywhere(Notice::RolesChanged(
            *account,
            role_names(given),
            role_names(taken),
        )),
        RoomEvent::MetadataChanged(field) => match field {
            MetadataField::Name => everywhere(Notice::Renamed(names.text(state, *field))),
            MetadataField::Topic => everywhere(Notice::TopicChanged(names.text(state, *field))),
            MetadataField::Description => everywhere(Notice::DescriptionChanged),
            MetadataField::Icon => everywhere(Notice::IconChanged),
            MetadataField::Banner | MetadataField::Emoji => Vec::new(),
        },
        RoomEvent::NicknameChanged(account) => {
            let sealed = state.member(*account).and_then(|member| member.nickname.as_ref());
            let nickname = sealed.and_then(|value| names.nickname(*account, &value.sealed));
            everywhere(Notice::NicknameChanged(*account, nickname))
        }
        RoomEvent::PolicyChanged(None) => everywhere(Notice::PolicyChanged),
        RoomEvent::PolicyChanged(Some(channel)) => in_channel(*channel, Notice::PolicyChanged),
        RoomEvent::ChannelCreated(channel) => in_channel(*channel, Notice::ChannelCreated),
        RoomEvent::ChannelUpdated(channel) => in_channel(*channel, Notice::ChannelChanged),
        RoomEvent::OwnerChanged { from, to } => everywhere(Notice::OwnerChanged(*from, *to)),
        RoomEvent::Closed => everywhere(Notice::Closed),
        // What waits, what is ordered, and what concerns keys is shown elsewhere.
        RoomEvent::Joined(..)
        | RoomEvent::Requested(..)
        | RoomEvent::RequestEnded(_)
        | RoomEvent::RoleDefined(_)
        | RoomEvent::RoleUpdated(_)
        | RoomEvent::RoleRemoved(_)
        | RoomEvent::InviteMade(_)
        | RoomEvent::InviteEnded(_)
        | RoomEvent::ChannelDeleted(_)
        | RoomEvent::CategoryCreated(_)
        | RoomEvent::CategoryUpdated(_)
        | RoomEvent::CategoryDeleted(_)
        | RoomEvent::Observed(..)
        | RoomEvent::ChainsClosed(..)
        | RoomEvent::EpochEnded(_)
        | RoomEvent::Checkpointed => Vec::new(),
    }
}

impl Work<'_> {
    /// Puts notices into their rooms, where those are in the list.
    pub(crate) fn tell(&mut self, drafts: Vec<Draft>) -> Result<(), ReadError> {
        for draft in drafts {
            if self.find_room(draft.room)?.is_none() {
                continue;
            }
            let own = self.own()?.account;
            let id = EnvelopeId::new(self.now, self.random());
            let mut log = self.notice_log(draft.room)?;
            self.put_message(MessageRow {
                id,
                room: draft.room,
                sequence: Some(log.newest.saturating_add(1)),
                ordinal: u64::from(draft.entry)
                    .saturating_mul(EACH_MAX)
                    .saturating_add(draft.index),
                author: draft.by.account,
                device: draft.by.device,
                mine: draft.by.account == own,
                sent_at: draft.time,
                counts: false,
                delivery: Delivery::Received,
                missing_before: 0,
                body: MessageBody::Notice(draft.notice),
            });
            if let Some(sealed) = draft.sealed {
                self.keep_unopened(draft.room, id, sealed)?;
            }
            log.open.push(OpenNotice {
                entry: draft.entry,
                row: id,
                first: None,
            });
            let over = log.open.len().saturating_sub(OPEN_MAX);
            log.open.drain(..over);
            self.put(Table::Places, &log_key(draft.room), &log);
        }
        Ok(())
    }

    /// A message took its place in a room of a place: notices of entries that its sender had seen stand before it,
    /// others behind it.
    pub(crate) fn place_notices(&mut self, room: RoomId, sequence: u64, head: u32) -> Result<(), ReadError> {
        let mut log = self.notice_log(room)?;
        log.newest = log.newest.max(sequence);
        for open in &mut log.open {
            let Some(mut row) = self.find_message(open.row)? else {
                continue;
            };
            let before = row.sequence;
            if head >= open.entry {
                if open.first.is_none_or(|first| sequence < first) {
                    open.first = Some(sequence);
                    row.sequence = Some(sequence);
                }
            } else if open.first.is_none() {
                row.sequence = row.sequence.max(Some(sequence.saturating_add(1)));
            }
            if row.sequence != before {
                self.put_message(row);
            }
        }
        self.put(Table::Places, &log_key(room), &log);
        Ok(())
    }

    fn notice_log(&self, room: RoomId) -> Result<NoticeLog, ReadError> {
        Ok(self.find(Table::Places, &log_key(room))?.unwrap_or_default())
    }
}

fn log_key(room: RoomId) -> Vec<u8> {
    [NOTICES, &room.0].concat()
}
