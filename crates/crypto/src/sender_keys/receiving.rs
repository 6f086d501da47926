//! The chains of one other device in one room: the current one and those that it replaced.
//!
//! Opening works on copies of what changes and puts them in place last, so whatever is refused leaves all chains as
//! they were.

use super::binding::ChainBinding;
use super::{CHAIN_ID_LENGTH, OpenedRoomMessage, SenderKeyDistribution, SenderKeyMessage};
use crate::limits::{MAX_CHAIN_JUMP, MAX_OLD_CHAINS, MAX_SKIPPED_PER_CHAIN, OLD_CHAIN_LIFETIME};
use crate::ratchet::Chain;
use crate::redacted::redacted;
use crate::skipped::SkippedKeys;
use crate::{DeviceAddress, OpenError, RemoteDevice, SenderKeyError};

/// All chains of one sending device in one room. The caller stores [`ReceivingChains::to_bytes`] after each success.
pub struct ReceivingChains {
    pub(super) room: [u8; 32],
    pub(super) device: DeviceAddress,
    // Invariant: the current chain is the first; the others were replaced, the latest first.
    pub(super) list: Vec<ReceivingChain>,
}

/// One chain.
pub(super) struct ReceivingChain {
    pub(super) binding: ChainBinding,
    /// From here on the chain opens nothing. `u32::MAX`, which no message reaches, while it is not closed.
    pub(super) end: u32,
    /// Absent once the chain came to its end: there is no message left that its key would open.
    pub(super) chain: Option<Chain>,
    pub(super) skipped: SkippedKeys<()>,
    /// When a newer chain took its place. Without meaning in the current one.
    pub(super) replaced_at: u64,
}

redacted!(ReceivingChains);

/// What became of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The chain is new.
    New,
    /// The chain was known and stays as it was.
    Known,
}

impl ReceivingChains {
    /// No chains yet of this device in this room.
    pub fn new(room: &[u8; 32], device: DeviceAddress) -> Self {
        Self {
            room: *room,
            device,
            list: Vec::new(),
        }
    }

    /// The room.
    pub fn room(&self) -> &[u8; 32] {
        &self.room
    }

    /// The device that sends on these chains.
    pub fn device(&self) -> DeviceAddress {
        self.device
    }

    /// Whether messages of this chain can be opened, as far as their own keys are not gone.
    pub fn knows(&self, chain_id: &[u8; CHAIN_ID_LENGTH], now: u64) -> bool {
        self.position(chain_id, now).is_some()
    }

    /// Takes a chain from its own device. `from` is the peer of the session that the distribution came through, and
    /// `epoch` the one that the caller expects of it.
    ///
    /// A known chain stays as it is: it is never set back, and its id never gets another statement. A new one takes
    /// the place of the current one, unless that belongs to a later epoch. One that was dropped counts as new again,
    /// so its device could have old messages opened twice; the caller tells repeated envelopes apart by their ids.
    pub fn accept(
        &mut self,
        distribution: &SenderKeyDistribution,
        from: &RemoteDevice,
        epoch: u32,
        now: u64,
    ) -> Result<Accepted, SenderKeyError> {
        if from.address() != self.device {
            return Err(SenderKeyError::WrongDevice);
        }
        let statement = distribution.statement.verify_for(from, &self.room, epoch)?;
        let chain_id = statement.chain_id();
        let known = self
            .position(chain_id, now)
            .and_then(|position| self.list.get(position));
        if let Some(known) = known {
            return if known.binding == statement.binding {
                Ok(Accepted::Known)
            } else {
                Err(SenderKeyError::OtherStatement)
            };
        }
        self.expire(now);
        let overtaken = self
            .list
            .first()
            .is_some_and(|current| current.binding.epoch > epoch);
        if !overtaken && let Some(current) = self.list.first_mut() {
            current.replaced_at = now;
        }
        self.list.insert(
            usize::from(overtaken),
            ReceivingChain {
                binding: statement.binding,
                end: u32::MAX,
                chain: Some(distribution.chain.copy()),
                skipped: SkippedKeys::default(),
                replaced_at: now,
            },
        );
        self.list.truncate(MAX_OLD_CHAINS.saturating_add(1));
        Ok(Accepted::New)
    }

