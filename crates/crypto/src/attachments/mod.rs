//! Files: sealed in chunks, so that they stream, open at any place, and cannot be cut, spliced or swapped.
//!
//! The construction is C2SP chunked encryption, version 1 (<https://c2sp.org/chunked-encryption>), with SHA-256 and
//! ChaCha20-Poly1305. Before sealing a file is filled with zeros to one of few lengths; its true length travels in
//! the [`AttachmentReference`], inside the sealed message.
//!
//! Three ways to work: [`AttachmentSealer`] seals chunk by chunk; [`AttachmentReader`] opens all of it in order and
//! checks the hash of the whole; [`AttachmentOpener`] opens any single chunk. Whatever they hand out was
//! authenticated. A file's key must never seal a second file: the sealer takes it and gives it back in the reference
//! only.

mod chunks;
mod key;
mod layout;
mod opener;
mod reader;
mod reference;
mod sealer;
#[cfg(test)]
mod tests;

pub use key::AttachmentKey;
pub use layout::{CHUNK_LENGTH, HEADER_LENGTH, SEALED_CHUNK_LENGTH, filled_length, sealed_length};
pub use opener::AttachmentOpener;
pub use reader::{AttachmentReader, open_attachment};
pub use reference::{AttachmentReference, REFERENCE_LENGTH};
pub use sealer::{AttachmentSealer, seal_attachment};
