//! The tables, as a row of numbered migrations. The file's `user_version` counts those that it has seen.
//!
//! A migration that was released never changes. Numbers of the protocol are stored as
//! [`number`](crate::number) says; times and ids as their bytes or numbers.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// In order; the first one makes version 1.
const MIGRATIONS: &[&str] = &[
    "
    -- What only the engine reads.
    CREATE TABLE records (
        kind  INTEGER NOT NULL,
        key   BLOB NOT NULL,
        value BLOB NOT NULL,
        UNIQUE (kind, key)
    ) STRICT;

    CREATE TABLE rooms (
        room       BLOB NOT NULL UNIQUE,
        peer       BLOB NOT NULL,
        username   TEXT NOT NULL,
        active_at  INTEGER NOT NULL,
        read_up_to INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE messages (
        id             BLOB NOT NULL UNIQUE,
        room           BLOB NOT NULL,
        sequence       INTEGER,
        ordinal        INTEGER NOT NULL,
        author         BLOB NOT NULL,
        device         INTEGER NOT NULL,
        mine           INTEGER NOT NULL CHECK (mine IN (0, 1)),
        sent_at        INTEGER NOT NULL,
        counts         INTEGER NOT NULL CHECK (counts IN (0, 1)),
        -- In order: queued, sent, delivered, read, failed, received.
        delivery       INTEGER NOT NULL CHECK (delivery BETWEEN 0 AND 5),
        failure        TEXT CHECK ((failure IS NULL) = (delivery <> 4)),
        missing_before INTEGER NOT NULL,
        -- CBOR.
        body           BLOB NOT NULL
    ) STRICT;

    -- Pages of a timeline: what has a place in the room, and behind it what waits.
    CREATE INDEX messages_placed ON messages (room, sequence, ordinal) WHERE sequence IS NOT NULL;
    CREATE INDEX messages_waiting ON messages (room, ordinal) WHERE sequence IS NULL;
    -- The badge, without reading a message.
    CREATE INDEX messages_unread ON messages (room, sequence, mine, counts)
        WHERE mine = 0 AND counts = 1 AND sequence IS NOT NULL;
    -- Own messages that a receipt may still move on.
    CREATE INDEX messages_not_read ON messages (room, sequence)
        WHERE mine = 1 AND delivery < 3 AND sequence IS NOT NULL;
    CREATE INDEX messages_ordinal ON messages (ordinal);
",
    "
    -- Rooms of groups and communities beside those of people.
    ALTER TABLE rooms RENAME COLUMN peer TO subject;
    -- In order: direct, group, channel. The subject is the other account, or the group or community.
    ALTER TABLE rooms ADD COLUMN kind INTEGER NOT NULL DEFAULT 0 CHECK (kind BETWEEN 0 AND 2);
    ALTER TABLE rooms ADD COLUMN channel INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN title TEXT NOT NULL DEFAULT '';
    UPDATE rooms SET title = username;
    ",
    "
    -- Annotations are messages that no timeline shows. What is asked of a body stands beside it.
    ALTER TABLE messages ADD COLUMN shown INTEGER NOT NULL DEFAULT 1 CHECK (shown IN (0, 1));
    -- The message that an annotation belongs to, as long as it says something.
    ALTER TABLE messages ADD COLUMN target BLOB;
    ALTER TABLE messages ADD COLUMN pins INTEGER NOT NULL DEFAULT 0 CHECK (pins IN (0, 1));
    -- An annotation whose target is not here.
    ALTER TABLE messages ADD COLUMN astray INTEGER NOT NULL DEFAULT 0 CHECK (astray IN (0, 1));
    ALTER TABLE messages ADD COLUMN thread BLOB;
    -- It disappears, and its time has not begun.
    ALTER TABLE messages ADD COLUMN disappears INTEGER NOT NULL DEFAULT 0 CHECK (disappears IN (0, 1));
    ALTER TABLE messages ADD COLUMN expires_at INTEGER;

    DROP INDEX messages_placed;
    DROP INDEX messages_waiting;
    DROP INDEX messages_not_read;
    CREATE INDEX messages_placed ON messages (room, sequence, ordinal)
        WHERE sequence IS NOT NULL AND shown = 1;
    CREATE INDEX messages_waiting ON messages (room, ordinal) WHERE sequence IS NULL AND shown = 1;
    CREATE INDEX messages_not_read ON messages (room, sequence)
        WHERE mine = 1 AND delivery < 3 AND sequence IS NOT NULL AND shown = 1;
    CREATE INDEX messages_target ON messages (target, id) WHERE target IS NOT NULL;
    CREATE INDEX messages_pins ON messages (room) WHERE pins = 1;
    CREATE INDEX messages_astray ON messages (room, author, id) WHERE astray = 1;
    CREATE INDEX messages_thread ON messages (thread, room, sent_at) WHERE thread IS NOT NULL;
    CREATE INDEX messages_disappear ON messages (room, sequence) WHERE disappears = 1;
    CREATE INDEX messages_expire ON messages (expires_at) WHERE expires_at IS NOT NULL;
",
    "
    -- Messages that are searched, numbered in order of time: `search/index.rs` says how.
    CREATE TABLE texts (
        number  INTEGER PRIMARY KEY,
        message BLOB NOT NULL UNIQUE
    ) STRICT;
    CREATE VIEW searched AS
        SELECT texts.number AS number, searched_text(messages.body) AS text,
               searched_scope(messages.room, messages.author, messages.body) AS scope
        FROM texts JOIN messages ON messages.id = texts.message;
    -- Holds no text of its own: what it needs again, it reads from the view.
    CREATE VIRTUAL TABLE search USING fts5 (
        text, scope, content = 'searched', content_rowid = 'number', columnsize = 0,
        tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co So'\"
    );
    -- What is deleted is gone from the index at once, not at the next merge.
    INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
    CREATE VIRTUAL TABLE search_words USING fts5vocab (search, row);

    -- What is there already. Of several messages within 8 milliseconds each takes the next number.
    INSERT OR IGNORE INTO texts SELECT searched_number(sent_at), id FROM messages WHERE searched_text(body) IS NOT NULL;
    INSERT OR IGNORE INTO texts SELECT searched_number(sent_at) + 1, id FROM messages
        WHERE searched_text(body) IS NOT NULL AND id NOT IN (SELECT message FROM texts);
    INSERT OR IGNORE INTO texts SELECT searched_number(sent_at) + 2, id FROM messages
        WHERE searched_text(body) IS NOT NULL AND id NOT IN (SELECT message FROM texts);
    INSERT INTO search (search) VALUES ('rebuild');
",
];

/// The version that this program writes.
#[expect(clippy::cast_possible_truncation, reason = "there are few migrations")]
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// The version of the file; an error for one that is newer than this program.
pub(crate) fn find_version(connection: &Connection) -> Result<u32, StoreError> {
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(StoreError::Newer {
            found,
            known: VERSION,
        });
    }
    Ok(found)
}

/// Brings the file to [`VERSION`], each step in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = find_version(connection)?;
    for (version, migration) in (1_u32..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
