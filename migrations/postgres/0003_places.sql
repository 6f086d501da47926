-- Groups and communities. Its twin is migrations/sqlite/0003_places.sql.
-- Invariant: who appends to a place's chain locks the accounts whose chains the entry was judged by, then the place.
-- Who appends to an account's chain locks the account, then the places that it is in, then rooms and devices. Who
-- posts holds a share of the place, then the room, then the sender's device. So a post stands before an entry or a
-- revocation, or was judged behind it.
-- These tables are written behind those locks alone, so they spare themselves foreign keys.

-- `head` is the sequence of the newest entry. `revision` moves with each entry and with each device that a member's
-- account loses, so that whoever judged by an older one is noticed.
CREATE TABLE places (
    id       BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    head     BIGINT  NOT NULL CHECK (head >= 0),
    revision BIGINT  NOT NULL CHECK (revision >= 0)
);

-- The chains.
CREATE TABLE place_entries (
    place    BYTEA   NOT NULL,
    sequence BIGINT  NOT NULL CHECK (sequence >= 0),
    bytes    BYTEA   NOT NULL,
    PRIMARY KEY (place, sequence)
);

-- A chain as it was verified up to an entry, so that a long one is not verified anew after each start.
CREATE TABLE place_snapshots (
    place    BYTEA   NOT NULL PRIMARY KEY,
    sequence BIGINT  NOT NULL CHECK (sequence >= 0),
    bytes    BYTEA   NOT NULL
);

-- Who is a member, and (member is false) who waits to be let in: what the chains say, to be found by account.
CREATE TABLE place_members (
    account BYTEA   NOT NULL CHECK (length(account) = 32),
    place   BYTEA   NOT NULL,
    member  BOOLEAN NOT NULL,
    PRIMARY KEY (account, place)
);

-- The entry by which somebody left, was put out or was not let in, until they come back: they may read the chain up to
-- it, so that a device that was not there sees who put it out.
CREATE TABLE place_departures (
    account  BYTEA   NOT NULL CHECK (length(account) = 32),
    place    BYTEA   NOT NULL,
    sequence BIGINT  NOT NULL CHECK (sequence >= 0),
    PRIMARY KEY (account, place)
);

-- Members whose account lost a device at this entry of its chain, which the place's chain does not say yet.
CREATE TABLE place_owed (
    place    BYTEA   NOT NULL,
    account  BYTEA   NOT NULL,
    sequence BIGINT  NOT NULL CHECK (sequence >= 0),
    PRIMARY KEY (place, account)
);

-- The rooms of places. `channel` is absent for a group's one room; `gone` once the channel was deleted.
CREATE TABLE place_rooms (
    room    BYTEA   NOT NULL PRIMARY KEY CHECK (length(room) = 32),
    place   BYTEA   NOT NULL,
    channel BIGINT,
    head    BIGINT  NOT NULL CHECK (head >= 0),
    gone    BOOLEAN NOT NULL
);
CREATE INDEX place_rooms_by_place ON place_rooms (place);
CREATE INDEX place_rooms_gone ON place_rooms (room) WHERE gone;

CREATE TABLE posts (
    room        BYTEA   NOT NULL,
    sequence    BIGINT  NOT NULL CHECK (sequence >= 1),
    id          BYTEA   NOT NULL CHECK (length(id) = 16),
    account     BYTEA   NOT NULL,
    device      BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    class       TEXT    NOT NULL CHECK (class IN ('message', 'annotation')),
    epoch       BIGINT  NOT NULL,
    head        BIGINT  NOT NULL,
    target      BYTEA           CHECK (length(target) = 16),
    thread      BYTEA           CHECK (length(thread) = 16),
    expires_at  BIGINT,
    body        BYTEA   NOT NULL,
    PRIMARY KEY (room, sequence)
);
CREATE INDEX posts_by_expiry ON posts (expires_at) WHERE expires_at IS NOT NULL;

-- When an account wrote last in a room with slow mode.
CREATE TABLE post_times (
    room      BYTEA   NOT NULL,
    account   BYTEA   NOT NULL,
    posted_at BIGINT  NOT NULL,
    PRIMARY KEY (room, account)
);
CREATE INDEX post_times_by_time ON post_times (posted_at);
