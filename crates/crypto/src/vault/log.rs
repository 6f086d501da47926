//! The chain of a vault's records, checked record by record.
//!
//! The chain is linked by hashes and signed by nobody. That a record is the account's own shows by its opening
//! ([`VaultLog::open_next`]); that none was left out at the end shows by heads that the account chain names.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{HeadComparison, VaultHead, VaultKey, VaultRecord};
use crate::VaultError;
use crate::limits::{MAX_PINNED_HEADS, MAX_VAULT_NAMES};

/// What is known of an account's records up to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultLog {
    account: [u8; 32],
    head: VaultHead,
    generation: u32,
    versions: BTreeMap<[u8; 32], u64>,
    // Invariant: all counts are over that of `head`.
    pinned: BTreeMap<u64, Pin>,
}

/// A head that has to be met, and the generation that records behind it have at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pin {
    hash: [u8; 32],
    generation: u32,
}

impl VaultLog {
    /// The log of an account before its first record.
    pub const fn new(account: [u8; 32]) -> Self {
        Self {
            account,
            head: VaultHead::EMPTY,
            generation: 0,
            versions: BTreeMap::new(),
            pinned: BTreeMap::new(),
        }
    }

    /// The log as a device kept it: head, [`VaultLog::generation`], and the last version of each name.
    pub fn resume(
        account: [u8; 32],
        head: VaultHead,
        generation: u32,
        versions: impl IntoIterator<Item = ([u8; 32], u64)>,
    ) -> Result<Self, VaultError> {
        let mut log = Self {
            head,
            generation,
            ..Self::new(account)
        };
        for (name, version) in versions {
            if log.versions.len() >= MAX_VAULT_NAMES {
                return Err(VaultError::TooMany);
            }
            log.versions.insert(name, version);
        }
        Ok(log)
    }

    /// Demands a head that the account chain names, or that this device saw before. It is met when its record comes;
    /// [`VaultLog::complete`] says whether all were. So heads are pinned before the records are read: one that the
    /// log is past is refused, and is the caller's to compare with the hash of that record as it was kept.
    ///
    /// `generation` is the least that records behind this head may have: each revocation in the account chain begins
    /// one. Without it a revoked device, which knows the key that was replaced, could write on.
    pub fn pin(&mut self, head: VaultHead, generation: u32) -> Result<(), VaultError> {
        match self.head.compare(&head) {
            HeadComparison::Same => {
                self.generation = self.generation.max(generation);
                return Ok(());
            }
            HeadComparison::Forked => return Err(VaultError::Forked),
            HeadComparison::Newer => return Err(VaultError::PassedHead),
            HeadComparison::Older => {}
        }
        let pin = match self.pinned.get(&head.count) {
            Some(pin) if pin.hash != head.hash => return Err(VaultError::Forked),
            Some(pin) => Pin {
                generation: pin.generation.max(generation),
                ..*pin
            },
            None if self.pinned.len() >= MAX_PINNED_HEADS => return Err(VaultError::TooMany),
            None => Pin {
                hash: head.hash,
                generation,
            },
        };
        self.pinned.insert(head.count, pin);
        Ok(())
    }

    /// Takes the next record and gives its content. One that does not open with the key is not taken, so whoever has
    /// no vault key can add nothing. After a refusal nothing has changed.
    pub fn open_next(
        &mut self,
        key: &VaultKey,
        record: &VaultRecord,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let head = self.check(record)?;
        let content = key.open_record(&self.account, &record.name, record)?;
        self.take(record, head);
        Ok(content)
    }

    /// Takes the next record unopened: one that this device sealed, or has no key for. Its place is checked, and that
    /// is all. After a refusal nothing has changed.
    pub fn append(&mut self, record: &VaultRecord) -> Result<(), VaultError> {
        let head = self.check(record)?;
        self.take(record, head);
        Ok(())
    }

    /// The head behind a record that may come next.
    fn check(&self, record: &VaultRecord) -> Result<VaultHead, VaultError> {
        if record.account != self.account {
            return Err(VaultError::OtherAccount);
        }
        if record.sequence != self.head.count {
            return Err(VaultError::Gap);
        }
        if record.previous != self.head.hash {
            return Err(VaultError::Forked);
        }
        if record.generation < self.generation {
            return Err(VaultError::OlderGeneration);
        }
        if record.version < self.next_version(&record.name)? {
            return Err(VaultError::OlderVersion);
        }
        let head = VaultHead {
            count: self.head.count.checked_add(1).ok_or(VaultError::Exhausted)?,
            hash: record.hash(),
        };
        if self
            .pinned
            .get(&head.count)
            .is_some_and(|pin| pin.hash != head.hash)
        {
            return Err(VaultError::Forked);
        }
        Ok(head)
    }

    fn take(&mut self, record: &VaultRecord, head: VaultHead) {
        let pinned = self.pinned.remove(&head.count);
        self.versions.insert(record.name, record.version);
        self.generation = record.generation.max(pinned.map_or(0, |pin| pin.generation));
        self.head = head;
    }

    /// Where the log stands, once every pinned head was met. A log that ends before one was rolled back or cut.
    pub fn complete(&self) -> Result<VaultHead, VaultError> {
        if self.pinned.is_empty() {
            Ok(self.head)
        } else {
            Err(VaultError::RolledBack)
        }
    }

    /// The account whose log it is.
    pub const fn account(&self) -> &[u8; 32] {
        &self.account
    }

    /// Where the log stands.
    pub const fn head(&self) -> VaultHead {
        self.head
    }

    /// The least generation that the next record may have.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Names and their last versions, for [`VaultLog::resume`].
    pub fn versions(&self) -> impl Iterator<Item = ([u8; 32], u64)> + '_ {
        self.versions.iter().map(|(name, version)| (*name, *version))
    }

    /// The smallest version that the next record of a name may have; 0 for a new name.
    pub fn next_version(&self, name: &[u8; 32]) -> Result<u64, VaultError> {
        match self.versions.get(name) {
            Some(last) => last.checked_add(1).ok_or(VaultError::Exhausted),
            None if self.versions.len() >= MAX_VAULT_NAMES => Err(VaultError::TooMany),
            None => Ok(0),
        }
    }
}
