//! Opening of single chunks, in any order.

use chacha20poly1305::ChaCha20Poly1305;
use conclave_encoding::labels;
use zeroize::Zeroizing;

use super::AttachmentReference;
use super::chunks::Chunks;
use super::layout::{HEADER_LENGTH, Layout, SEALED_CHUNK_LENGTH, file_bytes};
use crate::AttachmentError;
use crate::redacted::redacted;

/// Opens any chunk of one file. What it hands out is authentic and stands where it was asked for; that nobody put a
/// whole other ciphertext under the same key in its place is what [`super::AttachmentReader`] checks beside.
pub struct AttachmentOpener {
    chunks: Chunks<ChaCha20Poly1305>,
    layout: Layout,
    length: u64,
}

redacted!(AttachmentOpener);

impl AttachmentOpener {
    /// Begins with the first [`HEADER_LENGTH`] bytes of the ciphertext.
    pub fn begin(
        reference: &AttachmentReference,
        header: &[u8; HEADER_LENGTH],
    ) -> Result<Self, AttachmentError> {
        Ok(Self {
            chunks: Chunks::open(reference.key().as_bytes(), labels::ATTACHMENT.as_bytes(), header)?,
            layout: reference.layout()?,
            length: reference.length(),
        })
    }

    /// How many chunks the ciphertext has. The last ones may hold nothing but filling.
    pub const fn chunks(&self) -> u64 {
        self.layout.chunks()
    }

    /// Where a sealed chunk stands in the ciphertext: offset and length. `None` behind the last.
    pub fn place(&self, index: u64) -> Option<(u64, usize)> {
        let length = self.layout.sealed_chunk_length(index)?;
        let offset = index
            .saturating_mul(SEALED_CHUNK_LENGTH as u64)
            .saturating_add(HEADER_LENGTH as u64);
        Some((offset, length))
    }

    /// Opens one chunk and gives the bytes of the file in it: [`super::CHUNK_LENGTH`] of them, or fewer at the file's
    /// end, or none where all of it is filling. Filling that is not zero is refused.
    pub fn open_chunk(&self, index: u64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AttachmentError> {
        let (_, length) = self.place(index).ok_or(AttachmentError::OutOfRange)?;
        if sealed.len() != length {
            return Err(AttachmentError::Cut);
        }
        let mut chunk = self.chunks.open_chunk(index, sealed)?;
        let file = file_bytes(self.length, index, chunk.len());
        if chunk.iter().skip(file).any(|byte| *byte != 0) {
            return Err(AttachmentError::Filling);
        }
        chunk.truncate(file);
        Ok(chunk)
    }
}
