//! Chains as they grow: the own account's and those of people known here.
//!
//! A chain is followed by the entries behind what is known here; each is verified as the next one. A chain that
//! the server shows shorter than it was, or another from some entry on, is disputed: that is remembered with the
//! entry that shows it, and nothing is sealed for its account until the server shows the known one again.
//!
//! Invariant: no device is sealed to that a known entry revokes. What a device sent before stays readable for as
//! long as its messages may still be on their way; then sessions with it, and what waits for it, are gone.

use std::sync::Arc;

use conclave_protocol::accounts::EntriesPage;
use conclave_protocol::frames::ChainMoved;
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, ErrorCode, RestoreEpoch};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author, ChainError, HeadComparison};

use crate::appending::OwnAct;
use crate::calls::{Need, NeedState};
use crate::changes::Table;
use crate::connection::Link;
use crate::content::{address_key, address_of_key};
use crate::effects::Request;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::people::Person;
use crate::reads::ReadError;
use crate::views::{Event, Outcome};
use crate::work::Work;

/// What a revoked device sent before may be this much longer on its way to a device that is online.
const ON_ITS_WAY_MS: u64 = 60_000;
/// Accounts whose chain the server showed in another version, with the entry that shows it.
const DISPUTED: &[u8] = b"disputed/";
/// Revoked devices: true once nothing of them is kept or taken any more.
const REVOKED: &[u8] = b"revoked/";

impl Work<'_> {
    /// True while nothing may be sealed for an account because of what the server showed of its chain.
    pub(crate) fn is_disputed(&self, account: AccountId) -> Result<bool, ReadError> {
        Ok(self.find_bytes(Table::Own, &disputed_key(account))?.is_some())
    }

    fn list_disputed(&self) -> Result<Vec<AccountId>, ReadError> {
        let all = self.list_bytes(Table::Own, DISPUTED, u32::MAX)?;
        Ok(all
            .iter()
            .filter_map(|(key, _)| key.strip_prefix(DISPUTED)?.try_into().ok().map(AccountId))
            .collect())
    }

    /// True for a revoked device of which nothing is taken any more.
    pub(crate) fn is_forgotten(&self, address: DeviceAddress) -> Result<bool, ReadError> {
        Ok(self.find(Table::Own, &revoked_key(address))?.unwrap_or(false))
    }
}

fn disputed_key(account: AccountId) -> Vec<u8> {
    [DISPUTED, &account.0].concat()
}

fn revoked_key(address: DeviceAddress) -> Vec<u8> {
    [REVOKED, &address_key(address)].concat()
}

/// Verified entries that follow a chain known here, and the chain with them.
struct Growth {
    chain: AccountChain,
    bytes: Vec<Bytes>,
    entries: Vec<AccountEntry>,
}

/// Takes entries behind a chain. Those that it has already are passed over.
fn grow(chain: &AccountChain, page: &[Bytes]) -> Result<Growth, (ChainError, Bytes)> {
    let mut growth = Growth {
        chain: chain.clone(),
        bytes: Vec::new(),
        entries: Vec::new(),
    };
    for bytes in page {
        growth.take(bytes).map_err(|error| (error, bytes.clone()))?;
    }
    Ok(growth)
}

/// A chain with the entries of a page that lie behind it.
#[cfg(feature = "fuzzing")]
pub(crate) fn follow(chain: &AccountChain, page: &[Bytes]) -> Result<AccountChain, ChainError> {
    grow(chain, page)
        .map(|growth| growth.chain)
        .map_err(|(error, _)| error)
}

impl Growth {
    fn take(&mut self, bytes: &Bytes) -> Result<(), ChainError> {
        let entry = AccountEntry::from_bytes(bytes.as_slice())?;
        match self.chain.compare(entry.sequence, entry.hash()) {
            HeadComparison::Same | HeadComparison::Behind => Ok(()),
            HeadComparison::Fork => Err(ChainError::Fork),
            HeadComparison::Ahead => {
                self.chain.append(&entry)?;
                self.bytes.push(bytes.clone());
                self.entries.push(entry);
                Ok(())
            }
        }
    }
}

impl Engine {
    /// Nothing may be sealed for this account now: its chain is disputed, or more of it is on its way.
    pub(crate) fn sealing_waits_for(
        &mut self,
        work: &Work<'_>,
        account: AccountId,
    ) -> Result<bool, ReadError> {
        Ok(self.behind.contains(&account) || work.is_disputed(account)?)
    }

    /// More of an account's chain is there than is known here.
    pub(crate) fn follow_chain(&mut self, work: &mut Work<'_>, account: AccountId) -> Result<(), ReadError> {
        self.behind.insert(account);
        self.needs
            .retain(|need, state| *need != Need::Entries(account) || *state == NeedState::Running);
        self.need(work, Need::Entries(account))
    }

    /// Chains that are being followed are asked for until they are here.
    pub(crate) fn follow_chains(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        for account in self.behind.clone() {
            self.need(work, Need::Entries(account))?;
        }
        Ok(())
    }

