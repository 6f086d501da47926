//! A device's signed word on one of its chains: which signature key speaks for it, in which room and epoch.
//!
//! It travels with the chain key wherever that goes, so whoever hands on a chain cannot write in its name.

use conclave_encoding::{Reader, Writer, labels};

use super::binding::ChainBinding;
use super::{CHAIN_ID_LENGTH, MessageOpening, OpenedRoomMessage, SenderKeyMessage};
use crate::ratchet::MessageKey;
use crate::suite::{SUITE, VERSION};
use crate::{DeviceAddress, OpenError, ParseError, RemoteDevice, SenderKeyError, SigningKey, VerifyingKey};

/// A statement as it came: parsed, but believed by nobody before [`SenderKeyStatement::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderKeyStatement {
    room: [u8; 32],
    epoch: u32,
    device: DeviceAddress,
    chain_id: [u8; CHAIN_ID_LENGTH],
    signature_key: [u8; 32],
    signature: [u8; 64],
}

/// A statement that its device made. Only this opens messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedStatement {
    pub(super) binding: ChainBinding,
    pub(super) signature: [u8; 64],
}

impl SenderKeyStatement {
    /// Bytes of a statement.
    pub const LENGTH: usize = 1 + labels::SENDER_KEY_STATEMENT.as_bytes().len() + 2 + SIGNED_FIELDS + 64;

    /// Parses a statement. Its key and signature are checked by [`SenderKeyStatement::verify`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(labels::SENDER_KEY_STATEMENT, bytes)?;
        if reader.u8()? != VERSION || reader.u8()? != SUITE {
            return Err(ParseError::UnknownType);
        }
        let statement = Self {
            room: reader.fixed()?,
            epoch: reader.u32()?,
            device: DeviceAddress {
                account: reader.fixed()?,
                device: reader.u32()?,
            },
            chain_id: reader.fixed()?,
            signature_key: reader.fixed()?,
            signature: reader.fixed()?,
        };
        reader.finish()?;
        Ok(statement)
    }

    /// The statement's bytes: what is signed, then the signature.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.signed_bytes().fixed(&self.signature).finish()
    }

    /// Checks that `author` made this statement and that its key is acceptable. Which room and epoch are meant is
    /// the caller's to compare.
    pub fn verify(&self, author: &RemoteDevice) -> Result<VerifiedStatement, SenderKeyError> {
        if self.device != author.address() {
            return Err(SenderKeyError::WrongDevice);
        }
        author
            .signing
            .verify(&self.signed_bytes().finish(), &self.signature)
            .map_err(|_| SenderKeyError::Signature)?;
        Ok(VerifiedStatement {
            binding: ChainBinding {
                room: self.room,
                epoch: self.epoch,
                device: self.device,
                chain_id: self.chain_id,
                signature_key: VerifyingKey::from_bytes(&self.signature_key)?,
            },
            signature: self.signature,
        })
    }

    /// The room that it names.
    pub fn room(&self) -> &[u8; 32] {
        &self.room
    }

    /// The room's epoch that it names.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The device that it says made it.
    pub fn device(&self) -> DeviceAddress {
        self.device
    }

    /// The chain that it is about.
    pub fn chain_id(&self) -> &[u8; CHAIN_ID_LENGTH] {
        &self.chain_id
    }

    /// As [`SenderKeyStatement::verify`], for one room and epoch.
    pub(super) fn verify_for(
        &self,
        author: &RemoteDevice,
        room: &[u8; 32],
        epoch: u32,
    ) -> Result<VerifiedStatement, SenderKeyError> {
        if self.room != *room {
            return Err(SenderKeyError::WrongRoom);
        }
        if self.epoch != epoch {
            return Err(SenderKeyError::WrongEpoch);
        }
        self.verify(author)
    }

    fn signed_bytes(&self) -> Writer {
        Writer::with_capacity(labels::SENDER_KEY_STATEMENT, Self::LENGTH)
            .u8(VERSION)
            .u8(SUITE)
            .fixed(&self.room)
            .u32(self.epoch)
            .fixed(&self.device.account)
            .u32(self.device.device)
            .fixed(&self.chain_id)
            .fixed(&self.signature_key)
    }
}

impl VerifiedStatement {
    /// The device's own word.
    pub(super) fn sign(binding: &ChainBinding, signing: &SigningKey) -> Self {
        let mut statement = Self {
            binding: *binding,
            signature: [0; 64],
        };
        statement.signature = signing.sign(&statement.statement().signed_bytes().finish());
        statement
    }

    /// The statement as it travels.
    pub fn statement(&self) -> SenderKeyStatement {
        let ChainBinding {
            room,
            epoch,
            device,
            chain_id,
            signature_key,
        } = self.binding;
        SenderKeyStatement {
            room,
            epoch,
            device,
            chain_id,
            signature_key: signature_key.to_bytes(),
            signature: self.signature,
        }
    }

    /// The room.
    pub fn room(&self) -> &[u8; 32] {
        &self.binding.room
    }

    /// The room's epoch.
    pub fn epoch(&self) -> u32 {
        self.binding.epoch
    }

    /// The account whose device made it.
    pub fn account(&self) -> &[u8; 32] {
        &self.binding.device.account
    }

    /// The device's number in that account's chain.
    pub fn device(&self) -> u32 {
        self.binding.device.device
    }

    /// The device that made it.
    pub fn address(&self) -> DeviceAddress {
        self.binding.device
    }

    /// The chain's id.
    pub fn chain_id(&self) -> &[u8; CHAIN_ID_LENGTH] {
        &self.binding.chain_id
    }

    /// The key that signs the chain's messages.
    pub fn signature_key(&self) -> &VerifyingKey {
        &self.binding.signature_key
    }

    /// Whether the chain's signature key signed a message, whoever has the key that opens it. So a wrong key is told
    /// from a forged message.
    pub fn is_signed(&self, message: &SenderKeyMessage<'_>, associated_data: &[u8]) -> bool {
        self.binding.check(message, associated_data).is_ok()
    }

    /// Opens one message of the chain with the key of that message, as who judges a report does. Signature,
    /// commitment, seal and padding are all checked.
    pub fn open_with(
        &self,
        opening: &MessageOpening,
        message: &SenderKeyMessage<'_>,
        associated_data: &[u8],
    ) -> Result<OpenedRoomMessage, OpenError> {
        self.binding
            .check(message, associated_data)?
            .open(&MessageKey::from_bytes(opening.as_bytes()))
    }
}

/// Room, epoch, account, device, chain id, signature key.
const SIGNED_FIELDS: usize = 32 + 4 + 32 + 4 + CHAIN_ID_LENGTH + 32;
