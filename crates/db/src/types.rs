//! What goes into the database and comes out, in the words of the protocol.

use conclave_protocol::frames::{Class, Heads, Item};
use conclave_protocol::{
    AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, Hash, RoomId, Timestamp, Username,
};

/// A registration to store in one transaction: account, genesis entry, device, and the invite's use.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Hash of the genesis entry.
    pub id: AccountId,
    /// The handle.
    pub username: Username,
    /// OPAQUE password record.
    pub opaque_record: Vec<u8>,
    /// The genesis entry's bytes; its device has id 0.
    pub genesis: Vec<u8>,
    /// What opens the door.
    pub door: Door,
    /// The server's clock.
    pub now: Timestamp,
}

/// How somebody came to register.
#[derive(Clone, Copy, Debug)]
pub enum Door {
    /// By the set-up link: makes the first administrator; refused once any account exists.
    Setup,
    /// By an invite of this hash: used up by the same transaction.
    Invite(Hash),
}

/// Outcome of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// Stored.
    Done,
    /// This very account (same id and username) was stored before; nothing changed.
    Already,
    /// Another account has the username.
    UsernameTaken,
    /// The set-up link was used, or the invite is unknown, expired or used up.
    DoorClosed,
}

/// An account as the server knows it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its handle.
    pub username: Username,
    /// Administers this server.
    pub administrator: bool,
    /// OPAQUE password record.
    pub opaque_record: Vec<u8>,
}

/// A sign-in between its two requests.
#[derive(Clone, Debug)]
pub struct LoginAttempt {
    /// Hash of the attempt's token.
    pub id: Hash,
    /// The account, or none where the handle is unknown (the attempt then fails at its end, as a wrong
    /// password does).
    pub account: Option<AccountId>,
    /// OPAQUE server state.
    pub state: Vec<u8>,
    /// When it ends.
    pub expires: Timestamp,
}

/// A signed-in state of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its id: 16 random bytes.
    pub id: [u8; 16],
    /// Whose.
    pub address: DeviceAddress,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was refreshed last.
    pub refreshed_at: Timestamp,
}

/// Outcome of presenting a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The token was current; the new one is in force.
    Rotated(Login),
    /// The token was the one just before and its successor was never presented, within the grace time: the
    /// answer was lost. The new one is in force.
    Repeated(Login),
    /// The token was used before: the login is revoked now.
    Reused(Login),
    /// No live login has this token.
    Unknown,
}

/// A prekey bundle of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prekey {
    /// Its device's number for it.
    pub id: u32,
    /// The signed bundle.
    pub bundle: Vec<u8>,
}

/// A direct room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectRoom {
    /// Its id.
    pub id: RoomId,
    /// The lower account id.
    pub low: AccountId,
    /// The higher account id.
    pub high: AccountId,
}

/// A message to append to a direct room, already checked for size and membership.
#[derive(Clone, Debug)]
pub struct NewEnvelope {
    /// Its id.
    pub id: EnvelopeId,
    /// The room.
    pub room: DirectRoom,
    /// The device that sends it.
    pub sender: DeviceAddress,
    /// Counts as unread or not.
    pub class: Class,
    /// Chain heads that the sender saw.
    pub heads: Heads,
    /// What it belongs to.
    pub target: Option<EnvelopeId>,
    /// The sealed body.
    pub body: Vec<u8>,
    /// Its key for each addressed device.
    pub keys: Vec<(DeviceAddress, Vec<u8>)>,
    /// Digest over the whole send, by which a repeat is told from a reuse of the id.
    pub digest: Hash,
}

/// Pairwise messages to put into mailboxes.
#[derive(Clone, Debug)]
pub struct NewDistribution {
    /// Its id.
    pub id: EnvelopeId,
    /// The device that sends it.
    pub sender: DeviceAddress,
    /// One message for each addressed device.
    pub messages: Vec<(DeviceAddress, Vec<u8>)>,
    /// Digest over the whole, as for an envelope.
    pub digest: Hash,
}

/// One thing for the writer to store. A batch of them is one commit.
#[derive(Clone, Debug)]
pub enum Append {
    /// A room's message.
    Envelope(NewEnvelope),
    /// Pairwise messages.
    Distribution(NewDistribution),
}

/// What became of one [`Append`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// A room's message is stored, now or before (then `repeat`).
    Envelope {
        /// Its place in the room.
        sequence: u64,
        /// When it was stored first.
        time: Timestamp,
        /// True when this id was stored before with the same digest.
        repeat: bool,
    },
    /// Pairwise messages are stored, now or before.
    Distribution,
    /// The id was used by this device with other bytes: refused.
    IdReused,
    /// An addressed device is not an active device, or an active device of the room's accounts (other than the
    /// sender's own sending device) is not addressed: refused.
    StaleDevices,
    /// The room does not exist: refused.
    UnknownRoom,
}

/// A message in a device's mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxItem {
    /// Its place in the mailbox.
    pub mailbox: u64,
    /// The id its sender gave it.
    pub id: EnvelopeId,
    /// The sealed pairwise message.
    pub pairwise: Bytes,
    /// What it came with, the room's body included.
    pub item: Item,
}

/// What a connecting device has to know about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// The last envelope accepted from it.
    pub last_accepted: Option<EnvelopeId>,
    /// The highest mailbox sequence that it acknowledged.
    pub acknowledged: u64,
    /// One-time prekeys left.
    pub one_time_prekeys: u32,
}

/// A device listed by its account's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveDevice {
    /// Which device.
    pub device: DeviceId,
}