    /// What the server says about the own chain on a new connection.
    pub(crate) fn own_chain_on_welcome(
        &mut self,
        work: &mut Work<'_>,
        head: Option<u32>,
        restore: Option<RestoreEpoch>,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        let known = self.person(work, own)?.map_or(0, |person| person.chain.head());
        let is_shorter = head.is_some_and(|head| head < known);
        for account in work.list_disputed()? {
            if account != own || !is_shorter {
                self.need(work, Need::Person(account))?;
            }
        }
        if is_shorter {
            if self.give_entries_back(work, restore, head.unwrap_or_default())? {
                // No attack so far, but nothing is sealed before the server has the whole chain again.
                work.put(Table::Own, &disputed_key(own), &Bytes(Vec::new()));
            } else {
                self.dispute(work, own, ChainError::Gap, &Bytes(Vec::new()));
            }
        } else if head.is_some_and(|head| head > known) {
            self.follow_chain(work, own)?;
        }
        Ok(())
    }

    /// The server says that a chain has grown.
    pub(crate) fn chain_moved(&mut self, work: &mut Work<'_>, moved: &ChainMoved) -> Result<(), ReadError> {
        let Some(person) = self.person(work, moved.account)? else {
            return Ok(());
        };
        // The entry is shown so that a device sees the proof that it is revoked before its connection ends.
        let next = person.chain.head().checked_add(1);
        if moved.head <= person.chain.head() || next == Some(moved.head) {
            self.take_entries(work, moved.account, std::slice::from_ref(&moved.entry))?;
            return Ok(());
        }
        self.follow_chain(work, moved.account)
    }

    /// A page of a chain came that was asked for.
    pub(crate) fn needed_entries(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        page: &EntriesPage,
    ) -> Result<(), ReadError> {
        let sound = self.take_entries(work, account, &page.entries)?;
        if work.find_own()?.is_none() {
            return Ok(());
        }
        if sound && page.more && !page.entries.is_empty() {
            return self.follow_chain(work, account);
        }
        self.entries_ended(work, account)
    }

    /// There is no more of a chain to be had for now.
    pub(crate) fn entries_ended(&mut self, work: &mut Work<'_>, account: AccountId) -> Result<(), ReadError> {
        self.behind.remove(&account);
        self.repair_soon(work.now);
        self.vault_soon(work.now);
        if work.own()?.account == account {
            self.append_again(work)?;
        }
        Ok(())
    }

    /// Takes entries behind a known chain. False where they do not follow it.
    pub(crate) fn take_entries(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        page: &[Bytes],
    ) -> Result<bool, ReadError> {
        let Some(person) = self.person(work, account)? else {
            return Ok(true);
        };
        match grow(&person.chain, page) {
            Ok(growth) => {
                if !growth.entries.is_empty() {
                    self.keep_growth(work, &person, growth)?;
                }
                Ok(true)
            }
            Err((error, entry)) => {
                self.dispute(work, account, error, &entry);
                Ok(false)
            }
        }
    }

    /// The whole chain of an account known here came; true where it is the known one, or goes on from there.
    pub(crate) fn take_whole_chain(
        &mut self,
        work: &mut Work<'_>,
        known: &Person,
        found: &Person,
    ) -> Result<bool, ReadError> {
        let account = known.chain.account();
        let goes_on = found.chain.hash_at(known.chain.head()) == Some(known.chain.head_hash());
        if !goes_on {
            let entry = known
                .chain
                .parts_from(&found.chain)
                .and_then(|place| found.entry_at(place));
            let entry = entry.cloned().unwrap_or(Bytes(Vec::new()));
            self.dispute(work, account, ChainError::Fork, &entry);
            return Ok(false);
        }
        work.delete(Table::Own, &disputed_key(account));
        self.take_entries(work, account, &found.entries_behind(known.chain.head()))
    }

    /// The server shows a chain that is not the known one, or not genuine: a warning, and nothing is sealed for
    /// its account until it shows the known one.
    pub(crate) fn dispute(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        error: ChainError,
        entry: &Bytes,
    ) {
        self.behind.remove(&account);
        work.put(Table::Own, &disputed_key(account), entry);
        work.show(Event::People);
        work.show(Event::Warning {
            failure: chain_failure(error),
        });
    }

    fn keep_growth(&mut self, work: &mut Work<'_>, person: &Person, growth: Growth) -> Result<(), ReadError> {
        let account = person.chain.account();
        let gone: Vec<DeviceId> = person
            .chain
            .devices()
            .map(|(id, _)| id)
            .filter(|id| growth.chain.device(*id).is_none())
            .collect();
        let own = work.own()?;
        if own.account == account {
            work.put_own_entries(growth.bytes)?;
            let person = Person::of(&work.own()?)?;
            self.people.insert(account, Arc::new(person));
            if growth.chain.device(own.device).is_none() {
                return self.forget_everything(work, growth.chain.is_closed());
            }
            self.own_chain_grew(work, &growth.entries)?;
        } else {
            let grown = person.with(growth.chain, growth.bytes);
            work.put_contact(&grown);
            self.record_head(work, &grown.chain)?;
            work.show(Event::People);
            self.people.insert(account, Arc::new(grown));
        }
        // It may grow once more on this very connection.
        self.longer_chains_asked.remove(&account);
        if !gone.is_empty() {
            self.observe_soon(work, own.account == account);
        }
        for device in gone {
            self.revoked(work, DeviceAddress { account, device });
        }
        self.repair_soon(work.now);
        Ok(())
    }

