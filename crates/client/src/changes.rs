//! What the engine wants stored. The store applies a list of changes in one durable transaction.

use conclave_protocol::{EnvelopeId, RoomId};
use zeroize::Zeroizing;

use crate::rows::{MessageRow, RoomRow};

/// A table of records that only the engine reads: opaque keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// The device's own keys and account.
    Own = 0,
    /// Sessions by peer device.
    Sessions = 1,
    /// Secret halves of prekeys.
    Prekeys = 2,
    /// People: handle and verified chain.
    Contacts = 3,
    /// Ephemeral keys of first messages already opened.
    Ephemerals = 4,
    /// What the engine knows of each room: counters, cursors.
    Rooms = 5,
    /// What waits to be sent, in order.
    Outbox = 6,
    /// Receipts that wait to be sent.
    Receipts = 7,
    /// Messages that could not be opened yet, by envelope id.
    Parked = 8,
    /// Content keys of what this device sent lately, by envelope id.
    Sent = 9,
    /// The account's vault: its keys, how far it was read, what was found in it.
    Vault = 10,
    /// What waits to be recorded in the vault.
    VaultQueue = 11,
    /// Keys from the vault whose envelopes were not fetched yet, by room and falling sequence.
    History = 12,
    /// Groups and communities: their verified chains, and how far each is followed.
    Places = 13,
    /// Keys of sealed names and the like, by place and key.
    PlaceKeys = 14,
    /// This device's own sender keys, by room: the chain, and to which devices it was handed. What is asked for and
    /// answered about keys, and who has own messages, too.
    SendingKeys = 15,
    /// Sender keys of other devices, by room and device.
    ReceivingKeys = 16,
    /// Seeds of sender keys by which the past of a room is read and handed on, by room and chain.
    Seeds = 17,
    /// Messages in rooms of groups and communities whose key is missing, by room and sequence.
    Waiting = 18,
    /// Which accounts were compared, and what was last shown of each.
    Verified = 19,
    /// The person's own settings, favourites, folders, drafts: the sealed user store, by name.
    UserStore = 20,
    /// What waits to be told to own devices of the user store.
    UserStoreQueue = 21,
    /// Keys of single messages of others, by which they can be reported, by room and envelope id.
    Openings = 22,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 23] = [
        Self::Own,
        Self::Sessions,
        Self::Prekeys,
        Self::Contacts,
        Self::Ephemerals,
        Self::Rooms,
        Self::Outbox,
        Self::Receipts,
        Self::Parked,
        Self::Sent,
        Self::Vault,
        Self::VaultQueue,
        Self::History,
        Self::Places,
        Self::PlaceKeys,
        Self::SendingKeys,
        Self::ReceivingKeys,
        Self::Seeds,
        Self::Waiting,
        Self::Verified,
        Self::UserStore,
        Self::UserStoreQueue,
        Self::Openings,
    ];
}

/// One change. Within a list a later change wins over an earlier one.
pub enum Change {
    /// Removes every row of every table, so that nothing of it can be found in the file again. What follows in
    /// the list is kept.
    Wipe,
    /// Inserts or replaces a record.
    PutRecord {
        /// Which table.
        table: Table,
        /// Key within the table.
        key: Vec<u8>,
        /// The value; may hold secrets.
        value: Zeroizing<Vec<u8>>,
    },
    /// Removes a record, if it is there.
    DeleteRecord {
        /// Which table.
        table: Table,
        /// Key within the table.
        key: Vec<u8>,
    },
    /// Inserts or replaces a room by its id.
    PutRoom(RoomRow),
    /// Inserts or replaces a message by its id.
    PutMessage(MessageRow),
    /// Removes a message.
    DeleteMessage(EnvelopeId),
    /// Removes the messages of a room with a sequence of at most `up_to`, but for those that the list puts.
    ClearRoom {
        /// The room.
        room: RoomId,
        /// The last sequence that goes.
        up_to: u64,
    },
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wipe => f.write_str("Wipe"),
            Self::PutRecord { table, .. } => write!(f, "PutRecord({table:?}, ..)"),
            Self::DeleteRecord { table, .. } => write!(f, "DeleteRecord({table:?}, ..)"),
            Self::PutRoom(_) => f.write_str("PutRoom(..)"),
            Self::PutMessage(_) => f.write_str("PutMessage(..)"),
            Self::DeleteMessage(id) => write!(f, "DeleteMessage({id})"),
            Self::ClearRoom { room, up_to } => write!(f, "ClearRoom({room}, {up_to})"),
        }
    }
}
