//! The history of an account that a person had before they started again under their name. Where its vault has a password
//! slot, the password opens it; what is read comes into the chats of the new account, before everything that is said
//! there.
//!
//! Like the own history, all of it is driven by what is in the store. Nothing is signed for the old account and nothing
//! is written into its vault: whoever opened it by password alone reads.
//!
//! Invariant: records are believed as the old account's log vouches for them, and messages as the logs of both people do.

use conclave_crypto::vault::{VaultHead, VaultKey, VaultRecord, VaultTail};
use conclave_protocol::messages::{EnvelopesPage, StoredEnvelope};
use conclave_protocol::rooms::DirectRoomFound;
use conclave_protocol::vault::{VaultCount, VaultRecordsPage};
use conclave_protocol::{AccountId, DeviceAddress, RoomId};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::history::{Found, found_key, message_of, side_of_sender};
use super::{Item, LogState, PAGE, VaultNeed, items};
use crate::calls::{Need, NeedState};
use crate::changes::Table;
use crate::codec::Secret32;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::mailbox::{body_of, row_of};
use crate::reads::ReadError;
use crate::views::Event;
use crate::work::Work;

const FORMER: &[u8] = b"former/";
const ROOM: &[u8] = b"froom/";
/// Rooms that are looked at a time.
const ROOMS_AT_A_TIME: usize = 3;
/// What waits for somebody's log is looked at again after this.
const AGAIN_MS: u64 = 1_000;

/// An account that the person had before.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Former {
    /// The keys of its vault that are known, by generation.
    #[n(0)]
    keys: Vec<(u32, Secret32)>,
    /// How many records there are.
    #[n(1)]
    count: Option<u64>,
    /// How far down they were read.
    #[n(2)]
    read: Option<LogState>,
    /// All of them were, or no more can be.
    #[n(3)]
    done: bool,
    /// Records asked for in one page.
    #[n(4)]
    at_a_time: u64,
    /// The own vault does not hold the key yet, for the person's other devices.
    #[n(5)]
    to_record: bool,
}

/// A direct room of such an account, whose messages' keys wait for their envelopes.
#[derive(Encode, Decode)]
#[cbor(array)]
struct FormerRoom {
    #[n(0)]
    account: AccountId,
    /// The other account, once it is known.
    #[n(1)]
    peer: Option<AccountId>,
}

fn former_key(account: AccountId) -> Vec<u8> {
    [FORMER, &account.0].concat()
}

fn room_key(room: RoomId) -> Vec<u8> {
    [ROOM, &room.0].concat()
}

impl Work<'_> {
    fn former(&self, account: AccountId) -> Result<Option<Former>, ReadError> {
        self.find(Table::Vault, &former_key(account))
    }

    fn put_former(&mut self, account: AccountId, former: &Former) {
        self.put(Table::Vault, &former_key(account), former);
    }

    /// The person had this account before, and this key opens its vault.
    /// With `to_record` the person's other devices are told, too.
    pub(crate) fn begin_former(
        &mut self,
        account: AccountId,
        key: &VaultKey,
        to_record: bool,
    ) -> Result<(), ReadError> {
        if self.former(account)?.is_none() {
            let former = Former {
                keys: vec![(key.generation(), Secret32(*key.as_bytes()))],
                count: None,
                read: None,
                done: false,
                at_a_time: PAGE,
                to_record,
            };
            self.put_former(account, &former);
        }
        Ok(())
    }

    /// The server shows nothing of it.
    pub(super) fn end_former(&mut self, account: AccountId) -> Result<(), ReadError> {
        if let Some(mut former) = self.former(account)? {
            former.done = true;
            self.put_former(account, &former);
        }
        Ok(())
    }

    fn formers(&self) -> Result<Vec<AccountId>, ReadError> {
        let all = self.list_bytes(Table::Vault, FORMER, u32::MAX)?;
        let ids = all
            .iter()
            .filter_map(|(key, _)| key.get(FORMER.len()..)?.try_into().ok());
        Ok(ids.map(AccountId).collect())
    }

    fn former_rooms(&self) -> Result<Vec<(RoomId, FormerRoom)>, ReadError> {
        let limit = u32::try_from(ROOMS_AT_A_TIME).unwrap_or(u32::MAX);
        let mut rooms = Vec::new();
        for (key, bytes) in self.list_bytes(Table::Vault, ROOM, limit)? {
            let room = key.get(ROOM.len()..).and_then(|room| room.try_into().ok());
            if let (Some(room), Ok(known)) = (room, minicbor::decode(&bytes)) {
                rooms.push((RoomId(room), known));
            }
        }
        Ok(rooms)
    }
}

