//! The index of texts, kept in the transaction that changes the messages.
//!
//! It is an FTS5 table without texts of its own: the view `searched` makes them from the messages' bodies whenever
//! they are needed again. A row has two columns. `text` is what people search; `scope` holds words that only this
//! file makes, of room, author and what the message has, so that a search in one room by one person never walks
//! through the messages of all others.
//!
//! Invariant: a text is taken out of the index with exactly the words with which it was put in. So the body and the
//! two functions below change only together with a rebuild, and an entry goes before its message changes.

use conclave_client::search::{holds_link, stands_alone};
use conclave_client::{MessageBody, MessageRow};
use conclave_protocol::{AccountId, EnvelopeId, RoomId, Timestamp};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::number::from_stored;
use crate::{Store, StoreError};

/// Stands between words that are written together; no text that is shown holds it.
pub(super) const SEPARATOR: char = '\u{1F}';
/// Begin and end of a match in what FTS5 marks.
pub(super) const MARKS: [char; 2] = ['\u{1}', '\u{2}'];
/// The scope of every message.
pub(super) const ANY: &str = "any";
/// The scope of messages with a link.
pub(super) const LINK: &str = "link";
/// Numbers looked through for a free one.
const NEAR: i64 = 256;

/// An entry that was taken out, or is still right.
pub(crate) enum Entry {
    /// The message is not in the index, or not any more: under this number it was.
    Out(Option<i64>),
    /// It is in there as it is.
    Right,
}

/// The functions that the view and the schema use.
pub(crate) fn add_functions(connection: &Connection) -> Result<(), StoreError> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("searched_text", 1, flags, |context| {
        let body = decode(context.get_raw(0).as_blob()?);
        Ok(body.searched_text().map(indexed))
    })?;
    connection.create_scalar_function("searched_scope", 3, flags, |context| {
        let body = decode(context.get_raw(2).as_blob()?);
        let (room, author) = (RoomId(context.get(0)?), AccountId(context.get(1)?));
        Ok(body.searched_text().map(|text| scope(room, author, text)))
    })?;
    connection.create_scalar_function("searched_number", 1, flags, |context| {
        Ok(number(Timestamp(from_stored(context.get(0)?))))
    })?;
    Ok(())
}

impl Store {
    /// Takes a message out of the index before it changes, where what is searched changes.
    pub(crate) fn unindex_for(&self, message: &MessageRow) -> Result<Entry, StoreError> {
        let Some((number, known)) = self.find_indexed(message.id)? else {
            return Ok(Entry::Out(None));
        };
        let same = (known.room, known.author) == (message.room, message.author)
            && known.body.searched_text() == message.body.searched_text();
        if same {
            return Ok(Entry::Right);
        }
        self.delete_entry(number, &known)?;
        Ok(Entry::Out(Some(number)))
    }

    /// Puts a message that was stored into the index.
    pub(crate) fn index(&self, message: &MessageRow, entry: Entry) -> Result<(), StoreError> {
        let Entry::Out(before) = entry else { return Ok(()) };
        let Some(text) = message.body.searched_text() else {
            return match before {
                Some(number) => self.forget_number(number),
                None => Ok(()),
            };
        };
        let number = match before {
            Some(number) => number,
            None => self.new_number(message)?,
        };
        self.words.forget();
        let mut statement = self
            .connection
            .prepare_cached("INSERT INTO search (rowid, text, scope) VALUES (?1, ?2, ?3)")?;
        statement.execute(params![
            number,
            indexed(text),
            scope(message.room, message.author, text)
        ])?;
        Ok(())
    }

    /// Takes a message out before it is deleted.
    pub(crate) fn unindex(&self, id: EnvelopeId) -> Result<(), StoreError> {
        let Some((number, known)) = self.find_indexed(id)? else {
            return Ok(());
        };
        self.delete_entry(number, &known)?;
        self.forget_number(number)
    }

    /// Takes everything out.
    pub(crate) fn unindex_all(&self) -> Result<(), StoreError> {
        self.words.forget();
        self.connection
            .execute_batch("INSERT INTO search (search) VALUES ('delete-all'); DELETE FROM texts")?;
        Ok(())
    }

