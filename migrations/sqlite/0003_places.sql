-- Groups and communities. Its twin is migrations/postgres/0003_places.sql.
-- Invariant: who appends to a place's chain locks the accounts whose chains the entry was judged by, then the place.
-- Who appends to an account's chain locks the account, then the places that it is in, then rooms and devices. Who
-- posts holds a share of the place, then the room, then the sender's device. So a post stands before an entry or a
-- revocation, or was judged behind it.
-- These tables are written behind those locks alone, so they spare themselves foreign keys.

-- `head` is the sequence of the newest entry. `revision` moves with each entry and with each device that a member's
-- account loses, so that whoever judged by an older one is noticed.
CREATE TABLE places (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    head     INTEGER NOT NULL CHECK (head >= 0),
    revision INTEGER NOT NULL CHECK (revision >= 0)
) STRICT, WITHOUT ROWID;

-- The chains.
CREATE TABLE place_entries (
    place    BLOB    NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    bytes    BLOB    NOT NULL,
    PRIMARY KEY (place, sequence)
) STRICT;

-- A chain as it was verified up to an entry, so that a long one is not verified anew after each start.
CREATE TABLE place_snapshots (
    place    BLOB    NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    bytes    BLOB    NOT NULL
) STRICT;

-- Who is a member, and (member is 0) who waits to be let in: what the chains say, to be found by account.
CREATE TABLE place_members (
    account BLOB    NOT NULL CHECK (length(account) = 32),
    place   BLOB    NOT NULL,
    member  INTEGER NOT NULL CHECK (member IN (0, 1)),
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

-- The entry by which somebody left, was put out or was not let in, until they come back: they may read the chain up to
-- it, so that a device that was not there sees who put it out.
CREATE TABLE place_departures (
    account  BLOB    NOT NULL CHECK (length(account) = 32),
    place    BLOB    NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

-- Members whose account lost a device at this entry of its chain, which the place's chain does not say yet.
CREATE TABLE place_owed (
    place    BLOB    NOT NULL,
    account  BLOB    NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    PRIMARY KEY (place, account)
) STRICT, WITHOUT ROWID;

-- The rooms of places. `channel` is absent for a group's one room; `gone` once the channel was deleted.
CREATE TABLE place_rooms (
    room    BLOB    NOT NULL PRIMARY KEY CHECK (length(room) = 32),
    place   BLOB    NOT NULL,
    channel INTEGER,
    head    INTEGER NOT NULL CHECK (head >= 0),
    gone    INTEGER NOT NULL CHECK (gone IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX place_rooms_by_place ON place_rooms (place);
CREATE INDEX place_rooms_gone ON place_rooms (room) WHERE gone = 1;

CREATE TABLE posts (
    room        BLOB    NOT NULL,
    sequence    INTEGER NOT NULL CHECK (sequence >= 1),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    account     BLOB    NOT NULL,
    device      INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    class       TEXT    NOT NULL CHECK (class IN ('message', 'annotation')),
    epoch       INTEGER NOT NULL,
    head        INTEGER NOT NULL,
    target      BLOB             CHECK (length(target) = 16),
    thread      BLOB             CHECK (length(thread) = 16),
    expires_at  INTEGER,
    body        BLOB    NOT NULL,
    PRIMARY KEY (room, sequence)
) STRICT;
CREATE INDEX posts_by_expiry ON posts (expires_at) WHERE expires_at IS NOT NULL;

-- When an account wrote last in a room with slow mode.
CREATE TABLE post_times (
    room      BLOB    NOT NULL,
    account   BLOB    NOT NULL,
    posted_at INTEGER NOT NULL,
    PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX post_times_by_time ON post_times (posted_at);
