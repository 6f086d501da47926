//! Test vectors: what an independent implementation checks itself against, and what ours is checked by.
//!
//! Each module makes one file of `crates/crypto/vectors`, from fixed randomness and through the public functions of
//! `conclave-crypto` and `conclave-sigchain` alone, and replays it the same way. The files are written by
//! `cargo xtask generate`; [`check`] runs natively, under Node and in a browser; `crates/crypto/interop` does the same
//! without any code of ours. [`Peer`] is the other end of that program's conversations.
//!
//! This crate is for tests: nothing that ships may use it. It does no I/O and asks nobody for time or randomness; the
//! program beside it does. To add a file: a module with `NAME`, `generate` and `check`, and a row in [`FILES`].
// wasm-bindgen's own code is not free of it.
#![cfg_attr(not(feature = "wasm"), forbid(unsafe_code))]
#![expect(clippy::struct_field_names, reason = "fields are named as JSON shows them")]

mod attachments;
mod content;
mod device;
mod file;
mod franking;
mod handshake;
mod hex;
mod linking;
mod peer;
mod places;
mod places_stories;
mod random;
mod ratchet;
mod refusal;
mod safety_numbers;
mod sender_keys;
mod sigchain;
mod sigchain_stories;
mod vault;
#[cfg(feature = "wasm")]
pub mod wasm;

pub use file::Counts;
pub use hex::Hex;
pub use peer::Peer;
pub use refusal::Refusal;

/// One file of vectors.
pub struct VectorFile {
    /// Its name in `crates/crypto/vectors`.
    pub name: &'static str,
    generate: fn() -> Result<String, Refusal>,
    check: fn(&str) -> Result<Counts, Refusal>,
}

/// Every file, in the order in which they are best read.
pub const FILES: &[VectorFile] = &[
    VectorFile {
        name: handshake::NAME,
        generate: handshake::generate,
        check: handshake::check,
    },
    VectorFile {
        name: ratchet::NAME,
        generate: ratchet::generate,
        check: ratchet::check,
    },
    VectorFile {
        name: content::NAME,
        generate: content::generate,
        check: content::check,
    },
    VectorFile {
        name: sender_keys::NAME,
        generate: sender_keys::generate,
        check: sender_keys::check,
    },
    VectorFile {
        name: attachments::NAME,
        generate: attachments::generate,
        check: attachments::check,
    },
    VectorFile {
        name: vault::NAME,
        generate: vault::generate,
        check: vault::check,
    },
    VectorFile {
        name: linking::NAME,
        generate: linking::generate,
        check: linking::check,
    },
    VectorFile {
        name: safety_numbers::NAME,
        generate: safety_numbers::generate,
        check: safety_numbers::check,
    },
    VectorFile {
        name: sigchain::NAME,
        generate: sigchain::generate,
        check: sigchain::check,
    },
    VectorFile {
        name: places::NAME,
        generate: places::generate,
        check: places::check,
    },
    VectorFile {
        name: franking::NAME,
        generate: franking::generate,
        check: franking::check,
    },
];

impl VectorFile {
    /// The file's text, always the same one.
    pub fn generate(&self) -> Result<String, Refusal> {
        (self.generate)()
    }
}

/// Replays the vectors of a file and counts them by kind.
pub fn check(name: &str, json: &str) -> Result<Counts, Refusal> {
    let file = FILES
        .iter()
        .find(|file| file.name == name)
        .ok_or_else(|| Refusal::new(format!("there is no vector file {name}")))?;
    (file.check)(json)
}
