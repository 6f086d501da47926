//! The account's vault: what a new device needs to read the past, written as messages come and go, and read back
//! from its newest record to its oldest.
//!
//! | file | owns |
//! |---|---|
//! | `items` | what records hold |
//! | `keys` | the vault's keys: making them, new ones after a revocation, getting them back |
//! | `journal` | what waits to be recorded, appending it, and reading what other devices appended |
//! | `history` | reading backwards, and opening the messages that were sent before this device was there |
//! | `former` | the history of an account that the person had before they started again |
//! | `ways` | whether the password opens the history, too |
//!
//! All records stand under one name, so the server learns how many there are, how long, and when they come. Which
//! keys are in force and how far the records reach says the account's chain.
//!
//! Invariant: nothing of a record is believed before its place in the chain of records was checked, and nothing that
//! does not fit is passed over in silence.

pub(crate) mod former;
mod history;
mod items;
mod journal;
pub(crate) mod keys;
#[cfg(test)]
mod tests;
pub(crate) mod ways;

use std::sync::Arc;

use conclave_crypto::vault::{TailPlace, VaultHead, VaultLog, VaultRecord, VaultTail};
use conclave_protocol::limits::VAULT_PAGE_BYTES;
use conclave_protocol::{AccountId, Hash, RoomId, Timestamp};
use conclave_sigchain::{AccountChain, Vault};
use minicbor::{Decode, Encode};

pub(crate) use self::items::Item;
use crate::appending::{AfterAppend, OwnAct};
use crate::calls::{Need, NeedState, Refusal, json, parse};
use crate::changes::Table;
use crate::connection::Link;
use crate::effects::{HttpBody, Method};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::views::Event;
use crate::work::Work;

/// Items of one record: far below what a record may hold, and many enough that a long absence is recorded soon.
const BATCH_MAX: usize = 200;
/// The chain names the head anew after so many records: so many could be cut off unnoticed by a device that knows
/// nothing but the chain.
const NAME_AFTER_RECORDS: u64 = 500;
/// An entry that the chain did not take is tried again after this.
const NAME_AGAIN_MS: u64 = 30_000;
/// Records asked for in one page of the way back; fewer where they are large.
const PAGE: u64 = 32;
const STATE: &[u8] = b"state";
const NAME: &[u8] = b"journal";

/// Something that the vault lacks to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum VaultNeed {
    /// The server keeps the slots and wrapped keys made here.
    PutKeys,
    /// Slots and wrapped keys.
    Keys,
    /// How many records there are.
    Count,
    /// A record is appended.
    Append,
    /// Records that other devices appended.
    After,
    /// Records before those that were read.
    Before,
    /// Envelopes of a room whose keys were found.
    Page(RoomId),
    /// Something of the vault of an account that the person had before.
    Former(AccountId),
    /// Who was in a room of such an account.
    FormerRoom(RoomId),
    /// Envelopes of such a room.
    FormerPage(RoomId),
}

/// What the engine remembers of the vault while it runs.
pub(crate) struct VaultRun {
    /// When it is looked at next.
    pub(crate) due: Option<Timestamp>,
    /// How many records there are, as the server said on this connection.
    counted: Option<u64>,
    /// Other devices have appended more.
    behind: bool,
    /// A record on its way.
    sent: Option<journal::OnItsWay>,
    /// Slots were asked for and did not all come.
    slots_missing: bool,
    /// Since when this device knows that a new key is due.
    stale_since: Option<Timestamp>,
    /// A key of this device was overtaken by a revocation: it makes the next one, whatever the log says.
    takes_over: bool,
    /// What waits to be recorded since the last record.
    gathered: usize,
    /// How often a key was waited for.
    waited: u32,
    /// Records of one page.
    page: u64,
    /// It shows something that is not genuine; nothing more is read or written before the next start.
    pub(crate) stopped: bool,
}

impl Default for VaultRun {
    fn default() -> Self {
        Self {
            due: Some(Timestamp(0)),
            counted: None,
            behind: false,
            sent: None,
            slots_missing: false,
            stale_since: None,
            takes_over: false,
            gathered: 0,
            waited: 0,
            page: PAGE,
            stopped: false,
        }
    }
}

