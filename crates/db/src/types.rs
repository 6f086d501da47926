//! What goes into the database and comes out, in the words of the protocol.

use std::sync::Arc;

use conclave_protocol::frames::{Class, Heads, Item};
use conclave_protocol::links::LinkWay;
use conclave_protocol::{
    AccountId, BlobId, Bytes, DeviceAddress, DeviceId, EnvelopeId, Hash, LinkId, PlaceId, RoomId, Timestamp,
    Username,
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
    /// The recovery verifying key that it names.
    pub recovery: [u8; 32],
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
    /// By an invite of this hash: used by the same transaction.
    Invite(Hash),
    /// Registration is open to everybody.
    Open,
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
    /// How often the password was replaced.
    pub password: u64,
    /// Closed by its chain: nobody signs in any more.
    pub closed: bool,
    /// Kept out by an administrator.
    pub suspended: bool,
}

/// The second step of an account's sign-in.
#[derive(Clone, Debug)]
pub struct SecondStep {
    /// The secret, sealed.
    pub secret: Vec<u8>,
    /// Since when a code is asked for; absent until the first code came.
    pub on_since: Option<Timestamp>,
    /// The newest time step whose code was taken.
    pub last_step: u64,
    /// Backup codes that were not used.
    pub backup_codes: u32,
}

/// Something to be noted in the audit log, in the transaction that does it.
#[derive(Clone, Debug)]
pub struct Noted {
    /// Who does it; absent for the server's command line.
    pub actor: Option<AccountId>,
    /// What is done, as a short name.
    pub act: &'static str,
    /// To what: an id, a handle, a value.
    pub subject: String,
    /// The server's clock.
    pub now: Timestamp,
}

/// A registration invite as its administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteListed {
    /// The hash of its secret.
    pub hash: Hash,
    /// Who made it.
    pub made_by: Username,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How many registered with it.
    pub uses: u32,
    /// How many may.
    pub uses_max: u32,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
}

/// Somebody who starts again under their name, without a device and without the recovery key of the account before.
#[derive(Clone, Debug)]
pub struct Reset {
    /// The account that ends.
    pub before: Account,
    /// The new one: hash of its genesis entry.
    pub id: AccountId,
    /// The genesis entry's bytes; its device has id 0.
    pub genesis: Vec<u8>,
    /// The recovery verifying key that it names.
    pub recovery: [u8; 32],
    /// The server's clock.
    pub now: Timestamp,
}

/// One more entry for an account's chain, already judged by the chain's rules, and what it changes.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Whose chain.
    pub account: AccountId,
    /// Its place, which has to be the next one.
    pub sequence: u32,
    /// The signed bytes.
    pub bytes: Vec<u8>,
    /// It adds the device whose id is its sequence.
    pub adds: bool,
    /// The devices that speak for the account no longer.
    pub revokes: Vec<DeviceId>,
    /// The recovery verifying key that is in force from now on.
    pub recovery: Option<[u8; 32]>,
    /// It closes the account.
    pub closes: bool,
    /// OPAQUE password record that replaces the one before.
    pub password: Option<Vec<u8>>,
    /// The server's clock.
    pub now: Timestamp,
}

/// What became of a [`NewEntry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryStored {
    /// It stands in the chain, and these logins have ended with it.
    Done(Vec<EndedLogin>),
    /// These very bytes stood there already; nothing changed.
    Already,
    /// Another entry has its place, or the chain has not come so far.
    Moved,
}

/// A login that ended with its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedLogin {
    /// Its id.
    pub id: [u8; 16],
    /// Whose it was.
    pub address: DeviceAddress,
}

/// Why a login is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody signed out, or its refresh token was used twice.
    SignedOut,
    /// Its device was taken out of the account.
    DeviceRevoked,
    /// The account was closed.
    AccountClosed,
}

/// An active device with what the server knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceDescribed {
    /// Which one.
    pub device: DeviceId,
    /// When it was added.
    pub added_at: Timestamp,
    /// When a login of it was made or refreshed last.
    pub seen_at: Option<Timestamp>,
    /// Has a login in force.
    pub signed_in: bool,
}

