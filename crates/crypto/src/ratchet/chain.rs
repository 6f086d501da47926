//! A chain key with its counter.

use super::chain_key::ChainKey;
use super::message_key::MessageKey;
use crate::OpenError;
use crate::limits::MAX_SKIPPED_PER_JUMP;

/// A sending or receiving chain.
pub(crate) struct Chain {
    pub(crate) key: ChainKey,
    /// Counter of the next message.
    pub(crate) next: u32,
}

/// A message key and its counter.
pub(crate) struct NumberedKey {
    pub(crate) index: u32,
    pub(crate) key: MessageKey,
}

/// The key of a message that a later one overtook. It stays where it was made, so that growing lists leave no
/// copies of it behind.
pub(crate) struct OvertakenKey {
    pub(crate) index: u32,
    pub(crate) key: Box<MessageKey>,
}

impl NumberedKey {
    pub(crate) fn overtaken(self) -> OvertakenKey {
        OvertakenKey {
            index: self.index,
            key: Box::new(self.key),
        }
    }
}

impl Chain {
    pub(crate) fn new(key: ChainKey) -> Self {
        Self { key, next: 0 }
    }

    /// A second one, for work that may come to nothing. Not `Clone`: copies of secrets are made on purpose.
    pub(crate) fn copy(&self) -> Self {
        Self {
            key: self.key.copy(),
            next: self.next,
        }
    }

    /// The next message key and the chain after it; nothing when the counters are used up.
    pub(crate) fn step(&self) -> Option<(NumberedKey, Self)> {
        let next = self.next.checked_add(1)?;
        let (message_key, key) = self.key.step();
        let message_key = NumberedKey {
            index: self.next,
            key: message_key,
        };
        Some((message_key, Self { key, next }))
    }

    /// How many keys a jump to `until` skips; refused when they are too many.
    pub(crate) fn jump_to(&self, until: u32) -> Result<u32, OpenError> {
        let count = until.saturating_sub(self.next);
        if count > MAX_SKIPPED_PER_JUMP {
            return Err(OpenError::TooFarAhead);
        }
        Ok(count)
    }

    /// The keys of all messages before `until` that were not used, and the chain that begins there. A chain that
    /// is already beyond skips nothing: so a peer that was restored from an old image can still go on.
    pub(crate) fn skip_to(&self, until: u32) -> Result<(Vec<OvertakenKey>, Self), OpenError> {
        let count = self.jump_to(until)?;
        let mut skipped = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
        let mut chain = self.copy();
        for _ in 0..count {
            let (key, next) = chain.step().ok_or(OpenError::TooFarAhead)?;
            skipped.push(key.overtaken());
            chain = next;
        }
        Ok((skipped, chain))
    }
}
