//! A vault's records from the newest to the oldest, so that what is new can be read before the rest was fetched.
//!
//! Each record binds the hash of the one before it. So a record that opens with a vault key vouches, as whoever had
//! that key saw it, for every record below it; the newest one is vouched for by its opening alone, and by heads that
//! the account chain names.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{VaultHead, VaultKey, VaultRecord};
use crate::VaultError;
use crate::limits::MAX_VAULT_NAMES;

/// What is known of an account's records down to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultTail {
    account: [u8; 32],
    place: TailPlace,
    versions: BTreeMap<[u8; 32], u64>,
    pinned: Option<(VaultHead, u32)>,
}

/// How far down a tail was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailPlace {
    /// Number of records below that were not read.
    pub below: u64,
    /// Hash that the newest of them must have; none before the first record was read.
    pub hash: Option<[u8; 32]>,
    /// Generation that none of them may exceed.
    pub generation: u32,
}

impl VaultTail {
    /// The tail of a vault that holds `count` records, as the server says, of which none was read.
    pub const fn new(account: [u8; 32], count: u64) -> Self {
        Self {
            account,
            place: TailPlace {
                below: count,
                hash: None,
                generation: u32::MAX,
            },
            versions: BTreeMap::new(),
            pinned: None,
        }
    }

    /// The tail as a device kept it, with the lowest version read of each name.
    pub fn resume(
        account: [u8; 32],
        place: TailPlace,
        versions: impl IntoIterator<Item = ([u8; 32], u64)>,
    ) -> Self {
        Self {
            place,
            versions: versions.into_iter().take(MAX_VAULT_NAMES).collect(),
            ..Self::new(account, 0)
        }
    }

    /// Demands a head that the account chain names, and the least generation of the records behind it. A vault that
    /// holds fewer records was rolled back. A head above what was read already is vouched for by what was read.
    pub fn pin(&mut self, head: VaultHead, generation: u32) -> Result<(), VaultError> {
        if head.count > self.place.below {
            return match self.place.hash {
                None => Err(VaultError::RolledBack),
                Some(_) => Ok(()),
            };
        }
        if head.count == self.place.below && self.place.hash.is_some_and(|hash| hash != head.hash) {
            return Err(VaultError::Forked);
        }
        self.pinned = Some((head, generation));
        Ok(())
    }

    /// Takes the newest record that was not read yet and gives its content. After a refusal nothing has changed.
    pub fn open_previous(
        &mut self,
        key: &VaultKey,
        record: &VaultRecord,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.check_previous(record)?;
        let content = key.open_record(&self.account, &record.name, record)?;
        self.take(record);
        Ok(content)
    }

    /// Takes it unopened, where no key for it is to be had. Only a record that a newer one vouches for.
    pub fn pass_previous(&mut self, record: &VaultRecord) -> Result<(), VaultError> {
        if self.place.hash.is_none() {
            return Err(VaultError::NotAuthentic);
        }
        self.check_previous(record)?;
        self.take(record);
        Ok(())
    }

    /// Whether a record may stand where the next one is expected, as far as shows without its key.
    pub fn check_previous(&self, record: &VaultRecord) -> Result<(), VaultError> {
        if record.account != self.account {
            return Err(VaultError::OtherAccount);
        }
        let count = record.sequence.checked_add(1).ok_or(VaultError::Exhausted)?;
        if count != self.place.below {
            return Err(VaultError::Gap);
        }
        let hash = record.hash();
        let first_names_another = record.sequence == 0 && record.previous != VaultHead::EMPTY.hash;
        if self.place.hash.is_some_and(|expected| expected != hash) || first_names_another {
            return Err(VaultError::Forked);
        }
        if let Some((head, generation)) = self.pinned {
            if head.count == count && head.hash != hash {
                return Err(VaultError::Forked);
            }
            if head.count < count && record.generation < generation {
                return Err(VaultError::OlderGeneration);
            }
        }
        // Seen from behind: what is above must not be older than this.
        if record.generation > self.place.generation {
            return Err(VaultError::OlderGeneration);
        }
        match self.versions.get(&record.name) {
            Some(newer) if record.version >= *newer => Err(VaultError::OlderVersion),
            None if self.versions.len() >= MAX_VAULT_NAMES => Err(VaultError::TooMany),
            _ => Ok(()),
        }
    }

    fn take(&mut self, record: &VaultRecord) {
        self.versions.insert(record.name, record.version);
        self.place = TailPlace {
            below: record.sequence,
            hash: Some(record.previous),
            generation: record.generation,
        };
    }

    /// How far down it was read.
    pub const fn place(&self) -> TailPlace {
        self.place
    }

    /// Names and the lowest version read of each, for [`VaultTail::resume`].
    pub fn versions(&self) -> impl Iterator<Item = ([u8; 32], u64)> + '_ {
        self.versions.iter().map(|(name, version)| (*name, *version))
    }
}
