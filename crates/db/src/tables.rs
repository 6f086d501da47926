//! Every table with its columns, for what takes the database as a whole: the move to another engine, backup
//! and restore.
//!
//! One more table or column is one more line here; a test compares the list with the schema of both engines.
//! A table stands behind those that it refers to.

/// What a column holds, on either engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    Bytes,
    /// Text.
    Text,
    /// A number or a time.
    Number,
    /// True or false.
    Truth,
}

impl Kind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Text => "text",
            Self::Number => "number",
            Self::Truth => "truth",
        }
    }
}

/// One table.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [(&'static str, Kind)],
    /// The columns of its primary key, by which rows are ordered.
    pub key: &'static [&'static str],
}

impl Table {
    /// Where the columns of the key stand among all.
    pub(crate) fn key_positions(&self) -> impl Iterator<Item = usize> {
        let at = |name: &str| self.columns.iter().position(|(column, _)| *column == name);
        self.key.iter().filter_map(move |name| at(name))
    }
}

/// The table of a name.
pub fn find_table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

macro_rules! tables {
    ($($name:ident ($($column:ident $kind:ident),* $(,)?) key ($($key:ident),*);)*) => {
        /// All tables, each behind those that it refers to.
        pub const TABLES: &[Table] = &[$(Table {
            name: stringify!($name),
            columns: &[$((stringify!($column), Kind::$kind)),*],
            key: &[$(stringify!($key)),*],
        }),*];
    };
}

tables! {
    accounts (
        id Bytes, username Text, administrator Truth, opaque_record Bytes, created_at Number, password Number,
        closed_at Number, former Text, replaced_by Bytes, suspended_at Number,
    ) key (id);
    setup (slot Number, used_at Number) key (slot);
    entries (account Bytes, sequence Number, bytes Bytes) key (account, sequence);
    devices (
        account Bytes, device Number, created_at Number, revoked_at Number, mailbox_head Number,
        acknowledged Number, last_accepted Bytes,
    ) key (account, device);
    login_attempts (
        hash Bytes, account Bytes, state Bytes, expires_at Number, password Number,
    ) key (hash);
    logins (
        id Bytes, account Bytes, device Number, created_at Number, refreshed_at Number,
        generation Number, revoked_at Number, proved_at Number,
    ) key (id);
    refresh_tokens (hash Bytes, login Bytes, generation Number, attempt Bytes, nonce Bytes) key (hash);
    tickets (hash Bytes, login Bytes, expires_at Number) key (hash);
    invites (
        hash Bytes, made_by Bytes, created_at Number, expires_at Number, uses Number, uses_max Number, revoked_at Number,
    ) key (hash);
    second_steps (account Bytes, secret Bytes, on_since Number, last_step Number) key (account);
    backup_codes (account Bytes, hash Bytes) key (account, hash);
    presence (account Bytes, availability Text, last_seen Text, receipts Truth, typing Truth) key (account);
    settings (name Text, value Text) key (name);
    announcements (
        id Bytes, kind Text, text Text, said_by Bytes, said_at Number, ends_at Number, withdrawn_at Number,
    ) key (id);
    reports (
        id Bytes, reporter Bytes, room Bytes, sequence Number, message Bytes, place Bytes, accused Bytes, device Number,
        sent_at Number, reported_at Number, reason Text, note Text, content Bytes, closed_at Number, closed_by Bytes,
        outcome Text,
    ) key (id);
    audit (sequence Number, time Number, actor Bytes, act Text, subject Text, hash Bytes) key (sequence);
    audit_head (slot Number, sequence Number, hash Bytes) key (slot);
    prekeys (account Bytes, device Number, id Number, bundle Bytes) key (account, device, id);
    claimed_prekeys (account Bytes, device Number, id Number, digest Bytes) key (account, device, id);
    last_resort_prekeys (account Bytes, device Number, id Number, bundle Bytes) key (account, device);
    rooms (id Bytes, low Bytes, high Bytes, head Number, created_at Number) key (id);
    sends (
        id Bytes, account Bytes, device Number, digest Bytes, room Bytes, sequence Number, time Number,
    ) key (id, account, device);
    envelopes (
        room Bytes, sequence Number, id Bytes, account Bytes, device Number, received_at Number, class Text,
        head_low Number, head_high Number, target Bytes, body Bytes,
    ) key (room, sequence);
    mailbox (
        account Bytes, device Number, sequence Number, room Bytes, envelope Number, id Bytes,
        sender_account Bytes, sender_device Number, pairwise Bytes, receipt Truth,
    ) key (account, device, sequence);
    recovery_keys (account Bytes, key Bytes) key (account);
    recovery_attempts (hash Bytes, account Bytes, key Bytes, expires_at Number) key (hash);
    device_attempts (hash Bytes, account Bytes, device Number, expires_at Number) key (hash);
    pending_tokens (
        hash Bytes, account Bytes, kind Text, password Number, expires_at Number,
    ) key (hash);
    links (
        id Bytes, way Text, token Bytes, account Bytes, device Number, expires_at Number,
    ) key (id);
    link_messages (link Bytes, number Number, message Bytes) key (link, number);
    vaults (account Bytes, records Number, bytes Number) key (account);
    vault_records (account Bytes, number Number, record Bytes) key (account, number);
    vault_keys (account Bytes, hash Bytes, bytes Bytes, position Number) key (account, hash);
    places (id Bytes, head Number, revision Number) key (id);
    place_entries (place Bytes, sequence Number, bytes Bytes) key (place, sequence);
    place_snapshots (place Bytes, sequence Number, bytes Bytes) key (place);
    place_members (account Bytes, place Bytes, member Truth) key (account, place);
    place_departures (account Bytes, place Bytes, sequence Number) key (account, place);
    place_owed (place Bytes, account Bytes, sequence Number) key (place, account);
    place_rooms (room Bytes, place Bytes, channel Number, head Number, gone Truth) key (room);
    posts (
        room Bytes, sequence Number, id Bytes, account Bytes, device Number, received_at Number, class Text,
        epoch Number, head Number, target Bytes, thread Bytes, expires_at Number, body Bytes,
    ) key (room, sequence);
    post_times (room Bytes, account Bytes, posted_at Number) key (room, account);
    jobs (
        name Text, holder Bytes, leased_until Number, due_at Number, began_at Number, ended_at Number,
        took_ms Number, done Number, succeeded_at Number, failed_at Number, error Text, runs Number,
        failures Number,
    ) key (name);
    blobs (
        id Bytes, account Bytes, object Bytes, size Number, created_at Number, finished_at Number, keep_until Number,
    ) key (id);
    blob_chunks (blob Bytes, number Number, hash Bytes) key (blob, number);
    blob_claims (blob Bytes, room Bytes, sequence Number, expires_at Number) key (blob, room, sequence);
    push_subscriptions (
        account Bytes, device Number, login Bytes, endpoint Text, key Bytes, secret Bytes, created_at Number,
        not_before Number,
    ) key (account, device);
    push_levels (account Bytes, device Number, room Bytes, level Text, ends_at Number) key (account, device, room);
    push_moves (room Bytes, since Number, up_to Number, due_at Number) key (room);
    push_wakes (
        account Bytes, device Number, room Bytes, softly Truth, mailbox Number, posts Truth, made_at Number,
        moved_at Number, revision Number, due_at Number, attempts Number,
    ) key (account, device);
    restores (slot Number, epoch Bytes, restored_at Number, made_at Number) key (slot);
}
