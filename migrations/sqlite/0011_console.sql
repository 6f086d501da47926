-- What the server says to everybody, and what people report. Its twin is migrations/postgres/0011_console.sql.

-- Announcements: what the server signs is made of a row, so that a new key of the server signs the old ones, too.
CREATE TABLE announcements (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind         TEXT    NOT NULL CHECK (kind IN ('notice', 'warning', 'maintenance')),
    text         TEXT    NOT NULL,
    said_by      BLOB    NOT NULL REFERENCES accounts (id),
    said_at      INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL,
    withdrawn_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX announcements_by_end ON announcements (ends_at);

-- Messages that a reader of them revealed to the administrators, each opened by the key of that one message alone:
-- `content` is what was sealed, `room`, `sequence` and `message` say which it was, `accused` and `device` who sent it.
CREATE TABLE reports (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    reporter    BLOB    NOT NULL REFERENCES accounts (id),
    room        BLOB    NOT NULL CHECK (length(room) = 32),
    sequence    INTEGER NOT NULL CHECK (sequence >= 1),
    message     BLOB    NOT NULL CHECK (length(message) = 16),
    place       BLOB             CHECK (length(place) = 32),
    accused     BLOB    NOT NULL REFERENCES accounts (id),
    device      INTEGER NOT NULL,
    sent_at     INTEGER NOT NULL,
    reported_at INTEGER NOT NULL,
    reason      TEXT    NOT NULL CHECK (reason IN ('spam', 'abuse', 'illegal', 'other')),
    note        TEXT    NOT NULL,
    content     BLOB    NOT NULL,
    closed_at   INTEGER,
    closed_by   BLOB,
    outcome     TEXT,
    UNIQUE (reporter, room, sequence)
) STRICT;
CREATE INDEX reports_by_time ON reports (reported_at);
CREATE INDEX reports_open ON reports (reported_at) WHERE closed_at IS NULL;
