//! The past on a new device: records are read from the newest to the oldest, and what they open is fetched and placed
//! as history, the newest message of all rooms first.
//!
//! A key that was found waits in the device's store until its envelope came. So whatever was interrupted goes on with
//! the keys that wait and the records that were not read, and nothing else has to be remembered.

use conclave_crypto::VaultError;
use conclave_crypto::vault::{VaultHead, VaultKey, VaultRecord, VaultTail};
use conclave_protocol::frames::{DirectMessage, Heads, Side};
use conclave_protocol::messages::{EnvelopesPage, StoredEnvelope};
use conclave_protocol::vault::VaultRecordsPage;
use conclave_protocol::{AccountId, Bytes, DeviceAddress, EnvelopeId, RoomId, Timestamp};
use conclave_sigchain::{AccountChain, ChainError};
use minicbor::{Decode, Encode};

use super::journal::WAITS_FOR_KEY_MS;
use super::{Item, LogState, VaultNeed, items};
use crate::calls::{Need, NeedState};
use crate::changes::Table;
use crate::codec::KeyAndHash;
use crate::content::in_order;
use crate::machine::Engine;
use crate::mailbox::{body_of, row_of};
use crate::own::OwnIdentity;
use crate::reads::{ReadError, Reads};
use crate::rooms::RoomState;
use crate::views::{Event, HistoryLossView, HistoryView};
use crate::work::Work;

/// Rooms whose pages are fetched at a time.
const ROOMS_AT_A_TIME: usize = 3;
/// Rooms whose people are asked for at a time.
const UNKNOWN_AT_A_TIME: usize = 10;
/// A page that waits for somebody's chain is fetched again after about this.
const PAGE_AGAIN_MS: u64 = 1_000;
const ROOM: &[u8] = b"room/";

/// A key whose envelope was not fetched yet.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(super) struct Found {
    #[n(0)]
    pub(super) id: EnvelopeId,
    #[n(1)]
    pub(super) key: KeyAndHash,
}

/// What is known of a room's past.
#[derive(Clone, Copy, Encode, Decode)]
#[cbor(array)]
struct RoomPast {
    /// The newest message whose key was found: rooms are read in this order.
    #[n(0)]
    newest: EnvelopeId,
    /// Keys wait for their envelopes.
    #[n(1)]
    waits: bool,
    /// Messages placed as history.
    #[n(2)]
    placed: u64,
    /// Keys whose envelope the server did not show, or which did not open it.
    #[n(3)]
    lost: u64,
}

fn past_key(room: RoomId) -> Vec<u8> {
    [ROOM, &room.0].concat()
}

/// Newest first.
pub(super) fn found_key(room: RoomId, sequence: u64) -> Vec<u8> {
    let down = u64::MAX.saturating_sub(sequence).to_be_bytes();
    [&room.0[..], &down].concat()
}

impl Work<'_> {
    fn past(&self, room: RoomId) -> Result<RoomPast, ReadError> {
        let past = self.find(Table::Vault, &past_key(room))?;
        Ok(past.unwrap_or(RoomPast {
            newest: EnvelopeId([0; 16]),
            waits: false,
            placed: 0,
            lost: 0,
        }))
    }

    fn put_past(&mut self, room: RoomId, past: &RoomPast) {
        self.put(Table::Vault, &past_key(room), past);
        self.show(Event::Chats);
    }

    /// The newest message of a room whose key waits, by sequence.
    pub(super) fn newest_key_of(&self, room: RoomId) -> Result<Option<(u64, EnvelopeId)>, ReadError> {
        let first = self.list_bytes(Table::History, &room.0, 1)?.pop();
        Ok(first.and_then(|(key, bytes)| {
            let found: Found = minicbor::decode(&bytes).ok()?;
            let (_, down) = key.split_at_checked(32)?;
            let down = u64::from_be_bytes(down.try_into().ok()?);
            Some((u64::MAX.saturating_sub(down), found.id))
        }))
    }
}

impl Engine {
    /// The next page on the way back: first record, and how many.
    pub(super) fn page_before(&self, work: &Work<'_>) -> Result<Option<(u64, u64)>, ReadError> {
        let below = match work.log_state()? {
            None => self.vault.counted.unwrap_or_default(),
            Some(state) => state.tail.map_or(0, |tail| tail.below),
        };
        let limit = below.min(self.vault.page);
        Ok((limit > 0).then(|| (below.saturating_sub(limit), limit)))
    }

