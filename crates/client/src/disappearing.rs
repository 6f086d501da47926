//! Messages that disappear: after how long, from when on, and that they go.
//!
//! Each message says itself after how many seconds it goes: for its author's devices from when it was sent, for
//! others from when they read it. Its row stays, empty, so that it does not come again.

use conclave_protocol::{EnvelopeId, RoomId, Timestamp};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::content::DISAPPEARS_MAX;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::rows::{MessageBody, MessageRow};
use crate::views::Outcome;
use crate::work::Work;

/// Messages that go in one handling; the rest goes in the next.
const STEP: u32 = 200;

/// What was said last about a chat's new messages.
#[derive(Clone, Copy, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Timer {
    #[n(0)]
    revision: u32,
    #[n(1)]
    id: EnvelopeId,
    #[n(2)]
    pub(crate) seconds: u32,
}

fn timer_key(room: RoomId) -> Vec<u8> {
    [b"timer/", room.0.as_slice()].concat()
}

impl Work<'_> {
    /// How long new messages of a room stay, if that was ever said.
    pub(crate) fn timer(&self, room: RoomId) -> Result<Option<Timer>, ReadError> {
        self.find(Table::Own, &timer_key(room))
    }

    /// Seconds after which a new message of a room disappears; none for never.
    pub(crate) fn disappears(&self, room: RoomId) -> Result<Option<u32>, ReadError> {
        let timer = self.timer(room)?;
        Ok(timer.map(|timer| timer.seconds).filter(|seconds| *seconds > 0))
    }

    /// Somebody in the room set how long new messages stay. Of several words the latest holds.
    pub(crate) fn take_timer(&mut self, row: &MessageRow) -> Result<(), ReadError> {
        let MessageBody::Timer(revision, seconds) = row.body else {
            return Ok(());
        };
        let known = self.timer(row.room)?;
        if known.is_none_or(|known| (known.revision, known.id) < (revision, row.id)) {
            let id = row.id;
            let timer = Timer {
                revision,
                id,
                seconds,
            };
            self.put(Table::Own, &timer_key(row.room), &timer);
        }
        Ok(())
    }

    /// Messages of others were read up to a sequence: the time of those that disappear begins.
    pub(crate) fn start_disappearing(&mut self, room: RoomId, up_to: u64) -> Result<(), ReadError> {
        for mut row in self.list_disappearing(room, up_to)? {
            row.body.starts_to_disappear(self.now);
            self.put_message(row);
        }
        Ok(())
    }
}

impl Engine {
    pub(crate) fn set_disappearing(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        room: RoomId,
        seconds: u32,
    ) -> Result<(), ReadError> {
        if seconds > DISAPPEARS_MAX {
            self.fail(work, ask, Failure::timer_long());
            return Ok(());
        }
        if work.find_room(room)?.is_none_or(|room| room.peer().is_none()) {
            // Rooms of groups and communities have it in their chain.
            self.fail(work, ask, Failure::unknown_room());
            return Ok(());
        }
        if self.refuses_to_send(work, ask, room)? {
            return Ok(());
        }
        let known = work.timer(room)?;
        if known.map_or(0, |known| known.seconds) != seconds {
            let revision = known.map_or(0, |known| known.revision.saturating_add(1));
            let row = self.put_in_outbox(work, room, None, MessageBody::Timer(revision, seconds))?;
            work.take_timer(&row)?;
        }
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// What has to disappear by now goes for good.
    pub(crate) fn expire(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        for mut row in work.list_expired(STEP)? {
            row.remove();
            work.forget_sent(row.id);
            work.put_message(row.clone());
            work.settle(&row)?;
        }
        self.expiry_due = work.next_expiry()?;
        Ok(())
    }
}

/// When the time of a message begins that was read or sent before it came here.
pub(crate) fn began_before(row: &MessageRow, is_history: bool, now: Timestamp) -> Timestamp {
    if row.mine || is_history {
        row.sent_at.min(now)
    } else {
        now
    }
}
