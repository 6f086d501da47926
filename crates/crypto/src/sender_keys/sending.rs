//! This device's own chain in one room and epoch.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::binding::{ChainBinding, signed_bytes, single_use};
use super::message::header;
use super::{SenderKeyDistribution, SenderKeySeed, SenderKeyStatement, VerifiedStatement};
use crate::aead::OVERHEAD;
use crate::kdf::random;
use crate::limits::{MAX_CHAIN_AGE, MAX_CHAIN_CLOCK_BACK, MAX_CHAIN_MESSAGES, MAX_CONTENT};
use crate::message::message_hash;
use crate::padding::{pad_into, padded_length};
use crate::ratchet::{Chain, ChainKey};
use crate::redacted::redacted;
use crate::{DeviceAddress, SealError, SigningKey};

/// A chain to send on. The caller stores [`SendingChain::to_bytes`] durably after each success and before anything
/// sealed is sent.
pub struct SendingChain {
    pub(super) statement: VerifiedStatement,
    /// The chain's own signature key. It signs nothing else and dies with the chain.
    pub(super) signature_key: SigningKey,
    pub(super) created_at: u64,
    pub(super) chain: Chain,
}

redacted!(SendingChain);

/// Why a device begins a new chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationReason {
    /// The room has another epoch: somebody may no longer read.
    Epoch,
    /// The chain sealed as many messages as it may.
    Count,
    /// The chain is as old as it may get.
    Age,
    /// The clock stands far before the chain's beginning, so its age is not known.
    Clock,
}

/// A message for a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRoomMessage {
    /// The message as it travels.
    pub bytes: Vec<u8>,
    /// Its message hash, the link for this device's next message in the room.
    pub hash: [u8; 32],
}

impl SendingChain {
    /// A new chain of this device, whose signing key vouches for it. Nothing of it follows from an earlier one.
    pub fn begin(
        room: &[u8; 32],
        epoch: u32,
        device: DeviceAddress,
        signing: &SigningKey,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let signature_key = SigningKey::generate(rng);
        let binding = ChainBinding {
            room: *room,
            epoch,
            device,
            chain_id: *random(rng),
            signature_key: signature_key.public(),
        };
        Self {
            statement: VerifiedStatement::sign(&binding, signing),
            signature_key,
            created_at: now,
            chain: Chain::new(ChainKey::from_bytes(&random(rng))),
        }
    }

    /// The device's word on this chain.
    pub fn statement(&self) -> SenderKeyStatement {
        self.statement.statement()
    }

    /// Number of the next message.
    pub fn iteration(&self) -> u32 {
        self.chain.next
    }

    /// When the chain was begun.
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// The chain for a member, from the next message on, to be sent inside a pairwise control message. The head is
    /// that of the room's chain as this device sees it.
    pub fn distribution(&self, head_sequence: u32, head_hash: &[u8; 32]) -> Zeroizing<Vec<u8>> {
        SenderKeyDistribution::write(&self.statement(), head_sequence, head_hash, &self.chain)
    }

    /// The chain for one's own vault, from the next message on. Where the room's rules let the past be kept, it is
    /// taken when the chain begins.
    pub fn seed(&self) -> Zeroizing<Vec<u8>> {
        SenderKeySeed::write(&self.statement(), &self.chain)
    }

    /// Whether a new chain must begin before the next message in this epoch, and why.
    pub fn rotation_due(&self, epoch: u32, now: u64) -> Option<RotationReason> {
        if epoch == self.statement.epoch() {
            self.spent(now)
        } else {
            Some(RotationReason::Epoch)
        }
    }

    /// Pads, seals and signs one message. A spent chain seals nothing more; the epoch is for the caller to compare.
    pub fn seal(
        &mut self,
        associated_data: &[u8],
        plaintext: &[u8],
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<SealedRoomMessage, SealError> {
        if plaintext.len() > MAX_CONTENT {
            return Err(SealError::TooLong);
        }
        if let Some(reason) = self.spent(now) {
            return Err(SealError::RotationDue(reason));
        }
        self.seal_next(associated_data, plaintext, rng)
    }

    /// As [`SendingChain::seal`], without the question whether the chain is spent.
    pub(super) fn seal_next(
        &mut self,
        associated_data: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<SealedRoomMessage, SealError> {
        let (message_key, chain) = self.chain.step().ok_or(SealError::CounterExhausted)?;
        let binding = &self.statement.binding;
        let random = random(rng);
        let bound = binding.associated_data(message_key.index, &random, associated_data);
        let length = padded_length(plaintext.len());
        let mut bytes = header(
            &binding.chain_id,
            message_key.index,
            &random,
            length.saturating_add(OVERHEAD),
        );
        single_use(&message_key.key, &random).seal_into(&mut bytes, &bound, length, |out| {
            pad_into(plaintext, out);
        })?;
        let hash = message_hash(&bytes, &bound);
        bytes.extend_from_slice(&self.signature_key.sign(&signed_bytes(&hash)));
        self.chain = chain;
        Ok(SealedRoomMessage { bytes, hash })
    }

    fn spent(&self, now: u64) -> Option<RotationReason> {
        if self.chain.next >= MAX_CHAIN_MESSAGES {
            Some(RotationReason::Count)
        } else if now.saturating_sub(self.created_at) >= MAX_CHAIN_AGE {
            Some(RotationReason::Age)
        } else if self.created_at.saturating_sub(now) > MAX_CHAIN_CLOCK_BACK {
            Some(RotationReason::Clock)
        } else {
            None
        }
    }
}
