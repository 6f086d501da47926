-- What keeps a server running: its jobs, and that it was restored. Its twin is migrations/sqlite/0007_operation.sql.

-- Work that is done from time to time, by one process at a time: its holder's until the lease ends. The last run is
-- told by the other columns; a run that ended without success says why in `error`.
CREATE TABLE jobs (
    name         TEXT    NOT NULL PRIMARY KEY,
    holder       BYTEA            CHECK (length(holder) = 16),
    leased_until BIGINT,
    due_at       BIGINT  NOT NULL,
    began_at     BIGINT  NOT NULL,
    ended_at     BIGINT,
    took_ms      BIGINT,
    done         BIGINT,
    succeeded_at BIGINT,
    failed_at    BIGINT,
    error        TEXT,
    runs         BIGINT  NOT NULL CHECK (runs >= 0),
    failures     BIGINT  NOT NULL CHECK (failures >= 0)
);

-- Holds its one row from the moment when the database was restored from a backup. `epoch` is another one after each
-- restore; devices that see a new one upload again what the server lacks.
CREATE TABLE restores (
    slot        BIGINT  NOT NULL PRIMARY KEY CHECK (slot = 1),
    epoch       BYTEA   NOT NULL CHECK (length(epoch) = 16),
    restored_at BIGINT  NOT NULL,
    made_at     BIGINT  NOT NULL
);
