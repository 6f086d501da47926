//! Pairwise messages as they travel through mailboxes.

use super::Purpose;
use super::header::{MAX_LENGTH, MessageHeader, TYPE_PREKEY};
use crate::ParseError;
use crate::aead::OVERHEAD;
use crate::handshake::PrekeyHeader;
use crate::limits::MAX_PAIRWISE_MESSAGE;
use crate::prekeys::PrekeyKind;

/// A message from one device to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairwiseMessage {
    /// Begins a session, or repeats how it began because nobody answered yet.
    Prekey(PrekeyMessage),
    /// Belongs to a session that both sides know.
    Ratchet(RatchetMessage),
}

/// A ratchet message behind the header of its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrekeyMessage {
    pub(crate) header: PrekeyHeader,
    pub(crate) message: RatchetMessage,
}

/// A header and what was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatchetMessage {
    pub(crate) header: MessageHeader,
    /// `commitment ‖ ciphertext ‖ tag`.
    pub(crate) sealed: Vec<u8>,
}

impl PairwiseMessage {
    /// Parses a message of either kind.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_PAIRWISE_MESSAGE {
            return Err(ParseError::TooLong);
        }
        match bytes.split_first() {
            Some((&TYPE_PREKEY, rest)) => {
                let (header, rest) = PrekeyHeader::split_from(rest)?;
                Ok(Self::Prekey(PrekeyMessage {
                    header,
                    message: RatchetMessage::parse(rest)?,
                }))
            }
            _ => RatchetMessage::parse(bytes).map(Self::Ratchet),
        }
    }

    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Prekey(prekey) => prekey.message.to_bytes_behind(&prekey.header),
            Self::Ratchet(message) => message.to_bytes(),
        }
    }

    /// What the message is for, as it says itself. Opening checks it.
    pub fn purpose(&self) -> Purpose {
        match self {
            Self::Prekey(prekey) => prekey.purpose(),
            Self::Ratchet(message) => message.purpose(),
        }
    }
}

impl PrekeyMessage {
    /// Id of the prekey that the initiator claimed.
    pub fn prekey_id(&self) -> u32 {
        self.header.prekey_id
    }

    /// Kind of that prekey.
    pub fn prekey_kind(&self) -> PrekeyKind {
        self.header.kind
    }

    /// Id of the signed prekey that came with it.
    pub fn signed_prekey_id(&self) -> u32 {
        self.header.signed_prekey_id
    }

    /// The initiator's ephemeral key. The caller remembers those that a last-resort key has met and refuses
    /// repetitions that no session knows.
    pub fn ephemeral(&self) -> [u8; 32] {
        self.header.ephemeral.to_bytes()
    }

    /// What the message inside is for, as it says itself.
    pub fn purpose(&self) -> Purpose {
        self.message.purpose()
    }
}

impl RatchetMessage {
    /// What the message is for, as it says itself.
    pub fn purpose(&self) -> Purpose {
        self.header.purpose
    }

    /// The bytes of [`PairwiseMessage::Ratchet`].
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_LENGTH.saturating_add(self.sealed.len()));
        self.write(&mut bytes);
        bytes
    }

    /// The bytes of [`PairwiseMessage::Prekey`] with this message behind that header.
    pub(crate) fn to_bytes_behind(&self, header: &PrekeyHeader) -> Vec<u8> {
        let length = 1 + PrekeyHeader::LENGTH + MAX_LENGTH;
        let mut bytes = Vec::with_capacity(length.saturating_add(self.sealed.len()));
        bytes.push(TYPE_PREKEY);
        header.write(&mut bytes);
        self.write(&mut bytes);
        bytes
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.header.write(out);
        out.extend_from_slice(&self.sealed);
    }

    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let (header, sealed) = MessageHeader::split_from(bytes)?;
        if sealed.len() < OVERHEAD {
            return Err(ParseError::Truncated);
        }
        Ok(Self {
            header,
            sealed: sealed.to_vec(),
        })
    }
}
