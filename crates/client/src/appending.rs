//! Adding to the own account's chain: an act is signed as the next entry and posted. Where another device was
//! faster, its entries are fetched and the act is judged anew: it may stand already, or make no sense any more.
//!
//! Acts go one after the other. Nothing of an act is kept in the store: an entry whose answer was lost is found
//! in the chain, and an act whose engine stopped is begun again by whoever wants it.

use conclave_crypto::SigningKey;
use conclave_protocol::devices::{AppendEntry, EntryAppended};
use conclave_protocol::limits::{DEVICES_MAX, ENTRY_CLOCK_SKEW_MS};
use conclave_protocol::{Bytes, DeviceId, ErrorCode, LinkId, Timestamp};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, Vault};

use crate::calls::{Call, Need, Refusal, json};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::vault::ways::changes_ways;
use crate::views::Outcome;
use crate::work::Work;

/// Entries posted for one act; each time but the last another device was faster.
const TRIES_MAX: u8 = 8;

/// What this device says in its account's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnAct {
    /// Add a device that showed that it has these keys.
    AddDevice { keys: DeviceKeys, possession: [u8; 64] },
    /// Take a device out.
    RevokeDevice(DeviceId),
    /// End the account for good.
    Close,
    /// Name the vault's keys and head.
    Vault(Vault),
}

/// Who waits for an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterAppend {
    /// A person; the answer is `Done`.
    Answer(u64),
    /// A new device that is being approved.
    Link(LinkId),
    /// Nobody: it is done for good order, and what is to be in the chain is looked at again.
    Nobody,
}

/// An act that is under way or waits for the one before it.
pub(crate) struct Append {
    pub(crate) act: OwnAct,
    pub(crate) then: AfterAppend,
    tries: u8,
}

/// How an act stands to the chain as it is known now.
#[derive(Debug, PartialEq, Eq)]
enum Judgment {
    /// The chain says so since this entry.
    Stands(u32),
    /// It makes no sense any more.
    Void(Failure),
    Wanted(AccountBody),
}

impl OwnAct {
    fn judge(&self, chain: &AccountChain) -> Judgment {
        match self {
            Self::AddDevice { keys, possession } => {
                match chain.known_devices().find(|(_, device)| device.keys == *keys) {
                    Some((_, device)) if device.is_active() => Judgment::Stands(device.added),
                    Some(_) => Judgment::Void(Failure::unknown_device()),
                    None if chain.devices().count() >= DEVICES_MAX => {
                        Judgment::Void(Failure::server(ErrorCode::DevicesFull, None))
                    }
                    None => Judgment::Wanted(AccountBody::AddDevice {
                        keys: *keys,
                        possession: *possession,
                    }),
                }
            }
            Self::RevokeDevice(id) => match chain.known_device(*id) {
                None => Judgment::Void(Failure::unknown_device()),
                Some(device) => match device.revoked {
                    Some(since) => Judgment::Stands(since),
                    None if chain.devices().count() < 2 => Judgment::Void(Failure::last_device()),
                    None => Judgment::Wanted(AccountBody::RevokeDevice { device: *id }),
                },
            },
            Self::Close if chain.is_closed() => Judgment::Stands(chain.head()),
            Self::Close => Judgment::Wanted(AccountBody::Close {}),
            Self::Vault(vault) => match chain.vault() {
                Some(named) if named == vault => Judgment::Stands(chain.head()),
                // Another device named as much or more: its keys are the ones in force.
                Some(named)
                    if (named.generation, named.records) >= (vault.generation, vault.records)
                        || named.generation == vault.generation && named.slots != vault.slots =>
                {
                    Judgment::Void(Failure::server(ErrorCode::ChainMoved, None))
                }
                _ => Judgment::Wanted(AccountBody::Vault(vault.clone())),
            },
        }
    }

    /// The act as the next entry, signed; refused where the chain would not take it.
    fn next_entry(
        body: AccountBody,
        own: &OwnIdentity,
        ways_key: Option<SigningKey>,
        chain: &AccountChain,
        time: Timestamp,
    ) -> Result<AccountEntry, Failure> {
        // Which ways into the vault there are, the recovery key alone says.
        let by_recovery = match &body {
            AccountBody::Vault(vault) if changes_ways(chain, vault) => ways_key,
            _ => None,
        };
        let (author, signing) = match by_recovery {
            Some(key) => (Author::Recovery, key),
            None => (Author::Device(own.device), own.signing_key()),
        };
        let entry = chain
            .next_entry(author, time, body)
            .signed_with(|bytes| signing.sign(bytes));
        match chain.clone().append(&entry) {
            Ok(()) => Ok(entry),
            Err(_) => Err(Failure::server(ErrorCode::ChainRefused, None)),
        }
    }
}

impl Engine {
    /// Says something in the own account's chain; whoever waits for it hears when it stands there or cannot.
    pub(crate) fn append_own(
        &mut self,
        work: &mut Work<'_>,
        act: OwnAct,
        then: AfterAppend,
    ) -> Result<(), ReadError> {
        let is_first = self.appends.is_empty();
        self.appends.push_back(Append { act, then, tries: 0 });
        if is_first { self.post_append(work) } else { Ok(()) }
    }