/// How far the records are known here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct LogState {
    /// Records known, and hash of the last.
    #[n(0)]
    count: u64,
    #[n(1)]
    hash: Hash,
    /// The least generation of the next record.
    #[n(2)]
    generation: u32,
    /// The name of all records with its last version, once there is a record.
    #[n(3)]
    named: Option<(Hash, u64)>,
    /// What lies before and was not read yet; none where all was read.
    #[n(4)]
    tail: Option<TailState>,
}

/// Records that were not read yet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct TailState {
    #[n(0)]
    below: u64,
    #[n(1)]
    hash: Hash,
    #[n(2)]
    generation: u32,
    #[n(3)]
    version: u64,
}

impl LogState {
    const EMPTY: Self = Self {
        count: 0,
        hash: Hash([0; 32]),
        generation: 0,
        named: None,
        tail: None,
    };

    fn head(&self) -> VaultHead {
        VaultHead {
            count: self.count,
            hash: self.hash.0,
        }
    }

    fn log(&self, account: AccountId) -> Option<VaultLog> {
        let versions = self.named.map(|(name, version)| (name.0, version));
        VaultLog::resume(account.0, self.head(), self.generation, versions).ok()
    }

    /// Takes over where a log stands behind `record`. False where the record has another name than all others.
    #[must_use]
    fn follow(&mut self, log: &VaultLog, record: &VaultRecord) -> bool {
        if self.named.is_some_and(|(name, _)| name.0 != *record.name()) {
            return false;
        }
        let head = log.head();
        self.count = head.count;
        self.hash = Hash(head.hash);
        self.generation = log.generation();
        self.named = Some((Hash(*record.name()), record.version()));
        true
    }

    fn tail(&self, account: AccountId) -> Option<VaultTail> {
        let tail = self.tail.as_ref()?;
        let place = TailPlace {
            below: tail.below,
            hash: Some(tail.hash.0),
            generation: tail.generation,
        };
        let name = self.named.map(|(name, _)| (name.0, tail.version));
        Some(VaultTail::resume(account.0, place, name))
    }

    /// Takes over how far down a tail was read. False where the record has another name than all others.
    #[must_use]
    fn follow_down(&mut self, tail: &VaultTail, record: &VaultRecord) -> bool {
        if self.named.is_some_and(|(name, _)| name.0 != *record.name()) {
            return false;
        }
        if self.named.is_none() {
            // The newest of all.
            self.count = record.sequence().saturating_add(1);
            self.hash = Hash(record.hash());
            self.generation = record.generation();
            self.named = Some((Hash(*record.name()), record.version()));
        }
        let place = tail.place();
        self.tail = (place.below > 0).then(|| TailState {
            below: place.below,
            hash: Hash(place.hash.unwrap_or_default()),
            generation: place.generation,
            version: record.version(),
        });
        true
    }
}

impl Work<'_> {
    fn log_state(&self) -> Result<Option<LogState>, ReadError> {
        self.find(Table::Vault, STATE)
    }

    fn put_log_state(&mut self, state: &LogState) {
        self.put(Table::Vault, STATE, state);
    }
}

impl Engine {
    /// The vault is looked at again, now or at this time.
    pub(crate) fn vault_soon(&mut self, at: Timestamp) {
        let due = &mut self.vault.due;
        *due = Some(due.map_or(at, |due| due.min(at)));
    }

    /// Everything that waited on the server is here: the vault is gone over.
    pub(crate) fn vault_connected(&mut self, now: Timestamp) {
        self.vault.counted = None;
        self.vault_soon(now);
    }

