//! An account's chain: the state that its entries lead to.
//!
//! | file | owns |
//! |---|---|
//! | `author` | who signs an entry |
//! | `body` | what an entry says |
//! | `entry` | the frame around it, and the exact bytes |
//! | `rules` | whether an entry may come next |
//! | `device` | a device, as the chain knows it |
//! | `fork` | proof that a chain exists in two versions |
//!
//! Here is what follows from accepted entries, and the questions that others ask of a chain. A chain is never stored
//! as such: its owner keeps the entries and verifies them again.

mod author;
mod body;
mod device;
mod entry;
mod fork;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};

pub use author::Author;
pub use body::{AccountBody, DeviceKeys, Vault, VaultSlotInForce, recovery_possession_bytes};
pub use device::Device;
pub use entry::AccountEntry;
pub use fork::ForkEvidence;

use crate::error::ChainError;
use crate::head::HeadComparison;

/// A verified account chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChain {
    account: AccountId,
    // Invariant: never empty, and at most ACCOUNT_ENTRIES_WITH_RESERVE_MAX.
    hashes: Vec<Hash>,
    time: Timestamp,
    /// The recovery key in force.
    recovery: [u8; 32],
    /// The recovery keys that were replaced, each under the sequence of the entry that replaced it.
    replaced: BTreeMap<u32, [u8; 32]>,
    /// All devices there ever were.
    devices: BTreeMap<DeviceId, Device>,
    /// All keys there ever were, of devices and of recovery.
    keys: BTreeSet<[u8; 32]>,
    vault: Option<Vault>,
    vault_is_stale: bool,
    is_closed: bool,
}

impl AccountChain {
    /// Begins a chain with its genesis entry.
    pub fn begin(genesis: &AccountEntry) -> Result<Self, ChainError> {
        let (keys, recovery) = rules::judge_genesis(genesis)?;
        let hash = genesis.hash();
        let mut chain = Self {
            account: AccountId(hash.0),
            hashes: Vec::new(),
            time: genesis.time,
            recovery,
            replaced: BTreeMap::new(),
            devices: BTreeMap::new(),
            keys: BTreeSet::from([recovery]),
            vault: None,
            vault_is_stale: false,
            is_closed: false,
        };
        chain.add_device(&keys, genesis, hash);
        chain.hashes.push(hash);
        Ok(chain)
    }

    /// Verifies a whole chain that must be the one of `account`.
    pub fn verify<'a>(
        account: AccountId,
        entries: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, ChainError> {
        let mut entries = entries.into_iter();
        let genesis = entries.next().ok_or(ChainError::Empty)?;
        let mut chain = Self::begin(&AccountEntry::from_bytes(genesis)?)?;
        if chain.account != account {
            return Err(ChainError::WrongAccount);
        }
        for entry in entries {
            chain.append(&AccountEntry::from_bytes(entry)?)?;
        }
        Ok(chain)
    }

    /// Appends the next entry, or refuses it and stays as it was.
    pub fn append(&mut self, entry: &AccountEntry) -> Result<(), ChainError> {
        self.judge(entry)?;
        // Nothing below can fail.
        let hash = entry.hash();
        match &entry.body {
            AccountBody::Genesis { .. } => {}
            AccountBody::AddDevice { keys, .. } => self.add_device(keys, entry, hash),
            AccountBody::RevokeDevice { device } => self.revoke(*device, entry.sequence),
            AccountBody::RotateRecovery {
                recovery, revoke_all, ..
            } => {
                self.replaced.insert(entry.sequence, self.recovery);
                self.recovery = *recovery;
                self.keys.insert(*recovery);
                if *revoke_all {
                    self.revoke_all(entry.sequence);
                }
            }
            AccountBody::Vault(vault) => {
                let is_new = self
                    .vault
                    .as_ref()
                    .is_none_or(|named| named.generation < vault.generation);
                // A head that was named meanwhile brings no new key.
                self.vault_is_stale &= !is_new;
                self.vault = Some(vault.clone());
            }
            AccountBody::Close {} => {
                self.revoke_all(entry.sequence);
                self.is_closed = true;
            }
        }
        self.hashes.push(hash);
        self.time = entry.time;
        Ok(())
    }

    /// The entry that `author` may append next, unsigned. Its time is `time`, or that of the newest entry where
    /// this is later. Whether the body is allowed shows when it is appended.
    pub fn next_entry(&self, author: Author, time: Timestamp, body: AccountBody) -> AccountEntry {
        AccountEntry {
            account: Some(self.account),
            sequence: self.head().saturating_add(1),
            previous: Some(self.head_hash()),
            author,
            time: time.max(self.time),
            body,
            signature: [0; 64],
        }
    }

