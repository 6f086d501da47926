//! The construction itself, for any AEAD with its name: derivation, commitment, and chunks under counted nonces.
//!
//! AEAD and hash are open so that tests run the published cases, which are for AES-GCM and SHA-512, through this very
//! code. One instance ships: ChaCha20-Poly1305 and SHA-256.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::consts::{U12, U16};
use chacha20poly1305::aead::{AeadCore, AeadInOut, KeyInit};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::layout::{HEADER_LENGTH, SALT_LENGTH};
use crate::AttachmentError;
use crate::aead::{COMMITMENT_LENGTH, TAG_LENGTH};
use crate::kdf::expand;
use crate::limits::MAX_ATTACHMENT_CHUNKS;

const PREFIX: &[u8] = b"c2sp.org/chunked-encryption@v1+";
const NONCE_LENGTH: usize = 12;
const MAX_KEY_LENGTH: usize = 32;
pub(super) const OKM_LENGTH: usize = MAX_KEY_LENGTH + NONCE_LENGTH + COMMITMENT_LENGTH;

/// An AEAD, its name in IANA's registry, and the hash that goes with it.
pub(super) trait Instance: AeadInOut + AeadCore<NonceSize = U12, TagSize = U16> + KeyInit {
    const NAME: &'static str;

    /// HKDF-Expand. The input key is filled up with zeros, as HMAC itself would, so that short ones are PRKs, too.
    fn expand(key: &[u8; MAX_KEY_LENGTH], info: &[&[u8]]) -> Zeroizing<[u8; OKM_LENGTH]>;
}

impl Instance for ChaCha20Poly1305 {
    const NAME: &'static str = "AEAD_CHACHA20_POLY1305";

    fn expand(key: &[u8; MAX_KEY_LENGTH], info: &[&[u8]]) -> Zeroizing<[u8; OKM_LENGTH]> {
        expand(key, info)
    }
}

/// What is derived from one input key and one salt.
pub(super) struct Chunks<A> {
    aead: A,
    base_nonce: Zeroizing<[u8; NONCE_LENGTH]>,
}

impl<A: Instance> Chunks<A> {
    /// A fresh salt, and the header that carries it.
    pub(super) fn begin(
        key: &[u8],
        context: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, [u8; HEADER_LENGTH]), AttachmentError> {
        let mut header = [0; HEADER_LENGTH];
        let (salt, commitment) = header.split_at_mut(SALT_LENGTH);
        rng.fill_bytes(salt);
        let (chunks, derived) = Self::derive(key, salt, context)?;
        commitment.copy_from_slice(&derived);
        Ok((chunks, header))
    }

    /// Checks that a header was made with this key and context.
    pub(super) fn open(
        key: &[u8],
        context: &[u8],
        header: &[u8; HEADER_LENGTH],
    ) -> Result<Self, AttachmentError> {
        let (salt, commitment) = header.split_at(SALT_LENGTH);
        let (chunks, derived) = Self::derive(key, salt, context)?;
        if bool::from(derived.ct_eq(commitment)) {
            Ok(chunks)
        } else {
            Err(AttachmentError::OtherKey)
        }
    }

    /// Seals a chunk in place and gives its tag.
    pub(super) fn seal_chunk(
        &self,
        index: u64,
        chunk: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], AttachmentError> {
        let nonce = self.nonce(index)?;
        self.aead
            .encrypt_inout_detached((&*nonce).into(), &[], chunk.into())
            .map(Into::into)
            .map_err(|_| AttachmentError::TooLong)
    }

    /// Opens a chunk.
    pub(super) fn open_chunk(
        &self,
        index: u64,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, AttachmentError> {
        let nonce = self.nonce(index)?;
        let (chunk, tag) = sealed
            .split_last_chunk::<TAG_LENGTH>()
            .ok_or(AttachmentError::NotAuthentic)?;
        let mut chunk = Zeroizing::new(chunk.to_vec());
        self.aead
            .decrypt_inout_detached((&*nonce).into(), &[], chunk.as_mut_slice().into(), tag.into())
            .map_err(|_| AttachmentError::NotAuthentic)?;
        Ok(chunk)
    }

    fn derive(
        key: &[u8],
        salt: &[u8],
        context: &[u8],
    ) -> Result<(Self, [u8; COMMITMENT_LENGTH]), AttachmentError> {
        if key.len() != A::key_size() || key.len() > MAX_KEY_LENGTH {
            return Err(AttachmentError::OtherKey);
        }
        let mut prk = Zeroizing::new([0; MAX_KEY_LENGTH]);
        for (to, from) in prk.iter_mut().zip(key) {
            *to = *from;
        }
        // What HKDF gives for fewer bytes is the start of what it gives for more.
        let okm = A::expand(&prk, &[PREFIX, A::NAME.as_bytes(), &[0], salt, context]);
        let (aead_key, rest) = okm.split_at_checked(key.len()).ok_or(AttachmentError::OtherKey)?;
        let (base_nonce, rest) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(AttachmentError::OtherKey)?;
        let (commitment, _) = rest
            .split_first_chunk::<COMMITMENT_LENGTH>()
            .ok_or(AttachmentError::OtherKey)?;
        let chunks = Self {
            aead: A::new_from_slice(aead_key).map_err(|_| AttachmentError::OtherKey)?,
            base_nonce: Zeroizing::new(*base_nonce),
        };
        Ok((chunks, *commitment))
    }

    fn nonce(&self, index: u64) -> Result<Zeroizing<[u8; NONCE_LENGTH]>, AttachmentError> {
        if index >= MAX_ATTACHMENT_CHUNKS {
            return Err(AttachmentError::TooLong);
        }
        let mut nonce = self.base_nonce.clone();
        for (byte, counter) in nonce.iter_mut().rev().zip(index.to_le_bytes()) {
            *byte ^= counter;
        }
        Ok(nonce)
    }
}