    /// Records before those that were read.
    pub(super) fn take_before(
        &mut self,
        work: &mut Work<'_>,
        page: VaultRecordsPage,
    ) -> Result<(), ReadError> {
        let Some((first, limit)) = self.page_before(work)?.filter(|(first, _)| *first == page.first) else {
            return Ok(());
        };
        let got = u64::try_from(page.records.len()).unwrap_or(u64::MAX);
        if got < limit && got > 0 {
            // Large records: fewer at a time, and those that join what was read.
            self.vault.page = got;
            return Ok(());
        }
        if got != limit {
            self.vault_trouble(work);
            return Ok(());
        }
        let own = work.own()?;
        let chain = own.chain()?;
        let count = first.saturating_add(limit);
        let (mut state, mut tail) = match work.log_state()? {
            None => (LogState::EMPTY, Some(VaultTail::new(own.account.0, count))),
            Some(state) => {
                let tail = state.tail(own.account);
                (state, tail)
            }
        };
        let Some(tail) = tail.as_mut() else {
            return Ok(());
        };
        if let Some(named) = chain.vault() {
            let head = VaultHead {
                count: named.records,
                hash: named.head.0,
            };
            if tail.pin(head, named.generation).is_err() {
                self.vault_trouble(work);
                return Ok(());
            }
        }
        for bytes in page.records.iter().rev() {
            let Some(content) = self.open_before(work, tail, &mut state, bytes.as_slice())? else {
                return Ok(());
            };
            work.put_log_state(&state);
            self.take_items(work, &content)?;
        }
        if state.tail.is_none() {
            // Rooms may say now that nothing more will come.
            work.show(Event::Chats);
        }
        Ok(())
    }

