//! Where which byte stands. Nothing here knows a key.

use crate::AttachmentError;
use crate::aead::{COMMITMENT_LENGTH, TAG_LENGTH};
use crate::limits::{ATTACHMENT_FLOOR, MAX_ATTACHMENT, MAX_ATTACHMENT_CHUNKS};
use crate::padding::padme;

/// Bytes of plaintext in every chunk but the last, which has fewer.
pub const CHUNK_LENGTH: usize = 16_384;

/// Bytes of every sealed chunk but the last.
pub const SEALED_CHUNK_LENGTH: usize = CHUNK_LENGTH + TAG_LENGTH;

/// Bytes of the salt at the front.
pub(super) const SALT_LENGTH: usize = 24;

/// Bytes in front of the first chunk: salt and commitment.
pub const HEADER_LENGTH: usize = SALT_LENGTH + COMMITMENT_LENGTH;

const CHUNK: u64 = CHUNK_LENGTH as u64;
const SEALED_CHUNK: u64 = SEALED_CHUNK_LENGTH as u64;
const HEADER: u64 = HEADER_LENGTH as u64;
const TAG: u64 = TAG_LENGTH as u64;

/// The length to which a file of `length` bytes is filled before it is sealed.
pub const fn filled_length(length: u64) -> u64 {
    if length <= ATTACHMENT_FLOOR {
        ATTACHMENT_FLOOR
    } else {
        padme(length)
    }
}

/// The length of the ciphertext of a file of `length` bytes; `None` where the file is over [`MAX_ATTACHMENT`].
pub fn sealed_length(length: u64) -> Option<u64> {
    if length > MAX_ATTACHMENT {
        return None;
    }
    Some(Layout::of_plaintext(filled_length(length)).ok()?.sealed_length())
}

/// Number of chunks, and the length of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    // Invariant: 1 to MAX_ATTACHMENT_CHUNKS.
    chunks: u64,
    // Invariant: under CHUNK_LENGTH.
    last: usize,
}

impl Layout {
    pub(super) fn of_plaintext(length: u64) -> Result<Self, AttachmentError> {
        let last = usize::try_from(length % CHUNK).map_err(|_| AttachmentError::TooLong)?;
        Self::new((length / CHUNK).saturating_add(1), last)
    }

    /// Of a whole ciphertext. Many lengths are no ciphertext's; they are refused as cut.
    pub(super) fn of_sealed(length: u64) -> Result<Self, AttachmentError> {
        let chunks = length.checked_sub(HEADER).ok_or(AttachmentError::Cut)?;
        let last = (chunks % SEALED_CHUNK)
            .checked_sub(TAG)
            .ok_or(AttachmentError::Cut)?;
        let last = usize::try_from(last).map_err(|_| AttachmentError::TooLong)?;
        Self::new((chunks / SEALED_CHUNK).saturating_add(1), last)
    }

    fn new(chunks: u64, last: usize) -> Result<Self, AttachmentError> {
        if chunks > MAX_ATTACHMENT_CHUNKS {
            return Err(AttachmentError::TooLong);
        }
        Ok(Self { chunks, last })
    }

    pub(super) const fn chunks(self) -> u64 {
        self.chunks
    }

    /// Bytes of plaintext in a chunk; `None` behind the last.
    pub(super) const fn chunk_length(self, index: u64) -> Option<usize> {
        let left = self.chunks.saturating_sub(index);
        match left {
            0 => None,
            1 => Some(self.last),
            _ => Some(CHUNK_LENGTH),
        }
    }

    /// Bytes of a sealed chunk; `None` behind the last.
    pub(super) fn sealed_chunk_length(self, index: u64) -> Option<usize> {
        Some(self.chunk_length(index)?.saturating_add(TAG_LENGTH))
    }

    /// Bytes of the whole ciphertext. The limit on chunks keeps every product far below 2^64.
    pub(super) const fn sealed_length(self) -> u64 {
        self.chunks
            .saturating_sub(1)
            .saturating_mul(SEALED_CHUNK)
            .saturating_add(self.last as u64)
            .saturating_add(TAG)
            .saturating_add(HEADER)
    }
}

/// How many of a chunk's bytes belong to a file of `length` bytes; the rest is filling.
pub(super) fn file_bytes(length: u64, index: u64, chunk_length: usize) -> usize {
    let left = length.saturating_sub(index.saturating_mul(CHUNK));
    usize::try_from(left).map_or(chunk_length, |left| left.min(chunk_length))
}