    /// Does what can be done with the vault now.
    pub(crate) fn drive_vault(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let run = &mut self.vault;
        if run.stopped
            || !matches!(self.link, Link::Online)
            || !self.mailbox.is_empty()
            || run.due.is_none_or(|due| due > work.now)
        {
            return Ok(());
        }
        run.due = None;
        let own = work.own()?;
        let Some(me) = self.person(work, own.account)? else {
            return Ok(());
        };
        let me = Arc::clone(&me);
        if !me.chain.is_closed() {
            self.drive_vault_of(work, &own, &me.chain)?;
            self.drive_former(work)?;
        }
        // What has to wait before it is tried again, is not forgotten because something else was looked at.
        let now = work.now;
        self.needs.retain(|need, state| match (need, state) {
            (Need::Vault(_), NeedState::RetryAt(at)) => *at > now,
            _ => true,
        });
        let later = self.needs.iter().filter_map(|(need, state)| match (need, state) {
            (Need::Vault(_), NeedState::RetryAt(at)) => Some(*at),
            _ => None,
        });
        if let Some(at) = later.min() {
            self.vault_soon(at);
        }
        Ok(())
    }

    fn drive_vault_of(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        chain: &AccountChain,
    ) -> Result<(), ReadError> {
        if !self.go_on_making(work, own, chain)? {
            return Ok(());
        }
        let Some(named) = chain.vault() else {
            work.bound_queue()?;
            return self.make_first_key(work, own);
        };
        if work.vault_keys(named.generation)?.is_empty() {
            return self.open_vault_with_recovery(work, own);
        }
        if self.vault.counted.is_none() {
            return self.need(work, Need::Vault(VaultNeed::Count));
        }
        let Some(state) = work.log_state()? else {
            return self.need(work, Need::Vault(VaultNeed::Before));
        };
        if !self.compare_named(work, named, &state)? {
            return Ok(());
        }
        if self.vault.behind {
            return self.need(work, Need::Vault(VaultNeed::After));
        }
        self.keep_slots(work, named)?;
        if self.ways_are_to_change(work, chain, named)? || chain.vault_is_stale() {
            self.replace_key(work, own, chain, named)?;
        } else {
            (self.vault.stale_since, self.vault.takes_over) = (None, false);
            self.append_due(work, own, named, &state)?;
            self.name_head(work, chain, named, &state)?;
        }
        if state.tail.is_some() {
            self.need(work, Need::Vault(VaultNeed::Before))?;
        }
        self.load_rooms(work)
    }

    /// The request for what the vault lacks; none where it is not lacked any more.
    pub(crate) fn vault_request(
        &mut self,
        work: &mut Work<'_>,
        need: VaultNeed,
    ) -> Result<Option<(Method, String, Option<HttpBody>)>, ReadError> {
        let get = |path: String| Some((Method::Get, path, None));
        Ok(match need {
            VaultNeed::PutKeys => work
                .keys_to_upload()?
                .map(|keys| (Method::Put, "/api/v1/vault/keys".to_owned(), Some(json(&keys)))),
            VaultNeed::Keys => get("/api/v1/vault/keys".to_owned()),
            VaultNeed::Count => get("/api/v1/vault".to_owned()),
            VaultNeed::Append => self.append_body().map(|body| {
                (
                    Method::Post,
                    "/api/v1/vault/records".to_owned(),
                    Some(json(&body)),
                )
            }),
            VaultNeed::After => {
                let first = work.log_state()?.map_or(0, |state| state.count);
                get(format!("/api/v1/vault/records?first={first}&limit={PAGE}"))
            }
            VaultNeed::Before => {
                let Some((first, limit)) = self.page_before(work)? else {
                    return Ok(None);
                };
                get(format!("/api/v1/vault/records?first={first}&limit={limit}"))
            }
            VaultNeed::Page(room) => match work.newest_key_of(room)? {
                Some((sequence, ..)) => {
                    let before = sequence.saturating_add(1);
                    let limit = conclave_protocol::limits::ENVELOPES_PAGE;
                    get(format!(
                        "/api/v1/rooms/{room}/envelopes?before={before}&limit={limit}"
                    ))
                }
                None => None,
            },
            VaultNeed::Former(account) => self.former_request(work, account)?.and_then(get),
            VaultNeed::FormerRoom(room) => get(format!("/api/v1/rooms/{room}")),
            VaultNeed::FormerPage(room) => {
                if let Some((sequence, ..)) = work.newest_key_of(room)? {
                    let before = sequence.saturating_add(1);
                    let limit = conclave_protocol::limits::ENVELOPES_PAGE;
                    get(format!(
                        "/api/v1/rooms/{room}/envelopes?before={before}&limit={limit}"
                    ))
                } else {
                    self.lose_former_room(work, room)?;
                    None
                }
            }
        })
    }

