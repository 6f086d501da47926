//! The body of a direct message: sealed once, under a fresh key that travels to each reader.
//!
//! Several people hold the key, so the seal commits to it, and [`message_hash`] travels beside the key: whoever
//! holds the key can make another body, but not one with the same hash.

use conclave_encoding::{hash_parts, labels};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::aead::{OVERHEAD, SingleUseKey};
use crate::limits::MAX_CONTENT;
use crate::padding::{pad, padded_length, unpad};
use crate::{ContentKey, OpenError, SealError};

/// Pads and seals a content. A key seals one content only.
pub fn seal_content(
    key: &ContentKey,
    associated_data: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > MAX_CONTENT {
        return Err(SealError::TooLong);
    }
    single_use(key).seal(associated_data, &pad(plaintext))
}

/// Opens a content and takes its padding off.
pub fn open_content(
    key: &ContentKey,
    associated_data: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    if sealed.len() > MAX_SEALED_CONTENT {
        return Err(OpenError::TooLong);
    }
    let mut padded = single_use(key).open(associated_data, sealed)?;
    let length = unpad(&padded)?.len();
    padded.truncate(length);
    Ok(padded)
}

/// Names one sealed body with its associated data. Travels with the key, and is the link in a sender's chain.
pub fn message_hash(sealed: &[u8], associated_data: &[u8]) -> [u8; 32] {
    hash_parts(labels::MESSAGE_HASH, &[sealed, associated_data])
}

/// Compares two hashes in constant time.
pub fn hashes_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

const MAX_SEALED_CONTENT: usize = padded_length(MAX_CONTENT).saturating_add(OVERHEAD);

fn single_use(key: &ContentKey) -> SingleUseKey {
    SingleUseKey::derive(key.as_bytes(), &[labels::CONTENT_KEY.as_bytes()])
}
