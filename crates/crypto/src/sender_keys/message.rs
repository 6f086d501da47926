//! A room message as it travels. Parsing is strict and bounded and must never judge authenticity.

use super::CHAIN_ID_LENGTH;
use crate::ParseError;
use crate::aead::OVERHEAD;
use crate::limits::{MAX_ROOM_MESSAGE, MAX_SEALED_CONTENT, MESSAGE_RANDOM_LENGTH};
use crate::message::{TYPE_ROOM, varint};

/// Bytes of a message before its sealed part, at most: type, chain id, iteration, random bytes.
pub(super) const MAX_HEADER_LENGTH: usize = 1 + CHAIN_ID_LENGTH + 5 + MESSAGE_RANDOM_LENGTH;
/// Bytes of the signature.
pub(super) const SIGNATURE_LENGTH: usize = 64;

/// A parsed room message, borrowed from the bytes that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderKeyMessage<'a> {
    /// Everything but the signature.
    without_signature: &'a [u8],
    chain_id: &'a [u8; CHAIN_ID_LENGTH],
    iteration: u32,
    random: &'a [u8; MESSAGE_RANDOM_LENGTH],
    /// `commitment ‖ ciphertext ‖ tag`.
    sealed: &'a [u8],
    signature: &'a [u8; SIGNATURE_LENGTH],
}

impl<'a> SenderKeyMessage<'a> {
    /// Parses a message.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_ROOM_MESSAGE {
            return Err(ParseError::TooLong);
        }
        let (&kind, _) = bytes.split_first().ok_or(ParseError::Truncated)?;
        if kind != TYPE_ROOM {
            return Err(ParseError::UnknownType);
        }
        let (without_signature, signature) = bytes.split_last_chunk().ok_or(ParseError::Truncated)?;
        let (_, rest) = without_signature.split_first().ok_or(ParseError::Truncated)?;
        let (chain_id, rest) = rest.split_first_chunk().ok_or(ParseError::Truncated)?;
        let (iteration, rest) = varint::split_from(rest)?;
        let (random, sealed) = rest.split_first_chunk().ok_or(ParseError::Truncated)?;
        if sealed.len() < OVERHEAD {
            return Err(ParseError::Truncated);
        }
        if sealed.len() > MAX_SEALED_CONTENT {
            return Err(ParseError::TooLong);
        }
        Ok(Self {
            without_signature,
            chain_id,
            iteration,
            random,
            sealed,
            signature,
        })
    }

    /// The chain that the message names, for asking for it when it is not known. Opening checks it.
    pub fn chain_id(&self) -> [u8; CHAIN_ID_LENGTH] {
        *self.chain_id
    }

    /// The message's number in its chain, as it says itself.
    pub fn iteration(&self) -> u32 {
        self.iteration
    }

    pub(super) fn random(&self) -> &[u8; MESSAGE_RANDOM_LENGTH] {
        self.random
    }

    pub(super) fn sealed(&self) -> &[u8] {
        self.sealed
    }

    pub(super) fn without_signature(&self) -> &[u8] {
        self.without_signature
    }

    pub(super) fn signature(&self) -> &[u8; SIGNATURE_LENGTH] {
        self.signature
    }
}

/// `type ‖ chain id ‖ iteration ‖ random`, with room for what follows.
pub(super) fn header(
    chain_id: &[u8; CHAIN_ID_LENGTH],
    iteration: u32,
    random: &[u8; MESSAGE_RANDOM_LENGTH],
    sealed_length: usize,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(sealed_length.saturating_add(MAX_HEADER_LENGTH + SIGNATURE_LENGTH));
    bytes.push(TYPE_ROOM);
    bytes.extend_from_slice(chain_id);
    varint::write(iteration, &mut bytes);
    bytes.extend_from_slice(random);
    bytes
}
