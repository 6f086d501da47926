//! One sealed record. Everything that says where it belongs is bound to what it holds.

use conclave_encoding::{Reader, Writer, hash, labels};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{VaultKey, VaultLog};
use crate::VaultError;
use crate::aead::OVERHEAD;
use crate::limits::MAX_VAULT_RECORD;
use crate::padding::{pad, padded_length, unpad};
use crate::suite::{SUITE, VERSION};

const MAX_SEALED: usize = padded_length(MAX_VAULT_RECORD).saturating_add(OVERHEAD);

/// A record as it is served. Place and content are checked together by [`VaultLog::open_next`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultRecord {
    pub(super) account: [u8; 32],
    pub(super) generation: u32,
    pub(super) sequence: u64,
    pub(super) previous: [u8; 32],
    pub(super) name: [u8; 32],
    pub(super) version: u64,
    pub(super) nonce: [u8; 24],
    pub(super) sealed: Vec<u8>,
}

impl VaultRecord {
    /// The record's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bound_bytes().bytes(&self.sealed).finish()
    }

    /// Parses a record.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        let mut reader = Reader::new(labels::VAULT_RECORD, bytes)?;
        if reader.u8()? != VERSION || reader.u8()? != SUITE {
            return Err(VaultError::OtherVersion);
        }
        let record = Self {
            account: reader.fixed()?,
            generation: reader.u32()?,
            sequence: reader.u64()?,
            previous: reader.fixed()?,
            name: reader.fixed()?,
            version: reader.u64()?,
            nonce: reader.fixed()?,
            sealed: reader.bytes(MAX_SEALED)?.to_vec(),
        };
        reader.finish()?;
        Ok(record)
    }

    /// The record's hash: the link to it in the chain.
    pub fn hash(&self) -> [u8; 32] {
        hash(labels::VAULT_RECORD, &self.to_bytes())
    }

    /// The generation whose key opens it.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Its place in the chain, from 0.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Its keyed name.
    pub const fn name(&self) -> &[u8; 32] {
        &self.name
    }

    /// The version under its name.
    pub const fn version(&self) -> u64 {
        self.version
    }

    fn bound_bytes(&self) -> Writer {
        Writer::with_capacity(labels::VAULT_RECORD, self.sealed.len().saturating_add(224))
            .u8(VERSION)
            .u8(SUITE)
            .fixed(&self.account)
            .u32(self.generation)
            .u64(self.sequence)
            .fixed(&self.previous)
            .fixed(&self.name)
            .u64(self.version)
            .fixed(&self.nonce)
    }
}

impl VaultKey {
    /// Seals the record that comes next in `log`. The log itself goes on only by [`VaultLog::append`], after the
    /// record was stored. `name` is a keyed one, of [`VaultKey::record_name`].
    pub fn seal_record(
        &self,
        log: &VaultLog,
        name: &[u8; 32],
        content: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<VaultRecord, VaultError> {
        if content.len() > MAX_VAULT_RECORD {
            return Err(VaultError::TooLong);
        }
        if self.generation() < log.generation() {
            return Err(VaultError::OlderGeneration);
        }
        let head = log.head();
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let mut record = VaultRecord {
            account: *log.account(),
            generation: self.generation(),
            sequence: head.count,
            previous: head.hash,
            name: *name,
            version: log.next_version(name)?,
            nonce,
            sealed: Vec::new(),
        };
        record.sealed = self
            .record_key(nonce)
            .seal(&record.bound_bytes().finish(), &pad(content))
            .map_err(|_| VaultError::TooLong)?;
        Ok(record)
    }

    /// Opens a record of this key's generation that should be `account`'s and stand under `name`.
    pub fn open_record(
        &self,
        account: &[u8; 32],
        name: &[u8; 32],
        record: &VaultRecord,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if record.account != *account {
            return Err(VaultError::OtherAccount);
        }
        if record.name != *name {
            return Err(VaultError::OtherName);
        }
        if record.generation != self.generation() {
            return Err(VaultError::OtherGeneration);
        }
        let mut content = self
            .record_key(record.nonce)
            .open(&record.bound_bytes().finish(), &record.sealed)
            .map_err(|_| VaultError::NotAuthentic)?;
        let length = unpad(&content)?.len();
        content.truncate(length);
        Ok(content)
    }
}
