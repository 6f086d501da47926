//! The one canonical encoding of whatever is signed, hashed or bound as associated data.
//!
//! Every encoding begins with a [`Label`] that names its purpose, so bytes made for one purpose never parse
//! as another. Integers are big-endian and of fixed width; variable bytes carry a `u32` length. There is
//! exactly one encoding of each value: `decode(encode(x)) == x` and `encode(decode(b)) == b`.
//!
//! This crate must never depend on another of ours, hold keys or decide anything.
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

mod hash;
pub mod labels;
mod reader;
mod writer;

pub use hash::{HASH_LENGTH, hash, hash_parts};
pub use labels::Label;
pub use reader::{DecodeError, Reader};
pub use writer::Writer;
