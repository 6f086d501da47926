//! All SQL of the server, for both engines: embedded SQLite and PostgreSQL.
//!
//! One concrete [`Db`] over an enum of two pools; one SQL text per statement where the engines agree. This
//! crate must never know HTTP, sockets or keys, and it reads no clock and no randomness: both are arguments.
//!
//! # One more method
//! A method lives in the file of its feature's word and has a contract test in `tests/contract/` under the
//! same word, which runs on both engines. Say that the server wants to know when an account was made:
//!
//! 1. `statements.rs` gets the text, which makes the test prepare it on both engines:
//!    `FIND_CREATION = { "SELECT created_at FROM accounts WHERE id = $1" }`
//! 2. `accounts.rs` gets the method. `on_engine!` checks its body once for each driver; `read`, `write` and
//!    `transaction` say what the body needs:
//!
//!    ```ignore
//!    let statement = FIND_CREATION.on(self.engine());
//!    let row: Option<(Column<Timestamp>,)> = on_engine!(self, read |connection| {
//!        sqlx::query_as(statement).bind(Column(account)).fetch_optional(&mut *connection).await?
//!    });
//!    Ok(row.map(|(time,)| time.0))
//!    ```
//! 3. `tests/contract/accounts.rs` gets a sentence about it.
//!
//! # What to know
//! - SQLite has one writing connection, so races do not show there; PostgreSQL shows them. Those who wait for it share
//!   commits (`line.rs`). A body inside `write` or `transaction` must not use another connection: what others of its
//!   group wrote is seen on its own alone. A write that first
//!   reads must lock what it read, and locks are taken accounts first, then places, then rooms, then devices, then
//!   logins, then blobs, each in the order of their keys. Meeting places and vaults are locked alone.
//! - Statements with `RETURNING` outside a transaction are fetched to their end, or SQLite would not have
//!   committed them when the first row is here.
//! - An error means that nothing was stored, save a commit whose answer was lost; so every write is safe to
//!   repeat.

mod accounts;
mod admin;
mod announcements;
mod audit;
mod blobs;
mod column;
mod devices;
mod engine;
mod error;
mod invites;
mod jobs;
mod line;
mod links;
mod logins;
mod mailbox;
mod messages;
mod migrate;
mod places;
mod prekeys;
mod presence;
mod push;
mod reach;
mod recoveries;
mod reports;
mod resets;
mod restores;
mod rooms;
mod second_steps;
mod settings;
mod statements;
mod tables;
mod transfer;
mod types;
mod vault;

pub use announcements::AnnouncementInForce;
pub use audit::{AuditBroken, audit_hash, verify_audit};
pub use blobs::{
    BlobDeleted, BlobFound, BlobQuota, ChunkStored, NewBlob, StorageUsed, SweptBlob, UploadBegun,
    UploadFinished,
};
pub use engine::{Db, Engine, Pulse};
pub use error::DbError;
pub use jobs::{JobRun, JobState};
pub use migrate::{newest_schema, schema_versions};
pub use push::{NewWake, PushMove, PushSubscription, PushTarget, PushWake, PushWriter};
pub use reach::Reach;
pub use reports::NewReport;
pub use restores::{LEAP, Restore};
pub use tables::{Kind, TABLES, Table, find_table};
pub use transfer::{Filling, Row, Snapshot, Summing, TableSum, TransferError, Value};
pub use types::*;
