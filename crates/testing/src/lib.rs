//! Scenario harness: a real server and real clients in one process, in words that read like a story.
//!
//! ```no_run
//! # async fn story() {
//! use conclave_testing::World;
//! let world = World::begin().await;
//! let alice = world.registers("alice").await;
//! let bob = world.registers("bob").await;
//! alice.sends("hi").to(&bob).await;
//! bob.sees(&["hi"]).from(&alice).await;
//! # }
//! ```
//!
//! This crate never ships. It may depend on anything; nothing but tests may depend on it.

mod groups;
mod hostile;
mod joining;
mod person;
mod wire;
mod world;

pub use groups::Group;
pub use hostile::{Hostile, Traveller};
pub use person::Person;
pub use wire::{Wire, WireRecord};
pub use world::{PASSWORD, World};