impl Engine {
    /// Goes on reading what the person had before.
    pub(super) fn drive_former(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let own = work.own()?.account;
        for account in work.formers()? {
            if account == own {
                // Starting again was refused, and the account is this device's after all.
                work.delete(Table::Vault, &former_key(account));
                continue;
            }
            let Some(mut former) = work.former(account)?.filter(|former| !former.done) else {
                continue;
            };
            if self.person(work, account)?.is_none() {
                self.need(work, Need::Person(account))?;
                self.vault_soon(work.now.plus(AGAIN_MS));
                continue;
            }
            self.record_former(work, account, &mut former);
            self.need(work, Need::Vault(VaultNeed::Former(account)))?;
        }
        for (room, known) in work.former_rooms()? {
            match known.peer {
                None => self.need(work, Need::Vault(VaultNeed::FormerRoom(room)))?,
                Some(peer) if peer != known.account && self.person(work, peer)?.is_none() => {
                    self.need(work, Need::Person(peer))?;
                    self.vault_soon(work.now.plus(AGAIN_MS));
                }
                Some(_) => self.need(work, Need::Vault(VaultNeed::FormerPage(room)))?,
            }
        }
        Ok(())
    }

    /// The person's other devices read it, too.
    fn record_former(&mut self, work: &mut Work<'_>, account: AccountId, former: &mut Former) {
        let to_record = std::mem::take(&mut former.to_record);
        if to_record && let Some((generation, key)) = former.keys.first() {
            let item = Item::Former(account, *generation, Secret32(key.0));
            self.record(work, item);
            work.put_former(account, former);
        }
    }

    /// The path of what is needed of a former account's vault.
    pub(super) fn former_request(
        &self,
        work: &Work<'_>,
        account: AccountId,
    ) -> Result<Option<String>, ReadError> {
        let Some(former) = work.former(account)? else {
            return Ok(None);
        };
        if former.count.is_none() {
            return Ok(Some(format!("/api/v1/vault?of={account}")));
        }
        let (first, limit) = former.page();
        let records = format!("/api/v1/vault/records?of={account}&first={first}&limit={limit}");
        Ok((limit > 0).then_some(records))
    }

    /// The server said how many records a former account's vault has.
    pub(super) fn take_former_count(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        count: VaultCount,
    ) -> Result<(), ReadError> {
        let (Some(mut former), Some(person)) = (work.former(account)?, self.person(work, account)?) else {
            return Ok(());
        };
        let named = person.chain.vault().map_or(0, |named| named.records);
        former.count = Some(count.records);
        former.done = count.records == 0 || count.records < named;
        if count.records < named {
            warn(work);
        }
        work.put_former(account, &former);
        Ok(())
    }

    /// True while the count of a former account's records is what it lacks.
    pub(super) fn former_is_uncounted(work: &Work<'_>, account: AccountId) -> Result<bool, ReadError> {
        Ok(work.former(account)?.is_some_and(|former| former.count.is_none()))
    }