/// A device's first sign-in between its two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceAttempt {
    /// Hash of the attempt's token.
    pub id: Hash,
    /// The device, which need not exist.
    pub address: DeviceAddress,
    /// When it ends.
    pub expires: Timestamp,
}

/// What somebody without a device has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingKind {
    /// The password.
    Login,
    /// The recovery key.
    Recovery,
}

/// The token of somebody who belongs to an account and has no device of it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingToken {
    /// Hash of the token.
    pub id: Hash,
    /// The account.
    pub account: AccountId,
    /// What was shown.
    pub kind: PendingKind,
    /// [`Account::password`] at that time.
    pub password: u64,
    /// When it ends.
    pub expires: Timestamp,
}

/// A recovery between its first two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryAttempt {
    /// Hash of the attempt's token.
    pub id: Hash,
    /// The account, or none where nobody has the handle.
    pub account: Option<AccountId>,
    /// The verifying key that has to have signed; one that nobody holds where nobody has the handle.
    pub key: [u8; 32],
    /// When it ends.
    pub expires: Timestamp,
}

/// A meeting place to open.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// Made by the new device.
    pub id: LinkId,
    /// How the devices know each other.
    pub way: LinkWay,
    /// Hash of the token for the new device's side.
    pub token: Hash,
    /// The account, for [`LinkWay::Code`].
    pub account: Option<AccountId>,
    /// Message 1.
    pub message: Vec<u8>,
    /// When it is forgotten.
    pub expires: Timestamp,
}

/// What became of a [`NewLink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOpened {
    /// It is open.
    Done,
    /// The id is in use.
    IdTaken,
    /// The account has as many open places as it may.
    TooMany,
}

/// Who speaks in a meeting place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkSide {
    /// The new device, by the hash of its token.
    Newcomer(Hash),
    /// A signed-in device.
    Device(DeviceAddress),
}

/// What became of something done in a meeting place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InLink<T> {
    /// Done.
    Done(T),
    /// The place is over, or is none for the asker.
    Gone,
    /// Another device has taken the account's side.
    Taken,
    /// The message is not the next one of this side.
    OutOfTurn,
    /// Another message has this number.
    NumberReused,
}

/// What became of records for a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultAppended {
    /// They are in, now or before, and the vault holds so many.
    Done(u64),
    /// Others have their place, or the vault has not come so far.
    Moved,
    /// The vault holds as many as it may.
    Full,
}

/// A slot of a vault or a wrapped key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultKey {
    /// The hash that the account's chain names it by.
    pub hash: Hash,
    /// Opaque.
    pub bytes: Vec<u8>,
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
    /// [`Account::password`] at its beginning.
    pub password: u64,
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

/// A refresh token that is shown to be exchanged for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Hash of the token that was shown.
    pub presented: Hash,
    /// Hash of the client's attempt.
    pub attempt: Hash,
    /// What the next token is made of besides what the client showed.
    pub nonce: [u8; 32],
    /// Hash of the token made with this nonce.
    pub next: Hash,
    /// A login that began before this is over, however much it is used.
    pub begun_since: Timestamp,
}

/// Outcome of presenting a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The token was current; the next one is in force.
    Rotated(Login),
    /// The token was exchanged by this very attempt before, and its successor was never presented: the answer was
    /// lost. The successor made with this nonce is in force as it was.
    Repeated(Login, [u8; 32]),
    /// The token was used before: the login is revoked now.
    Reused(Login),
    /// The login began too long ago: it is revoked now.
    Outlived(Login),
    /// The token's login ended with its device or its account.
    Ended(Ended),
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
    /// The blobs that it claims, each once, which its sender may read.
    pub blobs: Vec<BlobId>,
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
    /// They are receipts: only between accounts that give and get them.
    pub receipts: bool,
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
    /// A message of a place's room, shared with whoever tells its readers.
    Post(Arc<NewPost>),
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
    /// They are receipts, and the sender's account gives none: refused.
    ReceiptsOff,
    /// The id was used by this device with other bytes: refused.
    IdReused,
    /// An addressed device is not an active device, or an active device of the room's accounts (other than the
    /// sender's own sending device) is not addressed: refused.
    StaleDevices,
    /// The room does not exist: refused.
    UnknownRoom,
    /// An addressed account has no active device any more: refused.
    Deserted,
    /// The place has another revision than the one by which the post was judged: it has to be judged anew.
    Outdated,
    /// The room's slow mode asks for a pause of so many milliseconds more: refused.
    TooFast(u64),
    /// A blob that it claims is not there whole any more: refused.
    BlobMissing,
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

