//! Pages of a room's timeline.

use conclave_client::MessageRow;
use conclave_client::views::Position;
use conclave_protocol::{EnvelopeId, RoomId};
use rusqlite::{Params, params};

use crate::messages::{columns, from_row};
use crate::number::to_stored;
use crate::{Store, StoreError};

impl Store {
    /// The newest `limit` messages of a room, or of what lies before a position; oldest first.
    ///
    /// Messages that the server has placed are in order of sequence; behind them, in order of ordinal, are
    /// those that wait.
    pub fn list_messages(
        &self,
        room: RoomId,
        before: Option<Position>,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let mut newest_first = match before {
            None => self.list_waiting(room, None, limit)?,
            Some(Position {
                sequence: None,
                ordinal,
            }) => self.list_waiting(room, Some(ordinal), limit)?,
            Some(Position {
                sequence: Some(_), ..
            }) => Vec::new(),
        };
        let placed_before =
            before.and_then(|position| position.sequence.map(|sequence| (sequence, position.ordinal)));
        let left = limit.saturating_sub(u32::try_from(newest_first.len()).unwrap_or(u32::MAX));
        newest_first.extend(self.list_placed(room, placed_before, left)?);
        newest_first.reverse();
        Ok(newest_first)
    }

    /// The messages of a room just behind a position; oldest first.
    pub fn list_messages_after(
        &self,
        room: RoomId,
        after: Position,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let (room, ordinal) = (room.0, to_stored(after.ordinal));
        let mut rows = match after.sequence {
            Some(sequence) => self.list_rows(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM messages
                     WHERE room = ?1 AND sequence IS NOT NULL AND shown = 1 AND (sequence, ordinal) > (?2, ?3)
                     ORDER BY sequence, ordinal LIMIT ?4"
                ),
                params![room, to_stored(sequence), ordinal, limit],
            )?,
            None => Vec::new(),
        };
        // Behind a message with a place are all those that wait.
        let waiting_after = after.sequence.is_none().then_some(ordinal);
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        rows.extend(self.list_rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM messages WHERE room = ?1 AND sequence IS NULL AND shown = 1 AND (?2 IS NULL OR ordinal > ?2)
                 ORDER BY ordinal LIMIT ?3"
            ),
            params![room, waiting_after, left],
        )?);
        Ok(rows)
    }

    /// A message with up to `each` ones before and behind it, oldest first. None where it is not in the room.
    pub fn list_messages_around(
        &self,
        room: RoomId,
        message: EnvelopeId,
        each: u32,
    ) -> Result<Option<Vec<MessageRow>>, StoreError> {
        let Some(middle) = self.find_message(message)?.filter(|row| row.room == room) else {
            return Ok(None);
        };
        let position = Position {
            sequence: middle.sequence,
            ordinal: middle.ordinal,
        };
        let mut rows = self.list_messages(room, Some(position), each)?;
        rows.push(middle);
        rows.extend(self.list_messages_after(room, position, each)?);
        Ok(Some(rows))
    }

    fn list_waiting(
        &self,
        room: RoomId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let (room, before) = (room.0, before.map(to_stored));
        // Few messages wait at a time, so skipping the newer ones costs nothing.
        self.list_rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM messages WHERE room = ?1 AND sequence IS NULL AND shown = 1 AND (?2 IS NULL OR ordinal < ?2)
                 ORDER BY ordinal DESC LIMIT ?3"
            ),
            params![room, before, limit],
        )
    }

    fn list_placed(
        &self,
        room: RoomId,
        before: Option<(u64, u64)>,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let room = room.0;
        let Some((sequence, ordinal)) = before else {
            return self.list_rows(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM messages WHERE room = ?1 AND sequence IS NOT NULL AND shown = 1
                     ORDER BY sequence DESC, ordinal DESC LIMIT ?2"
                ),
                params![room, limit],
            );
        };
        self.list_rows(
            concat!(
                "SELECT ",
                columns!(),
                " FROM messages
                 WHERE room = ?1 AND sequence IS NOT NULL AND shown = 1
                     AND (sequence, ordinal) < (?2, ?3)
                 ORDER BY sequence DESC, ordinal DESC LIMIT ?4"
            ),
            params![room, to_stored(sequence), to_stored(ordinal), limit],
        )
    }

    pub(crate) fn list_rows(
        &self,
        statement: &'static str,
        bound: impl Params,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(statement)?;
        let rows = statement.query_map(bound, from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
