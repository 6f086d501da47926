//! Hostile bytes for every parser and every opening of this project, and the laws that must hold for them.
//!
//! A target is a function over bytes that panics when a law is broken. [`TARGETS`] lists them all. The project
//! `fuzz/` runs each under libFuzzer (`cargo xtask fuzz`); the test of this crate runs each over the seeds in
//! `fuzz/corpus` and over altered forms of them, so that the laws are also held by every ordinary test run.
//!
//! | module | owns |
//! |---|---|
//! | [`script`] | input as a sequence of small choices, and alterations of real values by such choices |
//! | `people` | two devices whose whole conversation follows from a seed |
//! | `targets` | the laws, one file for each crate that is put to the test |
//! | [`seeds`] | the corpus, made anew by `cargo run -p conclave-fuzzing` |
//!
//! This crate is for tests alone and must never ship. One more target is one more function, one more row in
//! [`TARGETS`], its seeds, a file `fuzz/targets/NAME.rs` and a row in `fuzz/Cargo.toml`; a test says what lacks.
#![forbid(unsafe_code)]

mod people;
pub mod script;
pub mod seeds;
mod targets;

use targets::{client, crypto, encoding, keeping, linking, places, protocol, rooms, sigchain, stories};

/// A target: panics when a law does not hold for these bytes.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("account_chain", sigchain::account_chain),
    ("account_entry", sigchain::account_entry),
    ("attachments", keeping::attachments),
    ("client_content", client::client_content),
    ("client_control", client::client_control),
    ("content", crypto::content),
    ("conversation", stories::conversation),
    ("first_message", crypto::first_message),
    ("frames", protocol::frames),
    ("ids", protocol::ids),
    ("link_messages", linking::link_messages),
    ("link_states", linking::link_states),
    ("padding", crypto::padding),
    ("pairwise_message", crypto::pairwise_message),
    ("place_chain", places::place_chain),
    ("place_entry", places::place_entry),
    ("place_state", places::place_state),
    ("prekey_bundle", crypto::prekey_bundle),
    ("prekey_secrets", crypto::prekey_secrets),
    ("public_keys", crypto::public_keys),
    ("ratchet_message", crypto::ratchet_message),
    ("reader", encoding::reader),
    ("rest_bodies", protocol::rest_bodies),
    ("safety_numbers", keeping::safety_numbers),
    ("sender_key_forms", rooms::sender_key_forms),
    ("sender_key_message", rooms::sender_key_message),
    ("sessions_state", crypto::sessions_state),
    ("vault", keeping::vault),
];

/// Runs one target.
///
/// # Panics
/// When there is none of that name, and when one of its laws is broken.
pub fn run(name: &str, input: &[u8]) {
    let (_, target) = TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("there is no target {name}"));
    target(input);
}
