//! Ways into the vault. A slot's secret stays with its owner; its public key is signed by a device.

use conclave_encoding::{Label, Reader, Writer, hash, labels};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::x_wing::{PUBLIC_KEY_LENGTH, XWingPublic, XWingSecret};
use crate::kdf::hkdf;
use crate::redacted::redacted;
use crate::suite::{SUITE, VERSION};
use crate::{DeviceAddress, RecoveryKey, RemoteDevice, SigningKey, VaultError, VerifyingKey};

/// What a slot's secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// The recovery key: 256 random bits, written down.
    Recovery,
    /// The password, through OPAQUE's export key. A server that guesses the password reads the vault.
    Password,
    /// A passkey's PRF.
    Passkey,
}

impl SlotKind {
    /// Every kind, for tests over all of them.
    pub const ALL: [Self; 3] = [Self::Recovery, Self::Password, Self::Passkey];

    const fn to_u8(self) -> u8 {
        match self {
            Self::Recovery => 0,
            Self::Password => 1,
            Self::Passkey => 2,
        }
    }

    const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Recovery),
            1 => Some(Self::Password),
            2 => Some(Self::Passkey),
            _ => None,
        }
    }

    const fn label(self) -> Label {
        match self {
            Self::Recovery => labels::VAULT_SLOT_RECOVERY,
            Self::Password => labels::VAULT_SLOT_PASSWORD,
            Self::Passkey => labels::VAULT_SLOT_PASSKEY,
        }
    }
}

/// The seed of a slot's key pair, derived anew each time from what its owner holds.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SlotSecret {
    #[zeroize(skip)]
    kind: SlotKind,
    seed: [u8; 32],
}

redacted!(SlotSecret);

impl SlotSecret {
    /// The recovery slot's.
    pub fn from_recovery_key(key: &RecoveryKey) -> Self {
        Self::derive(SlotKind::Recovery, key.to_bytes().as_slice())
    }

    /// The password slot's, from OPAQUE's export key.
    pub fn from_export_key(key: &[u8; 64]) -> Self {
        Self::derive(SlotKind::Password, key)
    }

    /// A passkey slot's, from the output of the authenticator's PRF.
    pub fn from_prf_output(output: &[u8; 32]) -> Self {
        Self::derive(SlotKind::Passkey, output)
    }

    /// What it comes from.
    pub const fn kind(&self) -> SlotKind {
        self.kind
    }

    pub(super) fn expand(&self) -> XWingSecret {
        XWingSecret::expand(&self.seed)
    }

    fn derive(kind: SlotKind, secret: &[u8]) -> Self {
        Self {
            kind,
            seed: *hkdf(&[], secret, &[kind.label().as_bytes()]),
        }
    }
}

/// A slot as it is served: parsed, but believed by nobody before [`VaultSlot::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultSlot {
    account: [u8; 32],
    device: u32,
    kind: SlotKind,
    created: u64,
    public: Box<[u8; PUBLIC_KEY_LENGTH]>,
    signature: [u8; 64],
}

/// A slot whose signature and keys were checked for one device. Only to this a vault key is wrapped.
#[derive(Clone, Debug)]
pub struct VerifiedSlot {
    pub(super) account: [u8; 32],
    pub(super) kind: SlotKind,
    pub(super) created: u64,
    pub(super) public: XWingPublic,
    pub(super) hash: [u8; 32],
}

impl VaultSlot {
    /// Makes the slot of a secret, signed by the device at `address`.
    pub fn sign(address: DeviceAddress, signing: &SigningKey, secret: &SlotSecret, created: u64) -> Self {
        let mut slot = Self {
            account: address.account,
            device: address.device,
            kind: secret.kind,
            created,
            public: secret.expand().public().to_bytes(),
            signature: [0; 64],
        };
        slot.signature = signing.sign(&slot.signed_bytes().finish());
        slot
    }

    /// Makes the slot of a secret, signed by the account's recovery signing key: for later keys no device can plant
    /// one like it.
    pub fn sign_by_recovery(account: [u8; 32], key: &RecoveryKey, secret: &SlotSecret, created: u64) -> Self {
        let address = DeviceAddress {
            account,
            device: Self::BY_RECOVERY,
        };
        Self::sign(address, &key.signing_key(), secret, created)
    }

    /// What stands for the maker's device where the recovery key signed: no chain counts so far.
    pub const BY_RECOVERY: u32 = u32::MAX;

    /// The slot's bytes: what is signed, then the signature.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.signed_bytes().fixed(&self.signature).finish()
    }

    /// Parses a slot. Its keys and signature are checked by [`VaultSlot::verify`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        let mut reader = Reader::new(labels::VAULT_SLOT, bytes)?;
        if reader.u8()? != VERSION || reader.u8()? != SUITE {
            return Err(VaultError::OtherVersion);
        }
        let slot = Self {
            account: reader.fixed()?,
            device: reader.u32()?,
            kind: SlotKind::from_u8(reader.u8()?).ok_or(VaultError::UnknownKind)?,
            created: reader.u64()?,
            public: Box::new(reader.fixed()?),
            signature: reader.fixed()?,
        };
        reader.finish()?;
        Ok(slot)
    }

    /// Checks that `device` made this slot and that its keys are acceptable.
    pub fn verify(&self, device: &RemoteDevice) -> Result<VerifiedSlot, VaultError> {
        self.checked(device.address(), &device.signing)
    }

    /// Checks that an account's recovery signing key made this slot and that its keys are acceptable.
    pub fn verify_by_recovery(
        &self,
        account: [u8; 32],
        recovery: &VerifyingKey,
    ) -> Result<VerifiedSlot, VaultError> {
        let address = DeviceAddress {
            account,
            device: Self::BY_RECOVERY,
        };
        self.checked(address, recovery)
    }

    fn checked(&self, maker: DeviceAddress, signing: &VerifyingKey) -> Result<VerifiedSlot, VaultError> {
        if self.maker() != maker {
            return Err(VaultError::OtherDevice);
        }
        signing
            .verify(&self.signed_bytes().finish(), &self.signature)
            .map_err(|_| VaultError::Signature)?;
        Ok(VerifiedSlot {
            account: self.account,
            kind: self.kind,
            created: self.created,
            public: XWingPublic::from_bytes(&self.public)?,
            hash: hash(labels::VAULT_SLOT, &self.to_bytes()),
        })
    }

    /// The device that says it made this slot, to look it up in the account's chain.
    pub const fn maker(&self) -> DeviceAddress {
        DeviceAddress {
            account: self.account,
            device: self.device,
        }
    }

    fn signed_bytes(&self) -> Writer {
        Writer::with_capacity(labels::VAULT_SLOT, 1408)
            .u8(VERSION)
            .u8(SUITE)
            .fixed(&self.account)
            .u32(self.device)
            .u8(self.kind.to_u8())
            .u64(self.created)
            .fixed(&self.public)
    }
}

impl VerifiedSlot {
    /// The account whose vault it opens.
    pub const fn account(&self) -> &[u8; 32] {
        &self.account
    }

    /// What its secret comes from.
    pub const fn kind(&self) -> SlotKind {
        self.kind
    }

    /// When it was made.
    pub const fn created(&self) -> u64 {
        self.created
    }

    /// Hash of its bytes, by which wrapped keys name it.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}
