-- What an account chose about signals and receipts; an account without a row has the defaults. When somebody was there
-- is written down nowhere.
CREATE TABLE presence (
    account      BLOB    NOT NULL PRIMARY KEY REFERENCES accounts (id),
    availability TEXT    NOT NULL CHECK (availability IN ('automatic', 'do_not_disturb', 'invisible')),
    last_seen    TEXT    NOT NULL CHECK (last_seen IN ('everyone', 'contacts', 'approximate', 'nobody')),
    receipts     INTEGER NOT NULL CHECK (receipts IN (0, 1)),
    typing       INTEGER NOT NULL CHECK (typing IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Receipts are told apart from other pairwise messages, so that who gives none can be held to it.
ALTER TABLE mailbox ADD COLUMN receipt INTEGER NOT NULL DEFAULT 0 CHECK (receipt IN (0, 1));
