-- Blobs: opaque bytes that devices sealed. Its twin is migrations/sqlite/0008_blobs.sql, which says what is what.

CREATE TABLE blobs (
    id          BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account     BYTEA  NOT NULL REFERENCES accounts (id),
    object      BYTEA  NOT NULL UNIQUE CHECK (length(object) = 16),
    size        BIGINT NOT NULL CHECK (size > 0),
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    keep_until  BIGINT
);
CREATE INDEX blobs_by_account ON blobs (account, finished_at, size);
CREATE INDEX blobs_to_sweep ON blobs (keep_until) WHERE keep_until IS NOT NULL;

CREATE TABLE blob_chunks (
    blob   BYTEA  NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    number BIGINT NOT NULL CHECK (number >= 0),
    hash   BYTEA  NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (blob, number)
);

CREATE TABLE blob_claims (
    blob       BYTEA  NOT NULL REFERENCES blobs (id),
    room       BYTEA  NOT NULL,
    sequence   BIGINT NOT NULL CHECK (sequence >= 1),
    expires_at BIGINT,
    PRIMARY KEY (blob, room, sequence)
);
CREATE INDEX blob_claims_by_envelope ON blob_claims (room, sequence);
CREATE INDEX blob_claims_by_expiry ON blob_claims (expires_at) WHERE expires_at IS NOT NULL;
