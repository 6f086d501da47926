//! Every SQL text of the server, each under a name.
//!
//! One text serves both engines; where they truly differ a statement has two. SQL stands in this file and in
//! `migrations/` and nowhere else, because the list below is what a test prepares on both engines: a statement
//! that is not in it cannot be run. Not used: server time, autoincrement, arrays, JSON, triggers, collations.

use sqlx::{Database, Encode, Executor, QueryBuilder, SqlSafeStr, Type};

use crate::engine::on_engine;
use crate::tables::{Kind, TABLES, Table};
use crate::{Db, DbError, Engine};

/// A statement of fixed text with parameters `$1`, `$2`, ….
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Statement {
    const fn same(text: &'static str) -> Self {
        Self {
            sqlite: text,
            postgres: text,
        }
    }

    pub(crate) const fn on(self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// A statement over a list of rows, built with sqlx's `QueryBuilder`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    before: &'static str,
    /// Values in each row of a `VALUES` list; none for the single values of an `IN` list.
    row: Option<usize>,
    after: Statement,
}

/// Most rows in one statement: with the widest row still far below either engine's number of parameters.
pub(crate) const ROWS: usize = 64;

impl List {
    pub(crate) fn start<DB: Database>(&self) -> QueryBuilder<DB>
    where
        DB::Arguments: Default,
    {
        QueryBuilder::new(self.before)
    }

    pub(crate) const fn end(&self, engine: Engine) -> &'static str {
        self.after.on(engine)
    }

    /// The text for so many rows, to prepare it.
    fn sample<DB: Database>(&self, engine: Engine, rows: usize) -> String
    where
        DB::Arguments: Default,
        for<'q> i64: Encode<'q, DB> + Type<DB>,
    {
        let mut query = self.start::<DB>();
        if let Some(columns) = self.row {
            query.push_values(0..rows, |mut row, _| {
                for _ in 0..columns {
                    row.push_bind(0_i64);
                }
            });
        } else {
            let mut values = query.separated(", ");
            for _ in 0..rows {
                values.push_bind(0_i64);
            }
        }
        query.push(self.end(engine));
        query.into_string()
    }
}

/// Cuts rows for an insert into pieces whose lengths are powers of two, so that few texts exist and each
/// stays prepared.
pub(crate) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = rows.len().min(ROWS).checked_ilog2().map(|power| 1 << power)?;
        let (piece, rest) = rows.split_at(length);
        rows = rest;
        Some(piece)
    })
}

/// Cuts values for an `IN` list into pieces, the last one filled up to a power of two by repeating its end.
pub(crate) fn padded_pieces<T: Copy>(values: &[T]) -> impl Iterator<Item = Vec<T>> {
    values.chunks(ROWS).map(|chunk| {
        let mut piece = chunk.to_vec();
        if let Some(&last) = chunk.last() {
            piece.resize(chunk.len().next_power_of_two(), last);
        }
        piece
    })
}

