-- The second step, fresh proofs, registration, suspension, the audit log. Its twin is migrations/postgres/0006_sign_in.sql.

-- Since when an administrator keeps the account out.
ALTER TABLE accounts ADD COLUMN suspended_at INTEGER;
CREATE INDEX accounts_by_creation ON accounts (created_at, id);
-- When somebody showed the password on this login last; absent where a device was approved by another one.
ALTER TABLE logins ADD COLUMN proved_at INTEGER;

-- An invite stays until its time is over, so that its maker sees what became of it.
ALTER TABLE invites ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invites ADD COLUMN uses_max INTEGER NOT NULL DEFAULT 1;
ALTER TABLE invites ADD COLUMN revoked_at INTEGER;

-- `secret` is sealed under a key that stands in no table. It counts from `on_since`. `last_step` is the newest time
-- step whose code was taken, so that none is taken twice.
CREATE TABLE second_steps (
    account   BLOB    NOT NULL PRIMARY KEY REFERENCES accounts (id),
    secret    BLOB    NOT NULL,
    on_since  INTEGER,
    last_step INTEGER NOT NULL CHECK (last_step >= 0)
) STRICT, WITHOUT ROWID;

-- Hashes of backup codes under a key that stands in no table; use deletes them.
CREATE TABLE backup_codes (
    account BLOB NOT NULL REFERENCES accounts (id),
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

-- What an administrator sets at run time.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The audit log: lines are only ever added. `actor` is absent for the server's command line.
CREATE TABLE audit (
    sequence INTEGER NOT NULL PRIMARY KEY CHECK (sequence >= 1),
    time     INTEGER NOT NULL,
    actor    BLOB             CHECK (length(actor) = 32),
    act      TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- The newest line; who adds one holds this row. The first line makes it.
CREATE TABLE audit_head (
    slot     INTEGER NOT NULL PRIMARY KEY CHECK (slot = 1),
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