    /// Opens one message. Changes nothing unless it is authentic.
    pub fn open(
        &mut self,
        message: &SenderKeyMessage<'_>,
        associated_data: &[u8],
        now: u64,
    ) -> Result<OpenedRoomMessage, OpenError> {
        let chain = self
            .position(&message.chain_id(), now)
            .and_then(|position| self.list.get_mut(position))
            .ok_or(OpenError::UnknownChain)?;
        let opened = chain.open(message, associated_data, now)?;
        self.expire(now);
        Ok(opened)
    }

    /// Ends a chain, as the entry says that removes its device: messages after `last_iteration` open no more, or
    /// none at all when none was accepted. An end never moves back out. Says whether the chain is known; the caller
    /// must not accept it afterwards, or close it again when it does.
    pub fn close(&mut self, chain_id: &[u8; CHAIN_ID_LENGTH], last_iteration: Option<u32>) -> bool {
        let chain = self
            .list
            .iter_mut()
            .find(|chain| chain.binding.chain_id == *chain_id);
        let is_known = chain.is_some();
        if let Some(chain) = chain {
            let end = last_iteration.map_or(0, |last| last.saturating_add(1));
            chain.end = chain.end.min(end);
            chain.skipped.end_at(chain.end);
            chain.drop_spent_key();
        }
        is_known
    }

    /// Drops replaced chains and skipped keys that are too old.
    pub fn expire(&mut self, now: u64) {
        let mut position: usize = 0;
        self.list.retain_mut(|chain| {
            let is_kept = position == 0 || !chain.is_expired(now);
            position = position.saturating_add(1);
            chain.skipped.expire(now);
            is_kept
        });
    }

    /// Message keys kept for messages that were overtaken.
    pub fn skipped_keys(&self) -> usize {
        self.list
            .iter()
            .fold(0, |sum, chain| sum.saturating_add(chain.skipped.len()))
    }

    fn position(&self, chain_id: &[u8; CHAIN_ID_LENGTH], now: u64) -> Option<usize> {
        let position = self
            .list
            .iter()
            .position(|chain| chain.binding.chain_id == *chain_id)?;
        let chain = self.list.get(position)?;
        (position == 0 || !chain.is_expired(now)).then_some(position)
    }
}

impl ReceivingChain {
    fn open(
        &mut self,
        message: &SenderKeyMessage<'_>,
        associated_data: &[u8],
        now: u64,
    ) -> Result<OpenedRoomMessage, OpenError> {
        let signed = self.binding.check(message, associated_data)?;
        let iteration = message.iteration();
        if iteration >= self.end {
            return Err(OpenError::ChainClosed);
        }
        if let Some((position, key)) = self.skipped.find((), iteration, now) {
            let opened = signed.open(key)?;
            self.skipped.remove(position);
            return Ok(opened);
        }
        let chain = self.chain.as_ref().ok_or(OpenError::KeyGone)?;
        let distance = iteration.checked_sub(chain.next).ok_or(OpenError::KeyGone)?;
        if distance > MAX_CHAIN_JUMP {
            return Err(OpenError::TooFarAhead);
        }
        let (skipped, chain) = chain.skip_to(iteration)?;
        let (message_key, chain) = chain.step().ok_or(OpenError::TooFarAhead)?;
        let opened = signed.open(&message_key.key)?;
        self.skipped.insert((), skipped, now, MAX_SKIPPED_PER_CHAIN);
        self.chain = Some(chain);
        self.drop_spent_key();
        Ok(opened)
    }

    fn drop_spent_key(&mut self) {
        if self.chain.as_ref().is_some_and(|chain| chain.next >= self.end) {
            self.chain = None;
        }
    }

    fn is_expired(&self, now: u64) -> bool {
        now.saturating_sub(self.replaced_at) > OLD_CHAIN_LIFETIME
    }
}
