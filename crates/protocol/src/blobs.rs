//! Blobs: opaque bytes that a device sealed, uploaded in chunks and claimed by envelopes.
//!
//! The server is told a size, which lies on one of few steps, and hashes of sealed bytes. What a blob is stands in
//! the sealed content of the message that claims it.

use conclave_encoding::{hash_parts, labels};
use serde::{Deserialize, Serialize};

use crate::Hash;
use crate::limits::BLOB_CHUNK;

/// Bytes of an attachment's plaintext in each sealed piece but the last.
const PIECE: u64 = 16_384;
/// What the seal adds to each piece.
const PIECE_TAG: u64 = 16;
/// Salt and commitment in front of the first piece.
const HEADER: u64 = 56;
/// The least that a file is filled to.
const FLOOR: u64 = 4_096;

/// Begins an upload, or asks for one that was begun: `PUT /api/v1/blobs/{blob}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BeginUpload {
    /// Bytes of the whole, which have to be those of a sealed attachment ([`is_sealed_size`]).
    pub size: u64,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UploadState {
    /// Bytes of the whole.
    pub size: u64,
    /// Bytes of each chunk but the last.
    pub chunk: u64,
    /// Numbers of the chunks that are stored, in order.
    pub stored: Vec<u32>,
    /// Whether it is finished: envelopes may claim it.
    pub finished: bool,
}

/// Ends an upload: `POST /api/v1/blobs/{blob}/finish`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FinishUpload {
    /// [`blob_hash`] of the whole.
    pub hash: Hash,
}

/// Where a blob's chunks can be fetched past the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BlobLinks {
    /// One address for each chunk, in order; none where this server hands blobs out itself.
    pub chunks: Vec<String>,
    /// Until when they work, in Unix milliseconds.
    pub expires: u64,
}

/// What an account's blobs take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorageFound {
    /// Bytes of its blobs, those of unfinished uploads in whole.
    pub used: u64,
    /// How many bytes they may be; absent where nothing bounds them.
    pub quota: Option<u64>,
    /// Bytes of one blob at most.
    pub largest: u64,
    /// Uploads that are begun and not finished.
    pub uploads: u32,
}

/// How many chunks a blob of this size has.
pub const fn chunk_count(size: u64) -> u64 {
    size.div_ceil(BLOB_CHUNK)
}

/// The length of a chunk of a blob of this size; none behind the last.
pub const fn chunk_length(size: u64, number: u64) -> Option<u64> {
    let begin = number.saturating_mul(BLOB_CHUNK);
    if begin >= size {
        return None;
    }
    let left = size.saturating_sub(begin);
    Some(if left < BLOB_CHUNK { left } else { BLOB_CHUNK })
}

/// The hash of a whole blob: of its size and the SHA-256 of each chunk in order, so that nobody has to read all of it
/// again to compare.
pub fn blob_hash(size: u64, chunks: &[Hash]) -> Hash {
    let size = size.to_be_bytes();
    let parts: Vec<&[u8]> = std::iter::once(size.as_slice())
        .chain(chunks.iter().map(|chunk| chunk.as_bytes().as_slice()))
        .collect();
    Hash(hash_parts(labels::BLOB, &parts))
}

/// Whether a sealed attachment can have this size: filled by Padmé over a floor of 4,096 bytes, then sealed in pieces.
pub const fn is_sealed_size(size: u64) -> bool {
    const SEALED_PIECE: u64 = PIECE.saturating_add(PIECE_TAG);

    let Some(pieces) = size.checked_sub(HEADER) else {
        return false;
    };
    let Some(last) = pieces.checked_rem(SEALED_PIECE) else {
        return false;
    };
    if last < PIECE_TAG {
        return false;
    }
    let whole = pieces.saturating_sub(last);
    let tags = (whole / SEALED_PIECE).saturating_add(1).saturating_mul(PIECE_TAG);
    let filled = pieces.saturating_sub(tags);
    filled >= FLOOR && is_padded(filled)
}

/// Whether a length is one of Padmé's: a multiple of 2^(E−S) with E = ⌊log₂ L⌋ and S = ⌊log₂ E⌋ + 1.
const fn is_padded(length: u64) -> bool {
    let exponent = length.ilog2();
    let kept = exponent.ilog2().saturating_add(1);
    let zeros = exponent.saturating_sub(kept);
    length.trailing_zeros() >= zeros
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BLOB_MAX;

    #[test]
    fn the_chunks_of_a_blob_are_its_bytes() {
        for size in [
            1,
            BLOB_CHUNK - 1,
            BLOB_CHUNK,
            BLOB_CHUNK + 1,
            5 * BLOB_CHUNK,
            BLOB_MAX,
        ] {
            let lengths: Vec<u64> = (0..).map_while(|number| chunk_length(size, number)).collect();
            assert_eq!(lengths.iter().sum::<u64>(), size);
            assert_eq!(u64::try_from(lengths.len()).unwrap(), chunk_count(size));
        }
        assert_eq!(chunk_length(1, u64::MAX), None);
    }

    #[test]
    fn few_sizes_are_those_of_a_sealed_attachment() {
        // Header, one piece and its tag over the floor; then the next step.
        assert!(is_sealed_size(56 + 4_096 + 16));
        assert!(is_sealed_size(56 + 4_096 + 256 + 16));
        let sizes = (0..200_000).filter(|size| is_sealed_size(*size)).count();
        assert_eq!(sizes, 113);
        for size in [0, 56, 72, 4_096, 4_167, 4_169, u64::MAX] {
            assert!(!is_sealed_size(size), "{size}");
        }
        assert!(is_sealed_size(BLOB_MAX));
    }

    #[test]
    fn the_hash_of_a_blob_tells_order_and_size() {
        let (one, two) = (Hash([1; 32]), Hash([2; 32]));
        assert_ne!(blob_hash(9, &[one, two]), blob_hash(9, &[two, one]));
        assert_ne!(blob_hash(9, &[one]), blob_hash(8, &[one]));
    }
}
