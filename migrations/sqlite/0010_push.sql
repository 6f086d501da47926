-- Web Push: where a device's browser may be woken, and who has to be. Its twin is migrations/postgres/0010_push.sql.
-- No row here says anything about content; a wake says at most in which one room something was stored.

-- One subscription for each device, made by the login that is signed in there. `key` and `secret` are the browser's, for
-- sealing what is pushed (RFC 8291). Nothing is pushed before `not_before`.
CREATE TABLE push_subscriptions (
    account    BLOB    NOT NULL,
    device     INTEGER NOT NULL,
    login      BLOB    NOT NULL CHECK (length(login) = 16),
    endpoint   TEXT    NOT NULL UNIQUE CHECK (length(endpoint) BETWEEN 1 AND 1024),
    key        BLOB    NOT NULL CHECK (length(key) = 65),
    secret     BLOB    NOT NULL CHECK (length(secret) = 16),
    created_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    PRIMARY KEY (account, device),
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
) STRICT, WITHOUT ROWID;

-- Rooms for which a device is woken without a sound, or not at all; until then, where it says so.
CREATE TABLE push_levels (
    account    BLOB    NOT NULL,
    device     INTEGER NOT NULL,
    room       BLOB    NOT NULL CHECK (length(room) = 32),
    level      TEXT    NOT NULL CHECK (level IN ('softly', 'never')),
    ends_at    INTEGER,
    PRIMARY KEY (account, device, room),
    FOREIGN KEY (account, device) REFERENCES push_subscriptions (account, device) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Rooms in which messages were stored whose readers were not looked at yet: those of these sequences. Written with the
-- messages, one row for each room.
CREATE TABLE push_moves (
    room       BLOB    NOT NULL PRIMARY KEY CHECK (length(room) = 32),
    since      INTEGER NOT NULL CHECK (since >= 1),
    up_to      INTEGER NOT NULL CHECK (up_to >= since),
    due_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX push_moves_by_due ON push_moves (due_at);

-- Devices that have to be woken, one row for each. `room` is the one room that it is about, absent where there are
-- several; `mailbox` is what the device has to acknowledge to need no wake, zero where nothing of it is in its mailbox;
-- `posts` says that something of it is in rooms of places. `revision` grows with what is added, so that who sent a wake
-- takes away no more than it told. `due_at` is when somebody may take it; who takes it moves it.
CREATE TABLE push_wakes (
    account    BLOB    NOT NULL,
    device     INTEGER NOT NULL,
    room       BLOB             CHECK (length(room) = 32),
    softly     INTEGER NOT NULL CHECK (softly IN (0, 1)),
    mailbox    INTEGER NOT NULL CHECK (mailbox >= 0),
    posts      INTEGER NOT NULL CHECK (posts IN (0, 1)),
    made_at    INTEGER NOT NULL,
    moved_at   INTEGER NOT NULL,
    revision   INTEGER NOT NULL CHECK (revision >= 1),
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL CHECK (attempts >= 0),
    PRIMARY KEY (account, device),
    FOREIGN KEY (account, device) REFERENCES push_subscriptions (account, device) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX push_wakes_by_due ON push_wakes (due_at);
