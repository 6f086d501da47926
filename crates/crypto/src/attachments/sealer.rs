//! Sealing, chunk by chunk.

use chacha20poly1305::ChaCha20Poly1305;
use conclave_encoding::labels;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

use super::chunks::Chunks;
use super::layout::{CHUNK_LENGTH, HEADER_LENGTH, Layout, file_bytes, filled_length};
use super::{AttachmentKey, AttachmentReference};
use crate::AttachmentError;
use crate::limits::MAX_ATTACHMENT;
use crate::redacted::redacted;

/// Seals one file while it is read. Fills it with zeros itself.
///
/// ```
/// # use conclave_crypto::attachments::*;
/// # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// # let mut rng = ChaCha20Rng::from_seed([7; 32]);
/// let file = b"a photograph".as_slice();
/// let (mut sealer, header) =
///     AttachmentSealer::begin(AttachmentKey::generate(&mut rng), file.len() as u64, &mut rng)?;
/// let mut ciphertext = header.to_vec();
/// let mut rest = file;
/// while let Some(wanted) = sealer.wanted() {
///     let (chunk, after) = rest.split_at(wanted);
///     ciphertext.extend(sealer.seal_chunk(chunk)?);
///     rest = after;
/// }
/// let reference = sealer.finish()?;
/// assert_eq!(*open_attachment(&reference, &ciphertext)?, file);
/// # Ok::<(), conclave_crypto::AttachmentError>(())
/// ```
pub struct AttachmentSealer {
    key: AttachmentKey,
    chunks: Chunks<ChaCha20Poly1305>,
    layout: Layout,
    length: u64,
    next: u64,
    hash: Sha256,
}

redacted!(AttachmentSealer);

impl AttachmentSealer {
    /// Begins a file of `length` bytes, at most [`MAX_ATTACHMENT`]; gives the header that stands in front of the
    /// chunks. The key is used up: no second file is sealed with it.
    pub fn begin(
        key: AttachmentKey,
        length: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, [u8; HEADER_LENGTH]), AttachmentError> {
        if length > MAX_ATTACHMENT {
            return Err(AttachmentError::TooLong);
        }
        let (chunks, header) = Chunks::begin(key.as_bytes(), labels::ATTACHMENT.as_bytes(), rng)?;
        let sealer = Self {
            key,
            chunks,
            layout: Layout::of_plaintext(filled_length(length))?,
            length,
            next: 0,
            hash: Sha256::new().chain_update(header),
        };
        Ok((sealer, header))
    }

    /// How many bytes of the file the next chunk takes: 0 where only filling is left to seal, `None` when all of it
    /// is sealed.
    pub fn wanted(&self) -> Option<usize> {
        let chunk_length = self.layout.chunk_length(self.next)?;
        Some(file_bytes(self.length, self.next, chunk_length))
    }

    /// Seals the next chunk from exactly the bytes that are wanted. After a refusal nothing has changed.
    pub fn seal_chunk(&mut self, bytes: &[u8]) -> Result<Vec<u8>, AttachmentError> {
        let chunk_length = self
            .layout
            .chunk_length(self.next)
            .ok_or(AttachmentError::OutOfRange)?;
        if self.wanted() != Some(bytes.len()) {
            return Err(AttachmentError::Lengths);
        }
        // Sealed in place: what is left in the buffer is ciphertext.
        let mut sealed = Vec::with_capacity(super::SEALED_CHUNK_LENGTH);
        sealed.extend_from_slice(bytes);
        sealed.resize(chunk_length, 0);
        let tag = self.chunks.seal_chunk(self.next, &mut sealed)?;
        sealed.extend_from_slice(&tag);
        self.hash.update(&sealed);
        self.next = self.next.saturating_add(1);
        Ok(sealed)
    }

    /// The reference for the message; refused while chunks are missing.
    pub fn finish(self) -> Result<AttachmentReference, AttachmentError> {
        if self.wanted().is_some() {
            return Err(AttachmentError::Cut);
        }
        AttachmentReference::new(
            self.key,
            self.length,
            self.layout.sealed_length(),
            self.hash.finalize().into(),
        )
    }
}

/// Seals a file that is in memory, under a fresh key.
pub fn seal_attachment(
    file: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<(AttachmentReference, Vec<u8>), AttachmentError> {
    let length = u64::try_from(file.len()).map_err(|_| AttachmentError::TooLong)?;
    let (mut sealer, header) = AttachmentSealer::begin(AttachmentKey::generate(rng), length, rng)?;
    let capacity = usize::try_from(sealer.layout.sealed_length()).map_err(|_| AttachmentError::TooLong)?;
    let mut ciphertext = Vec::with_capacity(capacity);
    ciphertext.extend_from_slice(&header);
    let mut pieces = file.chunks(CHUNK_LENGTH);
    while sealer.wanted().is_some() {
        ciphertext.extend_from_slice(&sealer.seal_chunk(pieces.next().unwrap_or_default())?);
    }
    Ok((sealer.finish()?, ciphertext))
}