    /// The account: the hash of the genesis entry.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Sequence of the newest entry.
    pub fn head(&self) -> u32 {
        // Invariant: a chain has at least its genesis, and far fewer entries than u32 counts.
        u32::try_from(self.hashes.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Hash of the newest entry.
    pub fn head_hash(&self) -> Hash {
        // Invariant: a chain has at least its genesis, whose hash is the account.
        self.hashes.last().copied().unwrap_or(Hash(self.account.0))
    }

    /// Hash of the entry at a sequence, where the chain reaches it.
    pub fn hash_at(&self, sequence: u32) -> Option<Hash> {
        self.hashes.get(usize::try_from(sequence).ok()?).copied()
    }

    /// What it means that somebody names this entry as the head of the chain.
    pub fn compare(&self, sequence: u32, hash: Hash) -> HeadComparison {
        match self.hash_at(sequence) {
            None => HeadComparison::Ahead,
            Some(known) if known != hash => HeadComparison::Fork,
            Some(_) if sequence == self.head() => HeadComparison::Same,
            Some(_) => HeadComparison::Behind,
        }
    }

    /// The first sequence at which two chains of one account differ, where they contradict each other: the place
    /// of [`ForkEvidence`].
    pub fn parts_from(&self, other: &Self) -> Option<u32> {
        let place = self
            .hashes
            .iter()
            .zip(&other.hashes)
            .position(|(one, two)| one != two);
        place.and_then(|place| u32::try_from(place).ok())
    }

    /// Time of the newest entry.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The recovery verifying key in force.
    pub fn recovery(&self) -> &[u8; 32] {
        &self.recovery
    }

    /// The devices that speak for the account now.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.known_devices().filter(|(_, device)| device.is_active())
    }

    /// One active device.
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.known_device(id).filter(|device| device.is_active())
    }

    /// All devices there ever were, those that were revoked too.
    pub fn known_devices(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.devices.iter().map(|(id, device)| (*id, device))
    }

    /// A device, also one that was revoked: for reading what it wrote.
    pub fn known_device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.get(&id)
    }

    /// A device that spoke for the account when the entry of this sequence was the newest: for messages that name an
    /// older head. None, too, for a head that this chain does not reach.
    pub fn device_at(&self, id: DeviceId, head: u32) -> Option<&Device> {
        if head > self.head() {
            return None;
        }
        self.known_device(id).filter(|device| device.was_active_at(head))
    }

    /// The vault's keys in force and its head, once an entry named them.
    pub fn vault(&self) -> Option<&Vault> {
        self.vault.as_ref()
    }

    /// Whether a device was revoked since an entry last raised the generation of [`AccountChain::vault`]: then the
    /// next one is due, for that device knows the key in force.
    pub fn vault_is_stale(&self) -> bool {
        self.vault_is_stale
    }

    /// Whether the account has ended.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The recovery key in force when the entry of this sequence was the newest.
    fn recovery_at(&self, sequence: u32) -> Option<&[u8; 32]> {
        if sequence > self.head() {
            return None;
        }
        let after = sequence.checked_add(1)?;
        let replaced = self.replaced.range(after..).next();
        Some(replaced.map_or(&self.recovery, |(_, key)| key))
    }

    fn length(&self) -> usize {
        self.hashes.len()
    }

    fn ever_held(&self, key: &[u8; 32]) -> bool {
        self.keys.contains(key)
    }

    fn add_device(&mut self, keys: &DeviceKeys, entry: &AccountEntry, hash: Hash) {
        self.keys.extend([keys.signing, keys.identity]);
        let device = Device {
            keys: *keys,
            entry: hash,
            added: entry.sequence,
            added_at: entry.time,
            revoked: None,
        };
        self.devices.insert(DeviceId(entry.sequence), device);
    }

    fn revoke(&mut self, id: DeviceId, sequence: u32) {
        if let Some(device) = self.devices.get_mut(&id) {
            device.revoked = Some(sequence);
            self.vault_is_stale = self.vault.is_some();
        }
    }

    fn revoke_all(&mut self, sequence: u32) {
        let active: Vec<DeviceId> = self.devices().map(|(id, _)| id).collect();
        for id in active {
            self.revoke(id, sequence);
        }
    }
}
