//! Who takes part in a session, as the caller knows them from verified account chains.

use crate::{IdentityKey, IdentityPublicKey, VerifyingKey};

/// An account and one of its devices. The order is that of the bytes: account, then device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceAddress {
    /// The account's id: the hash of its chain's genesis.
    pub account: [u8; 32],
    /// The device's number in that chain.
    pub device: u32,
}

/// This device, with the secret that proves it.
#[derive(Clone, Copy, Debug)]
pub struct LocalDevice<'a> {
    /// The account's id.
    pub account: [u8; 32],
    /// The device's number in the account's chain.
    pub device: u32,
    /// Hash of the chain entry that added the device.
    pub entry_hash: [u8; 32],
    /// The device's identity key.
    pub identity: &'a IdentityKey,
}

/// Another device, as its account's chain names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteDevice {
    /// The account's id.
    pub account: [u8; 32],
    /// The device's number in the account's chain.
    pub device: u32,
    /// Hash of the chain entry that added the device.
    pub entry_hash: [u8; 32],
    /// The device's identity key.
    pub identity: IdentityPublicKey,
    /// The device's signing key.
    pub signing: VerifyingKey,
}

impl LocalDevice<'_> {
    /// The device's address.
    pub const fn address(&self) -> DeviceAddress {
        DeviceAddress {
            account: self.account,
            device: self.device,
        }
    }
}

impl RemoteDevice {
    /// The device's address.
    pub const fn address(&self) -> DeviceAddress {
        DeviceAddress {
            account: self.account,
            device: self.device,
        }
    }
}
