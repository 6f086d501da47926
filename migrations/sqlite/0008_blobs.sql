-- Blobs: opaque bytes that devices sealed. Its twin is migrations/postgres/0008_blobs.sql.
-- Invariant: who claims a blob, changes it or deletes it locks its row first, in order of the ids and behind every other
-- lock. A blob with a claim is never deleted; the foreign key of the claims holds that, too.

-- `object` is the name under which its chunks lie in the store: the server's own, and never given out twice. It is
-- finished once all chunks are there. `keep_until` is when it may go unless an envelope claims it; absent while one does.
CREATE TABLE blobs (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account     BLOB    NOT NULL REFERENCES accounts (id),
    object      BLOB    NOT NULL UNIQUE CHECK (length(object) = 16),
    size        INTEGER NOT NULL CHECK (size > 0),
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    keep_until  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_by_account ON blobs (account, finished_at, size);
CREATE INDEX blobs_to_sweep ON blobs (keep_until) WHERE keep_until IS NOT NULL;

-- The chunks that are stored, each with the SHA-256 of its bytes.
CREATE TABLE blob_chunks (
    blob   BLOB    NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 0),
    hash   BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (blob, number)
) STRICT, WITHOUT ROWID;

-- Which envelopes a blob belongs to, and until when.
CREATE TABLE blob_claims (
    blob       BLOB    NOT NULL REFERENCES blobs (id),
    room       BLOB    NOT NULL,
    sequence   INTEGER NOT NULL CHECK (sequence >= 1),
    expires_at INTEGER,
    PRIMARY KEY (blob, room, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_claims_by_envelope ON blob_claims (room, sequence);
CREATE INDEX blob_claims_by_expiry ON blob_claims (expires_at) WHERE expires_at IS NOT NULL;
