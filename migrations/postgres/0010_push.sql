-- Web Push. Its twin is migrations/sqlite/0010_push.sql, which says what is what.

CREATE TABLE push_subscriptions (
    account    BYTEA   NOT NULL,
    device     BIGINT  NOT NULL,
    login      BYTEA   NOT NULL CHECK (length(login) = 16),
    endpoint   TEXT    NOT NULL UNIQUE CHECK (length(endpoint) BETWEEN 1 AND 1024),
    key        BYTEA   NOT NULL CHECK (length(key) = 65),
    secret     BYTEA   NOT NULL CHECK (length(secret) = 16),
    created_at BIGINT  NOT NULL,
    not_before BIGINT  NOT NULL,
    PRIMARY KEY (account, device),
    FOREIGN KEY (account, device) REFERENCES devices (account, device)
);

CREATE TABLE push_levels (
    account    BYTEA   NOT NULL,
    device     BIGINT  NOT NULL,
    room       BYTEA   NOT NULL CHECK (length(room) = 32),
    level      TEXT    NOT NULL CHECK (level IN ('softly', 'never')),
    ends_at    BIGINT,
    PRIMARY KEY (account, device, room),
    FOREIGN KEY (account, device) REFERENCES push_subscriptions (account, device) ON DELETE CASCADE
);

CREATE TABLE push_moves (
    room       BYTEA   NOT NULL PRIMARY KEY CHECK (length(room) = 32),
    since      BIGINT  NOT NULL CHECK (since >= 1),
    up_to      BIGINT  NOT NULL CHECK (up_to >= since),
    due_at     BIGINT  NOT NULL
);
CREATE INDEX push_moves_by_due ON push_moves (due_at);

CREATE TABLE push_wakes (
    account    BYTEA   NOT NULL,
    device     BIGINT  NOT NULL,
    room       BYTEA            CHECK (length(room) = 32),
    softly     BOOLEAN NOT NULL,
    mailbox    BIGINT  NOT NULL CHECK (mailbox >= 0),
    posts      BOOLEAN NOT NULL,
    made_at    BIGINT  NOT NULL,
    moved_at   BIGINT  NOT NULL,
    revision   BIGINT  NOT NULL CHECK (revision >= 1),
    due_at     BIGINT  NOT NULL,
    attempts   BIGINT  NOT NULL CHECK (attempts >= 0),
    PRIMARY KEY (account, device),
    FOREIGN KEY (account, device) REFERENCES push_subscriptions (account, device) ON DELETE CASCADE
);
CREATE INDEX push_wakes_by_due ON push_wakes (due_at);