    /// Records of a former account's vault came, those before what was read.
    pub(super) fn take_former_records(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        page: &VaultRecordsPage,
    ) -> Result<(), ReadError> {
        let (Some(mut former), Some(person)) = (work.former(account)?, self.person(work, account)?) else {
            return Ok(());
        };
        let (first, limit) = former.page();
        if page.first != first {
            return Ok(());
        }
        let got = u64::try_from(page.records.len()).unwrap_or(u64::MAX);
        if got > 0 && got < limit {
            // Large records: fewer at a time, and those that join what was read.
            former.at_a_time = got;
            work.put_former(account, &former);
            return Ok(());
        }
        let mut state = former.read.take().unwrap_or(LogState::EMPTY);
        let tail = match state.named {
            None => Some(VaultTail::new(account.0, former.count.unwrap_or_default())),
            Some(_) => state.tail(account),
        };
        let Some(mut tail) = tail else {
            return Ok(());
        };
        let named = person.chain.vault();
        let pinned = named.is_none_or(|named| {
            let head = VaultHead {
                count: named.records,
                hash: named.head.0,
            };
            tail.pin(head, named.generation).is_ok()
        });
        let mut fits = pinned && got == limit;
        for bytes in page.records.iter().rev() {
            if !fits {
                break;
            }
            let Some(record) = VaultRecord::from_bytes(bytes.as_slice()).ok() else {
                fits = false;
                break;
            };
            match former.open(&mut tail, &record) {
                Some(content) if state.follow_down(&tail, &record) => {
                    self.take_former_items(work, account, &mut former, &content)?;
                }
                _ => {
                    fits = false;
                    // The newest records may be under a key that the log does not name yet. Those that it names are read.
                    let below = named.filter(|named| {
                        state.named.is_none() && record.generation() > named.generation && named.records > 0
                    });
                    if let Some(below) = below
                        && former.count > Some(below.records)
                    {
                        former.count = Some(below.records);
                        work.put_former(account, &former);
                        return Ok(());
                    }
                }
            }
        }
        // Nothing that does not fit is believed, and nothing below it is reached.
        former.done = !fits || state.tail.is_none();
        former.read = Some(state);
        work.put_former(account, &former);
        if !fits {
            warn(work);
        }
        Ok(())
    }

    /// Takes what a record of a former account's vault holds.
    fn take_former_items(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        former: &mut Former,
        content: &[u8],
    ) -> Result<(), ReadError> {
        for item in items::from_bytes(content) {
            match item {
                Item::Message(room, sequence, id, key) => {
                    if work.find_message(id)?.is_some() {
                        continue;
                    }
                    work.put(Table::History, &found_key(room, sequence), &Found { id, key });
                    if work.find_bytes(Table::Vault, &room_key(room))?.is_none() {
                        let known = FormerRoom { account, peer: None };
                        work.put(Table::Vault, &room_key(room), &known);
                    }
                }
                Item::Key(generation, key) => former.keys.push((generation, key)),
                Item::Head(whose, head, hash) => work.pin_head(whose, head, hash)?,
                Item::Mark(mark) => self.take_mark(work, &mark)?,
                Item::Known(known) => self.take_known(work, &known)?,
                // They open what the server shows of a room once somebody let the person back in.
                Item::Seed(room, seed) => self.seed_from_vault(work, room, seed)?,
                Item::Removed(id) => work.remove_here(id)?,
                Item::Former(earlier, generation, key) => {
                    work.begin_former(earlier, &VaultKey::from_parts(generation, &key.0), true)?;
                }
                // Whom the person blocked stays blocked. What was set for chats is of others than there are now.
                Item::Setting(entry) if entry.is_of_person() => {
                    self.take_set(work, vec![entry])?;
                }
                Item::Setting(_) => {}
            }
        }
        Ok(())
    }

    /// Who the other one in a room of a former account was.
    pub(super) fn take_former_room(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        found: &DirectRoomFound,
    ) -> Result<(), ReadError> {
        let known: Option<FormerRoom> = work.find(Table::Vault, &room_key(room))?;
        let Some(mut known) = known else {
            return Ok(());
        };
        let peer = if found.low == known.account {
            found.high
        } else {
            found.low
        };
        if RoomId::direct(known.account, peer) != room {
            self.lose_former_room(work, room)?;
            return Ok(());
        }
        known.peer = Some(peer);
        work.put(Table::Vault, &room_key(room), &known);
        Ok(())
    }

    /// The server shows nothing more of a room: what waits for its envelopes is lost.
    pub(super) fn lose_former_room(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        for (key, _) in work.list_bytes(Table::History, &room.0, u32::MAX)? {
            work.delete(Table::History, &key);
        }
        work.delete(Table::Vault, &room_key(room));
        Ok(())
    }