    fn find_indexed(&self, id: EnvelopeId) -> Result<Option<(i64, Known)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT texts.number, messages.room, messages.author, messages.body
             FROM texts JOIN messages ON messages.id = texts.message WHERE texts.message = ?1",
        )?;
        let found = statement.query_row(params![id.0], |row| {
            let known = Known {
                room: RoomId(row.get(1)?),
                author: AccountId(row.get(2)?),
                body: decode(row.get_ref(3)?.as_blob()?),
            };
            Ok((row.get(0)?, known))
        });
        Ok(found.optional()?)
    }

    fn delete_entry(&self, number: i64, known: &Known) -> Result<(), StoreError> {
        self.words.forget();
        let text = known.body.searched_text().unwrap_or_default();
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO search (search, rowid, text, scope) VALUES ('delete', ?1, ?2, ?3)",
        )?;
        statement.execute(params![
            number,
            indexed(text),
            scope(known.room, known.author, text)
        ])?;
        Ok(())
    }

    fn forget_number(&self, number: i64) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("DELETE FROM texts WHERE number = ?1")?;
        statement.execute(params![number])?;
        Ok(())
    }

    /// A number by the time of the message. Where that is taken it is one of the next; whoever dates hundreds of
    /// messages the same finds them in front of all others.
    fn new_number(&self, message: &MessageRow) -> Result<i64, StoreError> {
        let wanted = number(message.sent_at);
        let mut statement = self
            .connection
            .prepare_cached("SELECT number FROM texts WHERE number BETWEEN ?1 AND ?2 ORDER BY number")?;
        let taken = statement
            .query_map(params![wanted, wanted.saturating_add(NEAR)], |row| row.get(0))?
            .collect::<Result<Vec<i64>, _>>()?;
        let mut free = wanted;
        for taken in taken {
            if taken > free {
                break;
            }
            free = taken.saturating_add(1);
        }
        if free > wanted.saturating_add(NEAR) {
            let last = self
                .connection
                .query_row("SELECT max(number) FROM texts", [], |row| row.get::<_, i64>(0))?;
            free = last.saturating_add(1);
        }
        let mut statement = self
            .connection
            .prepare_cached("INSERT INTO texts (number, message) VALUES (?1, ?2)")?;
        statement.execute(params![free, message.id.0])?;
        Ok(free)
    }
}

/// A message as it stands in the index.
struct Known {
    room: RoomId,
    author: AccountId,
    body: MessageBody,
}

fn decode(body: &[u8]) -> MessageBody {
    minicbor::decode(body).unwrap_or(MessageBody::Unsupported)
}

/// The place of a time among the numbers: the second, and 128 steps in it. Small enough for short entries, and the
/// newest comes last.
pub(super) fn number(time: Timestamp) -> i64 {
    let (second, rest) = (time.0 / 1000, time.0 % 1000);
    let steps = second.saturating_mul(128).saturating_add(rest * 128 / 1000);
    // Times of messages have 48 bits; anything else is held at the end, with room behind it.
    i64::try_from(steps).unwrap_or(i64::MAX).min(1 << 52)
}

/// A text as it is cut into words.
pub(super) fn indexed(text: &str) -> String {
    let mut cut = String::with_capacity(text.len());
    for c in text.chars() {
        // The end of a text for SQLite, and what is of meaning here.
        if c == '\0' || c == SEPARATOR || MARKS.contains(&c) {
            continue;
        }
        if stands_alone(c) {
            cut.push(SEPARATOR);
            cut.push(c);
            cut.push(SEPARATOR);
        } else {
            cut.push(c);
        }
    }
    cut
}

fn scope(room: RoomId, author: AccountId, text: &str) -> String {
    let mut scope = format!("{ANY} {} {}", room_word(room), author_word(author));
    if holds_link(text) {
        scope.push(' ');
        scope.push_str(LINK);
    }
    scope
}

/// The word of a room's messages.
pub(super) fn room_word(room: RoomId) -> String {
    word('r', &room.0)
}

/// The word of an author's messages.
pub(super) fn author_word(author: AccountId) -> String {
    word('a', &author.0)
}

/// Eight bytes of a hash: enough that nobody finds two that are the same.
fn word(kind: char, id: &[u8; 32]) -> String {
    id[..8].iter().fold(String::from(kind), |mut word, byte| {
        word.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        word.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        word
    })
}

/// True for the words of rooms and authors, which no text of people looks like.
pub(super) fn is_scope(word: &str) -> bool {
    let hex = word.strip_prefix(['r', 'a']).unwrap_or_default();
    hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}
