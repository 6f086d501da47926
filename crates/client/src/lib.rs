//! The engine: a machine without I/O that is the whole client but its pixels.
//!
//! `Engine::handle(input) -> Effects`. Inputs are user intents, server frames and answers, ticks of the clock.
//! Effects come in two steps that the type enforces: *changes* that the caller stores in one transaction, and
//! only then *requests* to send and *events* to show, so a crash between any two instructions can repeat a
//! request but never reuse a key.
//!
//! The engine keeps no durable state in memory: it reads the device's store through [`Reads`] and returns what
//! is to be changed. This crate must never do I/O, read a clock or use ambient randomness.
//!
//! One more content kind goes into [`content`], one more frame into `machine`, one more word of the
//! protocol into a file of its name.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]
#![forbid(unsafe_code)]

pub mod account_intents;
mod account_views;
mod accounts;
mod actions;
mod annotations;
mod announcements;
mod appending;
mod approving;
mod calls;
mod chains;
mod changes;
mod codec;
mod connection;
mod contacts;
mod content;
mod devices;
mod disappearing;
mod effects;
mod failure;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod input;
mod joining;
mod machine;
mod mailbox;
mod meeting;
#[cfg(test)]
mod meeting_stories;
mod outbox;
mod own;
mod parked;
mod password;
mod passwords;
mod people;
pub mod places;
mod posting;
mod prekeys;
mod presence;
mod progress;
mod randomness;
mod reads;
mod receipts;
mod recovering;
mod recovery_words;
mod refill;
mod refresh;
mod removed;
mod repair;
mod reporting;
mod resetting;
mod restored;
mod restored_server;
mod rooms;
mod rows;
pub mod search;
mod sent;
mod sessions;
mod timeline;
mod trust;
pub mod user_store;
mod vault;
pub mod views;
mod views_of_people;
mod work;

pub use changes::{Change, Table};
pub use content::{Act, Annotation, Poll, Text, With};
pub use effects::{Applies, Effects, HttpBody, HttpCall, Method, Released, Request};
pub use failure::Failure;
pub use input::{HttpOutcome, Input, Intent, LinkTarget, TextWith};
pub use machine::Engine;
pub use reads::{ReadError, Reads, Record};
pub use recovery_words::unknown_words;
pub use rows::{Delivery, Entry, Loss, MessageBody, MessageRow, Notice, RoomKind, RoomRow};
pub use trust::Judgment;
