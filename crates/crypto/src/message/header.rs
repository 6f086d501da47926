//! The open part of a ratchet message, all of it bound into the seal.

use conclave_encoding::{Writer, labels};

use super::{Purpose, varint};
use crate::ParseError;
use crate::keys::X25519Public;
use crate::limits::MESSAGE_RANDOM_LENGTH;
use crate::suite::{SUITE, VERSION};

/// First byte of a ratchet message that carries a content key. The high half is the version.
const TYPE_MESSAGE_KEY: u8 = VERSION << 4;
/// First byte of a ratchet message that carries a control payload.
const TYPE_CONTROL: u8 = (VERSION << 4) | 0x1;
/// First byte of a prekey message; the purpose follows in the ratchet message inside.
pub(super) const TYPE_PREKEY: u8 = (VERSION << 4) | 0x2;
/// First byte of a room message, which is never pairwise: nothing in this module parses it.
pub(crate) const TYPE_ROOM: u8 = (VERSION << 4) | 0x3;

/// Longest header: type, key, two counters of five bytes, random bytes.
pub(super) const MAX_LENGTH: usize = 1 + 32 + 5 + 5 + MESSAGE_RANDOM_LENGTH;

/// Purpose, position in the ratchet, and the random bytes of the message key's expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessageHeader {
    pub(crate) purpose: Purpose,
    pub(crate) ratchet_key: X25519Public,
    /// Messages in the sender's previous chain.
    pub(crate) previous: u32,
    /// Number of the message in its chain.
    pub(crate) index: u32,
    pub(crate) random: [u8; MESSAGE_RANDOM_LENGTH],
}

impl MessageHeader {
    /// Appends `type ‖ ratchet key ‖ previous ‖ index ‖ random`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(match self.purpose {
            Purpose::MessageKey => TYPE_MESSAGE_KEY,
            Purpose::Control => TYPE_CONTROL,
        });
        out.extend_from_slice(self.ratchet_key.as_bytes());
        varint::write(self.previous, out);
        varint::write(self.index, out);
        out.extend_from_slice(&self.random);
    }

    /// Parses the header at the start of `bytes` and gives the rest.
    pub(super) fn split_from(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let (&kind, bytes) = bytes.split_first().ok_or(ParseError::Truncated)?;
        let purpose = match kind {
            TYPE_MESSAGE_KEY => Purpose::MessageKey,
            TYPE_CONTROL => Purpose::Control,
            _ => return Err(ParseError::UnknownType),
        };
        let (ratchet_key, bytes) = bytes.split_first_chunk().ok_or(ParseError::Truncated)?;
        let (previous, bytes) = varint::split_from(bytes)?;
        let (index, bytes) = varint::split_from(bytes)?;
        let (random, rest) = bytes.split_first_chunk().ok_or(ParseError::Truncated)?;
        let ratchet_key = X25519Public::from_bytes(ratchet_key)?;
        Ok((
            Self {
                purpose,
                ratchet_key,
                previous,
                index,
                random: *random,
            },
            rest,
        ))
    }

    /// What the seal binds: version and suite, the session's transcript, the purpose, the header, and what the
    /// caller adds.
    pub(crate) fn associated_data(&self, session: &[u8; 32], associated_data: &[u8]) -> Vec<u8> {
        let mut header = Vec::with_capacity(MAX_LENGTH);
        self.write(&mut header);
        Writer::with_capacity(
            labels::RATCHET_ASSOCIATED_DATA,
            associated_data.len().saturating_add(256),
        )
        .u8(VERSION)
        .u8(SUITE)
        .fixed(session)
        .bytes(self.purpose.label().as_bytes())
        .bytes(&header)
        .bytes(associated_data)
        .finish()
    }
}
