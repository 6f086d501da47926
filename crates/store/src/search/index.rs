//! The index of texts, kept in the transaction that changes the messages.
//!
//! It is an FTS5 table without texts of its own: the view `searched` makes them from the messages' bodies whenever
//! they are needed again. A row has two columns. `text` is what people search; `scope` holds words that only this
//! file makes, of room, author and what the message has, so that a search in one room by one person never walks
//! through the messages of all others.
//!
//! What is searched is what is shown: of a message that its author wrote anew the last version.
//!
//! Invariant: a text is taken out of the index with exactly the words with which it was put in. So these are read from
//! the view before anything is stored, and the functions below change only together with a rebuild.

use conclave_client::search::{holds_link, stands_alone};
use conclave_client::{Act, MessageBody, MessageRow};
use conclave_protocol::{AccountId, EnvelopeId, RoomId, Timestamp};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
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

/// What the index holds of a message.
#[derive(PartialEq, Eq)]
struct Known {
    number: i64,
    text: String,
    scope: String,
}

/// How a message and the one that it says something about stood in the index before something was stored.
pub(crate) struct Before {
    own: Option<Known>,
    targets: Vec<(EnvelopeId, Option<Known>)>,
}

/// The functions that the view and the schema use.
pub(crate) fn add_functions(connection: &Connection) -> Result<(), StoreError> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_aggregate_function("latest_edit", 2, flags, LatestEdit)?;
    connection.create_scalar_function("shown_text", 2, flags, |context| {
        let body = decode(context.get_raw(0).as_blob()?);
        let edit: Option<String> = context.get(1)?;
        Ok(match edit.filter(|_| body.may_be_edited()) {
            Some(edit) => Some(edit),
            None => body.searched_text().map(str::to_owned),
        })
    })?;
    connection.create_scalar_function("searched_words", 1, flags, |context| {
        let shown: Option<String> = context.get(0)?;
        Ok(shown.map(|shown| indexed(&shown)))
    })?;
    connection.create_scalar_function("searched_scope", 3, flags, |context| {
        let shown: Option<String> = context.get(2)?;
        let (room, author) = (RoomId(context.get(0)?), AccountId(context.get(1)?));
        Ok(shown.map(|shown| scope(room, author, &shown)))
    })?;
    connection.create_scalar_function("searched_number", 1, flags, |context| {
        Ok(number(Timestamp(from_stored(context.get(0)?))))
    })?;
    Ok(())
}

/// Of ids and bodies of what an author said about an own message, the text as it was written last.
struct LatestEdit;

impl Aggregate<Option<((u32, [u8; 16]), String)>, Option<String>> for LatestEdit {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Option<((u32, [u8; 16]), String)>> {
        Ok(None)
    }

    fn step(
        &self,
        context: &mut Context<'_>,
        latest: &mut Option<((u32, [u8; 16]), String)>,
    ) -> rusqlite::Result<()> {
        let MessageBody::Annotation(said) = decode(context.get_raw(1).as_blob()?) else {
            return Ok(());
        };
        let order = (said.revision, context.get(0)?);
        if let Act::Edit(text) = said.act
            && latest.as_ref().is_none_or(|(known, _)| *known < order)
        {
            *latest = Some((order, text.text));
        }
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        latest: Option<Option<((u32, [u8; 16]), String)>>,
    ) -> rusqlite::Result<Option<String>> {
        Ok(latest.flatten().map(|(_, text)| text))
    }
}

impl Store {
    /// Before a message is stored or deleted: what the index holds of it, and of the messages that it says something
    /// about, as it is stored and as it will be.
    pub(crate) fn before_indexing(
        &self,
        id: EnvelopeId,
        target: Option<EnvelopeId>,
    ) -> Result<Before, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT target FROM messages WHERE id = ?1")?;
        let stored: Option<Option<[u8; 16]>> =
            statement.query_row(params![id.0], |row| row.get(0)).optional()?;
        let mut targets: Vec<EnvelopeId> = stored
            .flatten()
            .map(EnvelopeId)
            .into_iter()
            .chain(target)
            .collect();
        targets.dedup();
        let known = |target| Ok((target, self.find_indexed(target)?));
        Ok(Before {
            own: self.find_indexed(id)?,
            targets: targets
                .into_iter()
                .map(known)
                .collect::<Result<_, StoreError>>()?,
        })
    }

    /// After a message was stored: the index holds what is shown now.
    pub(crate) fn index(&self, message: &MessageRow, before: Before) -> Result<(), StoreError> {
        if before.own.is_none() && message.body.searched_text().is_some() {
            self.new_number(message)?;
        }
        self.after_indexing(message.id, before)
    }

    /// After a message was deleted.
    pub(crate) fn after_indexing(&self, id: EnvelopeId, before: Before) -> Result<(), StoreError> {
        self.replace_entry(id, before.own)?;
        for (target, known) in before.targets {
            self.replace_entry(target, known)?;
        }
        Ok(())
    }

    /// Takes everything out.
    pub(crate) fn unindex_all(&self) -> Result<(), StoreError> {
        self.words.forget();
        self.connection
            .execute_batch("INSERT INTO search (search) VALUES ('delete-all'); DELETE FROM texts")?;
        Ok(())
    }

    fn find_indexed(&self, id: EnvelopeId) -> Result<Option<Known>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, text, scope FROM searched
             WHERE number = (SELECT number FROM texts WHERE message = ?1) AND text IS NOT NULL",
        )?;
        let found = statement.query_row(params![id.0], |row| {
            Ok(Known {
                number: row.get(0)?,
                text: row.get(1)?,
                scope: row.get(2)?,
            })
        });
        Ok(found.optional()?)
    }

    fn replace_entry(&self, id: EnvelopeId, before: Option<Known>) -> Result<(), StoreError> {
        let now = self.find_indexed(id)?;
        if before == now {
            return Ok(());
        }
        self.words.forget();
        if let Some(Known { number, text, scope }) = &before {
            let mut statement = self.connection.prepare_cached(
                "INSERT INTO search (search, rowid, text, scope) VALUES ('delete', ?1, ?2, ?3)",
            )?;
            statement.execute(params![number, text, scope])?;
            if now.is_none() {
                let mut statement = self
                    .connection
                    .prepare_cached("DELETE FROM texts WHERE number = ?1")?;
                statement.execute(params![number])?;
            }
        }
        if let Some(Known { number, text, scope }) = &now {
            let mut statement = self
                .connection
                .prepare_cached("INSERT INTO search (rowid, text, scope) VALUES (?1, ?2, ?3)")?;
            statement.execute(params![number, text, scope])?;
        }
        Ok(())
    }

    /// A number by the time of the message. Where that is taken it is one of the next; whoever dates hundreds of
    /// messages the same finds them in front of all others.
    fn new_number(&self, message: &MessageRow) -> Result<(), StoreError> {
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
        Ok(())
    }
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