/// One more entry for a place's chain, already judged by the chain's rules, and what it changes.
#[derive(Clone, Debug)]
pub struct NewPlaceEntry {
    /// The place.
    pub place: PlaceId,
    /// The entry's place in the chain, which has to be the next one; 0 makes the place.
    pub sequence: u32,
    /// The signed bytes.
    pub bytes: Vec<u8>,
    /// Account chains by which it was judged, with the sequence of their newest entry then.
    pub judged_by: Vec<(AccountId, u32)>,
    /// What accounts are from now on.
    pub standings: Vec<(AccountId, PlaceStanding)>,
    /// Rooms that it opens, with their channel.
    pub opens: Vec<(RoomId, Option<u32>)>,
    /// Rooms that it ends.
    pub ends: Vec<RoomId>,
    /// Members whose lost devices nobody observed, with the entry of their chain that took the last one away.
    pub owes: Vec<(AccountId, u32)>,
    /// Accounts of which nothing has to be observed any more.
    pub settles: Vec<AccountId>,
}

/// What an account is in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceStanding {
    /// Belongs to it.
    Member,
    /// Waits to be let in.
    Waiting,
    /// Nothing.
    Stranger,
}

/// What became of a [`NewPlaceEntry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceEntryStored {
    /// It stands in the chain, and the place has this revision with it.
    Done(u64),
    /// These very bytes stood there already; nothing changed.
    Already,
    /// Another entry has its place, or the chain has not come so far.
    Moved,
    /// An account's chain is another than the one by which it was judged.
    JudgedByOthers,
    /// Somebody whom it brings in is in as many places as an account may be.
    TooMany,
}

/// How far a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceState {
    /// Sequence of its chain's newest entry.
    pub head: u32,
    /// Moves with each entry and each device that a member's account loses.
    pub revision: u64,
}

/// A verified chain as the server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceSnapshot {
    /// Sequence of its newest entry.
    pub sequence: u32,
    /// The chain in its own form.
    pub bytes: Vec<u8>,
}

/// A room of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceRoom {
    /// Its id.
    pub id: RoomId,
    /// The place.
    pub place: PlaceId,
    /// The channel; none for a group's one room.
    pub channel: Option<u32>,
    /// Its newest sequence.
    pub head: u64,
}

/// A message to append to a place's room, already judged by the place's chain.
#[derive(Clone, Debug)]
pub struct NewPost {
    /// Its id.
    pub id: EnvelopeId,
    /// The room.
    pub room: RoomId,
    /// The place.
    pub place: PlaceId,
    /// The place's revision by which it was judged.
    pub revision: u64,
    /// The device that sends it.
    pub sender: DeviceAddress,
    /// Counts as unread or not.
    pub class: Class,
    /// The epoch under whose keys it is sealed.
    pub epoch: u32,
    /// The newest entry that the sender saw.
    pub head: u32,
    /// What it belongs to.
    pub target: Option<EnvelopeId>,
    /// The first message of its thread.
    pub thread: Option<EnvelopeId>,
    /// Milliseconds after which it is deleted.
    pub expires_in: Option<u64>,
    /// Milliseconds that have to lie between two messages of the account, where the room's slow mode holds for it.
    pub pause: Option<u64>,
    /// The sealed message.
    pub body: Vec<u8>,
    /// The blobs that it claims, each once, which its sender may read.
    pub blobs: Vec<BlobId>,
    /// Digest over the whole post, by which a repeat is told from a reuse of the id.
    pub digest: Hash,
}

/// Which part of a room's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageBound {
    /// The oldest that lie behind a sequence.
    After(u64),
    /// The newest that lie before a sequence.
    Before(u64),
}

impl NewPost {
    /// When it is deleted, if it is stored at `now`.
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.expires_in.map(|life| now.plus(life))
    }
}
