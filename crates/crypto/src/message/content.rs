//! The body of a direct message: sealed once, under a fresh key that travels to each reader.
//!
//! Several people hold the key, so the seal commits to it, and [`message_hash`] travels beside the key: whoever
//! holds the key can make another body, but not one with the same hash.

use conclave_encoding::{hash_parts, labels};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::aead::SingleUseKey;
use crate::limits::{MAX_CONTENT, MAX_SEALED_CONTENT};
use crate::padding::{pad_into, padded_length, unpad};
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
    let mut sealed = Vec::new();
    single_use(key).seal_into(
        &mut sealed,
        associated_data,
        padded_length(plaintext.len()),
        |out| pad_into(plaintext, out),
    )?;
    Ok(sealed)
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

fn single_use(key: &ContentKey) -> SingleUseKey {
    SingleUseKey::derive(key.as_bytes(), &[labels::CONTENT_KEY.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aead::OVERHEAD;
    use crate::padding::padded_length;

    fn key(byte: u8) -> ContentKey {
        ContentKey::from_bytes(&[byte; 32])
    }

    #[test]
    fn contents_of_every_length_come_back() {
        for length in [0, 1, 63, 64, 142, 5_000, MAX_CONTENT] {
            let content = vec![0x80; length];
            let sealed = seal_content(&key(1), b"ad", &content).unwrap();
            assert_eq!(sealed.len(), padded_length(length) + OVERHEAD);
            assert_eq!(*open_content(&key(1), b"ad", &sealed).unwrap(), content);
        }
    }

    #[test]
    fn another_key_other_associated_data_and_every_flipped_bit_are_refused() {
        let sealed = seal_content(&key(1), b"ad", b"hello").unwrap();
        assert_eq!(
            open_content(&key(2), b"ad", &sealed),
            Err(OpenError::NotAuthentic)
        );
        assert_eq!(
            open_content(&key(1), b"da", &sealed),
            Err(OpenError::NotAuthentic)
        );
        for position in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[position] ^= 1 << bit;
                assert_eq!(
                    open_content(&key(1), b"ad", &altered),
                    Err(OpenError::NotAuthentic)
                );
            }
        }
        for length in 0..sealed.len() {
            assert_eq!(
                open_content(&key(1), b"ad", &sealed[..length]),
                Err(OpenError::NotAuthentic)
            );
        }
    }

    #[test]
    fn a_seal_opens_under_the_key_that_it_commits_to_only() {
        // The body of one key behind the commitment of another, as an attack on Poly1305 would build it.
        let one = seal_content(&key(1), b"ad", b"hello").unwrap();
        let other = seal_content(&key(2), b"ad", b"hello").unwrap();
        let mixed = [&other[..32], &one[32..]].concat();
        assert_eq!(open_content(&key(1), b"ad", &mixed), Err(OpenError::NotAuthentic));
        assert_eq!(open_content(&key(2), b"ad", &mixed), Err(OpenError::NotAuthentic));
    }

    #[test]
    fn what_is_too_long_is_neither_sealed_nor_opened() {
        assert_eq!(
            seal_content(&key(1), b"", &vec![0; MAX_CONTENT + 1]),
            Err(SealError::TooLong)
        );
        assert_eq!(
            open_content(&key(1), b"", &vec![0; MAX_SEALED_CONTENT + 1]),
            Err(OpenError::TooLong)
        );
    }

    #[test]
    fn authentic_content_that_is_not_padded_is_refused() {
        let sealed = single_use(&key(1)).seal(b"ad", b"bare").unwrap();
        assert!(matches!(
            open_content(&key(1), b"ad", &sealed),
            Err(OpenError::Padding(_))
        ));
    }

    #[test]
    fn the_message_hash_tells_body_and_associated_data_apart() {
        let hash = message_hash(b"ab", b"c");
        assert!(hashes_equal(&hash, &message_hash(b"ab", b"c")));
        assert!(!hashes_equal(&hash, &message_hash(b"a", b"bc")));
        assert!(!hashes_equal(&hash, &message_hash(b"ab", b"d")));
    }
}
