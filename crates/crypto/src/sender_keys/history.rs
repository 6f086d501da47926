//! A chain of the past, from a seed: it opens messages without a state, any number of times.
//!
//! What it opens proves who wrote it and when in the chain, not that it is new: whoever shows it to a person says
//! that it is the past.

use super::{OpenedRoomMessage, SenderKeyMessage, VerifiedStatement};
use crate::OpenError;
use crate::limits::MAX_CHAIN_JUMP;
use crate::ratchet::Chain;
use crate::redacted::redacted;

/// A verified seed.
pub struct HistoryChain {
    pub(super) statement: VerifiedStatement,
    pub(super) chain: Chain,
    /// From here on nothing opens. `u32::MAX`, which no message reaches, while the chain is not closed.
    pub(super) end: u32,
}

redacted!(HistoryChain);

impl HistoryChain {
    /// The statement of the chain's author.
    pub fn statement(&self) -> &VerifiedStatement {
        &self.statement
    }

    /// Number of the first message that it opens.
    pub fn iteration(&self) -> u32 {
        self.chain.next
    }

    /// Ends the chain, as the entry says that removes its device: messages after `last_iteration` open no more, or
    /// none at all when none was accepted. An end never moves back out. Whoever reads the past calls it for each
    /// chain that such an entry names, or a removed device could write into it.
    pub fn close(&mut self, last_iteration: Option<u32>) {
        self.end = self
            .end
            .min(last_iteration.map_or(0, |last| last.saturating_add(1)));
    }

    /// Opens a message from the seed's iteration on and before the chain's end, at most [`MAX_CHAIN_JUMP`] behind it.
    pub fn open(
        &self,
        message: &SenderKeyMessage<'_>,
        associated_data: &[u8],
    ) -> Result<OpenedRoomMessage, OpenError> {
        let signed = self.statement.binding.check(message, associated_data)?;
        if message.iteration() >= self.end {
            return Err(OpenError::ChainClosed);
        }
        let distance = message
            .iteration()
            .checked_sub(self.chain.next)
            .ok_or(OpenError::KeyGone)?;
        if distance > MAX_CHAIN_JUMP {
            return Err(OpenError::TooFarAhead);
        }
        let (mut key, mut chain) = self.chain.key.step();
        for _ in 0..distance {
            (key, chain) = chain.step();
        }
        signed.open(&key)
    }
}
