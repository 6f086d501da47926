//! Verification of Ed25519 signatures, strict only (no malleability, no small-order keys).

use ed25519_dalek::{Signature, VerifyingKey};

use crate::ChainError;

/// A public key that may stand in an entry: canonical and not of small order.
pub(crate) fn check_key(key: &[u8; 32]) -> Result<VerifyingKey, ChainError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| ChainError::Key)?;
    if key.is_weak() {
        Err(ChainError::Key)
    } else {
        Ok(key)
    }
}

/// Checks `signature` over `message`.
pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<(), ChainError> {
    check_key(key)?
        .verify_strict(message, &Signature::from_bytes(signature))
        .map_err(|_| ChainError::Signature)
}
