//! What travels: pairwise messages between two devices, and the sealed body of a direct message.
//!
//! Parsing here is strict and bounded and must never judge authenticity; that is the session's.

mod content;
mod header;
mod pairwise;
mod purpose;
pub(crate) mod varint;

pub use content::{hashes_equal, message_hash, open_content, seal_content};
pub(crate) use header::{MessageHeader, TYPE_ROOM};
pub use pairwise::{PairwiseMessage, PrekeyMessage, RatchetMessage};
pub use purpose::Purpose;
