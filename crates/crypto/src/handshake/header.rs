//! What the initiator tells the responder so that it can follow the handshake. Repeated until the first answer.

use crate::ParseError;
use crate::keys::X25519Public;
use crate::prekeys::{CIPHERTEXT_LENGTH, KemCiphertext, PrekeyKind};

/// The public part of a handshake: which prekeys were used, the ephemeral key, the KEM ciphertext.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrekeyHeader {
    pub(crate) kind: PrekeyKind,
    pub(crate) prekey_id: u32,
    pub(crate) signed_prekey_id: u32,
    pub(crate) ephemeral: X25519Public,
    pub(crate) kem_ciphertext: KemCiphertext,
}

impl PrekeyHeader {
    /// Bytes of every header.
    pub(crate) const LENGTH: usize = 1 + 4 + 4 + 32 + CIPHERTEXT_LENGTH;

    /// Appends the header's bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes());
    }

    /// `kind ‖ prekey id ‖ signed prekey id ‖ ephemeral ‖ KEM ciphertext`.
    pub(crate) fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = self.kind.to_u8();
        bytes[1..5].copy_from_slice(&self.prekey_id.to_be_bytes());
        bytes[5..9].copy_from_slice(&self.signed_prekey_id.to_be_bytes());
        bytes[9..41].copy_from_slice(self.ephemeral.as_bytes());
        bytes[41..1129].copy_from_slice(self.kem_ciphertext.as_bytes());
        bytes
    }

    /// Parses the header at the start of `bytes` and gives the rest.
    pub(crate) fn split_from(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let (&[kind], bytes) = bytes.split_first_chunk().ok_or(ParseError::Truncated)?;
        let (prekey_id, bytes) = bytes.split_first_chunk().ok_or(ParseError::Truncated)?;
        let (signed_prekey_id, bytes) = bytes.split_first_chunk().ok_or(ParseError::Truncated)?;
        let (ephemeral, bytes) = bytes.split_first_chunk().ok_or(ParseError::Truncated)?;
        let (kem_ciphertext, rest) = bytes.split_first_chunk().ok_or(ParseError::Truncated)?;
        let header = Self {
            kind: PrekeyKind::from_u8(kind).ok_or(ParseError::NonCanonical)?,
            prekey_id: u32::from_be_bytes(*prekey_id),
            signed_prekey_id: u32::from_be_bytes(*signed_prekey_id),
            ephemeral: X25519Public::from_bytes(ephemeral)?,
            kem_ciphertext: KemCiphertext::from_bytes(kem_ciphertext),
        };
        Ok((header, rest))
    }
}