    /// Opens the next record on the way back. None where nothing more can be read now.
    fn open_before(
        &mut self,
        work: &mut Work<'_>,
        tail: &mut VaultTail,
        state: &mut LogState,
        bytes: &[u8],
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, ReadError> {
        let Ok(record) = VaultRecord::from_bytes(bytes) else {
            self.vault_trouble(work);
            return Ok(None);
        };
        if tail.check_previous(&record).is_err() {
            self.vault_trouble(work);
            return Ok(None);
        }
        let keys = work.vault_keys(record.generation())?;
        let mut refusal = None;
        for key in &keys {
            match tail.open_previous(key, &record) {
                Ok(content) => {
                    work.vault_key_proved(key)?;
                    if state.follow_down(tail, &record) {
                        return Ok(Some(content));
                    }
                    refusal = Some(VaultError::OtherName);
                    break;
                }
                Err(error) => refusal = Some(error),
            }
        }
        match refusal {
            None if state.named.is_none() => {
                // The newest record is of a key that is on its way from the device that made it.
                self.wait_for_key(work, VaultNeed::Before);
                Ok(None)
            }
            // A key that nobody handed on. What newer records vouch for is passed, so that what lies before is read.
            None if tail.pass_previous(&record).is_ok() && state.follow_down(tail, &record) => {
                Ok(Some(items::to_bytes(&[])))
            }
            _ => {
                self.vault_trouble(work);
                Ok(None)
            }
        }
    }

    /// Takes what a record holds.
    pub(super) fn take_items(&mut self, work: &mut Work<'_>, content: &[u8]) -> Result<(), ReadError> {
        for item in items::from_bytes(content) {
            work.is_recorded(&item);
            match item {
                Item::Message(room, sequence, id, key) => {
                    let row = work.find_message(id)?;
                    if row.is_some_and(|row| row.room != room || !row.body.is_closed()) {
                        continue;
                    }
                    work.put(Table::History, &found_key(room, sequence), &Found { id, key });
                    let mut past = work.past(room)?;
                    past.newest = past.newest.max(id);
                    past.waits = true;
                    work.put_past(room, &past);
                }
                // What the own chain is, this device knows better than any record says.
                Item::Head(account, ..) if account == work.own()?.account => {}
                Item::Setting(entry) => {
                    self.take_set(work, vec![entry])?;
                }
                Item::Head(account, head, hash) => {
                    work.pin_head(account, head, hash)?;
                    self.check_pinned_head(work, account)?;
                }
                Item::Key(generation, key) => work.put_vault_key(generation, &key.0)?,
                Item::Mark(mark) => self.take_mark(work, &mark)?,
                Item::Known(known) => self.take_known(work, &known)?,
                Item::Seed(room, seed) => self.seed_from_vault(work, room, seed)?,
                Item::Removed(id) => work.remove_here(id)?,
                Item::Former(account, generation, key) => {
                    work.begin_former(account, &VaultKey::from_parts(generation, &key.0), false)?;
                    self.vault_soon(work.now);
                }
            }
        }
        Ok(())
    }

    /// Another own device saw so much of a contact's chain.
    fn check_pinned_head(&mut self, work: &mut Work<'_>, account: AccountId) -> Result<(), ReadError> {
        if let Some(person) = self.person(work, account)?
            && self.fits_pinned_head(work, &person.chain, true)?
            && let Some((head, _)) = work.pinned_head(account)?
            && head > person.chain.head()
        {
            self.follow_chain(work, account)?;
        }
        Ok(())
    }

    /// False for a contact's chain that is another one than some own device saw, or that ends before what it saw
    /// where it does not go on.
    pub(crate) fn fits_pinned_head(
        &mut self,
        work: &mut Work<'_>,
        chain: &AccountChain,
        may_go_on: bool,
    ) -> Result<bool, ReadError> {
        let account = chain.account();
        let Some((head, hash)) = work.pinned_head(account)? else {
            return Ok(true);
        };
        let known = chain.hash_at(head);
        if known == Some(hash) || known.is_none() && may_go_on {
            return Ok(true);
        }
        self.dispute(work, account, ChainError::Fork, &Bytes(Vec::new()));
        Ok(false)
    }

    /// Fetches pages for keys that wait, for the rooms with the newest messages first.
    pub(super) fn load_rooms(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let mut rooms: Vec<(EnvelopeId, RoomId)> = Vec::new();
        for (key, bytes) in work.list_bytes(Table::Vault, ROOM, u32::MAX)? {
            let room = key.get(ROOM.len()..).and_then(|room| room.try_into().ok());
            if let (Some(room), Ok(past)) = (room.map(RoomId), minicbor::decode::<RoomPast>(&bytes))
                && past.waits
            {
                rooms.push((past.newest, room));
            }
        }
        rooms.sort_unstable_by(|one, other| other.cmp(one));
        let (mut asked, mut unknown) = (0_usize, 0_usize);
        for (_, room) in rooms {
            if asked >= ROOMS_AT_A_TIME {
                break;
            }
            if work.room_state(room)?.is_none() {
                // One that the server does not show holds up none that is known.
                unknown = unknown.saturating_add(1);
                self.vault_soon(work.now.plus(WAITS_FOR_KEY_MS));
                if unknown > UNKNOWN_AT_A_TIME || self.room_of(work, room)?.is_none() {
                    continue;
                }
            }
            asked = asked.saturating_add(1);
            self.need(work, Need::Vault(VaultNeed::Page(room)))?;
        }
        Ok(())
    }

    /// Envelopes of a room came: those whose keys wait are opened and placed, newest first.
    pub(super) fn take_history_page(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        page: EnvelopesPage,
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        let Some(state) = work.room_state(room)? else {
            return Ok(());
        };
        let Some((asked, _)) = work.newest_key_of(room)? else {
            return self.keys_left(work, room);
        };
        let mut past = work.past(room)?;
        let is_first = past.placed == 0;
        for envelope in page.envelopes.into_iter().rev() {
            let sequence = envelope.sequence;
            let name = found_key(room, sequence);
            let Some(found) = work.find::<Found>(Table::History, &name)? else {
                continue;
            };
            let account = envelope.account;
            match self.place_history(work, &own, room, &state, &found, envelope)? {
                Placing::Placed => {
                    if account == own.account {
                        self.wrote_in(work, room)?;
                    }
                    past.placed = past.placed.saturating_add(1);
                }
                Placing::Known => {}
                Placing::Refused => past.lost = past.lost.saturating_add(1),
                Placing::Waits => {
                    work.put_past(room, &past);
                    let later = self.jittered(work, PAGE_AGAIN_MS);
                    let page = Need::Vault(VaultNeed::Page(room));
                    self.needs.insert(page, NeedState::RetryAt(later));
                    return Ok(());
                }
            }
            work.delete(Table::History, &name);
        }
        let name = found_key(room, asked);
        if work.find_bytes(Table::History, &name)?.is_some() {
            // The server does not show what it was asked for.
            work.delete(Table::History, &name);
            past.lost = past.lost.saturating_add(1);
        }
        work.put_past(room, &past);
        if is_first
            && state.history_from == Some(state.cursor)
            && let Some(mut row) = work.find_room(room)?
        {
            // Nothing has happened there since: it is as old as its newest message.
            row.active_at = past.newest.time();
            work.put_room(row);
        }
        self.keys_left(work, room)
    }

    /// Notes whether more keys of a room wait.
    fn keys_left(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        let mut past = work.past(room)?;
        past.waits = work.newest_key_of(room)?.is_some();
        work.put_past(room, &past);
        Ok(())
    }

    /// The server will not show a room: what waits for its envelopes is lost.
    pub(super) fn lose_newest_key(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        let mut past = work.past(room)?;
        for (key, _) in work.list_bytes(Table::History, &room.0, u32::MAX)? {
            work.delete(Table::History, &key);
            past.lost = past.lost.saturating_add(1);
        }
        past.waits = false;
        work.put_past(room, &past);
        Ok(())
    }

    fn place_history(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        room: RoomId,
        state: &RoomState,
        found: &Found,
        envelope: StoredEnvelope,
    ) -> Result<Placing, ReadError> {
        let id = found.id;
        let from = DeviceAddress {
            account: envelope.account,
            device: envelope.device,
        };
        let Some((side, head, named)) = side_of_sender(own.account, state.peer, &envelope) else {
            return Ok(Placing::Refused);
        };
        let row = work.find_message(id)?;
        let is_another = row
            .as_ref()
            .is_some_and(|row| (row.room, row.author, row.device) != (room, from.account, from.device));
        if envelope.id != id || is_another {
            return Ok(Placing::Refused);
        }
        if row.as_ref().is_some_and(|row| !row.body.is_closed()) {
            return Ok(Placing::Known);
        }
        if row.is_none() && envelope.sequence > state.cursor {
            // The mailbox brings it.
            return Ok(Placing::Known);
        }
        let message = message_of(room, side, named, envelope);
        let Some(heads) = self.heads_of(work, own.account, state.peer, message.heads)? else {
            // A chain grew since; more of it is asked for once on each connection.
            for account in [own.account, state.peer] {
                if self.longer_chains_asked.insert(account) {
                    self.follow_chain(work, account)?;
                }
            }
            let waits = self.behind.contains(&own.account) || self.behind.contains(&state.peer);
            return Ok(if waits { Placing::Waits } else { Placing::Refused });
        };
        let spoke = self
            .person(work, from.account)?
            .is_some_and(|person| person.chain.device_at(from.device, head).is_some());
        let opened = spoke
            .then(|| heads.open_body(id, &message, from, &found.key))
            .flatten();
        let Some((content, hash)) = opened else {
            return Ok(Placing::Refused);
        };
        if from.account != own.account {
            work.keep_opening((room, message.sequence), id, found.key.key(), None);
        }
        if row.is_some() {
            let mut state = state.clone();
            self.show_opened(work, &mut state, from, id, &message, (content, hash))?;
            work.put_room_state(room, &state);
            return Ok(Placing::Known);
        }
        let mut row = row_of(work, from, id, &message, from.account == own.account)?;
        row.body = body_of(content.body, &message);
        work.take_in(row, true)?;
        Ok(Placing::Placed)
    }

    /// True where nothing more of the vault is to be read before others are asked for what it may hold.
    pub(crate) fn vault_is_read(&self, work: &Work<'_>) -> Result<bool, ReadError> {
        let known = work.log_state()?;
        Ok(self.vault.stopped || known.is_none_or(|state| state.tail.is_none()))
    }

    /// How much of a room's past is here.
    pub fn history(&self, store: &dyn Reads, room: RoomId) -> Result<HistoryView, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        let total = work.room_state(room)?.map_or(0, |state| state.before_joining());
        let past = work.past(room)?;
        let reads_on = work.log_state()?.is_none_or(|state| state.tail.is_some());
        let left = total.saturating_sub(past.placed);
        let loading = left > 0 && !self.vault.stopped && (past.waits || reads_on);
        let why = match (loading, left) {
            (true, _) | (_, 0) => None,
            _ if self.vault.stopped => Some(HistoryLossView::NotGenuine),
            _ if past.lost > 0 => Some(HistoryLossView::Withheld),
            _ => Some(HistoryLossView::NotRecorded),
        };
        Ok(HistoryView {
            loading,
            missing: left,
            why,
        })
    }
}

