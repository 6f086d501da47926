//! Members, bans, and what is known of accounts.

use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};

use super::role::RoleGrants;

/// The newest entry of an account's chain, as somebody saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountHead {
    /// Its sequence.
    pub sequence: u32,
    /// Its hash.
    pub hash: Hash,
}

/// Sealed bytes that only devices can open, with the sequence of the entry that brought them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValue {
    /// The bytes.
    pub sealed: Vec<u8>,
    /// Which entry: it tells by which epoch's key they are sealed.
    pub sequence: u32,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The sequence of the entry by which they joined.
    pub joined: u32,
    /// Their nickname here.
    pub nickname: Option<SealedValue>,
    pub(super) roles: RoleGrants,
}

/// A ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who banned.
    pub by: AccountId,
    /// The sequence of the entry.
    pub sequence: u32,
}

/// A device by whose key entries were signed, until somebody compares it with its account's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceClaim {
    /// The device.
    pub device: DeviceId,
    /// The key that signed.
    pub key: [u8; 32],
    /// The sequence of the first entry that it signed.
    pub first: u32,
    /// The account's head that its first entry names.
    pub first_head: AccountHead,
    /// The account's head that its newest entry names.
    pub last_head: AccountHead,
}

/// What the chain says about an account, member or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// The newest head that an entry names.
    pub head: AccountHead,
    /// The sequence of the head for which the account's rooms last got new keys, or with which it joined.
    pub observed: u32,
    /// It may not post before this time. Kept here, so that leaving and coming back does not lift it.
    pub muted_until: Timestamp,
    pub(super) devices: Vec<DeviceClaim>,
}

impl KnownAccount {
    /// The devices that signed entries, in order.
    pub fn devices(&self) -> &[DeviceClaim] {
        &self.devices
    }

    pub(super) fn device(&self, device: DeviceId) -> Option<&DeviceClaim> {
        self.devices.iter().find(|claim| claim.device == device)
    }
}
