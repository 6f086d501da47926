//! How the engine looks into the store.

use conclave_client::{MessageRow, ReadError, Reads, Record, RoomRow, Table};
use conclave_protocol::{AccountId, EnvelopeId, RoomId, Timestamp};
use zeroize::Zeroizing;

use crate::Store;

impl Reads for Store {
    fn find_record(&self, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        Ok(Self::find_record(self, table, key)?)
    }

    fn list_records(&self, table: Table, prefix: &[u8], limit: u32) -> Result<Vec<Record>, ReadError> {
        Ok(Self::list_records(self, table, prefix, limit)?)
    }

    fn find_room(&self, room: RoomId) -> Result<Option<RoomRow>, ReadError> {
        Ok(Self::find_room(self, room)?)
    }

    fn find_message(&self, id: EnvelopeId) -> Result<Option<MessageRow>, ReadError> {
        Ok(Self::find_message(self, id)?)
    }

    fn list_own_unread(&self, room: RoomId, up_to: u64, limit: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Self::list_own_unread(self, room, up_to, limit)?)
    }

    fn last_ordinal(&self) -> Result<u64, ReadError> {
        Ok(Self::last_ordinal(self)?)
    }

    fn list_annotations(&self, target: EnvelopeId, limit: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Self::list_annotations(self, target, limit)?)
    }

    fn astray(&self, room: RoomId, author: AccountId) -> Result<(u32, Option<EnvelopeId>), ReadError> {
        Ok(Self::astray(self, room, author)?)
    }

    fn thread(&self, room: RoomId, root: EnvelopeId) -> Result<(u32, Timestamp), ReadError> {
        Ok(Self::thread(self, room, root)?)
    }

    fn list_disappearing(&self, room: RoomId, up_to: u64, limit: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Self::list_disappearing(self, room, up_to, limit)?)
    }

    fn list_expired(&self, now: Timestamp, limit: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Self::list_expired(self, now, limit)?)
    }

    fn next_expiry(&self) -> Result<Option<Timestamp>, ReadError> {
        Ok(Self::next_expiry(self)?)
    }
}
