//! What a message says of its file.

use zeroize::Zeroizing;

use super::AttachmentKey;
use super::layout::{Layout, sealed_length};
use crate::AttachmentError;
use crate::limits::MAX_ATTACHMENT;
use crate::redacted::redacted;

/// Bytes of a reference: key (32), length (8), sealed length (8), hash (32).
pub const REFERENCE_LENGTH: usize = 80;

/// The key of a file, its lengths, and the SHA-256 of its ciphertext. Secret as a whole: it travels in sealed
/// messages only. The lengths fit each other and the limits, so they may be believed before anything was loaded.
pub struct AttachmentReference {
    key: AttachmentKey,
    // Invariant: at most MAX_ATTACHMENT.
    length: u64,
    // Invariant: `sealed_length(length)`.
    sealed_length: u64,
    hash: [u8; 32],
}

redacted!(AttachmentReference);

impl AttachmentReference {
    /// A reference with these fields; refused where the lengths do not belong together or are over the limit.
    pub fn new(
        key: AttachmentKey,
        length: u64,
        sealed_length: u64,
        hash: [u8; 32],
    ) -> Result<Self, AttachmentError> {
        if length > MAX_ATTACHMENT {
            return Err(AttachmentError::TooLong);
        }
        if self::sealed_length(length) != Some(sealed_length) {
            return Err(AttachmentError::Lengths);
        }
        Ok(Self {
            key,
            length,
            sealed_length,
            hash,
        })
    }

    /// Reads the fields in their documented order.
    pub fn from_bytes(bytes: &[u8; REFERENCE_LENGTH]) -> Result<Self, AttachmentError> {
        let (key, rest) = bytes.split_first_chunk::<32>().ok_or(AttachmentError::Lengths)?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or(AttachmentError::Lengths)?;
        let (sealed, rest) = rest.split_first_chunk::<8>().ok_or(AttachmentError::Lengths)?;
        let hash = rest.first_chunk::<32>().ok_or(AttachmentError::Lengths)?;
        Self::new(
            AttachmentKey::from_bytes(key),
            u64::from_be_bytes(*length),
            u64::from_be_bytes(*sealed),
            *hash,
        )
    }

    /// The fields in their documented order, for sealing into a message.
    pub fn to_bytes(&self) -> Zeroizing<[u8; REFERENCE_LENGTH]> {
        let mut bytes = Zeroizing::new([0; REFERENCE_LENGTH]);
        let fields = self
            .key
            .as_bytes()
            .iter()
            .copied()
            .chain(self.length.to_be_bytes())
            .chain(self.sealed_length.to_be_bytes())
            .chain(self.hash);
        for (to, from) in bytes.iter_mut().zip(fields) {
            *to = from;
        }
        bytes
    }

    /// The file's key.
    pub const fn key(&self) -> &AttachmentKey {
        &self.key
    }

    /// Bytes of the file.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Bytes of its ciphertext.
    pub const fn sealed_length(&self) -> u64 {
        self.sealed_length
    }

    /// SHA-256 of its ciphertext.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    pub(super) fn layout(&self) -> Result<Layout, AttachmentError> {
        Layout::of_sealed(self.sealed_length)
    }
}
