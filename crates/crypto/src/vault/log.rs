//! The chain of a vault's records, checked record by record.
//!
//! The chain is linked by hashes and signed by nobody; what makes it the account's own are heads that the account chain
//! names. Records behind the newest such head are as trustworthy as the server until they open.

use std::collections::BTreeMap;

use super::{HeadComparison, VaultHead, VaultRecord};
use crate::VaultError;
use crate::limits::{MAX_PINNED_HEADS, MAX_VAULT_NAMES};

/// What is known of an account's records up to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultLog {
    account: [u8; 32],
    head: VaultHead,
    generation: u32,
    versions: BTreeMap<[u8; 32], u64>,
    // Invariant: at most one hash for a count, all counts over that of `head` or met.
    pinned: BTreeMap<u64, [u8; 32]>,
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

    /// The log as a device kept it: head, generation of the last record, and the last version of each name.
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

    /// Demands a head that the account chain names, or that this device saw. One that lies ahead is met when its
    /// record comes; [`VaultLog::complete`] says whether all were. One that lies behind was met when it was met; it is
    /// compared where the log stands at it.
    pub fn pin(&mut self, head: VaultHead) -> Result<(), VaultError> {
        match self.head.compare(&head) {
            HeadComparison::Same | HeadComparison::Newer => return Ok(()),
            HeadComparison::Forked => return Err(VaultError::Forked),
            HeadComparison::Older => {}
        }
        match self.pinned.get(&head.count) {
            Some(hash) if *hash != head.hash => return Err(VaultError::Forked),
            Some(_) => return Ok(()),
            None => {}
        }
        if self.pinned.len() >= MAX_PINNED_HEADS {
            return Err(VaultError::TooMany);
        }
        self.pinned.insert(head.count, head.hash);
        Ok(())
    }

    /// Takes the next record. After a refusal nothing has changed.
    pub fn append(&mut self, record: &VaultRecord) -> Result<(), VaultError> {
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
        if self.next_version(&record.name)? > record.version {
            return Err(VaultError::OlderVersion);
        }
        let head = VaultHead {
            count: self.head.count.checked_add(1).ok_or(VaultError::Exhausted)?,
            hash: record.hash(),
        };
        if self
            .pinned
            .get(&head.count)
            .is_some_and(|hash| *hash != head.hash)
        {
            return Err(VaultError::Forked);
        }
        self.pinned.remove(&head.count);
        self.versions.insert(record.name, record.version);
        self.generation = record.generation;
        self.head = head;
        Ok(())
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

    /// The generation of the last record.
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
