//! How the engine looks into the device's store.

use conclave_protocol::{AccountId, EnvelopeId, RoomId, Timestamp};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::changes::Table;
use crate::rows::{MessageRow, RoomRow};

/// The store could not be read. Nothing was changed and nothing may be sent.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("this device's storage could not be read: {0}")]
pub struct ReadError(pub String);

/// A record's key and value; the value may hold secrets.
pub type Record = (Vec<u8>, Zeroizing<Vec<u8>>);

/// Synchronous reads of committed state.
pub trait Reads {
    /// One record.
    fn find_record(&self, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError>;

    /// The records of a table whose key begins with `prefix`, by key, at most `limit`.
    fn list_records(&self, table: Table, prefix: &[u8], limit: u32) -> Result<Vec<Record>, ReadError>;

    /// One room.
    fn find_room(&self, room: RoomId) -> Result<Option<RoomRow>, ReadError>;

    /// One message.
    fn find_message(&self, id: EnvelopeId) -> Result<Option<MessageRow>, ReadError>;

    /// Own messages of a room with a sequence of at most `up_to` and a delivery below `Read`, newest first.
    fn list_own_unread(&self, room: RoomId, up_to: u64, limit: u32) -> Result<Vec<MessageRow>, ReadError>;

    /// The highest `ordinal` of any message; zero when there is none.
    fn last_ordinal(&self) -> Result<u64, ReadError>;

    /// Annotations of a message that still say something, by id, at most `limit`.
    fn list_annotations(&self, target: EnvelopeId, limit: u32) -> Result<Vec<MessageRow>, ReadError>;

    /// How many annotations of an account in a room belong to messages that are not here, and the oldest of them.
    fn astray(&self, room: RoomId, author: AccountId) -> Result<(u32, Option<EnvelopeId>), ReadError>;

    /// How many messages of a room hang from one as its thread, and when the newest was sent.
    fn thread(&self, room: RoomId, root: EnvelopeId) -> Result<(u32, Timestamp), ReadError>;

    /// Messages of others in a room with a sequence of at most `up_to` that disappear and whose time has not begun.
    fn list_disappearing(&self, room: RoomId, up_to: u64, limit: u32) -> Result<Vec<MessageRow>, ReadError>;

    /// Messages that have to be gone by now, the first ones first.
    fn list_expired(&self, now: Timestamp, limit: u32) -> Result<Vec<MessageRow>, ReadError>;

    /// When the next message has to go.
    fn next_expiry(&self) -> Result<Option<Timestamp>, ReadError>;
}
