-- How many bytes each account's vault holds, so that a bound needs no sum over all of it. Its twin is
-- migrations/postgres/0012_vault_bytes.sql.
ALTER TABLE vaults ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0);
UPDATE vaults SET bytes = coalesce(
    (SELECT sum(length(r.record)) FROM vault_records r WHERE r.account = vaults.account), 0);
