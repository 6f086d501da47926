-- What keeps a server running: its jobs, and that it was restored. Its twin is migrations/postgres/0007_operation.sql.

-- Work that is done from time to time, by one process at a time: its holder's until the lease ends. The last run is
-- told by the other columns; a run that ended without success says why in `error`.
CREATE TABLE jobs (
    name         TEXT    NOT NULL PRIMARY KEY,
    holder       BLOB             CHECK (length(holder) = 16),
    leased_until INTEGER,
    due_at       INTEGER NOT NULL,
    began_at     INTEGER NOT NULL,
    ended_at     INTEGER,
    took_ms      INTEGER,
    done         INTEGER,
    succeeded_at INTEGER,
    failed_at    INTEGER,
    error        TEXT,
    runs         INTEGER NOT NULL CHECK (runs >= 0),
    failures     INTEGER NOT NULL CHECK (failures >= 0)
) STRICT, WITHOUT ROWID;

-- Holds its one row from the moment when the database was restored from a backup. `epoch` is another one after each
-- restore; devices that see a new one upload again what the server lacks.
CREATE TABLE restores (
    slot        INTEGER NOT NULL PRIMARY KEY CHECK (slot = 1),
    epoch       BLOB    NOT NULL CHECK (length(epoch) = 16),
    restored_at INTEGER NOT NULL,
    made_at     INTEGER NOT NULL
) STRICT;
