-- What the server says to everybody, and what people report. Its twin is migrations/sqlite/0011_console.sql.

-- Announcements: what the server signs is made of a row, so that a new key of the server signs the old ones, too.
CREATE TABLE announcements (
    id           BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind         TEXT    NOT NULL CHECK (kind IN ('notice', 'warning', 'maintenance')),
    text         TEXT    NOT NULL,
    said_by      BYTEA   NOT NULL REFERENCES accounts (id),
    said_at      BIGINT  NOT NULL,
    ends_at      BIGINT  NOT NULL,
    withdrawn_at BIGINT
);
CREATE INDEX announcements_by_end ON announcements (ends_at);

-- Messages that a reader of them revealed to the administrators, each opened by the key of that one message alone:
-- `content` is what was sealed, `room`, `sequence` and `message` say which it was, `accused` and `device` who sent it.
CREATE TABLE reports (
    id          BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    reporter    BYTEA   NOT NULL REFERENCES accounts (id),
    room        BYTEA   NOT NULL CHECK (length(room) = 32),
    sequence    BIGINT  NOT NULL CHECK (sequence >= 1),
    message     BYTEA   NOT NULL CHECK (length(message) = 16),
    place       BYTEA            CHECK (length(place) = 32),
    accused     BYTEA   NOT NULL REFERENCES accounts (id),
    device      BIGINT  NOT NULL,
    sent_at     BIGINT  NOT NULL,
    reported_at BIGINT  NOT NULL,
    reason      TEXT    NOT NULL CHECK (reason IN ('spam', 'abuse', 'illegal', 'other')),
    note        TEXT    NOT NULL,
    content     BYTEA   NOT NULL,
    closed_at   BIGINT,
    closed_by   BYTEA,
    outcome     TEXT,
    UNIQUE (reporter, room, sequence)
);
CREATE INDEX reports_by_time ON reports (reported_at);
CREATE INDEX reports_open ON reports (reported_at) WHERE closed_at IS NULL;
