//! Messages in rooms of groups and communities: sealed once under a sender key for everybody who reads the room.
//!
//! | file | owns |
//! |---|---|
//! | `roll` | who read which room when, its epochs, and where removals ended whose chains |
//! | `records` | what is kept of each room, of this device's keys and of others' |
//! | `context` | what a message is bound to |
//! | `sealing` | a message for a room |
//! | `handing` | this device's sender key for each reader's devices, before the first message that needs it |
//! | `arriving` | what the server tells live, and pages of what it kept |
//! | `judging` | whether somebody may have sent it |
//! | `opening` | its key, and what it says |
//! | `placing` | its place in the timeline |
//! | `asking` | keys that are missing, and answers to those who lack them |
//! | `closings` | what is said of the chains of who departs |
//! | `telling` | receipts in small rooms |
//! | `early` | receipts that came before their message |
//!
//! The place's verified chain says who reads and who writes; nothing here believes the server about that. A chain of
//! sender keys is taken from its own device, or where it was asked for and its device signed it.
//!
//! Invariant: a message leaves only after every device that it is for was handed its key, as far as that could be
//! done; what could not is handed later, when it is asked for or before the next message.

mod arriving;
mod asking;
mod closings;
mod context;
mod early;
mod handing;
mod judging;
mod opening;
mod placing;
mod records;
mod roll;
mod sealing;
mod telling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_protocol::{AccountId, PlaceId, RoomId, Timestamp};
use conclave_sigchain::room::RoomChain;

#[cfg(test)]
pub(crate) use self::asking::WANTED_MAX;
pub(crate) use self::records::Said;
pub(crate) use self::roll::Roll;
use crate::changes::Table;
use crate::connection::Link;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// What the engine remembers of rooms of places while it runs.
#[derive(Default)]
pub(crate) struct PostingRun {
    /// When missing keys are gone over next.
    pub(crate) due: Option<Timestamp>,
    /// Who read what, by place.
    rolls: BTreeMap<PlaceId, Arc<Roll>>,
    /// Rolls that are not in the store yet.
    changed: BTreeSet<PlaceId>,
    /// Rooms that have to be looked at for the first time.
    look: BTreeSet<RoomId>,
    /// Rooms that the account reads again after a while, in which something may have been said meanwhile.
    back: BTreeSet<RoomId>,
    /// Rooms of which older messages are still to be had.
    past: BTreeSet<RoomId>,
    /// The store was asked what is still to be done.
    looked: bool,
    /// Places of which more was asked for because a message named it.
    longer_asked: BTreeSet<PlaceId>,
    /// Places whose chain has grown since own messages were counted.
    grown: BTreeSet<PlaceId>,
    /// No receipt waits for its message.
    none_early: bool,
    /// When the rooms were read for receipts of somebody that waited.
    read_for: BTreeMap<AccountId, Timestamp>,
}

/// A room with what is known of its place.
#[derive(Clone)]
pub(crate) struct Spot {
    pub(crate) room: RoomId,
    pub(crate) place: PlaceId,
    pub(crate) chain: Arc<RoomChain>,
    pub(crate) roll: Arc<Roll>,
}

impl Engine {
    /// The roll of a place's chain as it is known here, for who follows that chain.
    pub(crate) fn roll_of(&mut self, work: &Work<'_>, chain: &RoomChain) -> Result<Roll, ReadError> {
        Ok(Arc::unwrap_or_clone(self.shared_roll(work, chain)?))
    }

    /// A place's verified chain has grown, and its roll with it.
    pub(crate) fn take_roll(
        &mut self,
        work: &Work<'_>,
        chain: &RoomChain,
        roll: Roll,
    ) -> Result<(), ReadError> {
        let place = chain.place();
        let own = work.own()?.account;
        let state = chain.state();
        if let Some(before) = self.posting.rolls.get(&place) {
            let is_back = |room: &RoomId| {
                let since = before.reads_since(*room, own);
                before.began(*room).is_some() && since != roll.reads_since(*room, own)
            };
            let back: Vec<RoomId> = state
                .rooms()
                .filter(|room| state.is_reader(own, *room))
                .filter(is_back)
                .collect();
            self.posting.back.extend(back);
        }
        self.posting.rolls.insert(place, Arc::new(roll));
        self.posting.changed.insert(place);
        // A message that waited for this can be looked at now.
        self.posting.longer_asked.remove(&place);
        self.posting.grown.insert(place);
        self.posting_soon(work.now);
        self.posting
            .look
            .extend(state.rooms().filter(|room| state.is_reader(own, *room)));
        Ok(())
    }

    /// Missing keys and untried messages are gone over, now or at this time.
    pub(crate) fn posting_soon(&mut self, at: Timestamp) {
        let due = &mut self.posting.due;
        *due = Some(due.map_or(at, |due| due.min(at)));
    }

    /// A new connection: what was asked for in vain is asked for once more.
    pub(crate) fn posting_connected(&mut self, now: Timestamp) {
        self.posting.longer_asked.clear();
        self.posting_soon(now);
    }

    /// Does what can be done now for messages whose key is missing, and for rooms that were not read yet.
    pub(crate) fn drive_posting(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.keep_rolls(work);
        if !matches!(self.link, Link::Online) || !self.mailbox.is_empty() {
            return Ok(());
        }
        if !self.posting.looked {
            self.posting.looked = true;
            for (room, state) in work.list_place_rooms()? {
                // It may have grown in the last moment before this began.
                self.posting.grown.insert(state.place);
                if state.past.is_some() {
                    self.posting.past.insert(room);
                }
            }
        }
        for room in std::mem::take(&mut self.posting.look) {
            self.look_at_room(work, room)?;
        }
        self.read_past(work)?;
        if self.posting.due.is_some_and(|due| due <= work.now) {
            self.posting.due = None;
            self.try_waiting(work)?;
            self.drive_asks(work)?;
        }
        self.count_anew(work)?;
        self.take_early(work)
    }

    /// What is known of a room of a place; none while its place is not known here.
    pub(crate) fn spot(&mut self, work: &Work<'_>, room: RoomId) -> Result<Option<Spot>, ReadError> {
        let Some(place) = self.place_of(work, room)? else {
            return Ok(None);
        };
        let Some(chain) = self.place_chain(work, place)? else {
            return Ok(None);
        };
        let roll = self.shared_roll(work, &chain)?;
        Ok(Some(Spot {
            room,
            place,
            chain,
            roll,
        }))
    }

    pub(crate) fn shared_roll(&mut self, work: &Work<'_>, chain: &RoomChain) -> Result<Arc<Roll>, ReadError> {
        let place = chain.place();
        let known = match self.posting.rolls.get(&place) {
            Some(roll) => Some(Arc::clone(roll)),
            None => work.find::<Roll>(Table::Places, &roll::key(place))?.map(Arc::new),
        };
        let roll = match known {
            Some(roll) if roll.is_of(chain.head()) => roll,
            // The chain was read from a state, or the roll is of an earlier version.
            _ => {
                self.posting.changed.insert(place);
                Arc::new(Roll::of_state(chain.state()))
            }
        };
        self.posting.rolls.insert(place, Arc::clone(&roll));
        Ok(roll)
    }

    /// Puts changed rolls into the store, in the same handling as the entries that they follow from.
    pub(crate) fn keep_rolls(&mut self, work: &mut Work<'_>) {
        for place in std::mem::take(&mut self.posting.changed) {
            if let Some(roll) = self.posting.rolls.get(&place) {
                work.put(Table::Places, &roll::key(place), &**roll);
            }
        }
    }
}
