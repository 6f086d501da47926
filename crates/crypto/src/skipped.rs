//! Keys of messages that were overtaken by later ones: bounded in number and time, oldest first out.
//!
//! A session keeps them for several chains, each named by its ratchet key; a sender-key chain keeps its own and
//! needs no name. Nothing here derives a key or decides which message may open.

use std::collections::VecDeque;

use crate::limits::SKIPPED_KEY_LIFETIME;
use crate::ratchet::{MessageKey, OvertakenKey};

/// Kept keys in the order in which they came. `C` names the chain of each.
pub(crate) struct SkippedKeys<C>(VecDeque<SkippedKey<C>>);

/// One kept key.
pub(crate) struct SkippedKey<C> {
    pub(crate) chain: C,
    pub(crate) stored_at: u64,
    pub(crate) key: OvertakenKey,
}

impl<C> SkippedKey<C> {
    fn is_expired(&self, now: u64) -> bool {
        now.saturating_sub(self.stored_at) > SKIPPED_KEY_LIFETIME
    }
}

impl<C> Default for SkippedKeys<C> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<C: Copy + PartialEq> SkippedKeys<C> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SkippedKey<C>> {
        self.0.iter()
    }

    /// Whether any key of this chain is kept.
    pub(crate) fn has_chain(&self, chain: C) -> bool {
        self.0.iter().any(|skipped| skipped.chain == chain)
    }

    /// Where the key of a message is, when it is kept and not too old.
    pub(crate) fn find(&self, chain: C, index: u32, now: u64) -> Option<(usize, &MessageKey)> {
        let position = self
            .0
            .iter()
            .position(|skipped| skipped.key.index == index && skipped.chain == chain)?;
        let skipped = self.0.get(position)?;
        (!skipped.is_expired(now)).then_some((position, &skipped.key.key))
    }

    pub(crate) fn remove(&mut self, position: usize) {
        self.0.remove(position);
    }

    /// Keeps the keys of messages that a chain skipped now, and drops the oldest ones over `limit`.
    pub(crate) fn insert(&mut self, chain: C, keys: Vec<OvertakenKey>, now: u64, limit: usize) {
        self.0.extend(keys.into_iter().map(|key| SkippedKey {
            chain,
            stored_at: now,
            key,
        }));
        self.drop_oldest(self.len().saturating_sub(limit));
    }

    /// Takes back a stored key, as the newest one.
    pub(crate) fn push(&mut self, skipped: SkippedKey<C>) {
        self.0.push_back(skipped);
    }

    pub(crate) fn drop_oldest(&mut self, count: usize) {
        self.0.drain(..count.min(self.len()));
    }

    /// Drops the keys of messages from `end` on: the chain ends before it.
    pub(crate) fn end_at(&mut self, end: u32) {
        self.0.retain(|skipped| skipped.key.index < end);
    }

    /// Drops what is too old, wherever it stands: a clock that was set back puts keys out of order.
    pub(crate) fn expire(&mut self, now: u64) {
        self.0.retain(|skipped| !skipped.is_expired(now));
    }
}
