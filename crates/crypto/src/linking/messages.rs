//! What travels between the two devices. Parsed, but believed only by the state that it is given to.

use conclave_encoding::{DecodeError, Reader, Writer, labels};

use super::NewDeviceKeys;
use super::transcript::LinkShare;
use crate::aead::OVERHEAD;
use crate::limits::{MAX_LINK_MESSAGES, MAX_LINK_PAYLOAD, MESSAGE_RANDOM_LENGTH};
use crate::padding::padded_length;
use crate::redacted::redacted;
use crate::suite::{SUITE, VERSION};
use crate::vault::x_wing::{CIPHERTEXT_LENGTH, XWingPublic};
use crate::{KeyError, LinkError};

const MAX_SEALED: usize = padded_length(MAX_LINK_PAYLOAD).saturating_add(OVERHEAD);

/// The byte that tells messages apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Commitment = 1,
    Answer = 2,
    Reveal = 3,
    Grant = 4,
    Sealed = 5,
}

/// Message 1, new device to old: what the new device will reveal, hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentMessage {
    pub(super) link: [u8; 16],
    pub(super) commitment: [u8; 32],
}

/// Message 2, old device to new: the old one's share.
#[derive(Clone, PartialEq, Eq)]
pub struct AnswerMessage {
    pub(super) share: LinkShare,
}

/// Message 3, new device to old: what was committed to, and a ciphertext to the old device's key.
#[derive(Clone, PartialEq, Eq)]
pub struct RevealMessage {
    pub(super) share: LinkShare,
    pub(super) keys: NewDeviceKeys,
    pub(super) ciphertext: Box<[u8; CIPHERTEXT_LENGTH]>,
}

/// Message 4, old device to new: a ciphertext to the new device's key, and the first sealed payload.
#[derive(Clone, PartialEq, Eq)]
pub struct GrantMessage {
    pub(super) ciphertext: Box<[u8; CIPHERTEXT_LENGTH]>,
    pub(super) sealed: SealedPayload,
}

/// Every later message, in either direction: a sealed payload.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkMessage {
    pub(super) sealed: SealedPayload,
}

/// A payload with its place in its direction.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SealedPayload {
    pub(super) number: u8,
    pub(super) random: [u8; MESSAGE_RANDOM_LENGTH],
    pub(super) sealed: Vec<u8>,
}

redacted!(AnswerMessage, RevealMessage, GrantMessage, LinkMessage);

fn begin(kind: Kind, capacity: usize) -> Writer {
    Writer::with_capacity(labels::LINK_MESSAGE, capacity.saturating_add(64))
        .u8(VERSION)
        .u8(SUITE)
        .u8(kind as u8)
}

fn read(kind: Kind, bytes: &[u8]) -> Result<Reader<'_>, LinkError> {
    let mut reader = Reader::new(labels::LINK_MESSAGE, bytes)?;
    if reader.u8()? != VERSION || reader.u8()? != SUITE {
        return Err(LinkError::OtherVersion);
    }
    if reader.u8()? != kind as u8 {
        return Err(LinkError::OtherMessage);
    }
    Ok(reader)
}

impl LinkShare {
    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer.fixed(&self.public.to_bytes()).fixed(&self.nonce)
    }

    /// Reads and checks a share, for messages and for stored states.
    pub(super) fn read<E: From<DecodeError> + From<KeyError>>(reader: &mut Reader<'_>) -> Result<Self, E> {
        Ok(Self {
            public: XWingPublic::from_bytes(&reader.fixed()?)?,
            nonce: reader.fixed()?,
        })
    }
}

impl CommitmentMessage {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        begin(Kind::Commitment, 48)
            .fixed(&self.link)
            .fixed(&self.commitment)
            .finish()
    }

    /// Parses a message.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let mut reader = read(Kind::Commitment, bytes)?;
        let message = Self {
            link: reader.fixed()?,
            commitment: reader.fixed()?,
        };
        reader.finish()?;
        Ok(message)
    }

    /// Under which the server keeps the messages of this link.
    pub const fn link_id(&self) -> &[u8; 16] {
        &self.link
    }
}

impl AnswerMessage {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.share.write(begin(Kind::Answer, 1248)).finish()
    }

    /// Parses a message, and checks its keys.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let mut reader = read(Kind::Answer, bytes)?;
        let share = LinkShare::read::<LinkError>(&mut reader)?;
        reader.finish()?;
        Ok(Self { share })
    }
}

impl RevealMessage {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let writer = self.share.write(begin(Kind::Reveal, 2432));
        self.keys.write(writer).fixed(&self.ciphertext).finish()
    }

    /// Parses a message, and checks its keys.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let mut reader = read(Kind::Reveal, bytes)?;
        let message = Self {
            share: LinkShare::read::<LinkError>(&mut reader)?,
            keys: NewDeviceKeys::read::<LinkError>(&mut reader)?,
            ciphertext: Box::new(reader.fixed()?),
        };
        reader.finish()?;
        Ok(message)
    }
}

impl GrantMessage {
    /// What the payload is bound to, in front of its place.
    pub(super) fn head(ciphertext: &[u8; CIPHERTEXT_LENGTH]) -> Writer {
        begin(Kind::Grant, CIPHERTEXT_LENGTH).fixed(ciphertext)
    }

    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.sealed.write(Self::head(&self.ciphertext))
    }

    /// Parses a message.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let mut reader = read(Kind::Grant, bytes)?;
        let ciphertext = Box::new(reader.fixed()?);
        Ok(Self {
            ciphertext,
            sealed: SealedPayload::read(reader)?,
        })
    }
}

impl LinkMessage {
    /// What the payload is bound to, in front of its place.
    pub(super) fn head() -> Writer {
        begin(Kind::Sealed, 64)
    }

    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.sealed.write(Self::head())
    }

    /// Parses a message.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        Ok(Self {
            sealed: SealedPayload::read(read(Kind::Sealed, bytes)?)?,
        })
    }

    /// Its place in its direction; the grant is number 0 of the way to the new device.
    pub const fn number(&self) -> u8 {
        self.sealed.number
    }
}

impl SealedPayload {
    /// All of the message in front of what was sealed: its associated data.
    pub(super) fn bound(&self, head: Writer) -> Writer {
        head.u8(self.number).fixed(&self.random)
    }

    fn write(&self, head: Writer) -> Vec<u8> {
        self.bound(head).bytes(&self.sealed).finish()
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, LinkError> {
        let number = reader.u8()?;
        if number >= MAX_LINK_MESSAGES {
            return Err(DecodeError::InvalidValue.into());
        }
        let payload = Self {
            number,
            random: reader.fixed()?,
            sealed: reader.bytes(MAX_SEALED)?.to_vec(),
        };
        reader.finish()?;
        Ok(payload)
    }
}
