//! Opening in order, with the hash of the whole at the end.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::layout::{HEADER_LENGTH, SEALED_CHUNK_LENGTH};
use super::{AttachmentOpener, AttachmentReference};
use crate::AttachmentError;
use crate::redacted::redacted;

/// Opens one file from its first chunk to its last.
pub struct AttachmentReader {
    opener: AttachmentOpener,
    next: u64,
    hash: Sha256,
    expected: [u8; 32],
}

redacted!(AttachmentReader);

impl AttachmentReader {
    /// Begins with the first [`HEADER_LENGTH`] bytes of the ciphertext.
    pub fn begin(
        reference: &AttachmentReference,
        header: &[u8; HEADER_LENGTH],
    ) -> Result<Self, AttachmentError> {
        Ok(Self {
            opener: AttachmentOpener::begin(reference, header)?,
            next: 0,
            hash: Sha256::new().chain_update(header),
            expected: *reference.hash(),
        })
    }

    /// How many bytes of ciphertext the next chunk has; `None` when all was read.
    pub fn wanted(&self) -> Option<usize> {
        self.opener.place(self.next).map(|(_, length)| length)
    }

    /// Opens the next chunk and gives the bytes of the file in it. After a refusal nothing has changed.
    pub fn read_chunk(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AttachmentError> {
        let chunk = self.opener.open_chunk(self.next, sealed)?;
        self.hash.update(sealed);
        self.next = self.next.saturating_add(1);
        Ok(chunk)
    }

    /// Checks that all of it was read and is what the message named. Before this the file is not complete.
    pub fn finish(self) -> Result<(), AttachmentError> {
        if self.wanted().is_some() {
            return Err(AttachmentError::Cut);
        }
        let hash: [u8; 32] = self.hash.finalize().into();
        if bool::from(hash.ct_eq(&self.expected)) {
            Ok(())
        } else {
            Err(AttachmentError::OtherFile)
        }
    }
}

/// Opens a ciphertext that is in memory.
pub fn open_attachment(
    reference: &AttachmentReference,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, AttachmentError> {
    // Invariant of the reference: its lengths are bounded and belong together, so what is reserved here is at most
    // as much as the caller already holds.
    if u64::try_from(ciphertext.len()) != Ok(reference.sealed_length()) {
        return Err(AttachmentError::Cut);
    }
    let (header, chunks) = ciphertext
        .split_first_chunk::<HEADER_LENGTH>()
        .ok_or(AttachmentError::Cut)?;
    let mut reader = AttachmentReader::begin(reference, header)?;
    let length = usize::try_from(reference.length()).map_err(|_| AttachmentError::TooLong)?;
    let mut file = Zeroizing::new(Vec::with_capacity(length));
    for sealed in chunks.chunks(SEALED_CHUNK_LENGTH) {
        file.extend_from_slice(&reader.read_chunk(sealed)?);
    }
    reader.finish()?;
    Ok(file)
}
