//! What a statement says about a chain, and what follows from it for each message: the associated data, what is
//! signed, and the seal. Both sides build these here, so they cannot differ.

use conclave_encoding::{Writer, labels};

use super::{CHAIN_ID_LENGTH, MessageOpening, OpenedRoomMessage, SenderKeyMessage};
use crate::aead::SingleUseKey;
use crate::limits::MESSAGE_RANDOM_LENGTH;
use crate::message::message_hash;
use crate::padding::unpad;
use crate::ratchet::MessageKey;
use crate::suite::{SUITE, VERSION};
use crate::{DeviceAddress, OpenError, VerifyingKey};

/// Bytes of a message's associated data without the caller's, at most.
const OWN_DATA_LENGTH: usize = 192;

/// Which chain it is, and by which key its messages are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChainBinding {
    pub(super) room: [u8; 32],
    pub(super) epoch: u32,
    pub(super) device: DeviceAddress,
    pub(super) chain_id: [u8; CHAIN_ID_LENGTH],
    pub(super) signature_key: VerifyingKey,
}

/// A message whose signature was checked against one chain and one place.
pub(super) struct SignedMessage<'a> {
    pub(super) message: &'a SenderKeyMessage<'a>,
    pub(super) hash: [u8; 32],
    associated_data: Vec<u8>,
}

impl ChainBinding {
    /// What the seal binds. Room to chain id are those of the statement, whatever the message says.
    pub(super) fn associated_data(
        &self,
        iteration: u32,
        random: &[u8; MESSAGE_RANDOM_LENGTH],
        associated_data: &[u8],
    ) -> Vec<u8> {
        Writer::with_capacity(
            labels::SENDER_KEY_ASSOCIATED_DATA,
            associated_data.len().saturating_add(OWN_DATA_LENGTH),
        )
        .u8(VERSION)
        .u8(SUITE)
        .fixed(&self.room)
        .u32(self.epoch)
        .fixed(&self.device.account)
        .u32(self.device.device)
        .fixed(&self.chain_id)
        .u32(iteration)
        .fixed(random)
        .bytes(associated_data)
        .finish()
    }

    /// Checks a message's signature. Nothing may be derived for a message before.
    pub(super) fn check<'a>(
        &self,
        message: &'a SenderKeyMessage<'a>,
        associated_data: &[u8],
    ) -> Result<SignedMessage<'a>, OpenError> {
        if message.chain_id() != self.chain_id {
            return Err(OpenError::UnknownChain);
        }
        let associated_data = self.associated_data(message.iteration(), message.random(), associated_data);
        let hash = message_hash(message.without_signature(), &associated_data);
        self.signature_key
            .verify(&signed_bytes(&hash), message.signature())
            .map_err(|_| OpenError::NotAuthentic)?;
        Ok(SignedMessage {
            message,
            hash,
            associated_data,
        })
    }
}

impl SignedMessage<'_> {
    /// Opens the message with its key: commitment, seal, padding.
    pub(super) fn open(&self, key: &MessageKey) -> Result<OpenedRoomMessage, OpenError> {
        let mut content =
            single_use(key, self.message.random()).open(&self.associated_data, self.message.sealed())?;
        let length = unpad(&content)?.len();
        content.truncate(length);
        Ok(OpenedRoomMessage {
            content,
            hash: self.hash,
            iteration: self.message.iteration(),
            opening: MessageOpening::from_bytes(key.as_bytes()),
        })
    }
}

/// What the chain's signature key signs.
pub(super) fn signed_bytes(hash: &[u8; 32]) -> Vec<u8> {
    Writer::with_capacity(labels::SENDER_KEY_SIGNATURE, 80)
        .fixed(hash)
        .finish()
}

/// As in the ratchet: the random bytes go into HKDF's info, so a repeated counter gives another key.
pub(super) fn single_use(key: &MessageKey, random: &[u8; MESSAGE_RANDOM_LENGTH]) -> SingleUseKey {
    SingleUseKey::derive(key.as_bytes(), &[labels::SENDER_KEY_MESSAGE.as_bytes(), random])
}
