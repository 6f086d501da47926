//! What a connection has to know about rooms and chains, remembered.

use conclave_db::{Db, DbError, DirectRoom};
use conclave_protocol::{AccountId, RoomId};
use dashmap::DashMap;

/// Beyond this many the memory begins anew; that costs reads, never a wrong answer.
const REMEMBERED_MAX: usize = 100_000;

/// Facts that never stop being true: who is in a direct room, and that a chain has reached a sequence.
#[derive(Default)]
pub(crate) struct Membership {
    rooms: DashMap<RoomId, DirectRoom>,
    heads: DashMap<AccountId, u32>,
}

impl Membership {
    /// The room, where it exists.
    pub(crate) async fn room(&self, db: &Db, id: RoomId) -> Result<Option<DirectRoom>, DbError> {
        if let Some(room) = self.rooms.get(&id) {
            return Ok(Some(*room));
        }
        let room = db.find_direct_room(id).await?;
        if let Some(room) = room {
            if self.rooms.len() >= REMEMBERED_MAX {
                self.rooms.clear();
            }
            self.rooms.insert(id, room);
        }
        Ok(room)
    }

    /// Whether an account's chain has an entry at `sequence`.
    pub(crate) async fn reaches(&self, db: &Db, account: AccountId, sequence: u32) -> Result<bool, DbError> {
        if self.heads.get(&account).is_some_and(|head| *head >= sequence) {
            return Ok(true);
        }
        let reached = !db
            .list_entries(account, sequence.checked_sub(1), 1)
            .await?
            .is_empty();
        if reached {
            if self.heads.len() >= REMEMBERED_MAX {
                self.heads.clear();
            }
            self.heads
                .entry(account)
                .and_modify(|head| *head = sequence.max(*head))
                .or_insert(sequence);
        }
        Ok(reached)
    }
}
