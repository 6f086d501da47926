//! Rooms and the list of chats.

use conclave_client::{MessageRow, RoomKind, RoomRow};
use conclave_protocol::{AccountId, PlaceId, RoomId, Timestamp};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::number::{from_stored, to_stored};
use crate::{Store, StoreError};

/// A row of the list of chats: the room, its newest message, how many are unread.
pub type Chat = (RoomRow, Option<MessageRow>, u32);

/// How the kinds of rooms stand in their column.
const DIRECT: u8 = 0;
const GROUP: u8 = 1;
const CHANNEL: u8 = 2;

impl Store {
    /// All rooms, the one in which something last happened first.
    pub fn list_chats(&self) -> Result<Vec<Chat>, StoreError> {
        let rooms = self.list_rooms()?;
        let chat = |room: RoomRow| {
            let last = self.list_messages(room.room, None, 1)?.pop();
            let unread = self.count_unread(&room)?;
            Ok((room, last, unread))
        };
        rooms.into_iter().map(chat).collect()
    }

    pub(crate) fn list_rooms(&self) -> Result<Vec<RoomRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT room, kind, subject, channel, username, title, active_at, read_up_to FROM rooms
              ORDER BY active_at DESC, room",
        )?;
        let rooms = statement.query_map([], from_row)?;
        Ok(rooms.collect::<Result<_, _>>()?)
    }

    /// How many messages are unread in each room.
    pub fn list_unread(&self) -> Result<Vec<(RoomId, u32)>, StoreError> {
        self.list_rooms()?
            .iter()
            .map(|room| Ok((room.room, self.count_unread(room)?)))
            .collect()
    }

    pub(crate) fn find_room(&self, room: RoomId) -> Result<Option<RoomRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT room, kind, subject, channel, username, title, active_at, read_up_to FROM rooms
             WHERE room = ?1",
        )?;
        Ok(statement.query_row(params![room.0], from_row).optional()?)
    }

    pub(crate) fn upsert_room(&self, room: &RoomRow) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO rooms (room, kind, subject, channel, username, title, active_at, read_up_to)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (room) DO UPDATE SET kind = excluded.kind, subject = excluded.subject,
                 channel = excluded.channel, username = excluded.username, title = excluded.title,
                 active_at = excluded.active_at, read_up_to = excluded.read_up_to",
        )?;
        let (kind, subject, channel, username) = match &room.kind {
            RoomKind::Direct { peer, username } => (DIRECT, peer.0, 0, username.as_str()),
            RoomKind::Group { place } => (GROUP, place.0, 0, ""),
            RoomKind::Channel { place, channel } => (CHANNEL, place.0, *channel, ""),
        };
        statement.execute(params![
            room.room.0,
            kind,
            subject,
            channel,
            username,
            room.title,
            to_stored(room.active_at.0),
            to_stored(room.read_up_to),
        ])?;
        Ok(())
    }

    fn count_unread(&self, room: &RoomRow) -> Result<u32, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM messages
             WHERE room = ?1 AND sequence > ?2 AND mine = 0 AND counts = 1 AND sequence IS NOT NULL",
        )?;
        Ok(statement.query_row(params![room.room.0, to_stored(room.read_up_to)], |row| row.get(0))?)
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<RoomRow> {
    let subject = row.get(2)?;
    let kind = match row.get(1)? {
        GROUP => RoomKind::Group {
            place: PlaceId(subject),
        },
        CHANNEL => RoomKind::Channel {
            place: PlaceId(subject),
            channel: row.get(3)?,
        },
        _ => RoomKind::Direct {
            peer: AccountId(subject),
            username: row.get(4)?,
        },
    };
    Ok(RoomRow {
        room: RoomId(row.get(0)?),
        kind,
        title: row.get(5)?,
        active_at: Timestamp(from_stored(row.get(6)?)),
        read_up_to: from_stored(row.get(7)?),
    })
}
