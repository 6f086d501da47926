//! A vault key, wrapped to one slot. The signature keeps everybody else from planting a key.

use conclave_encoding::{Reader, Writer, labels};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::x_wing::CIPHERTEXT_LENGTH;
use super::{SlotSecret, VaultKey, VerifiedSlot};
use crate::aead::{OVERHEAD, SingleUseKey};
use crate::suite::{SUITE, VERSION};
use crate::{DeviceAddress, RemoteDevice, SigningKey, VaultError};

const SEALED_LENGTH: usize = 32 + OVERHEAD;

/// A wrapped key as it is served: parsed, but believed by nobody before [`WrappedVaultKey::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedVaultKey {
    account: [u8; 32],
    device: u32,
    generation: u32,
    slot: [u8; 32],
    ciphertext: Box<[u8; CIPHERTEXT_LENGTH]>,
    sealed: [u8; SEALED_LENGTH],
    signature: [u8; 64],
}

/// A wrapped key whose signature was checked for one device. Only this is opened.
#[derive(Clone, Debug)]
pub struct VerifiedWrappedKey(WrappedVaultKey);

impl WrappedVaultKey {
    /// Wraps a key to a slot of the same account, signed by the device at `address`.
    pub fn wrap(
        key: &VaultKey,
        slot: &VerifiedSlot,
        address: DeviceAddress,
        signing: &SigningKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, VaultError> {
        if slot.account != address.account {
            return Err(VaultError::OtherAccount);
        }
        let (ciphertext, secret) = slot.public.encapsulate(rng)?;
        let mut wrapped = Self {
            account: address.account,
            device: address.device,
            generation: key.generation(),
            slot: slot.hash,
            ciphertext,
            sealed: [0; SEALED_LENGTH],
            signature: [0; 64],
        };
        let bound = wrapped.bound_bytes().finish();
        wrapped.sealed = wrapping_key(&secret, &bound)
            .seal(&bound, key.as_bytes())
            .ok()
            .and_then(|sealed| sealed.try_into().ok())
            .ok_or(VaultError::TooLong)?;
        wrapped.signature = signing.sign(&wrapped.signed_bytes().finish());
        Ok(wrapped)
    }

    /// The bytes: what is signed, then the signature.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.signed_bytes().fixed(&self.signature).finish()
    }

    /// Parses a wrapped key. Its signature is checked by [`WrappedVaultKey::verify`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        let mut reader = Reader::new(labels::VAULT_WRAPPED_KEY, bytes)?;
        if reader.u8()? != VERSION || reader.u8()? != SUITE {
            return Err(VaultError::OtherVersion);
        }
        let wrapped = Self {
            account: reader.fixed()?,
            device: reader.u32()?,
            generation: reader.u32()?,
            slot: reader.fixed()?,
            ciphertext: Box::new(reader.fixed()?),
            sealed: reader.fixed()?,
            signature: reader.fixed()?,
        };
        reader.finish()?;
        Ok(wrapped)
    }

    /// Checks that `device` wrapped this.
    pub fn verify(self, device: &RemoteDevice) -> Result<VerifiedWrappedKey, VaultError> {
        if self.maker() != device.address() {
            return Err(VaultError::OtherDevice);
        }
        device
            .signing
            .verify(&self.signed_bytes().finish(), &self.signature)
            .map_err(|_| VaultError::Signature)?;
        Ok(VerifiedWrappedKey(self))
    }

    /// The device that says it wrapped this, to look it up in the account's chain.
    pub const fn maker(&self) -> DeviceAddress {
        DeviceAddress {
            account: self.account,
            device: self.device,
        }
    }

    fn bound_bytes(&self) -> Writer {
        Writer::with_capacity(labels::VAULT_WRAPPED_KEY, 1408)
            .u8(VERSION)
            .u8(SUITE)
            .fixed(&self.account)
            .u32(self.device)
            .u32(self.generation)
            .fixed(&self.slot)
            .fixed(&self.ciphertext)
    }

    fn signed_bytes(&self) -> Writer {
        self.bound_bytes().fixed(&self.sealed)
    }
}

impl VerifiedWrappedKey {
    /// Which generation's key is inside.
    pub const fn generation(&self) -> u32 {
        self.0.generation
    }

    /// Hash of the slot that it is wrapped to.
    pub const fn slot(&self) -> &[u8; 32] {
        &self.0.slot
    }

    /// Opens with the secret of a slot. The slot must be the one that the wrapping names, of the same account, and
    /// the secret must be this slot's.
    pub fn open(&self, slot: &VerifiedSlot, secret: &SlotSecret) -> Result<VaultKey, VaultError> {
        let wrapped = &self.0;
        if slot.account != wrapped.account {
            return Err(VaultError::OtherAccount);
        }
        let expanded = secret.expand();
        if slot.hash != wrapped.slot || slot.kind != secret.kind() || slot.public != expanded.public() {
            return Err(VaultError::OtherSlot);
        }
        let shared = expanded.decapsulate(&wrapped.ciphertext)?;
        let bound = wrapped.bound_bytes().finish();
        let opened = wrapping_key(&shared, &bound)
            .open(&bound, &wrapped.sealed)
            .map_err(|_| VaultError::NotAuthentic)?;
        let key = opened
            .first_chunk::<32>()
            .map(|key| Zeroizing::new(*key))
            .ok_or(VaultError::NotAuthentic)?;
        Ok(VaultKey::from_parts(wrapped.generation, &key))
    }
}

fn wrapping_key(secret: &[u8; 32], bound: &[u8]) -> SingleUseKey {
    let digest: [u8; 32] = Sha256::digest(bound).into();
    SingleUseKey::derive(secret, &[labels::VAULT_WRAPPING_KEY.as_bytes(), &digest])
}