    /// What the vault lacked came, or did not.
    pub(crate) fn vault_answer(
        &mut self,
        work: &mut Work<'_>,
        need: VaultNeed,
        answer: Result<Vec<u8>, Refusal>,
    ) -> Result<Result<(), Refusal>, ReadError> {
        let now = work.now;
        macro_rules! take {
            ($taken:expr) => {
                match $taken {
                    Ok(answer) => answer,
                    Err(refusal) => return Ok(Err(refusal)),
                }
            };
        }
        match need {
            VaultNeed::PutKeys => {
                take!(parse::<crate::calls::Nothing>(answer));
                work.keys_uploaded()?;
            }
            VaultNeed::Keys => {
                let keys = take!(parse(answer));
                self.take_keys(work, keys)?;
            }
            VaultNeed::Count => {
                let count = take!(parse(answer));
                self.take_count(work, count)?;
            }
            VaultNeed::Append => match parse(answer) {
                Ok(count) => self.appended(work, count)?,
                Err(refusal) => {
                    self.append_refused(&refusal);
                    return Ok(Err(refusal));
                }
            },
            VaultNeed::After => {
                let page = take!(parse(answer));
                self.take_after(work, page)?;
            }
            VaultNeed::Before => {
                let page = take!(parse(answer));
                self.take_before(work, page)?;
            }
            VaultNeed::Page(room) => {
                let page = take!(parse(answer));
                self.take_history_page(work, room, page)?;
            }
            VaultNeed::Former(account) => {
                if Self::former_is_uncounted(work, account)? {
                    let count = take!(parse(answer));
                    self.take_former_count(work, account, count)?;
                } else {
                    let page = take!(parse(answer));
                    self.take_former_records(work, account, &page)?;
                }
            }
            VaultNeed::FormerRoom(room) => {
                let found = take!(parse(answer));
                self.take_former_room(work, room, &found)?;
            }
            VaultNeed::FormerPage(room) => {
                let page = take!(parse(answer));
                self.take_former_page(work, room, page)?;
            }
        }
        self.vault_soon(now);
        Ok(Ok(()))
    }

    /// The server finally refuses it.
    pub(crate) fn vault_refused(&mut self, work: &mut Work<'_>, need: VaultNeed) -> Result<(), ReadError> {
        match need {
            // The room is not there any more, or not this account's.
            VaultNeed::Page(room) => self.lose_newest_key(work, room),
            VaultNeed::FormerRoom(room) | VaultNeed::FormerPage(room) => self.lose_former_room(work, room),
            VaultNeed::Former(account) => work.end_former(account),
            _ => Ok(()),
        }
    }

    /// The vault shows something that is not genuine: nothing of that is believed, and somebody has to know.
    fn vault_trouble(&mut self, work: &mut Work<'_>) {
        self.vault.stopped = true;
        self.vault.sent = None;
        work.show(Event::Warning {
            failure: Failure::vault_broken(),
        });
        work.show(Event::Chats);
    }
}

// A page of the largest records is cut by the server, never empty.
const _: () = assert!(VAULT_PAGE_BYTES >= conclave_protocol::limits::VAULT_RECORD_MAX);

impl Engine {
    /// Lets the account's chain name the vault, unless that is under way.
    fn append_vault_entry(&mut self, work: &mut Work<'_>, vault: Vault) -> Result<(), ReadError> {
        // Where it comes to nothing, the vault is looked at again.
        self.vault_soon(work.now.plus(NAME_AGAIN_MS));
        if self
            .appends
            .iter()
            .any(|append| matches!(append.act, OwnAct::Vault(_)))
        {
            return Ok(());
        }
        self.append_own(work, OwnAct::Vault(vault), AfterAppend::Nobody)
    }
}
