//! Sealed messages between two devices that have agreed: few, in order, each direction under its own key.

use conclave_encoding::{Writer, labels};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::LinkMessage;
use super::messages::SealedPayload;
use super::secrets::LinkKey;
use crate::LinkError;
use crate::aead::SingleUseKey;
use crate::limits::{MAX_LINK_MESSAGES, MAX_LINK_PAYLOAD, MESSAGE_RANDOM_LENGTH};
use crate::padding::{pad, unpad};
use crate::redacted::redacted;

/// Which of the two devices this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    New,
    Old,
}

/// One end of an agreed link.
pub struct LinkChannel {
    pub(super) side: Side,
    pub(super) transcript: [u8; 32],
    pub(super) to_new: LinkKey,
    pub(super) to_old: LinkKey,
    pub(super) sent: u8,
    pub(super) received: u8,
}

redacted!(LinkChannel);

impl LinkChannel {
    pub(super) fn new(side: Side, transcript: [u8; 32], to_new: LinkKey, to_old: LinkKey) -> Self {
        Self {
            side,
            transcript,
            to_new,
            to_old,
            sent: 0,
            received: 0,
        }
    }

    /// Hash of all that made this link, the same on both devices. What one of them signs for this link names it.
    pub const fn transcript(&self) -> &[u8; 32] {
        &self.transcript
    }

    /// Seals the next message to the other device. The caller stores the channel before it sends the message.
    pub fn seal(&mut self, payload: &[u8], rng: &mut impl CryptoRng) -> Result<LinkMessage, LinkError> {
        let sealed = self.seal_behind(LinkMessage::head(), payload, rng)?;
        Ok(LinkMessage { sealed })
    }

    /// Opens the next message from the other device. After a refusal nothing has changed.
    pub fn open(&mut self, message: &LinkMessage) -> Result<Zeroizing<Vec<u8>>, LinkError> {
        self.open_behind(LinkMessage::head(), &message.sealed)
    }

    pub(super) fn seal_behind(
        &mut self,
        head: Writer,
        payload: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<SealedPayload, LinkError> {
        if payload.len() > MAX_LINK_PAYLOAD {
            return Err(LinkError::TooLong);
        }
        if self.sent >= MAX_LINK_MESSAGES {
            return Err(LinkError::Exhausted);
        }
        let mut random = [0; MESSAGE_RANDOM_LENGTH];
        rng.fill_bytes(&mut random);
        let mut sealed = SealedPayload {
            number: self.sent,
            random,
            sealed: Vec::new(),
        };
        let bound = sealed.bound(head).finish();
        let key = match self.side {
            Side::New => &self.to_old,
            Side::Old => &self.to_new,
        };
        sealed.sealed = message_key(key, &sealed)
            .seal(&bound, &pad(payload))
            .map_err(|_| LinkError::TooLong)?;
        self.sent = self.sent.saturating_add(1);
        Ok(sealed)
    }

    pub(super) fn open_behind(
        &mut self,
        head: Writer,
        sealed: &SealedPayload,
    ) -> Result<Zeroizing<Vec<u8>>, LinkError> {
        if sealed.number < self.received {
            return Err(LinkError::AlreadyOpened);
        }
        if sealed.number > self.received {
            return Err(LinkError::OutOfOrder);
        }
        let key = match self.side {
            Side::New => &self.to_new,
            Side::Old => &self.to_old,
        };
        let mut payload = message_key(key, sealed)
            .open(&sealed.bound(head).finish(), &sealed.sealed)
            .map_err(|_| LinkError::NotAuthentic)?;
        let length = unpad(&payload)?.len();
        payload.truncate(length);
        self.received = self.received.saturating_add(1);
        Ok(payload)
    }
}

/// The number makes each message's key and nonce another one; the random bytes do so where a device that was restored
/// from an older copy repeats a number.
fn message_key(key: &LinkKey, sealed: &SealedPayload) -> SingleUseKey {
    SingleUseKey::derive(
        key.as_bytes(),
        &[
            labels::LINK_MESSAGE_KEY.as_bytes(),
            &[sealed.number],
            &sealed.random,
        ],
    )
}
