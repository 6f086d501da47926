//! An entry of an account chain: its frame and its exact bytes.
//!
//! Byte layout (all integers big-endian), see `docs/protocol.md`:
//! `label ‖ version u8 ‖ chain id or absent ‖ sequence u32 ‖ previous hash or absent ‖ author u32 ‖
//! time u64 ‖ kind u8 ‖ body` is what is signed; the entry is that behind a `u32` length, then the signature.

use conclave_encoding::{Reader, Writer, hash, labels};
use conclave_protocol::limits::ENTRY_MAX;
use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};

use super::{AccountBody, Author, DeviceKeys};
use crate::ChainError;

/// Version of the entry format.
const VERSION: u8 = 1;

/// One entry of an account chain with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// The account; absent in the genesis entry, whose hash is the account's id.
    pub account: Option<AccountId>,
    /// Place in the chain, from 0.
    pub sequence: u32,
    /// Hash of the entry before; absent in the genesis entry.
    pub previous: Option<Hash>,
    /// Who signs; device 0 in the genesis entry.
    pub author: Author,
    /// The author's clock.
    pub time: Timestamp,
    /// What is said.
    pub body: AccountBody,
    /// The author's Ed25519 signature over [`AccountEntry::signed_bytes`].
    pub signature: [u8; 64],
}

impl AccountEntry {
    /// An unsigned genesis entry; its maker signs [`AccountEntry::signed_bytes`] with the device's key, which
    /// also proves possession of it. Later entries begin with [`crate::AccountChain::next_entry`].
    pub fn genesis(device: DeviceKeys, recovery: [u8; 32], time: Timestamp) -> Self {
        Self {
            account: None,
            sequence: 0,
            previous: None,
            author: Author::Device(DeviceId(0)),
            time,
            body: AccountBody::Genesis { device, recovery },
            signature: [0; 64],
        }
    }

    /// The entry with the signature that `sign` makes of [`AccountEntry::signed_bytes`].
    #[must_use]
    pub fn signed_with(mut self, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Self {
        self.signature = sign(&self.signed_bytes());
        self
    }

    /// The bytes that the author signs.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let writer = Writer::new(labels::ACCOUNT_ENTRY)
            .u8(VERSION)
            .option_fixed(self.account.as_ref().map(AccountId::as_bytes))
            .u32(self.sequence)
            .option_fixed(self.previous.as_ref().map(Hash::as_bytes))
            .u32(self.author.to_wire())
            .u64(self.time.0);
        self.body.write(writer).finish()
    }

    /// The entry's bytes as they are stored, sent and hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(labels::ENTRY_HASH)
            .bytes(&self.signed_bytes())
            .fixed(&self.signature)
            .finish()
    }

    /// The entry of these bytes. Only the form is checked here; the rules are in [`crate::AccountChain`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ChainError> {
        let mut outer = Reader::new(labels::ENTRY_HASH, bytes)?;
        let signed = outer.bytes(ENTRY_MAX)?;
        let signature = outer.fixed()?;
        outer.finish()?;

        let mut reader = Reader::new(labels::ACCOUNT_ENTRY, signed)?;
        if reader.u8()? != VERSION {
            return Err(ChainError::Unsupported);
        }
        let entry = Self {
            account: reader.option_fixed()?.map(AccountId),
            sequence: reader.u32()?,
            previous: reader.option_fixed()?.map(Hash),
            author: Author::from_wire(reader.u32()?),
            time: Timestamp(reader.u64()?),
            body: AccountBody::read(&mut reader)?,
            signature,
        };
        reader.finish()?;
        Ok(entry)
    }

    /// The entry's hash: the link that the next entry names and, for the genesis entry, the account's id.
    pub fn hash(&self) -> Hash {
        Hash(hash(labels::ENTRY_HASH, &self.to_bytes()))
    }
}
