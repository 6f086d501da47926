//! ChaCha20-Poly1305 with a key commitment, under keys that are used once.
//!
//! Poly1305 alone lets somebody build one ciphertext that two keys open to different texts. Where a ciphertext
//! meets several readers or a report, that is an attack; so 32 bytes derived beside the key travel along and are
//! compared, in constant time, before anything is opened.
//!
//! A sealed value is `commitment (32) ‖ ciphertext ‖ tag (16)`. Callers must never use the same input key
//! material with the same info twice, but for [`NoncedKey`], whose random nonce tells its uses apart. So a
//! [`SingleUseKey`] needs no nonce of its own: it is all zeros, and two blocks of HKDF are enough.

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, XChaCha20Poly1305};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::kdf::{expand, hkdf};
use crate::redacted::redacted;
use crate::{OpenError, SealError};

pub(crate) const COMMITMENT_LENGTH: usize = 32;
pub(crate) const TAG_LENGTH: usize = 16;
/// What sealing adds to a plaintext.
pub(crate) const OVERHEAD: usize = COMMITMENT_LENGTH + TAG_LENGTH;

const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 12;

/// Key and commitment for exactly one plaintext.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct SingleUseKey {
    key: [u8; KEY_LENGTH],
    /// Zeros; published answers, which tests compare, bring others.
    nonce: [u8; NONCE_LENGTH],
    commitment: [u8; COMMITMENT_LENGTH],
}

redacted!(SingleUseKey);

impl SingleUseKey {
    /// Expands 32 uniform bytes by the second half of HKDF to `key ‖ commitment`.
    pub(crate) fn derive(secret: &[u8; 32], info: &[&[u8]]) -> Self {
        let okm = expand::<{ KEY_LENGTH + COMMITMENT_LENGTH }>(secret, info);
        let okm: &[u8; 64] = &okm;
        let mut derived = Self {
            key: [0; KEY_LENGTH],
            nonce: [0; NONCE_LENGTH],
            commitment: [0; COMMITMENT_LENGTH],
        };
        derived.key.copy_from_slice(&okm[..32]);
        derived.commitment.copy_from_slice(&okm[32..]);
        derived
    }

    /// Seals the one plaintext of this key.
    pub(crate) fn seal(self, associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD));
        self.seal_into(&mut sealed, associated_data, plaintext.len(), |out| {
            out.extend_from_slice(plaintext);
        })?;
        Ok(sealed)
    }

    /// Appends the sealed form of what `write` appends, which has `length` bytes. It is sealed where it was written,
    /// so no copy of it is made.
    pub(crate) fn seal_into(
        self,
        out: &mut Vec<u8>,
        associated_data: &[u8],
        length: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), SealError> {
        // Invariant: nothing grows after the plaintext was written, or the old place would keep it.
        out.reserve(length.saturating_add(OVERHEAD));
        out.extend_from_slice(&self.commitment);
        let start = out.len();
        write(out);
        let plaintext = out.get_mut(start..).unwrap_or_default();
        let tag = self.cipher().encrypt_inout_detached(
            (&self.nonce).into(),
            associated_data,
            (&mut *plaintext).into(),
        );
        let Ok(tag) = tag else {
            plaintext.zeroize();
            return Err(SealError::TooLong);
        };
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// Opens what the holder of the same key sealed.
    pub(crate) fn open(self, associated_data: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (ciphertext, tag) = split(&self.commitment, sealed)?;
        let mut body = Zeroizing::new(ciphertext.to_vec());
        self.cipher()
            .decrypt_inout_detached(
                (&self.nonce).into(),
                associated_data,
                body.as_mut_slice().into(),
                tag.into(),
            )
            .map_err(|_| OpenError::NotAuthentic)?;
        Ok(body)
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new((&self.key).into())
    }

    #[cfg(test)]
    pub(crate) fn from_parts(key: [u8; 32], nonce: [u8; 12], commitment: [u8; 32]) -> Self {
        Self {
            key,
            nonce,
            commitment,
        }
    }
}

/// Key and commitment for one plaintext, from a secret that seals many: a random nonce of 24 bytes is part of the
/// derivation and of the sealing (XChaCha20-Poly1305).
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct NoncedKey {
    key: [u8; KEY_LENGTH],
    commitment: [u8; COMMITMENT_LENGTH],
    nonce: [u8; NONCED_NONCE_LENGTH],
}

const NONCED_NONCE_LENGTH: usize = 24;

redacted!(NoncedKey);

impl NoncedKey {
    /// Expands 32 uniform bytes and a nonce by HKDF without salt to `key ‖ commitment`.
    pub(crate) fn derive(secret: &[u8; 32], label: &[u8], nonce: [u8; NONCED_NONCE_LENGTH]) -> Self {
        let okm = hkdf::<{ KEY_LENGTH + COMMITMENT_LENGTH }>(&[], secret, &[label, &nonce]);
        let okm: &[u8; 64] = &okm;
        let mut derived = Self {
            key: [0; KEY_LENGTH],
            commitment: [0; COMMITMENT_LENGTH],
            nonce,
        };
        derived.key.copy_from_slice(&okm[..32]);
        derived.commitment.copy_from_slice(&okm[32..]);
        derived
    }

    /// Seals the one plaintext of this nonce.
    pub(crate) fn seal(self, associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut body = Zeroizing::new(plaintext.to_vec());
        let tag = XChaCha20Poly1305::new((&self.key).into())
            .encrypt_inout_detached((&self.nonce).into(), associated_data, body.as_mut_slice().into())
            .map_err(|_| SealError::TooLong)?;
        Ok([&self.commitment[..], &body, &tag].concat())
    }

    /// Opens what the holder of the same secret sealed with this nonce.
    pub(crate) fn open(self, associated_data: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (ciphertext, tag) = split(&self.commitment, sealed)?;
        let mut body = Zeroizing::new(ciphertext.to_vec());
        XChaCha20Poly1305::new((&self.key).into())
            .decrypt_inout_detached(
                (&self.nonce).into(),
                associated_data,
                body.as_mut_slice().into(),
                tag.into(),
            )
            .map_err(|_| OpenError::NotAuthentic)?;
        Ok(body)
    }
}

/// Cuts a sealed value after its commitment was compared.
fn split<'a>(
    commitment: &[u8; COMMITMENT_LENGTH],
    sealed: &'a [u8],
) -> Result<(&'a [u8], &'a [u8; TAG_LENGTH]), OpenError> {
    let (sent, rest) = sealed
        .split_first_chunk::<COMMITMENT_LENGTH>()
        .ok_or(OpenError::NotAuthentic)?;
    let (ciphertext, tag) = rest
        .split_last_chunk::<TAG_LENGTH>()
        .ok_or(OpenError::NotAuthentic)?;
    if bool::from(commitment.ct_eq(sent)) {
        Ok((ciphertext, tag))
    } else {
        Err(OpenError::NotAuthentic)
    }
}
