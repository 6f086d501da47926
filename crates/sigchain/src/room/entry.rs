//! An entry of a room or community chain: its fields and its exact bytes.
//!
//! The author's key stands in each entry, so that the whole chain can be verified without a single account chain;
//! what is claimed by that is kept in the state ([`super::DeviceClaim`]) and compared later.

use conclave_encoding::{Reader, Writer, hash, labels};
use conclave_protocol::{AccountId, DeviceId, Hash, PlaceId, Timestamp};

use super::body::{read_account, read_head, write_head};
use super::limits::ROOM_ENTRY_MAX;
use super::{AccountHead, RoomBody, RoomChainError};

/// Version of the entry format.
const VERSION: u8 = 1;

/// One entry of a room or community chain with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomEntry {
    /// The place; absent in the first entry, whose hash is the place's id.
    pub place: Option<PlaceId>,
    /// Place in the chain, from 0.
    pub sequence: u32,
    /// Hash of the entry before; absent in the first entry.
    pub previous: Option<Hash>,
    /// Who says it.
    pub author: RoomAuthor,
    /// The author's clock.
    pub time: Timestamp,
    /// What is said.
    pub body: RoomBody,
    /// Ed25519 signature by [`RoomAuthor::key`] over [`RoomEntry::signed_bytes`].
    pub signature: [u8; 64],
}

/// Who says an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomAuthor {
    /// The account.
    pub account: AccountId,
    /// Its device that signs.
    pub device: DeviceId,
    /// The account's head as the device sees it.
    pub head: AccountHead,
    /// The device's Ed25519 key.
    pub key: [u8; 32],
}

impl RoomEntry {
    /// An unsigned first entry; its maker signs [`RoomEntry::signed_bytes`].
    pub fn create(author: RoomAuthor, time: Timestamp, body: RoomBody) -> Self {
        Self {
            place: None,
            sequence: 0,
            previous: None,
            author,
            time,
            body,
            signature: [0; 64],
        }
    }

    /// The entry with the signature that `sign` makes of [`RoomEntry::signed_bytes`].
    pub fn signed_with(mut self, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Self {
        self.signature = sign(&self.signed_bytes());
        self
    }

    /// The bytes that the author signs.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let writer = Writer::with_capacity(labels::ROOM_ENTRY, 512)
            .u8(VERSION)
            .option_fixed(self.place.as_ref().map(PlaceId::as_bytes))
            .u32(self.sequence)
            .option_fixed(self.previous.as_ref().map(Hash::as_bytes))
            .fixed(self.author.account.as_bytes())
            .u32(self.author.device.0);
        let writer = write_head(writer, self.author.head)
            .fixed(&self.author.key)
            .u64(self.time.0);
        self.body.write(writer).finish()
    }

    /// The entry's bytes as they are stored, sent and hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        outer(&self.signed_bytes(), &self.signature)
    }

    /// The entry of these bytes. Only the form is checked here; the rules are in [`super::RoomChain`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RoomChainError> {
        let mut outer = Reader::new(labels::ENTRY_HASH, bytes)?;
        let signed = outer.bytes(ROOM_ENTRY_MAX)?;
        let signature = outer.fixed()?;
        outer.finish()?;

        let mut reader = Reader::new(labels::ROOM_ENTRY, signed)?;
        if reader.u8()? != VERSION {
            return Err(RoomChainError::Unsupported);
        }
        let place = reader.option_fixed()?.map(PlaceId);
        let sequence = reader.u32()?;
        let previous = reader.option_fixed()?.map(Hash);
        let author = RoomAuthor {
            account: read_account(&mut reader)?,
            device: DeviceId(reader.u32()?),
            head: read_head(&mut reader)?,
            key: reader.fixed()?,
        };
        let time = Timestamp(reader.u64()?);
        let body = RoomBody::read(&mut reader)?;
        reader.finish()?;
        body.check_form()?;
        Ok(Self {
            place,
            sequence,
            previous,
            author,
            time,
            body,
            signature,
        })
    }

    /// The entry's hash: the link that the next entry names and, for the first entry, the place's id.
    pub fn hash(&self) -> Hash {
        Hash(hash(labels::ENTRY_HASH, &self.to_bytes()))
    }
}

/// The entry around what was signed.
pub(super) fn outer(signed: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    Writer::with_capacity(labels::ENTRY_HASH, signed.len().saturating_add(128))
        .bytes(signed)
        .fixed(signature)
        .finish()
}
