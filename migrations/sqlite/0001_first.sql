-- The first schema. Its twin is migrations/postgres/0001_first.sql: same tables, columns and nullability.
-- Ids and hashes are BLOB, times are Unix milliseconds, truth is 0 or 1, closed sets are TEXT with a CHECK.
-- Tables whose rows are small and found by their key alone are WITHOUT ROWID: one tree instead of two.

CREATE TABLE accounts (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    username      TEXT    NOT NULL UNIQUE,
    administrator INTEGER NOT NULL CHECK (administrator IN (0, 1)),
    opaque_record BLOB    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

-- Holds its one row from the moment when the set-up link was used.
CREATE TABLE setup (
    slot    INTEGER NOT NULL PRIMARY KEY CHECK (slot = 1),
    used_at INTEGER NOT NULL
) STRICT;

-- Account chains.
CREATE TABLE entries (
    account  BLOB    NOT NULL REFERENCES accounts (id),
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    bytes    BLOB    NOT NULL,
    PRIMARY KEY (account, sequence)
) STRICT;

-- What the chains say about devices, and how far each one's mailbox is.
-- Invariant: who adds or revokes a device first locks all rooms of its account, in order of their ids.
CREATE TABLE devices (
    account       BLOB    NOT NULL REFERENCES accounts (id),
    device        INTEGER NOT NULL CHECK (device >= 0),
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER,
    mailbox_head  INTEGER NOT NULL CHECK (mailbox_head >= 0),
    acknowledged  INTEGER NOT NULL CHECK (acknowledged BETWEEN 0 AND mailbox_head),
    last_accepted BLOB             CHECK (length(last_accepted) = 16),
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE login_attempts (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    account    BLOB             REFERENCES accounts (id),
    state      BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE logins (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account      BLOB    NOT NULL,
    device       INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    refreshed_at INTEGER NOT NULL,
    rotated_at   INTEGER NOT NULL,
    generation   INTEGER NOT NULL CHECK (generation >= 0),
    revoked_at   INTEGER,
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_by_device ON logins (account, device);
CREATE INDEX logins_by_refresh ON logins (refreshed_at);
CREATE INDEX logins_revoked ON logins (revoked_at) WHERE revoked_at IS NOT NULL;

-- Refresh tokens, the one in force and the latest ones before it, by which a reuse is noticed. A token is
-- superseded when its holder never showed it and the one before it was shown again.
CREATE TABLE refresh_tokens (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    login      BLOB    NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    superseded INTEGER NOT NULL CHECK (superseded IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_login ON refresh_tokens (login, generation);

-- Single-use tickets for the socket.
CREATE TABLE tickets (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    login      BLOB    NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_by_login ON tickets (login);

-- Open registration invites; use deletes them.
CREATE TABLE invites (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    made_by    BLOB    NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE prekeys (
    account BLOB    NOT NULL,
    device  INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    bundle  BLOB    NOT NULL,
    PRIMARY KEY (account, device, id),
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
) STRICT;

-- Ids of claimed prekeys with a hash of the bundle, so that a repeated upload does not offer one again.
CREATE TABLE claimed_prekeys (
    account BLOB    NOT NULL,
    device  INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    digest  BLOB    NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (account, device, id),
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_resort_prekeys (
    account BLOB    NOT NULL,
    device  INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    bundle  BLOB    NOT NULL,
    PRIMARY KEY (account, device),
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
) STRICT;

-- Direct rooms. `head` is the newest sequence.
CREATE TABLE rooms (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    low        BLOB    NOT NULL REFERENCES accounts (id),
    high       BLOB    NOT NULL REFERENCES accounts (id),
    head       INTEGER NOT NULL CHECK (head >= 0),
    created_at INTEGER NOT NULL,
    CHECK (low <= high)
) STRICT, WITHOUT ROWID;
CREATE INDEX rooms_by_low ON rooms (low);
CREATE INDEX rooms_by_high ON rooms (high);

-- Every id that a device ever used, for a room's message (then with its place) or for pairwise messages.
-- This table, `envelopes` and `mailbox` are written by `append` alone, which holds the locks on their rooms
-- and devices, so they spare themselves foreign keys: a check per row would be the larger part of the work.
CREATE TABLE sends (
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    account  BLOB    NOT NULL,
    device   INTEGER NOT NULL,
    digest   BLOB    NOT NULL CHECK (length(digest) = 32),
    room     BLOB,
    sequence INTEGER,
    time     INTEGER NOT NULL,
    PRIMARY KEY (id, account, device),
    CHECK ((room IS NULL) = (sequence IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE envelopes (
    room        BLOB    NOT NULL,
    sequence    INTEGER NOT NULL CHECK (sequence >= 1),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    account     BLOB    NOT NULL,
    device      INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    class       TEXT    NOT NULL CHECK (class IN ('message', 'annotation')),
    head_low    INTEGER NOT NULL,
    head_high   INTEGER NOT NULL,
    target      BLOB             CHECK (length(target) = 16),
    body        BLOB    NOT NULL,
    PRIMARY KEY (room, sequence)
) STRICT;

-- Pairwise messages that wait for a device: with a room's envelope (room and envelope say which), or from a
-- device without one (id, sender_account and sender_device say whose).
CREATE TABLE mailbox (
    account        BLOB    NOT NULL,
    device         INTEGER NOT NULL,
    sequence       INTEGER NOT NULL CHECK (sequence >= 1),
    room           BLOB,
    envelope       INTEGER,
    id             BLOB             CHECK (length(id) = 16),
    sender_account BLOB,
    sender_device  INTEGER,
    pairwise       BLOB    NOT NULL,
    PRIMARY KEY (account, device, sequence),
    CHECK ((room IS NULL) = (envelope IS NULL)),
    CHECK ((room IS NULL) = (id IS NOT NULL)),
    CHECK ((room IS NULL) = (sender_account IS NOT NULL)),
    CHECK ((room IS NULL) = (sender_device IS NOT NULL))
) STRICT, WITHOUT ROWID;
