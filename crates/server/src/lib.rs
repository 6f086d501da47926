//! The server: it relays and stores ciphertext, and says nothing else about it.
//!
//! A request comes in through [`router`](crate::router), where every route stands in one table; what it needs
//! to know about the asker it says as an argument (`extract`); the rule stands in the handler (`api`), the SQL
//! in `conclave-db`. The live connection is in `realtime`: one writer commits, the hub wakes, each connection
//! reads its mailbox.
//!
//! This crate must never name plaintext or a client's key: it does not depend on `conclave-crypto` or
//! `conclave-client`, and it contains no SQL.
//!
//! **One more endpoint**: its bodies in `protocol/<word>`, its statements in `db/<word>`, its handler in
//! `api/<word>`, one line in `router.rs`, its tests in `tests/api/<word>`.
#![forbid(unsafe_code)]

mod access;
mod announcements;
mod api;
mod blobs;
mod bus;
mod chains;
pub mod clock;
mod commands;
pub mod config;
mod error;
mod extract;
mod former;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod headers;
mod health;
mod jobs;
mod lifecycle;
mod limits;
mod measuring;
mod openapi;
pub mod operation;
mod places;
mod push;
mod randomness;
mod realtime;
mod revocations;
mod router;
mod second_step;
mod settings;
mod state;
pub mod telemetry;
mod watch;
mod web_app;

pub use commands::{check_audit, switch_second_step_off};
pub use config::Config;
pub use error::StartError;
pub use lifecycle::{InviteLink, Running, invite, open_database, start};
