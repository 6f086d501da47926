-- People who start again under their name. Its twin is migrations/postgres/0004_identities.sql.
-- An account that was replaced keeps its chain for those who knew it. Its name went to the new one: `username` then
-- holds what no name can be, and `former` the name that it had.
ALTER TABLE accounts ADD COLUMN former TEXT;
ALTER TABLE accounts ADD COLUMN replaced_by BLOB CHECK (length(replaced_by) = 32);
