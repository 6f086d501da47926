//! The vault's key: one per generation. Each revocation of a device begins a new generation.

use conclave_encoding::labels;
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::VaultError;
use crate::aead::NoncedKey;
use crate::kdf::{hkdf, hmac_of, random};
use crate::redacted::redacted;

/// 32 bytes that seal the records of one generation.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct VaultKey {
    generation: u32,
    bytes: [u8; 32],
}

redacted!(VaultKey);

impl VaultKey {
    /// The first key of a vault: generation 0.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_parts(0, &random(rng))
    }

    /// A new key for the generation behind this one.
    pub fn next(&self, rng: &mut impl CryptoRng) -> Result<Self, VaultError> {
        let generation = self.generation.checked_add(1).ok_or(VaultError::Exhausted)?;
        Ok(Self::from_parts(generation, &random(rng)))
    }

    /// The key with these bytes, for a device's own store.
    pub fn from_parts(generation: u32, bytes: &[u8; 32]) -> Self {
        Self {
            generation,
            bytes: *bytes,
        }
    }

    /// Which generation's it is.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The key's bytes, for a device's own store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The name under which records stand, from their real one: the server learns which records share a name, and no
    /// name. Names outlive generations, so only the key of generation 0 makes them.
    pub fn record_name(&self, real_name: &[u8]) -> Result<[u8; 32], VaultError> {
        if self.generation != 0 {
            return Err(VaultError::OtherGeneration);
        }
        let key = hkdf(&[], &self.bytes, &[labels::VAULT_RECORD_NAME.as_bytes()]);
        Ok(*hmac_of(&key, real_name))
    }

    pub(super) fn record_key(&self, nonce: [u8; 24]) -> NoncedKey {
        NoncedKey::derive(&self.bytes, labels::VAULT_RECORD_KEY.as_bytes(), nonce)
    }
}
