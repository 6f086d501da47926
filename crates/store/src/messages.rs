//! Messages as rows.

use conclave_client::{Act, Delivery, MessageBody, MessageRow};
use conclave_protocol::{AccountId, DeviceId, EnvelopeId, ErrorCode, RoomId, Timestamp};
use rusqlite::{OptionalExtension as _, Row, params};
use zeroize::Zeroizing;

use crate::number::{from_stored, to_stored};
use crate::{Store, StoreError};

/// The columns, in the order in which [`from_row`] reads them.
macro_rules! columns {
    () => {
        "id, room, sequence, ordinal, author, device, mine, sent_at, counts, delivery, failure, \
         missing_before, body"
    };
}
pub(crate) use columns;

impl Store {
    pub(crate) fn find_message(&self, id: EnvelopeId) -> Result<Option<MessageRow>, StoreError> {
        let mut statement =
            self.connection
                .prepare_cached(concat!("SELECT ", columns!(), " FROM messages WHERE id = ?1"))?;
        Ok(statement.query_row(params![id.0], from_row).optional()?)
    }

    pub(crate) fn upsert_message(&self, message: &MessageRow) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "INSERT INTO messages (",
            columns!(),
            ", shown, target, pins, astray, thread, disappears, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                 ?15 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM messages WHERE id = ?15), ?17, ?18, ?19)
             ON CONFLICT (id) DO UPDATE SET room = excluded.room, sequence = excluded.sequence,
                 ordinal = excluded.ordinal, author = excluded.author, device = excluded.device,
                 mine = excluded.mine, sent_at = excluded.sent_at, counts = excluded.counts,
                 delivery = excluded.delivery, failure = excluded.failure,
                 missing_before = excluded.missing_before, body = excluded.body, shown = excluded.shown,
                 target = excluded.target, pins = excluded.pins, astray = excluded.astray,
                 thread = excluded.thread, disappears = excluded.disappears,
                 expires_at = excluded.expires_at"
        ))?;
        let (delivery, failure) = stored_delivery(message.delivery);
        let body = Zeroizing::new(minicbor::to_vec(&message.body).map_err(|_| StoreError::Damaged)?);
        let before = self.before_indexing(message.id, message.body.target())?;
        statement.execute(params![
            message.id.0,
            message.room.0,
            message.sequence.map(to_stored),
            to_stored(message.ordinal),
            message.author.0,
            message.device.0,
            message.mine,
            to_stored(message.sent_at.0),
            message.counts,
            delivery,
            failure.map(ErrorCode::as_str),
            message.missing_before,
            body.as_slice(),
            message.is_shown(),
            message.body.target().map(|target| target.0),
            is_pin(&message.body),
            message
                .body
                .with()
                .and_then(|with| with.thread)
                .map(|root| root.0),
            message.body.disappears().is_some(),
            message.body.expires_at().map(|at| to_stored(at.0)),
        ])?;
        // What waited for it waits no longer.
        let mut statement = self
            .connection
            .prepare_cached("UPDATE messages SET astray = 0 WHERE target = ?1 AND astray = 1")?;
        statement.execute(params![message.id.0])?;
        self.index(message, before)
    }

    pub(crate) fn delete_message(&self, id: EnvelopeId) -> Result<(), StoreError> {
        let before = self.before_indexing(id, None)?;
        let mut statement = self
            .connection
            .prepare_cached("DELETE FROM messages WHERE id = ?1")?;
        statement.execute(params![id.0])?;
        self.after_indexing(id, before)
    }

    /// Each goes by itself, so that the index of what is searched follows.
    pub(crate) fn clear_room(&self, room: RoomId, up_to: u64) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM messages WHERE room = ?1 AND sequence <= ?2")?;
        let ids = statement.query_map(params![room.0, to_stored(up_to)], |row| row.get(0))?;
        let ids: Vec<[u8; 16]> = ids.collect::<Result<_, _>>()?;
        for id in ids {
            self.delete_message(EnvelopeId(id))?;
        }
        Ok(())
    }

    pub(crate) fn list_own_unread(
        &self,
        room: RoomId,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        // The words of the index, so that SQLite takes it.
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM messages
             WHERE room = ?1 AND sequence <= ?2 AND mine = 1 AND delivery < 3 AND sequence IS NOT NULL
                 AND shown = 1
             ORDER BY sequence DESC LIMIT ?3"
        ))?;
        let rows = statement.query_map(params![room.0, to_stored(up_to), limit], from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn last_ordinal(&self) -> Result<u64, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT max(ordinal) FROM messages")?;
        let last: Option<i64> = statement.query_row([], |row| row.get(0))?;
        Ok(last.map_or(0, from_stored))
    }
}

fn is_pin(body: &MessageBody) -> bool {
    body.annotation().is_some_and(|said| said.act == Act::Pin(true))
}

/// Reads the columns of [`columns!`].
pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    let failure = row.get_ref(10)?.as_str_or_null()?;
    Ok(MessageRow {
        id: EnvelopeId(row.get(0)?),
        room: RoomId(row.get(1)?),
        sequence: row.get::<_, Option<i64>>(2)?.map(from_stored),
        ordinal: from_stored(row.get(3)?),
        author: AccountId(row.get(4)?),
        device: DeviceId(row.get(5)?),
        mine: row.get(6)?,
        sent_at: Timestamp(from_stored(row.get(7)?)),
        counts: row.get(8)?,
        delivery: delivery(row.get(9)?, failure),
        missing_before: row.get(11)?,
        // A body of a kind that a newer version added; pages are authenticated, so it is nothing else.
        body: minicbor::decode(row.get_ref(12)?.as_blob()?).unwrap_or(MessageBody::Unsupported),
    })
}

const fn stored_delivery(delivery: Delivery) -> (u8, Option<ErrorCode>) {
    match delivery {
        Delivery::Queued => (0, None),
        Delivery::Sent => (1, None),
        Delivery::Delivered => (2, None),
        Delivery::Read => (3, None),
        Delivery::Failed(code) => (4, Some(code)),
        Delivery::Received => (5, None),
    }
}

fn delivery(stored: u8, failure: Option<&str>) -> Delivery {
    match stored {
        0 => Delivery::Queued,
        1 => Delivery::Sent,
        2 => Delivery::Delivered,
        3 => Delivery::Read,
        4 => {
            let known = ErrorCode::ALL.iter().find(|code| Some(code.as_str()) == failure);
            Delivery::Failed(known.copied().unwrap_or(ErrorCode::Internal))
        }
        _ => Delivery::Received,
    }
}