    /// Envelopes of a room of a former account came: those whose keys wait are opened and placed.
    pub(super) fn take_former_page(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        page: EnvelopesPage,
    ) -> Result<(), ReadError> {
        let known: Option<FormerRoom> = work.find(Table::Vault, &room_key(room))?;
        let Some((known, peer)) = known.and_then(|known| known.peer.map(|peer| (known, peer))) else {
            return Ok(());
        };
        let asked = work.newest_key_of(room)?;
        for envelope in page.envelopes.into_iter().rev() {
            let name = found_key(room, envelope.sequence);
            let Some(found) = work.find::<Found>(Table::History, &name)? else {
                continue;
            };
            let waits = self.place_former(work, room, &known, peer, &found, envelope)?;
            if waits {
                let later = self.jittered(work, AGAIN_MS);
                let page = Need::Vault(VaultNeed::FormerPage(room));
                self.needs.insert(page, NeedState::RetryAt(later));
                return Ok(());
            }
            work.delete(Table::History, &name);
        }
        // The server did not show what it was asked for.
        if let Some((sequence, ..)) = asked {
            work.delete(Table::History, &found_key(room, sequence));
        }
        if work.newest_key_of(room)?.is_none() {
            work.delete(Table::Vault, &room_key(room));
        }
        Ok(())
    }

    /// Opens a message of a former account and puts it before everything in the new account's chat with the same
    /// person. True where a longer log was asked for first.
    fn place_former(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        known: &FormerRoom,
        peer: AccountId,
        found: &Found,
        envelope: StoredEnvelope,
    ) -> Result<bool, ReadError> {
        let id = found.id;
        let from = DeviceAddress {
            account: envelope.account,
            device: envelope.device,
        };
        let Some((side, head, named)) = side_of_sender(known.account, peer, &envelope) else {
            return Ok(false);
        };
        if envelope.id != id || work.find_message(id)?.is_some() {
            return Ok(false);
        }
        let sequence = envelope.sequence;
        let message = message_of(room, side, named, envelope);
        let Some(heads) = self.heads_of(work, known.account, peer, message.heads)? else {
            for account in [known.account, peer] {
                if self.longer_chains_asked.insert(account) {
                    self.follow_chain(work, account)?;
                }
            }
            return Ok(self.behind.contains(&known.account) || self.behind.contains(&peer));
        };
        let spoke = self
            .person(work, from.account)?
            .is_some_and(|person| person.chain.device_at(from.device, head).is_some());
        let opened = spoke
            .then(|| heads.open_body(id, &message, from, &found.key))
            .flatten();
        let Some((content, _)) = opened else {
            return Ok(false);
        };
        let own = work.own()?.account;
        let (other, username) = if peer == known.account {
            (own, work.own()?.username)
        } else {
            let person = self.person(work, peer)?;
            (
                peer,
                person.map_or_else(String::new, |person| person.username.clone()),
            )
        };
        let chat = RoomId::direct(own, other);
        let is_new = work.find_room(chat)?.is_none();
        work.ensure_room(chat, other, &username, false)?;
        if is_new && let Some(mut row) = work.find_room(chat)? {
            row.active_at = id.time();
            work.put_room(row);
        }
        let mut row = row_of(work, from, id, &message, from.account == known.account)?;
        row.body = body_of(content.body, &message);
        // Before the first message of the chat, in the order of the old room.
        row.room = chat;
        row.sequence = Some(0);
        row.ordinal = sequence;
        row.counts = false;
        let mine = row.mine;
        work.take_in(row, true)?;
        if mine {
            self.wrote_in(work, chat)?;
        }
        work.show(Event::Chats);
        Ok(false)
    }
}

impl Former {
    /// The next page on the way down: first record, and how many.
    fn page(&self) -> (u64, u64) {
        let below = match &self.read {
            None => self.count.unwrap_or_default(),
            Some(state) => state.tail.as_ref().map_or(0, |tail| tail.below),
        };
        let limit = below.min(self.at_a_time);
        (below.saturating_sub(limit), limit)
    }

    /// Opens the next record on the way down. One of a key that nobody handed on is passed where newer ones vouch for it.
    fn open(&self, tail: &mut VaultTail, record: &VaultRecord) -> Option<Zeroizing<Vec<u8>>> {
        let generation = record.generation();
        let keys = self.keys.iter().filter(|(of, _)| *of == generation);
        let mut known = false;
        for (_, key) in keys {
            known = true;
            if let Ok(content) = tail.open_previous(&VaultKey::from_parts(generation, &key.0), record) {
                return Some(content);
            }
        }
        let passes = !known && tail.pass_previous(record).is_ok();
        passes.then(|| items::to_bytes(&[]))
    }
}

fn warn(work: &mut Work<'_>) {
    work.show(Event::Warning {
        failure: Failure::vault_broken(),
    });
}