    fn own_chain_grew(&mut self, work: &mut Work<'_>, entries: &[AccountEntry]) -> Result<(), ReadError> {
        let own = Author::Device(work.own()?.device);
        for entry in entries {
            if matches!(entry.body, AccountBody::AddDevice { .. }) && entry.author != own {
                let name = work.device_name(DeviceId(entry.sequence))?;
                work.show(Event::DeviceAdded { name });
            }
        }
        work.show(Event::Devices);
        self.vault_soon(work.now);
        self.tell_own_name(work)
    }

    /// Somebody's device does not speak for them any more. What it sent before may still be on its way.
    pub(crate) fn revoked(&mut self, work: &mut Work<'_>, address: DeviceAddress) {
        work.put(Table::Own, &revoked_key(address), &false);
        self.fresh_wanted.remove(&address);
        let at = work.now.plus(ON_ITS_WAY_MS);
        self.forget_due = Some(self.forget_due.map_or(at, |due| due.min(at)));
    }

    /// Once everything that the server has is here: sessions with revoked devices go, and what waits for them.
    pub(crate) fn forget_revoked(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let due = self.forget_due.is_some_and(|due| due <= work.now);
        if !due || !matches!(self.link, Link::Online) || !self.mailbox.is_empty() {
            return Ok(());
        }
        self.forget_due = None;
        for (key, bytes) in work.list_bytes(Table::Own, REVOKED, u32::MAX)? {
            let address = key.strip_prefix(REVOKED).and_then(address_of_key);
            if let Some(address) = address
                && minicbor::decode::<bool>(&bytes).is_ok_and(|forgotten| !forgotten)
            {
                work.put(Table::Own, &key, &true);
                self.forget_device(work, address)?;
            }
        }
        Ok(())
    }

    fn forget_device(&mut self, work: &mut Work<'_>, address: DeviceAddress) -> Result<(), ReadError> {
        work.delete(Table::Sessions, &address_key(address));
        work.forget_stamps_of(address);
        self.fresh_wanted.remove(&address);
        for need in [Need::Bundle(address), Need::FreshBundle(address)] {
            if self.needs.get(&need) != Some(&NeedState::Running) {
                self.needs.remove(&need);
            }
        }
        let own = work.own()?.account;
        for parked in work.list_parked()? {
            if let Some(state) = work.room_state(parked.message.room)?
                && parked.sender(own, state.peer) == address
            {
                work.give_up_parked(parked.id)?;
            }
        }
        Ok(())
    }

    /// This device is out of its account, and the account's own chain says so: nothing stays.
    pub(crate) fn forget_everything(
        &mut self,
        work: &mut Work<'_>,
        is_closed: bool,
    ) -> Result<(), ReadError> {
        let device = work.own()?.device;
        let is_own_act = |append: &crate::appending::Append| {
            append.act == OwnAct::RevokeDevice(device) || append.act == OwnAct::Close
        };
        let meant = self.appends.front().is_some_and(is_own_act);
        if meant {
            self.end_append(work, Ok(0))?;
        }
        let failure = if is_closed {
            Failure::server(ErrorCode::AccountClosed, None)
        } else {
            Failure::device_removed()
        };
        work.wipe();
        work.request(Request::Disconnect);
        for event in [Event::Account, Event::Devices, Event::Chats] {
            work.show(event);
        }
        for ask in self.begin_anew() {
            work.show(Event::Answer {
                ask,
                outcome: Outcome::Failed {
                    failure: failure.clone(),
                },
            });
        }
        if !meant {
            work.show(Event::Warning { failure });
        }
        Ok(())
    }

    /// The server says that this device is out of its account, and shows no proof: it is signed out, and what is
    /// on it stays sealed.
    pub(crate) fn revocation_claimed(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let mut login = work.login()?;
        if !login.signed_in {
            return Ok(());
        }
        login.signed_in = false;
        login.refresh_token = None;
        login.refresh_attempt = None;
        work.put_login(&login);
        self.access = None;
        self.fail_held(work, &Failure::device_revoked_unproven())?;
        work.show(Event::Account);
        work.show(Event::Warning {
            failure: Failure::device_revoked_unproven(),
        });
        Ok(())
    }
}

pub(crate) fn chain_failure(error: ChainError) -> Failure {
    match error {
        ChainError::Unsupported => Failure::server(ErrorCode::VersionUnsupported, None),
        _ => Failure::chain_invalid(),
    }
}

#[cfg(test)]
mod tests;