    /// Judges the first act and posts it, or ends it and goes on with the next.
    fn post_append(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if let Some(own) = work.find_own()?
            && work.is_disputed(own.account)?
        {
            return self.fail_appends(work, &Failure::chain_invalid());
        }
        let time = self.entry_time(work.now);
        while let Some(append) = self.appends.front_mut() {
            let Some(own) = work.find_own()? else {
                return Ok(());
            };
            let chain = own.chain()?;
            let entry = match append.act.judge(&chain) {
                Judgment::Stands(sequence) => Err(Ok(sequence)),
                Judgment::Void(failure) => Err(Err(failure)),
                Judgment::Wanted(_) if append.tries >= TRIES_MAX => {
                    Err(Err(Failure::server(ErrorCode::ChainMoved, None)))
                }
                Judgment::Wanted(body) => {
                    OwnAct::next_entry(body, &own, work.ways_key()?, &chain, time).map_err(Err)
                }
            };
            match entry {
                Ok(entry) => {
                    append.tries = append.tries.saturating_add(1);
                    let entry = Bytes(entry.to_bytes());
                    let body = json(&AppendEntry { entry: entry.clone() });
                    let path = "/api/v1/account/entries".to_owned();
                    self.call(work, Call::Append { entry }, Method::Post, path, Some(body));
                    return Ok(());
                }
                Err(end) => self.end_append(work, end)?,
            }
        }
        Ok(())
    }

    /// The server answered an entry.
    pub(crate) fn append_answered(
        &mut self,
        work: &mut Work<'_>,
        entry: Bytes,
        answer: Result<EntryAppended, Refusal>,
    ) -> Result<(), ReadError> {
        let Some(own) = work.find_own()? else {
            return Ok(());
        };
        match answer {
            Ok(_) => {
                self.take_entries(work, own.account, &[entry])?;
                self.post_append(work)
            }
            // Whether it arrived, and what came before it, the chain shows.
            Err(Refusal::Unreachable | Refusal::Unreadable) => self.look_after_append(work),
            Err(refusal)
                if refusal.is(ErrorCode::ChainMoved)
                    || refusal.is(ErrorCode::TimedOut)
                    || refusal.is(ErrorCode::Internal)
                    || refusal.is(ErrorCode::Unavailable) =>
            {
                self.look_after_append(work)
            }
            Err(refusal) => {
                self.end_append(work, Err(refusal.failure()))?;
                self.post_append(work)
            }
        }
    }

    fn look_after_append(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let need = Need::Entries(work.own()?.account);
        self.append_waits = true;
        if matches!(self.needs.get(&need), Some(crate::calls::NeedState::RetryAt(_))) {
            self.needs.remove(&need);
        }
        self.need(work, need)
    }

    /// The own chain is as long as the server shows it: an act that waited for that is judged again.
    pub(crate) fn append_again(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if std::mem::take(&mut self.append_waits) {
            self.post_append(work)?;
        }
        Ok(())
    }

    /// Entries could not be had: an act that waited for those of the own chain fails, and what is behind it.
    pub(crate) fn entries_not_had(
        &mut self,
        work: &mut Work<'_>,
        need: Need,
        failure: &Failure,
    ) -> Result<(), ReadError> {
        if self.append_waits && need == Need::Entries(work.own()?.account) {
            self.append_waits = false;
            self.fail_appends(work, failure)?;
        }
        Ok(())
    }

    /// Nothing can be added now: all that waits for it fails.
    pub(crate) fn fail_appends(&mut self, work: &mut Work<'_>, failure: &Failure) -> Result<(), ReadError> {
        while !self.appends.is_empty() {
            self.end_append(work, Err(failure.clone()))?;
        }
        Ok(())
    }

    /// Tells whoever waits for the first act what came of it: since which entry it stands, or why not.
    pub(crate) fn end_append(
        &mut self,
        work: &mut Work<'_>,
        end: Result<u32, Failure>,
    ) -> Result<(), ReadError> {
        let Some(append) = self.appends.pop_front() else {
            return Ok(());
        };
        match (append.then, end) {
            (AfterAppend::Answer(ask), Ok(_)) => self.answer(work, ask, Outcome::Done),
            (AfterAppend::Answer(ask), Err(failure)) => self.fail(work, ask, failure),
            (AfterAppend::Link(link), end) => return self.link_appended(work, link, end),
            (AfterAppend::Nobody, _) => {}
        }
        Ok(())
    }

    /// The time for an entry: this device's, or the server's where this device's clock is so far off that the
    /// server would refuse it.
    pub(crate) fn entry_time(&self, now: Timestamp) -> Timestamp {
        let Some((server, here)) = self.server_time else {
            return now;
        };
        let off = here.since(server).max(server.since(here));
        if off > ENTRY_CLOCK_SKEW_MS / 2 {
            server.plus(now.since(here))
        } else {
            now
        }
    }
}
