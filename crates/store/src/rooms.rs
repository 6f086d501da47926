//! Rooms and the list of chats.

use conclave_client::{MessageRow, RoomRow};
use conclave_protocol::{AccountId, RoomId, Timestamp};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::number::{from_stored, to_stored};
use crate::{Store, StoreError};

/// A row of the list of chats: the room, its newest message, how many are unread.
pub type Chat = (RoomRow, Option<MessageRow>, u32);

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
            "SELECT room, peer, username, active_at, read_up_to FROM rooms ORDER BY active_at DESC, room",
        )?;
        let rooms = statement.query_map([], from_row)?;
        Ok(rooms.collect::<Result<_, _>>()?)
    }

    pub(crate) fn find_room(&self, room: RoomId) -> Result<Option<RoomRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT room, peer, username, active_at, read_up_to FROM rooms WHERE room = ?1",
        )?;
        Ok(statement.query_row(params![room.0], from_row).optional()?)
    }

    pub(crate) fn upsert_room(&self, room: &RoomRow) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO rooms (room, peer, username, active_at, read_up_to) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (room) DO UPDATE SET peer = excluded.peer, username = excluded.username,
                 active_at = excluded.active_at, read_up_to = excluded.read_up_to",
        )?;
        statement.execute(params![
            room.room.0,
            room.peer.0,
            room.username,
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
    Ok(RoomRow {
        room: RoomId(row.get(0)?),
        peer: AccountId(row.get(1)?),
        username: row.get(2)?,
        active_at: Timestamp(from_stored(row.get(3)?)),
        read_up_to: from_stored(row.get(4)?),
    })
}
