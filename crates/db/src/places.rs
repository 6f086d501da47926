//! Groups and communities: their chains, and what follows from them so that it is found by account and by room.
//!
//! What the chains mean is not known here. Who appends says what an entry changes, as it judged it by the chain
//! before; that judgement holds exactly as long as the entry is the next one and the account chains beside it have
//! not grown, which is looked at behind the locks.

mod chains;
mod posts;
mod standings;

pub(crate) use standings::{RoomRow, place_room};
