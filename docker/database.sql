-- Run once by PostgreSQL's image, as its superuser, when the volume is empty: the server's role, which owns its
-- database and nothing else, and that database. `docs/operators-guide.md` says how an older volume gets there.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/database_password`

CREATE ROLE conclave LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE conclave OWNER conclave ENCODING 'UTF8' TEMPLATE template0;

-- Without this everybody may connect to every database.
REVOKE ALL ON DATABASE conclave FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
