//! The engine's changes become durable here, and nowhere else.

use conclave_client::{Applies, Change};
use rusqlite::{Transaction, TransactionBehavior};

use crate::{Store, StoreError};

impl Applies for Store {
    type Error = StoreError;

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        // The statements below run on the same connection, inside. Dropped without a commit, it rolls back.
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        for change in &changes {
            self.apply_one(change)?;
        }
        transaction.commit()?;
        if changes.iter().any(|change| matches!(change, Change::Wipe)) {
            self.shrink();
        }
        Ok(())
    }
}

impl Store {
    /// Every row of every table. What was in them is overwritten: the file was opened with `secure_delete`.
    fn wipe(&self) -> Result<(), StoreError> {
        self.unindex_all()?;
        self.connection
            .execute_batch("DELETE FROM records; DELETE FROM rooms; DELETE FROM messages")?;
        Ok(())
    }

    /// After a wipe, the file gives its pages back, and no journal keeps an older one. Where that fails the rows
    /// are gone and overwritten all the same, and what is left in a journal is sealed.
    fn shrink(&self) {
        let _ = self
            .connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    }

    fn apply_one(&self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Wipe => self.wipe(),
            Change::PutRecord { table, key, value } => self.upsert_record(*table, key, value),
            Change::DeleteRecord { table, key } => self.delete_record(*table, key),
            Change::PutRoom(room) => self.upsert_room(room),
            Change::PutMessage(message) => self.upsert_message(message),
            Change::DeleteMessage(id) => self.delete_message(*id),
            Change::ClearRoom { room, up_to } => self.clear_room(*room, *up_to),
        }
    }
}
