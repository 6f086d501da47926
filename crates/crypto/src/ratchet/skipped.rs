//! Keys of messages that were overtaken by later ones: bounded in number and time, oldest first out.

use std::collections::VecDeque;

use super::chain::NumberedKey;
use super::message_key::MessageKey;
use crate::keys::X25519Public;
use crate::limits::{MAX_SKIPPED_PER_SESSION, SKIPPED_KEY_LIFETIME};

/// The store of one ratchet, in the order in which the keys came.
#[derive(Default)]
pub(super) struct SkippedKeys(VecDeque<SkippedKey>);

pub(super) struct SkippedKey {
    pub(super) ratchet_key: X25519Public,
    pub(super) index: u32,
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

    /// Whether any key of this chain is kept.
    pub(super) fn has_chain(&self, ratchet_key: &X25519Public) -> bool {
        self.0.iter().any(|skipped| skipped.ratchet_key == *ratchet_key)
    }

    /// Where the key of a message is, when it is kept and not too old.
    pub(super) fn find(
        &self,
        ratchet_key: &X25519Public,
        index: u32,
        now: u64,
    ) -> Option<(usize, &MessageKey)> {
        let position = self
            .0
            .iter()
            .position(|skipped| skipped.index == index && skipped.ratchet_key == *ratchet_key)?;
        let skipped = self.0.get(position)?;
        (!skipped.is_expired(now)).then_some((position, &skipped.key))
    }

    pub(super) fn remove(&mut self, position: usize) {
        self.0.remove(position);
    }

    pub(super) fn insert(&mut self, ratchet_key: X25519Public, keys: Vec<NumberedKey>, now: u64) {
        self.0
            .extend(keys.into_iter().map(|NumberedKey { index, key }| SkippedKey {
                ratchet_key,
                index,
                stored_at: now,
                key,
            }));
        self.drop_oldest(self.len().saturating_sub(MAX_SKIPPED_PER_SESSION));
    }

    pub(super) fn push(&mut self, skipped: SkippedKey) {
        self.0.push_back(skipped);
    }

    pub(super) fn drop_oldest(&mut self, count: usize) {
        self.0.drain(..count.min(self.len()));
    }

    /// Drops what is too old, wherever it stands: a clock that was set back puts keys out of order.
    pub(super) fn expire(&mut self, now: u64) {
        self.0.retain(|skipped| !skipped.is_expired(now));
    }
}