macro_rules! statements {
    (@make $text:literal) => { Statement::same($text) };
    (@make sqlite $sqlite:literal postgres $postgres:literal) => {
        Statement { sqlite: $sqlite, postgres: $postgres }
    };
    ($($(#[$meta:meta])* $name:ident = { $($text:tt)+ })*) => {
        $($(#[$meta])* pub(crate) const $name: Statement = statements!(@make $($text)+);)*

        const STATEMENTS: &[(&str, Statement)] = &[$((stringify!($name), $name)),*];
    };
}

macro_rules! lists {
    ($($(#[$meta:meta])* $name:ident = $list:expr;)*) => {
        $($(#[$meta])* pub(crate) const $name: List = $list;)*

        const LISTS: &[(&str, List)] = &[$((stringify!($name), $name)),*];
    };
}

statements! {
    VERSION = {
        sqlite "SELECT sqlite_version()"
        postgres "SELECT current_setting('server_version')"
    }
    PING = { "SELECT 1 FROM accounts LIMIT 1" }

    // accounts
    INSERT_SETUP = { "INSERT INTO setup (slot, used_at) VALUES (1, $1) ON CONFLICT DO NOTHING" }
    INSERT_ACCOUNT = { "INSERT INTO accounts (id, username, administrator, opaque_record, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING" }
    INSERT_ENTRY = { "INSERT INTO entries (account, sequence, bytes) VALUES ($1, $2, $3)" }
    INSERT_DEVICE = { "INSERT INTO devices (account, device, created_at, mailbox_head, acknowledged)
        VALUES ($1, $2, $3, 0, 0)" }
    FIND_ACCOUNT = { "SELECT id, coalesce(former, username), administrator, opaque_record, password, closed_at,
            suspended_at
        FROM accounts WHERE id = $1" }
    FIND_SUCCESSOR = { "SELECT replaced_by FROM accounts WHERE id = $1" }
    FIND_ACCOUNT_BY_USERNAME = { "SELECT id, username, administrator, opaque_record, password, closed_at,
            suspended_at
        FROM accounts WHERE username = $1" }
    /// The name goes free; nothing happens where the account ended or its password was replaced meanwhile.
    REPLACE_ACCOUNT = { "UPDATE accounts SET former = username, username = $3, closed_at = $4, replaced_by = $5
        WHERE id = $1 AND password = $2 AND closed_at IS NULL" }
    COUNT_ACCOUNTS = { "SELECT count(*) FROM accounts" }
    LIST_ENTRIES = { "SELECT bytes FROM entries WHERE account = $1 AND sequence > $2
        ORDER BY sequence LIMIT $3" }
    LIST_DEVICES = { "SELECT device FROM devices WHERE account = $1 AND revoked_at IS NULL ORDER BY device" }
    UPSERT_RECOVERY_KEY = { "INSERT INTO recovery_keys (account, key) VALUES ($1, $2)
        ON CONFLICT (account) DO UPDATE SET key = excluded.key" }

    // devices
    /// First of the locks of whoever changes a chain; it also waits for a room that is just being opened.
    LOCK_ACCOUNT = {
        sqlite "SELECT closed_at FROM accounts WHERE id = $1"
        postgres "SELECT closed_at FROM accounts WHERE id = $1 FOR UPDATE"
    }
    LOCK_ROOMS_OF_ACCOUNT = {
        sqlite "SELECT id FROM rooms WHERE low = $1 OR high = $1 ORDER BY id"
        postgres "SELECT id FROM rooms WHERE low = $1 OR high = $1 ORDER BY id FOR NO KEY UPDATE"
    }
    LOCK_DEVICES_OF_ACCOUNT = {
        sqlite "SELECT device FROM devices WHERE account = $1 ORDER BY device"
        postgres "SELECT device FROM devices WHERE account = $1 ORDER BY device FOR NO KEY UPDATE"
    }
    FIND_HEAD = { "SELECT sequence, bytes FROM entries WHERE account = $1 ORDER BY sequence DESC LIMIT 1" }
    FIND_ENTRY = { "SELECT bytes FROM entries WHERE account = $1 AND sequence = $2" }
    REVOKE_DEVICE = { "UPDATE devices SET revoked_at = $3
        WHERE account = $1 AND device = $2 AND revoked_at IS NULL" }
    REVOKE_LOGINS_OF_DEVICE = { "UPDATE logins SET revoked_at = $3
        WHERE account = $1 AND device = $2 AND revoked_at IS NULL RETURNING id" }
    DELETE_MAILBOX = { "DELETE FROM mailbox WHERE account = $1 AND device = $2" }
    DELETE_LAST_RESORT = { "DELETE FROM last_resort_prekeys WHERE account = $1 AND device = $2" }
    CLOSE_ACCOUNT = { "UPDATE accounts SET closed_at = $2 WHERE id = $1" }
    REPLACE_PASSWORD = { "UPDATE accounts SET opaque_record = $2, password = password + 1 WHERE id = $1" }
    DESCRIBE_DEVICES = { "SELECT d.device, d.created_at,
            (SELECT max(l.refreshed_at) FROM logins l WHERE l.account = d.account AND l.device = d.device),
            (SELECT count(*) FROM logins l WHERE l.account = d.account AND l.device = d.device
                AND l.revoked_at IS NULL AND l.refreshed_at >= $2)
        FROM devices d WHERE d.account = $1 AND d.revoked_at IS NULL ORDER BY d.device" }
    LIST_PEERS = { "SELECT low, high FROM rooms WHERE low = $1 OR high = $1" }

    // logins
    INSERT_LOGIN_ATTEMPT = { "INSERT INTO login_attempts (hash, account, state, password, expires_at)
        VALUES ($1, $2, $3, $4, $5)" }
    CLAIM_LOGIN_ATTEMPT = { "DELETE FROM login_attempts WHERE hash = $1
        RETURNING account, state, password, expires_at" }
    INSERT_DEVICE_ATTEMPT = { "INSERT INTO device_attempts (hash, account, device, expires_at)
        VALUES ($1, $2, $3, $4)" }
    CLAIM_DEVICE_ATTEMPT = { "DELETE FROM device_attempts WHERE hash = $1
        RETURNING account, device, expires_at" }
    FIND_NEWCOMER = { "SELECT 1 FROM devices d
        WHERE d.account = $1 AND d.device = $2 AND d.revoked_at IS NULL AND d.created_at >= $3
            AND NOT EXISTS (SELECT 1 FROM logins l WHERE l.account = d.account AND l.device = d.device)" }
    INSERT_PENDING_TOKEN = { "INSERT INTO pending_tokens (hash, account, kind, password, expires_at)
        VALUES ($1, $2, $3, $4, $5)" }
    /// One that was got with a password which was replaced since is worth nothing.
    FIND_PENDING_TOKEN = { "SELECT p.account, p.kind FROM pending_tokens p
        JOIN accounts a ON a.id = p.account
        WHERE p.hash = $1 AND p.expires_at > $2 AND a.closed_at IS NULL AND a.suspended_at IS NULL
            AND (p.kind = 'recovery' OR p.password = a.password)" }
    INSERT_LOGIN = { "INSERT INTO logins
            (id, account, device, created_at, refreshed_at, generation, proved_at)
        VALUES ($1, $2, $3, $4, $5, 0, $6)" }
    PROVE_LOGIN = { "UPDATE logins SET proved_at = $2 WHERE id = $1 AND revoked_at IS NULL" }
    FIND_PROOF = { "SELECT proved_at FROM logins
        WHERE id = $1 AND revoked_at IS NULL AND proved_at IS NOT NULL" }
    LIST_LOGINS = { "SELECT id, account, device, created_at, refreshed_at FROM logins
        WHERE account = $1 AND revoked_at IS NULL AND refreshed_at >= $2 ORDER BY created_at DESC, id" }
    END_LOGIN = { "UPDATE logins SET revoked_at = $3 WHERE id = $1 AND account = $2 AND revoked_at IS NULL
        RETURNING id, device" }
    END_OTHER_LOGINS = { "UPDATE logins SET revoked_at = $3 WHERE account = $1 AND id <> $2 AND revoked_at IS NULL
        RETURNING id, device" }
    END_LOGINS = { "UPDATE logins SET revoked_at = $2 WHERE account = $1 AND revoked_at IS NULL
        RETURNING id, device" }
    DELETE_PENDING_TOKENS = { "DELETE FROM pending_tokens WHERE account = $1" }
    FIND_LOGIN = { "SELECT id, account, device, created_at, refreshed_at FROM logins
        WHERE id = $1 AND revoked_at IS NULL" }
    INSERT_REFRESH_TOKEN = { "INSERT INTO refresh_tokens (hash, login, generation) VALUES ($1, $2, $3)" }
    FIND_REFRESH_TOKEN = { "SELECT login, generation, attempt, nonce FROM refresh_tokens WHERE hash = $1" }
    /// Changes nothing but holds the row, so that rotations of one login happen one after another.
    LOCK_LOGIN = { "UPDATE logins SET refreshed_at = refreshed_at WHERE id = $1 AND revoked_at IS NULL
        RETURNING account, device, created_at, refreshed_at, generation" }
    ROTATE_LOGIN = { "UPDATE logins SET generation = $2, refreshed_at = $3 WHERE id = $1" }
    REFRESH_LOGIN = { "UPDATE logins SET refreshed_at = $2 WHERE id = $1" }
    EXCHANGE_REFRESH_TOKEN = { "UPDATE refresh_tokens SET attempt = $2, nonce = $3 WHERE hash = $1" }
    FORGET_REFRESH_TOKENS = { "DELETE FROM refresh_tokens WHERE login = $1 AND generation < $2" }
    REVOKE_LOGIN = { "UPDATE logins SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL" }
    LIST_REVOKED_LOGINS = { "SELECT l.id, d.revoked_at, a.closed_at FROM logins l
        JOIN devices d ON d.account = l.account AND d.device = l.device
        JOIN accounts a ON a.id = l.account
        WHERE l.revoked_at >= $1 ORDER BY l.revoked_at, l.id" }
    FIND_ENDED_LOGIN = { "SELECT l.id, d.revoked_at, a.closed_at FROM logins l
        JOIN devices d ON d.account = l.account AND d.device = l.device
        JOIN accounts a ON a.id = l.account
        WHERE l.id = $1 AND l.revoked_at IS NOT NULL" }
    FIND_ENDED_DEVICE = { "SELECT l.account FROM refresh_tokens t
        JOIN logins l ON l.id = t.login
        JOIN devices d ON d.account = l.account AND d.device = l.device
        WHERE t.hash = $1 AND d.revoked_at IS NOT NULL" }
    INSERT_TICKET = { "INSERT INTO tickets (hash, login, expires_at) VALUES ($1, $2, $3)" }
    CLAIM_TICKET = { "DELETE FROM tickets WHERE hash = $1 RETURNING login, expires_at" }

    // second steps
    BEGIN_SECOND_STEP = { "INSERT INTO second_steps (account, secret, last_step) VALUES ($1, $2, 0)
        ON CONFLICT (account) DO UPDATE SET secret = excluded.secret, last_step = 0
        WHERE second_steps.on_since IS NULL" }
    FIND_SECOND_STEP = { "SELECT secret, on_since, last_step,
            (SELECT count(*) FROM backup_codes b WHERE b.account = s.account)
        FROM second_steps s WHERE account = $1" }
    CONFIRM_SECOND_STEP = { "UPDATE second_steps SET on_since = $3, last_step = $2
        WHERE account = $1 AND on_since IS NULL" }
    /// A code is taken once, and none from before the newest that was.
    TAKE_STEP = { "UPDATE second_steps SET last_step = $2
        WHERE account = $1 AND on_since IS NOT NULL AND last_step < $2" }
    HOLD_SECOND_STEP = { "UPDATE second_steps SET last_step = last_step
        WHERE account = $1 AND on_since IS NOT NULL" }
    DELETE_SECOND_STEP = { "DELETE FROM second_steps WHERE account = $1" }
    MOVE_SECOND_STEP = { "UPDATE second_steps SET account = $2 WHERE account = $1" }
    INSERT_BACKUP_CODE = { "INSERT INTO backup_codes (account, hash) VALUES ($1, $2) ON CONFLICT DO NOTHING" }
    TAKE_BACKUP_CODE = { "DELETE FROM backup_codes WHERE account = $1 AND hash = $2" }
    DELETE_BACKUP_CODES = { "DELETE FROM backup_codes WHERE account = $1" }
    MOVE_BACKUP_CODES = { "UPDATE backup_codes SET account = $2 WHERE account = $1" }

    // presence
    FIND_CHOICES = { "SELECT availability, last_seen, receipts, typing FROM presence WHERE account = $1" }
    UPSERT_CHOICES = { "INSERT INTO presence (account, availability, last_seen, receipts, typing)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account) DO UPDATE SET availability = excluded.availability,
            last_seen = excluded.last_seen, receipts = excluded.receipts, typing = excluded.typing" }

    // settings
    FIND_SETTING = { "SELECT value FROM settings WHERE name = $1" }
    INSERT_SETTING = { "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING" }
    UPSERT_SETTING = { "INSERT INTO settings (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value" }

    // audit
    /// Changes nothing but holds the row, so that lines come one after another.
    LOCK_AUDIT_HEAD = { "INSERT INTO audit_head (slot, sequence, hash) VALUES (1, 0, $1)
        ON CONFLICT (slot) DO UPDATE SET sequence = audit_head.sequence RETURNING sequence, hash" }
    MOVE_AUDIT_HEAD = { "UPDATE audit_head SET sequence = $1, hash = $2 WHERE slot = 1" }
    FIND_AUDIT_HEAD = { "SELECT sequence, hash FROM audit_head WHERE slot = 1" }
    INSERT_AUDIT_LINE = { "INSERT INTO audit (sequence, time, actor, act, subject, hash)
        VALUES ($1, $2, $3, $4, $5, $6)" }
    LIST_AUDIT = { "SELECT sequence, time, actor, act, subject, hash FROM audit
        WHERE sequence > $1 ORDER BY sequence LIMIT $2" }

    // admin
    LIST_ACCOUNTS = { "SELECT a.id, coalesce(a.former, a.username), a.administrator, a.created_at,
            (SELECT max(l.refreshed_at) FROM logins l WHERE l.account = a.id), a.suspended_at, a.closed_at,
            (SELECT count(*) FROM devices d WHERE d.account = a.id AND d.revoked_at IS NULL),
            (SELECT count(*) FROM second_steps s WHERE s.account = a.id AND s.on_since IS NOT NULL),
            (SELECT CAST(coalesce(sum(b.size), 0) AS BIGINT) FROM blobs b WHERE b.account = a.id)
        FROM accounts a
        WHERE (a.created_at, a.id) > ($1, $2) AND coalesce(a.former, a.username) LIKE $3 ESCAPE '!'
        ORDER BY a.created_at, a.id LIMIT $4" }
    FIND_PLACE_IN_LIST = { "SELECT created_at FROM accounts WHERE id = $1" }
    SUSPEND_ACCOUNT = { "UPDATE accounts SET suspended_at = $2
        WHERE id = $1 AND suspended_at IS NULL AND closed_at IS NULL" }
    REACTIVATE_ACCOUNT = { "UPDATE accounts SET suspended_at = NULL WHERE id = $1 AND suspended_at IS NOT NULL" }
    FIND_SUSPENDED = { "SELECT 1 FROM accounts WHERE id = $1 AND suspended_at IS NOT NULL" }
    COUNT_ADMINISTRATORS = { "SELECT count(*) FROM accounts
        WHERE administrator AND closed_at IS NULL AND suspended_at IS NULL" }
    CHANGE_PASSWORD = { "UPDATE accounts SET opaque_record = $3, password = password + 1
        WHERE id = $1 AND password = $2 AND closed_at IS NULL" }
    COUNT_EVERYTHING = { "SELECT (SELECT count(*) FROM accounts WHERE closed_at IS NULL),
            (SELECT count(*) FROM accounts WHERE suspended_at IS NOT NULL AND closed_at IS NULL),
            (SELECT count(*) FROM devices WHERE revoked_at IS NULL),
            (SELECT count(*) FROM logins WHERE revoked_at IS NULL),
            (SELECT count(*) FROM rooms),
            (SELECT count(*) FROM envelopes),
            (SELECT count(*) FROM places),
            (SELECT count(*) FROM posts),
            (SELECT count(*) FROM mailbox),
            (SELECT count(*) FROM vault_records),
            (SELECT count(*) FROM blobs WHERE finished_at IS NOT NULL),
            (SELECT count(*) FROM blobs WHERE finished_at IS NULL),
            (SELECT count(*) FROM blobs WHERE finished_at IS NOT NULL AND keep_until IS NOT NULL),
            (SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM blobs)" }
    DATABASE_BYTES = {
        sqlite "SELECT c.page_count * s.page_size FROM pragma_page_count() c, pragma_page_size() s"
        postgres "SELECT pg_database_size(current_database())"
    }

    // announcements
    /// Only while fewer than so many have not ended.
    INSERT_ANNOUNCEMENT = { "INSERT INTO announcements (id, kind, text, said_by, said_at, ends_at)
        SELECT $1, $2, $3, $4, $5, $6
        WHERE (SELECT count(*) FROM announcements WHERE ends_at > $5) < $7" }
    LIST_ANNOUNCEMENTS = { "SELECT n.id, n.kind, n.text, coalesce(a.former, a.username), n.said_at, n.ends_at,
            n.withdrawn_at
        FROM announcements n JOIN accounts a ON a.id = n.said_by
        ORDER BY n.said_at DESC, n.id LIMIT $1" }
    LIST_ANNOUNCEMENTS_IN_FORCE = { "SELECT id, kind, text, said_at, ends_at, withdrawn_at FROM announcements
        WHERE ends_at > $1 ORDER BY said_at, id LIMIT $2" }
    WITHDRAW_ANNOUNCEMENT = { "UPDATE announcements SET withdrawn_at = $2
        WHERE id = $1 AND withdrawn_at IS NULL AND ends_at > $2" }

    // reports
    INSERT_REPORT = { "INSERT INTO reports (id, reporter, room, sequence, message, place, accused, device, sent_at,
            reported_at, reason, note, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (reporter, room, sequence) DO NOTHING" }
    FIND_REPORT_OF_MESSAGE = { "SELECT id FROM reports WHERE reporter = $1 AND room = $2 AND sequence = $3" }
    LIST_OPEN_REPORTS = { "SELECT r.id, r.reporter, coalesce(p.former, p.username) AS reporter_name, r.accused,
            coalesce(a.former, a.username) AS accused_name, r.device,
            a.suspended_at IS NOT NULL AS suspended, r.room, r.place, r.sent_at, r.reported_at, r.reason, r.note,
            r.content, r.closed_at, coalesce(c.former, c.username) AS closed_by, r.outcome
        FROM reports r JOIN accounts p ON p.id = r.reporter JOIN accounts a ON a.id = r.accused
            LEFT JOIN accounts c ON c.id = r.closed_by
        WHERE r.closed_at IS NULL ORDER BY r.reported_at DESC, r.id LIMIT $1 OFFSET $2" }
    LIST_CLOSED_REPORTS = { "SELECT r.id, r.reporter, coalesce(p.former, p.username) AS reporter_name, r.accused,
            coalesce(a.former, a.username) AS accused_name, r.device,
            a.suspended_at IS NOT NULL AS suspended, r.room, r.place, r.sent_at, r.reported_at, r.reason, r.note,
            r.content, r.closed_at, coalesce(c.former, c.username) AS closed_by, r.outcome
        FROM reports r JOIN accounts p ON p.id = r.reporter JOIN accounts a ON a.id = r.accused
            LEFT JOIN accounts c ON c.id = r.closed_by
        WHERE r.closed_at IS NOT NULL ORDER BY r.reported_at DESC, r.id LIMIT $1 OFFSET $2" }
    COUNT_OPEN_REPORTS = { "SELECT count(*) FROM reports WHERE closed_at IS NULL" }
    CLOSE_REPORT = { "UPDATE reports SET closed_at = $2, closed_by = $3, outcome = $4
        WHERE id = $1 AND closed_at IS NULL" }

    // invites
    INSERT_INVITE = { "INSERT INTO invites (hash, made_by, created_at, expires_at, uses_max)
        VALUES ($1, $2, $3, $4, $5)" }
    FIND_INVITE = { "SELECT 1 FROM invites
        WHERE hash = $1 AND expires_at > $2 AND revoked_at IS NULL AND uses < uses_max" }
    CLAIM_INVITE = { "UPDATE invites SET uses = uses + 1
        WHERE hash = $1 AND expires_at > $2 AND revoked_at IS NULL AND uses < uses_max" }
    LIST_INVITES = { "SELECT i.hash, coalesce(a.former, a.username), i.created_at, i.expires_at, i.uses, i.uses_max,
            i.revoked_at
        FROM invites i JOIN accounts a ON a.id = i.made_by
        WHERE i.expires_at > $1 ORDER BY i.created_at DESC, i.hash LIMIT $2" }
    REVOKE_INVITE = { "UPDATE invites SET revoked_at = $2
        WHERE hash = $1 AND revoked_at IS NULL AND expires_at > $2" }

    // recoveries
    FIND_RECOVERY = { "SELECT a.id, k.key FROM accounts a JOIN recovery_keys k ON k.account = a.id
        WHERE a.username = $1" }
    INSERT_RECOVERY_ATTEMPT = { "INSERT INTO recovery_attempts (hash, account, key, expires_at)
        VALUES ($1, $2, $3, $4)" }
    CLAIM_RECOVERY_ATTEMPT = { "DELETE FROM recovery_attempts WHERE hash = $1
        RETURNING account, key, expires_at" }

    // links
    COUNT_LINKS = { "SELECT count(*) FROM links WHERE account = $1 AND way = 'code' AND expires_at > $2" }
    INSERT_LINK = { "INSERT INTO links (id, way, token, account, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING" }
    INSERT_LINK_MESSAGE = { "INSERT INTO link_messages (link, number, message) VALUES ($1, $2, $3)" }
    /// Changes nothing but holds the place, so that its messages come one after another.
    LOCK_LINK = { "UPDATE links SET expires_at = expires_at WHERE id = $1 AND expires_at > $2
        RETURNING way, token, account, device" }
    FIND_LINK = { "SELECT way, token, account, device FROM links WHERE id = $1 AND expires_at > $2" }
    TAKE_LINK = { "UPDATE links SET account = $2, device = $3 WHERE id = $1" }
    DELETE_LINK = { "DELETE FROM links WHERE id = $1" }
    LIST_LINK_MESSAGES = { "SELECT number, message FROM link_messages WHERE link = $1 AND number > $2
        ORDER BY number" }
    COUNT_LINK_MESSAGES = { "SELECT count(*) FROM link_messages WHERE link = $1" }
    FIND_LINK_MESSAGE = { "SELECT message FROM link_messages WHERE link = $1 AND number = $2" }
    LIST_LINKS_WAITING = { "SELECT id, expires_at FROM links
        WHERE account = $1 AND device IS NULL AND expires_at > $2 ORDER BY expires_at DESC, id" }

    // vault
    INSERT_VAULT = { "INSERT INTO vaults (account, records) VALUES ($1, 0) ON CONFLICT DO NOTHING" }
    /// Changes nothing but holds the vault, so that appends to it happen one after another.
    LOCK_VAULT = { "UPDATE vaults SET records = records WHERE account = $1 RETURNING records, bytes" }
    MOVE_VAULT = { "UPDATE vaults SET records = $2, bytes = $3 WHERE account = $1" }
    COUNT_VAULT_RECORDS = { "SELECT records FROM vaults WHERE account = $1" }
    LIST_VAULT_RECORDS = { "SELECT record FROM vault_records WHERE account = $1 AND number >= $2
        ORDER BY number LIMIT $3" }
    /// Bytes under a hash never change, or whoever writes last could put noise in the place of a key in force.
    UPSERT_VAULT_KEY = { "INSERT INTO vault_keys (account, hash, bytes, position) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account, hash) DO UPDATE SET position = excluded.position" }
    LIST_VAULT_KEYS = { "SELECT hash, bytes, position FROM vault_keys WHERE account = $1
        ORDER BY position, hash" }
    DELETE_VAULT_KEY = { "DELETE FROM vault_keys WHERE account = $1 AND hash = $2" }
    DELETE_VAULT = { "DELETE FROM vaults WHERE account = $1" }
    DELETE_VAULT_RECORDS = { "DELETE FROM vault_records WHERE account = $1" }
    DELETE_VAULT_KEYS = { "DELETE FROM vault_keys WHERE account = $1" }

    // prekeys
    /// Holds the device's row, so that uploads of one device happen one after another.
    LOCK_DEVICE = { "UPDATE devices SET created_at = created_at
        WHERE account = $1 AND device = $2 AND revoked_at IS NULL" }
    DELETE_PREKEYS = { "DELETE FROM prekeys WHERE account = $1 AND device = $2" }
    COUNT_PREKEYS = { "SELECT (SELECT count(*) FROM prekeys WHERE account = $1 AND device = $2),
        (SELECT count(*) FROM last_resort_prekeys WHERE account = $1 AND device = $2)" }
    LIST_PREKEY_IDS = { "SELECT id FROM prekeys WHERE account = $1 AND device = $2" }
    LIST_CLAIMED_PREKEYS = { "SELECT id, digest FROM claimed_prekeys
        WHERE account = $1 AND device = $2 AND id BETWEEN $3 AND $4" }
    DELETE_CLAIMED_PREKEYS = { "DELETE FROM claimed_prekeys WHERE account = $1 AND device = $2" }
    UPSERT_LAST_RESORT = { "INSERT INTO last_resort_prekeys (account, device, id, bundle)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (account, device) DO UPDATE SET id = excluded.id, bundle = excluded.bundle" }
    FIND_LAST_RESORT = { "SELECT bundle FROM last_resort_prekeys WHERE account = $1 AND device = $2" }
    /// On PostgreSQL the inner SELECT runs once and locks its row; claimers that meet skip each other's.
    CLAIM_PREKEY = {
        sqlite "DELETE FROM prekeys WHERE account = $1 AND device = $2 AND id = (
                SELECT id FROM prekeys WHERE account = $1 AND device = $2 ORDER BY id LIMIT 1
            ) RETURNING id, bundle"
        postgres "DELETE FROM prekeys WHERE account = $1 AND device = $2 AND id = (
                SELECT id FROM prekeys WHERE account = $1 AND device = $2 ORDER BY id LIMIT 1
                FOR UPDATE SKIP LOCKED
            ) RETURNING id, bundle"
    }

    // rooms
    INSERT_DIRECT_ROOM = { "INSERT INTO rooms (id, low, high, head, created_at)
        SELECT $1, low.id, high.id, 0, $4 FROM accounts low, accounts high
        WHERE low.id = $2 AND high.id = $3
        ON CONFLICT (id) DO NOTHING" }
    FIND_DIRECT_ROOM = { "SELECT id, low, high FROM rooms WHERE id = $1" }
    LIST_ROOM_HEADS = { "SELECT id, head FROM rooms WHERE (low = $1 OR high = $1) AND head > 0 ORDER BY id" }

    // messages
    LIST_ENVELOPES = { "SELECT sequence, id, account, device, received_at, class, head_low, head_high, target, body
        FROM envelopes WHERE room = $1 AND sequence > $2 ORDER BY sequence LIMIT $3" }
    LIST_ENVELOPES_BEFORE = { "SELECT sequence, id, account, device, received_at, class, head_low, head_high,
            target, body
        FROM envelopes WHERE room = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3" }
    FIND_ROOM_HEAD = { "SELECT head FROM rooms WHERE id = $1" }

    // places
    INSERT_PLACE = { "INSERT INTO places (id, head, revision) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING" }
    /// Behind the locks of accounts, before those of rooms.
    LOCK_PLACE = {
        sqlite "SELECT head, revision FROM places WHERE id = $1"
        postgres "SELECT head, revision FROM places WHERE id = $1 FOR NO KEY UPDATE"
    }
    FIND_PLACE = { "SELECT head, revision FROM places WHERE id = $1" }
    MOVE_PLACE = { "UPDATE places SET head = $2, revision = revision + 1 WHERE id = $1" }
    /// The account is locked, so that it becomes a member of no other place meanwhile.
    LOCK_PLACES_OF_ACCOUNT = {
        sqlite "SELECT id FROM places
            WHERE id IN (SELECT place FROM place_members WHERE account = $1 AND member) ORDER BY id"
        postgres "SELECT id FROM places
            WHERE id IN (SELECT place FROM place_members WHERE account = $1 AND member) ORDER BY id
            FOR NO KEY UPDATE"
    }
    REVISE_PLACES_OF_ACCOUNT = { "UPDATE places SET revision = revision + 1
        WHERE id IN (SELECT place FROM place_members WHERE account = $1 AND member)" }
    OWE_IN_PLACES_OF_ACCOUNT = { "INSERT INTO place_owed (place, account, sequence)
        SELECT place, account, $2 FROM place_members WHERE account = $1 AND member
        ON CONFLICT (place, account) DO UPDATE SET sequence = excluded.sequence" }
    UPSERT_OWED = { "INSERT INTO place_owed (place, account, sequence) VALUES ($1, $2, $3)
        ON CONFLICT (place, account) DO UPDATE SET sequence = excluded.sequence" }
    DELETE_OWED = { "DELETE FROM place_owed WHERE place = $1 AND account = $2" }
    LIST_OWED = { "SELECT account, sequence FROM place_owed WHERE place = $1 ORDER BY account" }
    INSERT_PLACE_ENTRY = { "INSERT INTO place_entries (place, sequence, bytes) VALUES ($1, $2, $3)" }
    FIND_PLACE_ENTRY = { "SELECT bytes FROM place_entries WHERE place = $1 AND sequence = $2" }
    LIST_PLACE_ENTRIES = { "SELECT bytes FROM place_entries
        WHERE place = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4" }
    UPSERT_PLACE_SNAPSHOT = { "INSERT INTO place_snapshots (place, sequence, bytes) VALUES ($1, $2, $3)
        ON CONFLICT (place) DO UPDATE SET sequence = excluded.sequence, bytes = excluded.bytes
        WHERE place_snapshots.sequence < excluded.sequence" }
    FIND_PLACE_SNAPSHOT = { "SELECT sequence, bytes FROM place_snapshots WHERE place = $1" }
    DELETE_PLACE_SNAPSHOT = { "DELETE FROM place_snapshots WHERE place = $1" }
    UPSERT_PLACE_MEMBER = { "INSERT INTO place_members (account, place, member) VALUES ($1, $2, $3)
        ON CONFLICT (account, place) DO UPDATE SET member = excluded.member" }
    DELETE_PLACE_MEMBER = { "DELETE FROM place_members WHERE account = $1 AND place = $2" }
    UPSERT_PLACE_DEPARTURE = { "INSERT INTO place_departures (account, place, sequence) VALUES ($1, $2, $3)
        ON CONFLICT (account, place) DO UPDATE SET sequence = excluded.sequence" }
    DELETE_PLACE_DEPARTURE = { "DELETE FROM place_departures WHERE account = $1 AND place = $2" }
    FIND_PLACE_DEPARTURE = { "SELECT sequence FROM place_departures WHERE account = $1 AND place = $2" }
    FIND_PLACE_MEMBER = { "SELECT member FROM place_members WHERE account = $1 AND place = $2" }
    COUNT_PLACES = { "SELECT count(*) FROM place_members WHERE account = $1" }
    LIST_PLACES = { "SELECT p.id, p.head, m.member FROM place_members m JOIN places p ON p.id = m.place
        WHERE m.account = $1 ORDER BY p.id" }
    LIST_RETURNED = { "SELECT DISTINCT a.id, a.replaced_by FROM place_members own
        JOIN place_members m ON m.place = own.place JOIN accounts a ON a.id = m.account
        WHERE own.account = $1 AND own.member AND m.member AND a.replaced_by IS NOT NULL ORDER BY a.id" }
    INSERT_PLACE_ROOM = { "INSERT INTO place_rooms (room, place, channel, head, gone)
        VALUES ($1, $2, $3, 0, FALSE)" }
    END_PLACE_ROOM = { "UPDATE place_rooms SET gone = TRUE WHERE room = $1" }
    FIND_PLACE_ROOM = { "SELECT room, place, channel, head FROM place_rooms WHERE room = $1 AND NOT gone" }
    LIST_PLACE_ROOMS = { "SELECT r.room, r.place, r.channel, r.head FROM place_members m
        JOIN place_rooms r ON r.place = m.place
        WHERE m.account = $1 AND m.member AND r.head > 0 AND NOT r.gone ORDER BY r.place, r.room" }
    LIST_POSTS = { "SELECT sequence, id, account, device, received_at, class, epoch, head, target, thread,
            expires_at, body
        FROM posts WHERE room = $1 AND sequence > $2 AND head >= $3 AND (expires_at IS NULL OR expires_at > $4)
        ORDER BY sequence LIMIT $5" }
    LIST_POSTS_BEFORE = { "SELECT sequence, id, account, device, received_at, class, epoch, head, target,
            thread, expires_at, body
        FROM posts WHERE room = $1 AND sequence < $2 AND head >= $3 AND (expires_at IS NULL OR expires_at > $4)
        ORDER BY sequence DESC LIMIT $5" }
    FIND_SEND = { "SELECT digest, sequence, time FROM sends WHERE id = $1 AND account = $2 AND device = $3" }
    FIND_POST_TIME = { "SELECT posted_at FROM post_times WHERE room = $1 AND account = $2" }
    UPSERT_POST_TIME = { "INSERT INTO post_times (room, account, posted_at) VALUES ($1, $2, $3)
        ON CONFLICT (room, account) DO UPDATE SET posted_at = excluded.posted_at" }
    FIND_HEAD_SEQUENCE = { "SELECT max(sequence) FROM entries WHERE account = $1" }
    /// As [`LOCK_ACCOUNT`], for whoever judged by the account's chain.
    HOLD_ACCOUNT = {
        sqlite "SELECT 1 FROM accounts WHERE id = $1"
        postgres "SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE"
    }
    /// Some at a time, so that no transaction grows long.
    EXPIRE_POSTS = { "DELETE FROM posts WHERE (room, sequence) IN (
            SELECT room, sequence FROM posts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)" }
    FIND_GONE_ROOM = { "SELECT room FROM place_rooms WHERE gone ORDER BY room LIMIT 1" }
    DELETE_POSTS_OF_ROOM = { "DELETE FROM posts WHERE room = $1 AND sequence IN (
            SELECT sequence FROM posts WHERE room = $1 ORDER BY sequence LIMIT $2)" }
    /// Only an empty one: where two processes delete at once each may find fewer posts than there are, and what is
    /// left behind a room that is not known any more would stay for good.
    DELETE_GONE_ROOM = { "DELETE FROM place_rooms
        WHERE room = $1 AND gone AND NOT EXISTS (SELECT 1 FROM posts WHERE room = $1)
            AND NOT EXISTS (SELECT 1 FROM blob_claims WHERE room = $1)" }
    EXPIRE_POST_TIMES = { "DELETE FROM post_times WHERE posted_at <= $1" }

    // blobs
    /// Holds the uploader, so that the quota is counted by one upload at a time.
    LOCK_UPLOADER = {
        sqlite "SELECT closed_at, suspended_at FROM accounts WHERE id = $1"
        postgres "SELECT closed_at, suspended_at FROM accounts WHERE id = $1 FOR NO KEY UPDATE"
    }
    INSERT_BLOB = { "INSERT INTO blobs (id, account, object, size, created_at, keep_until)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING" }
    FIND_BLOB = { "SELECT id, account, object, size, finished_at FROM blobs WHERE id = $1" }
    LOCK_BLOB = {
        sqlite "SELECT id, account, object, size, finished_at FROM blobs WHERE id = $1"
        postgres "SELECT id, account, object, size, finished_at FROM blobs WHERE id = $1 FOR UPDATE"
    }
    LIST_BLOBS = { "SELECT id, account, object, size, finished_at FROM blobs WHERE id > $1 ORDER BY id LIMIT $2" }
    COUNT_STORAGE_OF_ACCOUNT = { "SELECT CAST(coalesce(sum(size), 0) AS BIGINT),
            count(CASE WHEN finished_at IS NULL THEN 1 END)
        FROM blobs WHERE account = $1" }
    COUNT_STORAGE = { "SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM blobs" }
    INSERT_BLOB_CHUNK = { "INSERT INTO blob_chunks (blob, number, hash) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING" }
    FIND_BLOB_CHUNK = { "SELECT hash FROM blob_chunks WHERE blob = $1 AND number = $2" }
    LIST_BLOB_CHUNKS = { "SELECT number, hash FROM blob_chunks WHERE blob = $1 ORDER BY number" }
    KEEP_BLOB = { "UPDATE blobs SET keep_until = $2 WHERE id = $1" }
    FINISH_BLOB = { "UPDATE blobs SET finished_at = $2, keep_until = $3 WHERE id = $1" }
    FIND_BLOB_CLAIM = { "SELECT 1 FROM blob_claims WHERE blob = $1 LIMIT 1" }
    DELETE_BLOB = { "DELETE FROM blobs WHERE id = $1" }
    /// Those that are being claimed at this moment are passed over.
    LOCK_BLOBS_TO_SWEEP = {
        sqlite "SELECT id, account, object, size, finished_at FROM blobs WHERE keep_until <= $1
            ORDER BY keep_until, id LIMIT $2"
        postgres "SELECT id, account, object, size, finished_at FROM blobs WHERE keep_until <= $1
            ORDER BY keep_until, id LIMIT $2 FOR UPDATE SKIP LOCKED"
    }
    FIND_DIRECT_CLAIM = { "SELECT 1 FROM blob_claims c JOIN rooms r ON r.id = c.room
        WHERE c.blob = $1 AND (r.low = $2 OR r.high = $2) LIMIT 1" }
    LIST_DIRECT_CLAIMS = { "SELECT DISTINCT r.id, r.low, r.high FROM blob_claims c JOIN rooms r ON r.id = c.room
        WHERE c.blob = $1 ORDER BY r.id LIMIT $2" }
    /// By the envelopes themselves: who may read one of them may read the blob.
    LIST_POST_CLAIMS = { "SELECT c.room, max(p.head) FROM blob_claims c
            JOIN posts p ON p.room = c.room AND p.sequence = c.sequence
            JOIN place_rooms r ON r.room = c.room
            JOIN place_members m ON m.place = r.place
        WHERE c.blob = $1 AND m.account = $2 AND m.member AND NOT r.gone
            AND (p.expires_at IS NULL OR p.expires_at > $3)
        GROUP BY c.room" }
    EXPIRE_CLAIMS = { "DELETE FROM blob_claims WHERE (blob, room, sequence) IN (
            SELECT blob, room, sequence FROM blob_claims WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
        RETURNING blob" }
    DELETE_CLAIMS_OF_ROOM = { "DELETE FROM blob_claims WHERE (blob, room, sequence) IN (
            SELECT blob, room, sequence FROM blob_claims WHERE room = $1 ORDER BY sequence LIMIT $2)
        RETURNING blob" }
    DROP_UPLOADS = { "DELETE FROM blobs WHERE finished_at IS NULL" }
    KEEP_UNCLAIMED_BLOBS = { "UPDATE blobs SET keep_until = $1 WHERE keep_until IS NOT NULL" }

    // mailbox
    LIST_MAILBOX = { "SELECT m.sequence, coalesce(m.id, e.id), coalesce(m.sender_account, e.account),
            coalesce(m.sender_device, e.device), m.pairwise, m.receipt, e.room, e.sequence, r.low, e.received_at, e.class,
            e.head_low, e.head_high, e.target, e.body
        FROM mailbox m
        LEFT JOIN envelopes e ON e.room = m.room AND e.sequence = m.envelope
        LEFT JOIN rooms r ON r.id = m.room
        WHERE m.account = $1 AND m.device = $2 AND m.sequence > $3
        ORDER BY m.sequence LIMIT $4" }
    /// Nothing beyond the last message that was put in, and nothing twice.
    ACKNOWLEDGE = { "UPDATE devices SET acknowledged = $3
        WHERE account = $1 AND device = $2 AND acknowledged < $3 AND mailbox_head >= $3" }
    DELETE_ACKNOWLEDGED = { "DELETE FROM mailbox WHERE account = $1 AND device = $2 AND sequence <= $3" }
    FIND_DEVICE_STATE = { "SELECT last_accepted, acknowledged,
            (SELECT count(*) FROM prekeys p WHERE p.account = d.account AND p.device = d.device)
        FROM devices d WHERE account = $1 AND device = $2" }

    // push
    FIND_PUSH = { "SELECT login FROM push_subscriptions WHERE account = $1 AND device = $2" }
    /// One browser is one device: the newer takes the older's place, whosesoever it was.
    DELETE_PUSH_ELSEWHERE = { "DELETE FROM push_subscriptions
        WHERE endpoint = $1 AND NOT (account = $2 AND device = $3)" }
    UPSERT_PUSH = { "INSERT INTO push_subscriptions (account, device, login, endpoint, key, secret, created_at,
            not_before)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
        ON CONFLICT (account, device) DO UPDATE SET login = excluded.login, endpoint = excluded.endpoint,
            key = excluded.key, secret = excluded.secret" }
    DELETE_PUSH = { "DELETE FROM push_subscriptions WHERE account = $1 AND device = $2" }
    DELETE_GONE_PUSH = { "DELETE FROM push_subscriptions WHERE account = $1 AND device = $2 AND endpoint = $3" }
    DELETE_PUSH_LEVELS = { "DELETE FROM push_levels WHERE account = $1 AND device = $2" }
    HAS_PUSH = { "SELECT 1 FROM push_subscriptions LIMIT 1" }
    LIST_PUSH_MOVES = { "SELECT room, since, up_to FROM push_moves WHERE due_at <= $1 ORDER BY due_at LIMIT $2" }
    /// Only as it was when its readers were looked at: who is second finds nothing.
    TAKE_PUSH_MOVE = { "DELETE FROM push_moves WHERE room = $1 AND since = $2 AND up_to = $3" }
    /// What was stored meanwhile is looked at next.
    CUT_PUSH_MOVE = { "UPDATE push_moves SET since = $3 + 1, due_at = $4
        WHERE room = $1 AND since = $2 AND up_to > $3" }
    /// Who wrote, and the newest entry of the place that they saw.
    LIST_PUSH_WRITERS = { "SELECT account, CAST(0 AS BIGINT) FROM envelopes
            WHERE room = $1 AND sequence BETWEEN $2 AND $3 AND class = 'message' GROUP BY account
        UNION ALL SELECT account, max(head) FROM posts
            WHERE room = $1 AND sequence BETWEEN $2 AND $3 AND class = 'message'
                AND (expires_at IS NULL OR expires_at > $4) GROUP BY account" }
    /// The devices of a direct room that can be woken, and what of these messages they have not acknowledged.
    LIST_PUSH_TARGETS = { "SELECT s.account, s.device,
            (SELECT max(m.sequence) FROM mailbox m WHERE m.account = s.account AND m.device = s.device
                AND m.room = $1 AND m.envelope BETWEEN $2 AND $3),
            (SELECT l.level FROM push_levels l WHERE l.account = s.account AND l.device = s.device
                AND l.room = $1 AND (l.ends_at IS NULL OR l.ends_at > $4))
        FROM rooms r JOIN push_subscriptions s ON s.account = r.low OR s.account = r.high
        WHERE r.id = $1 AND r.low <> r.high
            AND NOT EXISTS (SELECT 1 FROM presence p
                WHERE p.account = s.account AND p.availability = 'do_not_disturb')
        ORDER BY s.account, s.device" }
    LIST_PUSH_TARGETS_OF_PLACE = { "SELECT s.account, s.device,
            (SELECT l.level FROM push_levels l WHERE l.account = s.account AND l.device = s.device
                AND l.room = $1 AND (l.ends_at IS NULL OR l.ends_at > $2))
        FROM place_rooms r JOIN place_members m ON m.place = r.place AND m.member
            JOIN push_subscriptions s ON s.account = m.account
        WHERE r.room = $1 AND NOT r.gone
            AND NOT EXISTS (SELECT 1 FROM presence p
                WHERE p.account = s.account AND p.availability = 'do_not_disturb')
        ORDER BY s.account, s.device" }
    /// One for each device, however much there is: what is added makes it due no later and no sooner.
    UPSERT_PUSH_WAKE = { "INSERT INTO push_wakes (account, device, room, softly, mailbox, posts, made_at, moved_at,
            revision, due_at, attempts)
        SELECT s.account, s.device, $3, $4, $5, $6, $7, $7, 1,
            CASE WHEN s.not_before > $7 THEN s.not_before ELSE $7 END, 0
        FROM push_subscriptions s WHERE s.account = $1 AND s.device = $2
        ON CONFLICT (account, device) DO UPDATE SET
            room = CASE WHEN push_wakes.room = excluded.room THEN excluded.room ELSE NULL END,
            softly = push_wakes.softly AND excluded.softly,
            mailbox = CASE WHEN push_wakes.mailbox > excluded.mailbox THEN push_wakes.mailbox
                ELSE excluded.mailbox END,
            posts = push_wakes.posts OR excluded.posts,
            moved_at = excluded.moved_at, revision = push_wakes.revision + 1" }
    /// With whether a login that is in force still stands behind it.
    LIST_PUSH_WAKES = { "SELECT w.account, w.device, w.room, w.softly, w.mailbox, w.posts, w.made_at, w.moved_at,
            w.revision, w.due_at, w.attempts, s.endpoint, s.key, s.secret, d.acknowledged,
            EXISTS (SELECT 1 FROM logins l JOIN accounts a ON a.id = l.account
                WHERE l.id = s.login AND l.account = s.account AND l.device = s.device
                    AND l.revoked_at IS NULL AND a.closed_at IS NULL AND a.suspended_at IS NULL
                    AND d.revoked_at IS NULL)
        FROM push_wakes w JOIN push_subscriptions s ON s.account = w.account AND s.device = w.device
            JOIN devices d ON d.account = w.account AND d.device = w.device
        WHERE w.due_at <= $1 ORDER BY w.due_at LIMIT $2" }
    /// A lease: nobody else finds it due before it ends.
    CLAIM_PUSH_WAKE = { "UPDATE push_wakes SET due_at = $4, attempts = attempts + 1
        WHERE account = $1 AND device = $2 AND due_at = $3" }
    DELETE_PUSH_WAKE = { "DELETE FROM push_wakes WHERE account = $1 AND device = $2 AND revision = $3" }
    /// What came while it was sent waits for a wake of its own.
    RENEW_PUSH_WAKE = { "UPDATE push_wakes SET due_at = $4, attempts = 0, made_at = moved_at
        WHERE account = $1 AND device = $2 AND revision > $3" }
    POSTPONE_PUSH_WAKE = { "UPDATE push_wakes SET due_at = $3, attempts = $4 WHERE account = $1 AND device = $2" }
    PAUSE_PUSH = { "UPDATE push_subscriptions SET not_before = $3 WHERE account = $1 AND device = $2" }
    NEXT_PUSH = { "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM push_moves
        UNION ALL SELECT min(due_at) AS due_at FROM push_wakes) AS dues" }
    COUNT_PUSH = { "SELECT (SELECT count(*) FROM push_subscriptions), (SELECT count(*) FROM push_wakes)" }
    /// A subscription lives no longer than the login that made it.
    EXPIRE_PUSH = { "DELETE FROM push_subscriptions WHERE NOT EXISTS (
            SELECT 1 FROM logins l JOIN accounts a ON a.id = l.account
                JOIN devices d ON d.account = l.account AND d.device = l.device
            WHERE l.id = push_subscriptions.login AND l.account = push_subscriptions.account
                AND l.device = push_subscriptions.device AND l.revoked_at IS NULL AND a.closed_at IS NULL
                AND a.suspended_at IS NULL AND d.revoked_at IS NULL)" }
    EXPIRE_PUSH_MOVES = { "DELETE FROM push_moves WHERE due_at < $1" }
    EXPIRE_PUSH_WAKES = { "DELETE FROM push_wakes WHERE moved_at < $1" }
    DROP_PUSH_MOVES = { "DELETE FROM push_moves" }
    DROP_PUSH_WAKES = { "DELETE FROM push_wakes" }

    // restores
    FIND_RESTORE = { "SELECT epoch, restored_at, made_at FROM restores" }
    UPSERT_RESTORE = { "INSERT INTO restores (slot, epoch, restored_at, made_at) VALUES (1, $1, $2, $3)
        ON CONFLICT (slot) DO UPDATE SET epoch = excluded.epoch, restored_at = excluded.restored_at,
            made_at = excluded.made_at" }
    /// What is used once and may have been used behind the backup.
    DROP_PREKEYS = { "DELETE FROM prekeys" }
    DROP_TICKETS = { "DELETE FROM tickets" }
    DROP_LOGIN_ATTEMPTS = { "DELETE FROM login_attempts" }
    DROP_DEVICE_ATTEMPTS = { "DELETE FROM device_attempts" }
    DROP_RECOVERY_ATTEMPTS = { "DELETE FROM recovery_attempts" }
    DROP_PENDING_TOKENS = { "DELETE FROM pending_tokens" }
    DROP_LINKS = { "DELETE FROM links" }
    DROP_JOBS = { "DELETE FROM jobs" }
    /// Numbers that were given out behind the backup are not given out again.
    LEAP_ROOMS = { "UPDATE rooms SET head = head + $1" }
    LEAP_PLACE_ROOMS = { "UPDATE place_rooms SET head = head + $1" }
    LEAP_MAILBOXES = { "UPDATE devices SET mailbox_head = mailbox_head + $1" }

    // jobs
    /// One at a time, and when it is due. A lease or a due time that lies further ahead than any that is given out
    /// comes from a clock that was wrong, and holds nothing up.
    CLAIM_JOB = { "INSERT INTO jobs (name, holder, leased_until, due_at, began_at, runs, failures)
        VALUES ($1, $2, $4, $3, $3, 1, 0)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until,
            began_at = excluded.began_at, runs = jobs.runs + 1
        WHERE (jobs.holder IS NULL OR jobs.leased_until <= $3 OR jobs.leased_until > $4)
            AND (jobs.due_at <= $3 OR jobs.due_at > $5)" }
    RENEW_JOB = { "UPDATE jobs SET leased_until = $3 WHERE name = $1 AND holder = $2" }
    FINISH_JOB = { "UPDATE jobs SET holder = NULL, leased_until = NULL, ended_at = $3, took_ms = $4, due_at = $5,
            done = $6, succeeded_at = $3, error = NULL
        WHERE name = $1 AND holder = $2" }
    FAIL_JOB = { "UPDATE jobs SET holder = NULL, leased_until = NULL, ended_at = $3, took_ms = $4, due_at = $5,
            failed_at = $3, error = $6, failures = failures + 1
        WHERE name = $1 AND holder = $2" }
    LIST_JOBS = { "SELECT name, holder, leased_until, due_at, began_at, ended_at, took_ms, done, succeeded_at,
            failed_at, error, runs, failures
        FROM jobs ORDER BY name" }
    EXPIRE_LOGIN_ATTEMPTS = { "DELETE FROM login_attempts WHERE expires_at <= $1" }
    EXPIRE_TICKETS = { "DELETE FROM tickets WHERE expires_at <= $1" }
    EXPIRE_INVITES = { "DELETE FROM invites WHERE expires_at <= $1" }
    EXPIRE_DEVICE_ATTEMPTS = { "DELETE FROM device_attempts WHERE expires_at <= $1" }
    EXPIRE_RECOVERY_ATTEMPTS = { "DELETE FROM recovery_attempts WHERE expires_at <= $1" }
    EXPIRE_PENDING_TOKENS = { "DELETE FROM pending_tokens WHERE expires_at <= $1" }
    EXPIRE_LINKS = { "DELETE FROM links WHERE expires_at <= $1" }
    /// The last login of an active device stays: it says when the device was seen.
    EXPIRE_IDLE_LOGINS = { "DELETE FROM logins WHERE refreshed_at < $1 AND (
            EXISTS (SELECT 1 FROM logins n WHERE n.account = logins.account AND n.device = logins.device
                AND (n.refreshed_at > logins.refreshed_at
                    OR (n.refreshed_at = logins.refreshed_at AND n.id > logins.id)))
            OR EXISTS (SELECT 1 FROM devices d WHERE d.account = logins.account
                AND d.device = logins.device AND d.revoked_at IS NOT NULL))" }
    /// The logins of a revoked device stay for as long as its refresh token could come, so that it hears why.
    EXPIRE_REVOKED_LOGINS = { "DELETE FROM logins WHERE revoked_at < $1
            AND EXISTS (SELECT 1 FROM logins n WHERE n.account = logins.account
                AND n.device = logins.device AND (n.refreshed_at > logins.refreshed_at
                    OR (n.refreshed_at = logins.refreshed_at AND n.id > logins.id)))
            AND EXISTS (SELECT 1 FROM devices d WHERE d.account = logins.account
                AND d.device = logins.device AND d.revoked_at IS NULL)" }
}

lists! {
    // vault
    INSERT_VAULT_RECORDS = List {
        before: "INSERT INTO vault_records (account, number, record) ",
        row: Some(3),
        after: Statement::same(""),
    };

    // prekeys
    INSERT_PREKEYS = List {
        before: "INSERT INTO prekeys (account, device, id, bundle) ",
        row: Some(4),
        after: Statement::same(" ON CONFLICT DO NOTHING"),
    };
    INSERT_CLAIMED_PREKEYS = List {
        before: "INSERT INTO claimed_prekeys (account, device, id, digest) ",
        row: Some(4),
        after: Statement::same(" ON CONFLICT (account, device, id) DO UPDATE SET digest = excluded.digest"),
    };

    // push
    INSERT_PUSH_LEVELS = List {
        before: "INSERT INTO push_levels (account, device, room, level, ends_at) ",
        row: Some(5),
        after: Statement::same(" ON CONFLICT DO NOTHING"),
    };
    /// In order of the rooms. Whoever stores messages of a room holds the room itself, and so waits for nobody here but
    /// the one who looks at its readers.
    MOVE_PUSH = List {
        before: "INSERT INTO push_moves (room, since, up_to, due_at) ",
        row: Some(4),
        after: Statement::same(" ON CONFLICT (room) DO UPDATE SET up_to = excluded.up_to"),
    };

    // messages
    /// In order of the ids, so that two batches never wait for each other in a circle.
    LOCK_ROOMS = List {
        before: "SELECT id, low, high, head, created_at FROM rooms WHERE id IN (",
        row: None,
        after: Statement { sqlite: ") ORDER BY id", postgres: ") ORDER BY id FOR NO KEY UPDATE" },
    };
    /// In order of the addresses, after the rooms.
    LOCK_DEVICES = List {
        before: "SELECT account, device, created_at, mailbox_head, acknowledged, last_accepted FROM devices
            WHERE revoked_at IS NULL AND account IN (",
        row: None,
        after: Statement {
            sqlite: ") ORDER BY account, device",
            postgres: ") ORDER BY account, device FOR NO KEY UPDATE",
        },
    };
    FIND_SENDS = List {
        before: "SELECT id, account, device, digest, room, sequence, time FROM sends WHERE id IN (",
        row: None,
        after: Statement::same(")"),
    };
    /// Those of these accounts that give and get no receipts.
    LIST_WITHOUT_RECEIPTS = List {
        before: "SELECT account FROM presence WHERE NOT receipts AND account IN (",
        row: None,
        after: Statement::same(")"),
    };
    INSERT_SENDS = List {
        before: "INSERT INTO sends (id, account, device, digest, room, sequence, time) ",
        row: Some(7),
        after: Statement::same(""),
    };
    INSERT_ENVELOPES = List {
        before: "INSERT INTO envelopes (room, sequence, id, account, device, received_at, class, head_low,
            head_high, target, body) ",
        row: Some(11),
        after: Statement::same(""),
    };
    /// Of whole blobs; in order of the ids, behind all other locks. The sweep waits for them or is waited for.
    LOCK_BLOBS = List {
        before: "SELECT id FROM blobs WHERE finished_at IS NOT NULL AND id IN (",
        row: None,
        after: Statement { sqlite: ") ORDER BY id", postgres: ") ORDER BY id FOR NO KEY UPDATE" },
    };
    INSERT_CLAIMS = List {
        before: "INSERT INTO blob_claims (blob, room, sequence, expires_at) ",
        row: Some(4),
        after: Statement::same(""),
    };
    KEEP_CLAIMED_BLOBS = List {
        before: "UPDATE blobs SET keep_until = NULL WHERE keep_until IS NOT NULL AND id IN (",
        row: None,
        after: Statement::same(")"),
    };
    FIND_OBJECTS = List {
        before: "SELECT object FROM blobs WHERE object IN (",
        row: None,
        after: Statement::same(")"),
    };
    /// In order of the ids, before the rooms. A share, so that posts do not wait for each other here.
    LOCK_PLACES = List {
        before: "SELECT id, revision FROM places WHERE id IN (",
        row: None,
        after: Statement { sqlite: ") ORDER BY id", postgres: ") ORDER BY id FOR SHARE" },
    };
    /// In order of the ids, after direct rooms.
    LOCK_PLACE_ROOMS = List {
        before: "SELECT room, place, channel, head FROM place_rooms WHERE NOT gone AND room IN (",
        row: None,
        after: Statement { sqlite: ") ORDER BY room", postgres: ") ORDER BY room FOR NO KEY UPDATE" },
    };
    INSERT_POSTS = List {
        before: "INSERT INTO posts (room, sequence, id, account, device, received_at, class, epoch, head, target,
            thread, expires_at, body) ",
        row: Some(13),
        after: Statement::same(""),
    };
    /// As [`MOVE_ROOMS`].
    MOVE_PLACE_ROOMS = List {
        before: "INSERT INTO place_rooms (room, place, channel, head, gone) ",
        row: Some(5),
        after: Statement::same(" ON CONFLICT (room) DO UPDATE SET head = excluded.head"),
    };
    INSERT_MAILBOX = List {
        before: "INSERT INTO mailbox (account, device, sequence, room, envelope, id, sender_account,
            sender_device, pairwise, receipt) ",
        row: Some(10),
        after: Statement::same(""),
    };
    /// The rows are there and locked; this form alone gives many rows their new values on both engines.
    MOVE_ROOMS = List {
        before: "INSERT INTO rooms (id, low, high, head, created_at) ",
        row: Some(5),
        after: Statement::same(" ON CONFLICT (id) DO UPDATE SET head = excluded.head"),
    };
    MOVE_DEVICES = List {
        before: "INSERT INTO devices (account, device, created_at, mailbox_head, acknowledged, last_accepted) ",
        row: Some(6),
        after: Statement::same(" ON CONFLICT (account, device) DO UPDATE
            SET mailbox_head = excluded.mailbox_head, last_accepted = excluded.last_accepted"),
    };
}

/// Begins a transaction that sees one moment to its end. It may wait between two reads for as long as a slow
/// disk takes what was read.
pub(crate) const BEGIN_EXPORT: Statement = Statement {
    sqlite: "BEGIN DEFERRED",
    postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0",
};

/// Begins a transaction that fills the database and may wait for what it is filled from.
pub(crate) const BEGIN_FILL: Statement = Statement {
    sqlite: "BEGIN IMMEDIATE",
    postgres: "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0",
};

/// A batch of a table's rows in the order of its key, from the beginning or behind a key.
pub(crate) fn export_text(table: &Table, engine: Engine, behind: bool) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    // The order of bytes, which SQLite has by itself.
    let is_text = |name: &&str| table.columns.contains(&(*name, Kind::Text));
    let key: Vec<String> = table
        .key
        .iter()
        .map(|name| match engine {
            Engine::Postgres if is_text(name) => format!("{name} COLLATE \"C\""),
            _ => (*name).to_owned(),
        })
        .collect();
    let bounds: Vec<String> = (1..=key.len()).map(|number| format!("${number}")).collect();
    let condition = if behind {
        format!(" WHERE ({}) > ({})", key.join(", "), bounds.join(", "))
    } else {
        String::new()
    };
    format!(
        "SELECT {} FROM {}{condition} ORDER BY {} LIMIT {ROWS}",
        columns.join(", "),
        table.name,
        key.join(", "),
    )
}

/// What stands before the values of rows for a table.
pub(crate) fn fill_text(table: &Table) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    format!("INSERT INTO {} ({}) ", table.name, columns.join(", "))
}

/// A row of a table, to see whether there is any.
pub(crate) fn is_empty_text(table: &Table) -> String {
    format!("SELECT 1 FROM {} LIMIT 1", table.name)
}

/// Keeps others from writing to a table; PostgreSQL alone needs it.
pub(crate) fn lock_text(table: &Table) -> String {
    format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", table.name)
}

impl Db {
    /// Prepares every statement, which fails when one does not fit the schema. Answers their number.
    pub async fn prepare_every_statement(&self) -> Result<usize, DbError> {
        let engine = self.engine();
        let mut texts: Vec<(&str, String)> = STATEMENTS
            .iter()
            .map(|(name, statement)| (*name, statement.on(engine).to_owned()))
            .collect();
        for (name, list) in LISTS {
            texts.extend([1, 2, ROWS].map(|rows| (*name, list.sample_on(engine, rows))));
        }
        for table in TABLES {
            texts.push((table.name, export_text(table, engine, false)));
            texts.push((table.name, export_text(table, engine, true)));
            texts.push((table.name, is_empty_text(table)));
            let values: Vec<String> = (1..=table.columns.len())
                .map(|number| format!("${number}"))
                .collect();
            let text = format!("{}VALUES ({})", fill_text(table), values.join(", "));
            texts.push((table.name, text));
        }
        on_engine!(
            self,
            write | connection | {
                for (name, text) in &texts {
                    let text = sqlx::AssertSqlSafe(text.as_str()).into_sql_str();
                    if let Err(error) = (&mut *connection).prepare(text).await {
                        return Err(DbError::Internal(format!("{name}: {error}")));
                    }
                }
            }
        );
        Ok(texts.len())
    }
}

impl List {
    fn sample_on(&self, engine: Engine, rows: usize) -> String {
        match engine {
            Engine::Sqlite => self.sample::<sqlx::Sqlite>(engine, rows),
            Engine::Postgres => self.sample::<sqlx::Postgres>(engine, rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_powers_of_two_and_lose_nothing() {
        for count in [0, 1, 2, 3, 7, 63, 64, 65, 200] {
            let rows: Vec<usize> = (0..count).collect();
            let cut: Vec<&[usize]> = pieces(&rows).collect();
            assert!(
                cut.iter()
                    .all(|piece| piece.len().is_power_of_two() && piece.len() <= ROWS)
            );
            assert_eq!(cut.concat(), rows);

            let cut: Vec<Vec<usize>> = padded_pieces(&rows).collect();
            assert!(
                cut.iter()
                    .all(|piece| piece.len().is_power_of_two() && piece.len() <= ROWS)
            );
            let mut all = cut.concat();
            all.dedup();
            assert_eq!(all, rows);
        }
    }
}
