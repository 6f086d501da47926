//! Signatures while the bodies are being written.
#![expect(clippy::todo, clippy::unused_async, missing_docs, reason = "replaced by the words' own files")]

use crate::*;
use conclave_protocol::frames::Cursor;
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::*;

type R<T> = Result<T, DbError>;

/// Which engine holds the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine { Sqlite, Postgres }

/// The database.
#[derive(Clone, Debug)]
pub struct Db {}

impl Db {
    pub async fn open(_address: &str) -> R<Self> { todo!() }
    pub fn engine(&self) -> Engine { todo!() }
    pub async fn ping(&self) -> R<()> { todo!() }
    pub async fn close(&self) { todo!() }
    pub async fn insert_account(&self, _new: &NewAccount) -> R<Registered> { todo!() }
    pub async fn find_account(&self, _id: AccountId) -> R<Option<Account>> { todo!() }
    pub async fn find_account_by_username(&self, _username: &Username) -> R<Option<Account>> { todo!() }
    pub async fn count_accounts(&self) -> R<u64> { todo!() }
    pub async fn list_entries(&self, _account: AccountId, _after: Option<u32>, _limit: u32) -> R<Vec<Bytes>> { todo!() }
    pub async fn list_devices(&self, _account: AccountId) -> R<Vec<ActiveDevice>> { todo!() }
    pub async fn insert_login_attempt(&self, _attempt: &LoginAttempt) -> R<()> { todo!() }
    pub async fn claim_login_attempt(&self, _id: Hash, _now: Timestamp) -> R<Option<LoginAttempt>> { todo!() }
    pub async fn insert_login(&self, _login: &Login, _refresh: Hash) -> R<()> { todo!() }
    pub async fn find_login(&self, _id: [u8; 16]) -> R<Option<Login>> { todo!() }
    pub async fn rotate_login(&self, _presented: Hash, _next: Hash, _now: Timestamp) -> R<Refreshed> { todo!() }
    pub async fn revoke_login(&self, _id: [u8; 16], _now: Timestamp) -> R<bool> { todo!() }
    pub async fn list_revoked_logins(&self, _since: Timestamp) -> R<Vec<[u8; 16]>> { todo!() }
    pub async fn insert_ticket(&self, _ticket: Hash, _login: [u8; 16], _expires: Timestamp) -> R<()> { todo!() }
    pub async fn claim_ticket(&self, _ticket: Hash, _now: Timestamp) -> R<Option<Login>> { todo!() }
    pub async fn insert_invite(&self, _hash: Hash, _made_by: AccountId, _expires: Timestamp, _now: Timestamp) -> R<()> { todo!() }
    pub async fn invite_is_open(&self, _hash: Hash, _now: Timestamp) -> R<bool> { todo!() }
    pub async fn insert_prekeys(&self, _owner: DeviceAddress, _one_time: &[Prekey], _last_resort: Option<&Prekey>, _replace: bool) -> R<(u32, bool)> { todo!() }
    pub async fn count_prekeys(&self, _owner: DeviceAddress) -> R<(u32, bool)> { todo!() }
    pub async fn claim_prekey(&self, _owner: DeviceAddress) -> R<Option<Vec<u8>>> { todo!() }
    pub async fn find_last_resort(&self, _owner: DeviceAddress) -> R<Option<Vec<u8>>> { todo!() }
    pub async fn insert_direct_room(&self, _room: &DirectRoom, _now: Timestamp) -> R<bool> { todo!() }
    pub async fn find_direct_room(&self, _room: RoomId) -> R<Option<DirectRoom>> { todo!() }
    pub async fn list_moved(&self, _account: AccountId, _cursors: &[Cursor]) -> R<Vec<Cursor>> { todo!() }
    pub async fn append(&self, _batch: Vec<Append>, _now: Timestamp) -> R<Vec<Appended>> { todo!() }
    pub async fn list_envelopes(&self, _room: RoomId, _after: u64, _limit: u32) -> R<EnvelopesPage> { todo!() }
    pub async fn list_mailbox(&self, _device: DeviceAddress, _after: u64, _limit: u32, _byte_limit: usize) -> R<Vec<MailboxItem>> { todo!() }
    pub async fn acknowledge(&self, _device: DeviceAddress, _up_to: u64) -> R<u64> { todo!() }
    pub async fn device_state(&self, _device: DeviceAddress) -> R<DeviceState> { todo!() }
    pub async fn expire(&self, _now: Timestamp) -> R<u64> { todo!() }
}