/// What came of an envelope whose key was found.
enum Placing {
    Placed,
    /// It is here already.
    Known,
    /// It is not what the key was recorded for, or nobody can have sent it.
    Refused,
    /// A longer chain was asked for.
    Waits,
}

/// On which side of a direct room's message its sender is, the head of their log that it names, and both heads.
pub(super) fn side_of_sender(
    own: AccountId,
    peer: AccountId,
    envelope: &StoredEnvelope,
) -> Option<(Side, u32, Heads)> {
    let (low, high) = in_order(own, peer);
    // Every message of a direct room names both chains.
    let (head_low, head_high) = envelope.heads?;
    let sides = [(low, Side::Low, head_low), (high, Side::High, head_high)];
    let (side, head) = sides
        .into_iter()
        .find_map(|(account, side, head)| (account == envelope.account).then_some((side, head)))?;
    let named = Heads {
        low: head_low,
        high: head_high,
    };
    Some((side, head, named))
}

pub(super) fn message_of(room: RoomId, side: Side, heads: Heads, envelope: StoredEnvelope) -> DirectMessage {
    DirectMessage {
        room,
        sequence: envelope.sequence,
        side,
        device: envelope.device,
        time: Timestamp(envelope.received_at),
        class: envelope.class,
        heads,
        target: envelope.target,
        body: envelope.body,
    }
}
