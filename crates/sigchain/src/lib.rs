//! The rules of the signed logs that say who is who.
//!
//! An account's chain lists its devices. The server runs these rules to enforce them, every client to trust:
//! verdicts are functions of the state and the entry alone. Room and community chains come beside the account
//! chain in a module of their own. Why the rules are as they are stands in `manual.rs`.
//!
//! This crate must never hold a private key, do I/O or read a clock: the maker of an entry signs the bytes
//! that [`AccountEntry::signed_bytes`] returns.
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

mod account;
mod error;
mod head;
pub mod limits;
mod manual;
pub mod room;
mod signature;

pub use account::{
    AccountBody, AccountChain, AccountEntry, Author, Device, DeviceKeys, ForkEvidence, Vault,
    VaultSlotInForce, recovery_possession_bytes,
};
pub use error::ChainError;
pub use head::HeadComparison;
