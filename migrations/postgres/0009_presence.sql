-- What an account chose about signals and receipts; an account without a row has the defaults. When somebody was there
-- is written down nowhere.
CREATE TABLE presence (
    account      BYTEA   NOT NULL PRIMARY KEY REFERENCES accounts (id),
    availability TEXT    NOT NULL CHECK (availability IN ('automatic', 'do_not_disturb', 'invisible')),
    last_seen    TEXT    NOT NULL CHECK (last_seen IN ('everyone', 'contacts', 'approximate', 'nobody')),
    receipts     BOOLEAN NOT NULL,
    typing       BOOLEAN NOT NULL
);

-- Receipts are told apart from other pairwise messages, so that who gives none can be held to it.
ALTER TABLE mailbox ADD COLUMN receipt BOOLEAN NOT NULL DEFAULT FALSE;
