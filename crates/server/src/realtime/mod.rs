//! The live connection: one path for everything that a device sends and receives.
//!
//! A connection is four small loops over one socket, each in its own file: it reads frames ([`connection`]),
//! has them stored and answers ([`sending`]), delivers the mailbox ([`delivery`]) and writes to the socket
//! ([`outgoing`]). The [`writer`] commits what all of them send, [`acknowledging`] deletes what their devices
//! have; the [`hub`] wakes. Nothing is delivered from memory: a wake-up says only that there is something to
//! read. The one exception are messages in rooms of places, which [`telling`] hands to all readers in one encoding
//! after they are on disk; what does not fit into a device's queue ([`posts`]) it reads by page. Signals, who is there ([`signals`]) and who writes
//! ([`typing`]), are kept nowhere; they wait for a device behind everything else ([`waiting`]) and may be lost.

mod acknowledging;
mod announcing;
mod connection;
mod delivery;
mod hub;
mod membership;
mod outgoing;
mod pace;
mod posting;
mod posts;
mod sending;
mod signals;
mod telling;
mod typing;
pub(crate) mod upgrade;
mod waiting;
mod writer;

pub(crate) use acknowledging::Acknowledgements;
pub(crate) use hub::Hub;
pub(crate) use membership::Membership;
pub(crate) use signals::{Signals, run as tell_signals};
pub(crate) use telling::{Posted, Telling};
pub(crate) use writer::{Committed, Writer};
