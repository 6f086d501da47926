//! Sessions with one peer device: the ratchets, how each began, and which of them sends.
//!
//! | file | owns |
//! |---|---|
//! | `one` | one session: a ratchet, its handshake, and whether it was answered |
//! | `list` | [`Sessions`]: one active, a few inactive, and the rule by which both sides settle on one |
//! | `storage` | the exact serialized form |
//!
//! Nothing here decides when to begin a session or whom to trust; the engine does, from account chains.

mod list;
#[cfg(test)]
mod model;
mod one;
mod storage;
#[cfg(test)]
mod tests;

pub use list::Sessions;
