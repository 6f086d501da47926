//! Chats that were cleared: what came up to a sequence is deleted on all own devices, and comes back on none.

use conclave_protocol::RoomId;

use super::Entry;
use super::entry::{Field, chat_name, of_chat_name};
use crate::changes::Table;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::Outcome;
use crate::work::Work;

impl Engine {
    /// Deletes a request: what came is gone from all own devices, and nobody is told. What comes later is a request
    /// again.
    pub(crate) fn delete_request(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        room: RoomId,
    ) -> Result<(), ReadError> {
        let Some(mut state) = work.room_state(room)? else {
            self.fail(work, ask, Failure::unknown_room());
            return Ok(());
        };
        if work.acquaintance(state.peer)?.accepted {
            self.fail(work, ask, Failure::not_a_request());
            return Ok(());
        }
        state.begun_here = false;
        work.put_room_state(room, &state);
        let value = minicbor::to_vec(state.reached()).ok();
        if self.set(work, chat_name(room, Field::ClearedUpTo), value)? {
            self.answer(work, ask, Outcome::Done);
        } else {
            self.fail(work, ask, Failure::settings_full());
        }
        Ok(())
    }

    /// A chat was cleared, here or on another own device.
    pub(super) fn follow_clearing(&mut self, work: &mut Work<'_>, entry: &Entry) -> Result<(), ReadError> {
        let Some((room, Field::ClearedUpTo)) = of_chat_name(&entry.name.0) else {
            return Ok(());
        };
        let up_to = work.cleared_up_to(room)?;
        for parked in work.list_parked()? {
            if parked.message.room == room && parked.message.sequence <= up_to {
                work.unpark(parked.id);
            }
        }
        work.clear_room(room, up_to);
        work.clear_openings(room, up_to)?;
        // Nothing is told of what is gone.
        work.delete(Table::Receipts, &room.0);
        if let Some(mut row) = work.find_room(room)? {
            row.read_up_to = row.read_up_to.max(up_to);
            work.put_room(row);
        }
        Ok(())
    }
}

impl Work<'_> {
    /// Everything in a room up to this sequence was deleted; 0 where nothing was.
    pub(crate) fn cleared_up_to(&self, room: RoomId) -> Result<u64, ReadError> {
        Ok(self
            .setting(&chat_name(room, Field::ClearedUpTo))?
            .unwrap_or_default())
    }

    /// True for a message that was deleted with all of its chat.
    pub(crate) fn was_cleared(&self, room: RoomId, sequence: Option<u64>) -> Result<bool, ReadError> {
        let Some(sequence) = sequence else {
            return Ok(false);
        };
        // Messages from before somebody started again stand at 0, before all others, also where nothing was cleared.
        let up_to = self.cleared_up_to(room)?;
        Ok(up_to > 0 && sequence <= up_to)
    }
}
