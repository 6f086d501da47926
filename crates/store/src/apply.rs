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
        Ok(())
    }
}

impl Store {
    fn apply_one(&self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::PutRecord { table, key, value } => self.upsert_record(*table, key, value),
            Change::DeleteRecord { table, key } => self.delete_record(*table, key),
            Change::PutRoom(room) => self.upsert_room(room),
            Change::PutMessage(message) => self.upsert_message(message),
            Change::DeleteMessage(id) => self.delete_message(*id),
        }
    }
}
