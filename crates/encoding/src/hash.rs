//! The labelled hash: SHA-256 over a canonical encoding.

use sha2::{Digest, Sha256};

use crate::{Label, Writer};

/// Bytes of every hash in the protocol.
pub const HASH_LENGTH: usize = 32;

/// SHA-256 over the label and the bytes, each behind its length.
pub fn hash(label: Label, bytes: &[u8]) -> [u8; HASH_LENGTH] {
    hash_parts(label, &[bytes])
}

/// SHA-256 over the label and each part behind its length, so that no two lists of parts collide.
pub fn hash_parts(label: Label, parts: &[&[u8]]) -> [u8; HASH_LENGTH] {
    let mut digest = Sha256::new_with_prefix(Writer::new(label).finish());
    for part in parts {
        digest.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}
