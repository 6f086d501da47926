//! Suite `conclave-1`: which algorithms and labels the ratchet is instantiated with.
//!
//! There is no negotiation: one suite ships. The ratchet is generic over [`Suite`] so that tests can give it the
//! labels of other implementations and compare. Version and suite are part of every transcript, associated data
//! and stored state.

use conclave_encoding::labels;
use zeroize::Zeroizing;

use crate::aead::SingleUseKey;
use crate::limits::MESSAGE_RANDOM_LENGTH;
use crate::ratchet::MessageKey;
use crate::{OpenError, SealError};

/// Version of all formats of this crate.
pub(crate) const VERSION: u8 = 1;

/// Number of the suite: X25519, Ed25519, ML-KEM-768, SHA-256, ChaCha20-Poly1305.
pub(crate) const SUITE: u8 = 1;

/// What a Double Ratchet needs beside its structure.
pub(crate) trait Suite {
    /// HKDF info of KDF_RK.
    const ROOT_INFO: &'static [u8];

    /// Seals one plaintext under one message key.
    fn seal(
        key: MessageKey,
        random: &[u8; MESSAGE_RANDOM_LENGTH],
        associated_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError>;

    /// Opens what [`Suite::seal`] sealed.
    fn open(
        key: &MessageKey,
        random: &[u8; MESSAGE_RANDOM_LENGTH],
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError>;
}

/// The suite that ships.
pub(crate) enum Conclave1 {}

impl Suite for Conclave1 {
    const ROOT_INFO: &'static [u8] = labels::RATCHET_ROOT.as_bytes();

    fn seal(
        key: MessageKey,
        random: &[u8; MESSAGE_RANDOM_LENGTH],
        associated_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        expand(&key, random).seal(associated_data, plaintext)
    }

    fn open(
        key: &MessageKey,
        random: &[u8; MESSAGE_RANDOM_LENGTH],
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        expand(key, random).open(associated_data, sealed)
    }
}

/// The random bytes go into HKDF's info: the key stays what the security of the expansion rests on, whoever
/// chose the random bytes.
fn expand(key: &MessageKey, random: &[u8; MESSAGE_RANDOM_LENGTH]) -> SingleUseKey {
    SingleUseKey::derive(key.as_bytes(), &[labels::RATCHET_MESSAGE.as_bytes(), random])
}
