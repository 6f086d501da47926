-- The first schema. Its twin is migrations/sqlite/0001_first.sql: same tables, columns and nullability.
-- Ids and hashes are BYTEA, times are Unix milliseconds, closed sets are TEXT with a CHECK.

CREATE TABLE accounts (
    id            BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    username      TEXT    NOT NULL UNIQUE,
    administrator BOOLEAN NOT NULL,
    opaque_record BYTEA   NOT NULL,
    created_at    BIGINT  NOT NULL
);

-- Holds its one row from the moment when the set-up link was used.
CREATE TABLE setup (
    slot    BIGINT  NOT NULL PRIMARY KEY CHECK (slot = 1),
    used_at BIGINT  NOT NULL
);

-- Account chains.
CREATE TABLE entries (
    account  BYTEA   NOT NULL REFERENCES accounts (id),
    sequence BIGINT  NOT NULL CHECK (sequence >= 0),
    bytes    BYTEA   NOT NULL,
    PRIMARY KEY (account, sequence)
);

-- What the chains say about devices, and how far each one's mailbox is.
-- Invariant: who adds or revokes a device first locks all rooms of its account, in order of their ids.
CREATE TABLE devices (
    account       BYTEA   NOT NULL REFERENCES accounts (id),
    device        BIGINT  NOT NULL CHECK (device >= 0),
    created_at    BIGINT  NOT NULL,
    revoked_at    BIGINT,
    mailbox_head  BIGINT  NOT NULL CHECK (mailbox_head >= 0),
    acknowledged  BIGINT  NOT NULL CHECK (acknowledged BETWEEN 0 AND mailbox_head),
    last_accepted BYTEA            CHECK (length(last_accepted) = 16),
    PRIMARY KEY (account, device)
);

CREATE TABLE login_attempts (
    hash       BYTEA   NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    account    BYTEA            REFERENCES accounts (id),
    state      BYTEA   NOT NULL,
    expires_at BIGINT  NOT NULL
);

CREATE TABLE logins (
    id           BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account      BYTEA   NOT NULL,
    device       BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    refreshed_at BIGINT  NOT NULL,
    rotated_at   BIGINT  NOT NULL,
    generation   BIGINT  NOT NULL CHECK (generation >= 0),
    revoked_at   BIGINT,
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
);
CREATE INDEX logins_by_device ON logins (account, device);
CREATE INDEX logins_by_refresh ON logins (refreshed_at);
CREATE INDEX logins_revoked ON logins (revoked_at) WHERE revoked_at IS NOT NULL;

-- Refresh tokens, the one in force and the latest ones before it, by which a reuse is noticed. A token is
-- superseded when its holder never showed it and the one before it was shown again.
CREATE TABLE refresh_tokens (
    hash       BYTEA   NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    login      BYTEA   NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    generation BIGINT  NOT NULL,
    superseded BOOLEAN NOT NULL
);
CREATE INDEX refresh_tokens_by_login ON refresh_tokens (login, generation);

-- Single-use tickets for the socket.
CREATE TABLE tickets (
    hash       BYTEA   NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    login      BYTEA   NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    expires_at BIGINT  NOT NULL
);
CREATE INDEX tickets_by_login ON tickets (login);

-- Open registration invites; use deletes them.
CREATE TABLE invites (
    hash       BYTEA   NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    made_by    BYTEA   NOT NULL REFERENCES accounts (id),
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);

CREATE TABLE prekeys (
    account BYTEA   NOT NULL,
    device  BIGINT  NOT NULL,
    id      BIGINT  NOT NULL,
    bundle  BYTEA   NOT NULL,
    PRIMARY KEY (account, device, id),
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
);

-- Ids of claimed prekeys with a hash of the bundle, so that a repeated upload does not offer one again.
CREATE TABLE claimed_prekeys (
    account BYTEA   NOT NULL,
    device  BIGINT  NOT NULL,
    id      BIGINT  NOT NULL,
    digest  BYTEA   NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (account, device, id),
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
);

CREATE TABLE last_resort_prekeys (
    account BYTEA   NOT NULL,
    device  BIGINT  NOT NULL,
    id      BIGINT  NOT NULL,
    bundle  BYTEA   NOT NULL,
    PRIMARY KEY (account, device),
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
);

-- Direct rooms. `head` is the newest sequence.
CREATE TABLE rooms (
    id         BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    low        BYTEA   NOT NULL REFERENCES accounts (id),
    high       BYTEA   NOT NULL REFERENCES accounts (id),
    head       BIGINT  NOT NULL CHECK (head >= 0),
    created_at BIGINT  NOT NULL,
    CHECK (low <= high)
);
CREATE INDEX rooms_by_low ON rooms (low);
CREATE INDEX rooms_by_high ON rooms (high);

-- Every id that a device ever used, for a room's message (then with its place) or for pairwise messages.
-- This table, `envelopes` and `mailbox` are written by `append` alone, which holds the locks on their rooms
-- and devices, so they spare themselves foreign keys: a check per row would be the larger part of the work.
CREATE TABLE sends (
    id       BYTEA   NOT NULL CHECK (length(id) = 16),
    account  BYTEA   NOT NULL,
    device   BIGINT  NOT NULL,
    digest   BYTEA   NOT NULL CHECK (length(digest) = 32),
    room     BYTEA,
    sequence BIGINT,
    time     BIGINT  NOT NULL,
    PRIMARY KEY (id, account, device),
    CHECK ((room IS NULL) = (sequence IS NULL))
);

CREATE TABLE envelopes (
    room        BYTEA   NOT NULL,
    sequence    BIGINT  NOT NULL CHECK (sequence >= 1),
    id          BYTEA   NOT NULL CHECK (length(id) = 16),
    account     BYTEA   NOT NULL,
    device      BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    class       TEXT    NOT NULL CHECK (class IN ('message', 'annotation')),
    head_low    BIGINT  NOT NULL,
    head_high   BIGINT  NOT NULL,
    target      BYTEA            CHECK (length(target) = 16),
    body        BYTEA   NOT NULL,
    PRIMARY KEY (room, sequence)
);

-- Pairwise messages that wait for a device: with a room's envelope (room and envelope say which), or from a
-- device without one (id, sender_account and sender_device say whose).
CREATE TABLE mailbox (
    account        BYTEA   NOT NULL,
    device         BIGINT  NOT NULL,
    sequence       BIGINT  NOT NULL CHECK (sequence >= 1),
    room           BYTEA,
    envelope       BIGINT,
    id             BYTEA            CHECK (length(id) = 16),
    sender_account BYTEA,
    sender_device  BIGINT,
    pairwise       BYTEA   NOT NULL,
    PRIMARY KEY (account, device, sequence),
    CHECK ((room IS NULL) = (envelope IS NULL)),
    CHECK ((room IS NULL) = (id IS NOT NULL)),
    CHECK ((room IS NULL) = (sender_account IS NOT NULL)),
    CHECK ((room IS NULL) = (sender_device IS NOT NULL))
);

-- Sealed bytes do not compress; trying costs time on every insert.
ALTER TABLE envelopes ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE mailbox ALTER COLUMN pairwise SET STORAGE EXTERNAL;
ALTER TABLE prekeys ALTER COLUMN bundle SET STORAGE EXTERNAL;

-- Rows that every message changes keep room for their next version on the same page.
ALTER TABLE rooms SET (fillfactor = 60);
ALTER TABLE devices SET (fillfactor = 60);

-- A mailbox is filled and emptied all day.
ALTER TABLE mailbox SET (autovacuum_vacuum_scale_factor = 0.02);
