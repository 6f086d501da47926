-- A refresh may be repeated until its answer is there. Its twin is migrations/sqlite/0005_refresh.sql.
-- A token that was exchanged keeps by which attempt of its client, and what the server added to make the next token
-- of both; the same attempt then gives the same token again. No token is superseded any more, and none is repeated by
-- the clock.
DELETE FROM refresh_tokens WHERE superseded;
ALTER TABLE refresh_tokens DROP COLUMN superseded;
ALTER TABLE refresh_tokens ADD COLUMN attempt BYTEA CHECK (length(attempt) = 32);
ALTER TABLE refresh_tokens ADD COLUMN nonce BYTEA CHECK (length(nonce) = 32);
ALTER TABLE logins DROP COLUMN rotated_at;
