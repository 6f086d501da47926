-- Several devices of one account: linking, recovery, the vault. Its twin is migrations/postgres/0002_devices.sql.
-- Invariant: who changes an account's chain locks the account's row, then all its rooms in order of their ids,
-- then its devices. A room that is being opened holds a share of both accounts' rows by its foreign keys, so
-- none appears behind that lock.

-- How often the password was replaced: what was begun with an older one is worth nothing.
ALTER TABLE accounts ADD COLUMN password INTEGER NOT NULL DEFAULT 0;
-- Since when the account is closed.
ALTER TABLE accounts ADD COLUMN closed_at INTEGER;
ALTER TABLE login_attempts ADD COLUMN password INTEGER NOT NULL DEFAULT 0;

-- The recovery verifying key that each account's chain has in force, beside the chain so that asking for a
-- handle that nobody has costs the same work.
CREATE TABLE recovery_keys (
    account BLOB    NOT NULL PRIMARY KEY REFERENCES accounts (id),
    key     BLOB    NOT NULL CHECK (length(key) = 32)
) STRICT, WITHOUT ROWID;
-- Up to here a chain has its genesis entry alone, which ends with this key and a signature of 64 bytes.
INSERT INTO recovery_keys (account, key)
    SELECT account, substr(bytes, length(bytes) - 95, 32) FROM entries WHERE sequence = 0;

-- A recovery between its first two requests. The account is absent where nobody has the handle; the key is
-- then one that nobody holds.
CREATE TABLE recovery_attempts (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    account    BLOB             REFERENCES accounts (id),
    key        BLOB    NOT NULL CHECK (length(key) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The first sign-in of a device between its two requests. The device need not exist.
CREATE TABLE device_attempts (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    account    BLOB    NOT NULL,
    device     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tokens of somebody who gave the right password without a device, or who proved the recovery key.
CREATE TABLE pending_tokens (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    account    BLOB    NOT NULL REFERENCES accounts (id),
    kind       TEXT    NOT NULL CHECK (kind IN ('login', 'recovery')),
    password   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Meeting places of a new device and one of its account's. `account` is absent while nobody knows whose a
-- scanned one is; `device` is the one that took the account's side. No foreign keys: a place lives for minutes.
CREATE TABLE links (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    way        TEXT    NOT NULL CHECK (way IN ('scan', 'code')),
    token      BLOB    NOT NULL CHECK (length(token) = 32),
    account    BLOB,
    device     INTEGER,
    expires_at INTEGER NOT NULL,
    CHECK (device IS NULL OR account IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_account ON links (account);

CREATE TABLE link_messages (
    link    BLOB    NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL CHECK (number >= 1),
    message BLOB    NOT NULL,
    PRIMARY KEY (link, number)
) STRICT;

-- How many records each account's vault holds.
CREATE TABLE vaults (
    account BLOB    NOT NULL PRIMARY KEY REFERENCES accounts (id),
    records INTEGER NOT NULL CHECK (records >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE vault_records (
    account BLOB    NOT NULL REFERENCES accounts (id),
    number  INTEGER NOT NULL CHECK (number >= 0),
    record  BLOB    NOT NULL,
    PRIMARY KEY (account, number)
) STRICT;

-- Slots and wrapped keys under the hashes that the account's chain names. `position` says which are newer.
CREATE TABLE vault_keys (
    account  BLOB    NOT NULL REFERENCES accounts (id),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    bytes    BLOB    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT;
