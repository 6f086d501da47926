//! What belongs to a message: annotations, its thread, and when it has to go.

use conclave_client::MessageRow;
use conclave_protocol::{AccountId, EnvelopeId, RoomId, Timestamp};
use rusqlite::params;

use crate::messages::columns;
use crate::number::{from_stored, to_stored};
use crate::{Store, StoreError};

impl Store {
    /// Messages of a room that are pinned, oldest first.
    pub fn list_pinned(&self, room: RoomId) -> Result<Vec<MessageRow>, StoreError> {
        self.list_rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM messages WHERE room = ?1 AND shown = 1 AND id IN (
                     SELECT target FROM messages WHERE room = ?1 AND pins = 1 AND target IS NOT NULL)
                 ORDER BY sequence IS NULL, sequence, ordinal"
            ),
            params![room.0],
        )
    }

    /// A message, or the one from which it hangs, and the thread that hangs from it, oldest first.
    pub fn list_thread(&self, message: EnvelopeId) -> Result<Vec<MessageRow>, StoreError> {
        let Some(found) = self.find_message(message)? else {
            return Ok(Vec::new());
        };
        let root = found.body.with().and_then(|with| with.thread).unwrap_or(message);
        let mut rows = self.list_rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM messages WHERE thread = ?1 AND room = ?2 AND shown = 1
                 ORDER BY sequence IS NULL, sequence, ordinal"
            ),
            params![root.0, found.room.0],
        )?;
        let first = self.find_message(root)?;
        rows.splice(0..0, first.filter(|row| row.room == found.room && row.is_shown()));
        Ok(rows)
    }

    pub(crate) fn list_annotations(
        &self,
        target: EnvelopeId,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.list_rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM messages WHERE target = ?1 AND target IS NOT NULL ORDER BY id LIMIT ?2"
            ),
            params![target.0, limit],
        )
    }

    pub(crate) fn astray(
        &self,
        room: RoomId,
        author: AccountId,
    ) -> Result<(u32, Option<EnvelopeId>), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*), min(id) FROM messages WHERE room = ?1 AND author = ?2 AND astray = 1",
        )?;
        Ok(statement.query_row(params![room.0, author.0], |row| {
            let oldest: Option<[u8; 16]> = row.get(1)?;
            Ok((row.get(0)?, oldest.map(EnvelopeId)))
        })?)
    }

    pub(crate) fn thread(&self, room: RoomId, root: EnvelopeId) -> Result<(u32, Timestamp), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*), max(sent_at) FROM messages
             WHERE thread = ?1 AND room = ?2 AND thread IS NOT NULL",
        )?;
        Ok(statement.query_row(params![root.0, room.0], |row| {
            let last: Option<i64> = row.get(1)?;
            Ok((row.get(0)?, Timestamp(last.map_or(0, from_stored))))
        })?)
    }

    pub(crate) fn list_disappearing(
        &self,
        room: RoomId,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.list_rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM messages
                 WHERE room = ?1 AND sequence <= ?2 AND disappears = 1 AND mine = 0
                 ORDER BY sequence LIMIT ?3"
            ),
            params![room.0, to_stored(up_to), limit],
        )
    }

    pub(crate) fn list_expired(&self, now: Timestamp, limit: u32) -> Result<Vec<MessageRow>, StoreError> {
        self.list_rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM messages WHERE expires_at <= ?1 AND expires_at IS NOT NULL
                 ORDER BY expires_at LIMIT ?2"
            ),
            params![to_stored(now.0), limit],
        )
    }

    pub(crate) fn next_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT min(expires_at) FROM messages WHERE expires_at IS NOT NULL")?;
        let first: Option<i64> = statement.query_row([], |row| row.get(0))?;
        Ok(first.map(|at| Timestamp(from_stored(at))))
    }
}
