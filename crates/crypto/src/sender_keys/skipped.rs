//! Keys of messages that were overtaken by later ones of the same chain: bounded in number and time, oldest first
//! out.

use std::collections::VecDeque;

use crate::limits::{MAX_SKIPPED_PER_CHAIN, SKIPPED_KEY_LIFETIME};
use crate::ratchet::{MessageKey, NumberedKey};

/// The store of one chain, in the order in which the keys came.
#[derive(Default)]
pub(super) struct SkippedKeys(VecDeque<SkippedKey>);

pub(super) struct SkippedKey {
    pub(super) iteration: u32,
    pub(super) stored_at: u64,
    pub(super) key: MessageKey,
}

impl SkippedKey {
    fn is_expired(&self, now: u64) -> bool {
        now.saturating_sub(self.stored_at) > SKIPPED_KEY_LIFETIME
    }
}

impl SkippedKeys {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SkippedKey> {
        self.0.iter()
    }

    /// Where the key of a message is, when it is kept and not too old. A chain goes one way, so the store is in the
    /// order of iterations.
    pub(super) fn find(&self, iteration: u32, now: u64) -> Option<(usize, &MessageKey)> {
        let position = self
            .0
            .binary_search_by_key(&iteration, |skipped| skipped.iteration)
            .ok()?;
        let skipped = self.0.get(position)?;
        (!skipped.is_expired(now)).then_some((position, &skipped.key))
    }

    pub(super) fn remove(&mut self, position: usize) {
        self.0.remove(position);
    }

    pub(super) fn insert(&mut self, keys: Vec<NumberedKey>, now: u64) {
        self.0
            .extend(keys.into_iter().map(|NumberedKey { index, key }| SkippedKey {
                iteration: index,
                stored_at: now,
                key,
            }));
        let over = self.len().saturating_sub(MAX_SKIPPED_PER_CHAIN);
        self.0.drain(..over.min(self.len()));
    }

    /// Takes back a stored key; those out of order are refused.
    #[must_use]
    pub(super) fn push(&mut self, skipped: SkippedKey) -> bool {
        let in_order = self
            .0
            .back()
            .is_none_or(|last| last.iteration < skipped.iteration);
        if in_order {
            self.0.push_back(skipped);
        }
        in_order
    }

    /// Drops the keys of a chain that ends before `end`.
    pub(super) fn end_at(&mut self, end: u32) {
        self.0
            .truncate(self.0.partition_point(|skipped| skipped.iteration < end));
    }

    /// Drops what is too old, wherever it stands: a clock that was set back puts keys out of order.
    pub(super) fn expire(&mut self, now: u64) {
        self.0.retain(|skipped| !skipped.is_expired(now));
    }
}
