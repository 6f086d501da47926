//! Groups and communities as the server sees them: their chains, judged by the rules that every client runs, too, and
//! who reads and writes in their rooms by these chains.
//!
//! | module | owns |
//! |---|---|
//! | [`memory`] | chains that were verified, so that no request verifies one anew |
//! | [`appending`] | an entry on its way into a chain, and who is told |
//! | [`judging`] | whether an entry is taken, by what is in memory |
//! | [`changes`] | what an entry changes beside the chain |
//! | [`posting`] | whether a message may be posted |
//! | [`reading`] | what an account reads |
//!
//! To whoever is no member and does not wait to be let in, a place is one that does not exist.

mod appending;
mod changes;
pub(crate) mod judging;
mod memory;
mod posting;
mod reading;

pub(crate) use appending::append;
pub(crate) use memory::Places;
pub(crate) use posting::judge;
pub(crate) use reading::{fellows, history, is_invited, list_moved};
