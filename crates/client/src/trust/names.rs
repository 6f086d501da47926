//! Names and the accounts known under them. A name belongs to one account at a time, and the server says to which: so
//! every account is remembered under the name that it had when it was first seen here or on another own device, and a
//! second one under a known name is never taken for the first.

use conclave_protocol::accounts::AccountFound;
use conclave_protocol::{AccountId, DeviceId, RoomId, Timestamp, Username};
use minicbor::{Decode, Encode};

use super::Judgment;
use crate::calls::Need;
use crate::changes::Table;
use crate::codec;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::people::Person;
use crate::reads::ReadError;
use crate::rows::{Delivery, MessageBody, MessageRow};
use crate::vault::Item;
use crate::views::Event;
use crate::work::Work;

pub(super) const KNOWN: &[u8] = b"known/";
const NAME: &[u8] = b"name/";

/// An account under its name, and since when some own device knows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Known {
    #[n(0)]
    pub(crate) account: AccountId,
    #[n(1)]
    pub(crate) username: String,
    #[n(2)]
    pub(crate) since: Timestamp,
}

/// How somebody's identity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Believed at first sight.
    Unchecked,
    /// Another identity had the name before, and nobody had compared that one.
    Changed,
    /// Another identity had the name that was compared. Nothing is sent to this one.
    Blocked,
    /// Compared.
    Verified,
}

fn known_key(account: AccountId) -> Vec<u8> {
    [KNOWN, &account.0].concat()
}

/// Names have no slash.
fn name_prefix(username: &str) -> Vec<u8> {
    [NAME, username.as_bytes(), b"/"].concat()
}

fn name_key(username: &str, account: AccountId) -> Vec<u8> {
    [&name_prefix(username), &account.0[..]].concat()
}

impl Work<'_> {
    fn known(&self, account: AccountId) -> Result<Option<Known>, ReadError> {
        self.find(Table::Verified, &known_key(account))
    }

    pub(super) fn known_since(&self, account: AccountId) -> Result<Option<Timestamp>, ReadError> {
        Ok(self.known(account)?.map(|known| known.since))
    }

    /// The name under which an account was first seen by some own device.
    pub(crate) fn pinned_name(&self, account: AccountId) -> Result<Option<String>, ReadError> {
        Ok(self.known(account)?.map(|known| known.username))
    }

    /// Remembers an account under its name; the word of the device that saw it first counts. False where nothing
    /// changed.
    pub(super) fn note_known(&mut self, known: &Known) -> Result<bool, ReadError> {
        if known.username.parse::<Username>().is_err() {
            return Ok(false);
        }
        if let Some(before) = self.known(known.account)? {
            let is_earlier = (known.since, &known.username) < (before.since, &before.username);
            let says_more = before.username != known.username && known.since <= before.since;
            if !is_earlier && !says_more {
                return Ok(false);
            }
            self.delete(Table::Verified, &name_key(&before.username, known.account));
        }
        self.put(Table::Verified, &known_key(known.account), known);
        self.put(
            Table::Verified,
            &name_key(&known.username, known.account),
            &known.since,
        );
        self.show(Event::People);
        Ok(true)
    }

    /// The other accounts that are known under an account's name, and since when.
    pub(crate) fn namesakes(&self, account: AccountId) -> Result<Vec<(AccountId, Timestamp)>, ReadError> {
        let Some(known) = self.known(account)? else {
            return Ok(Vec::new());
        };
        let prefix = name_prefix(&known.username);
        let mut found = Vec::new();
        for (key, value) in self.list_bytes(Table::Verified, &prefix, u32::MAX)? {
            let other = key
                .strip_prefix(prefix.as_slice())
                .and_then(|id| id.try_into().ok());
            if let Some(other) = other.map(AccountId).filter(|other| *other != account) {
                found.push((other, codec::decode(&value, "name")?));
            }
        }
        Ok(found)
    }

    /// How somebody's identity stands.
    pub(crate) fn standing(&self, account: AccountId) -> Result<Standing, ReadError> {
        let judgment = self.judgment(account)?;
        if judgment == Judgment::Verified {
            return Ok(Standing::Verified);
        }
        let since = self.known_since(account)?.unwrap_or(Timestamp(u64::MAX));
        let mut standing = Standing::Unchecked;
        for (other, known) in self.namesakes(account)? {
            if judgment == Judgment::None && self.judgment(other)? == Judgment::Verified {
                return Ok(Standing::Blocked);
            }
            if (known, other) < (since, account) {
                standing = Standing::Changed;
            }
        }
        Ok(standing)
    }

    /// Nothing may be sent to somebody before the person compared or accepted their identity.
    pub(crate) fn is_blocked(&self, account: AccountId) -> Result<bool, ReadError> {
        Ok(self.standing(account)? == Standing::Blocked)
    }

    /// The account that has an account's name since later, where one is known.
    pub(super) fn successor(&self, account: AccountId) -> Result<Option<AccountId>, ReadError> {
        let since = self.known_since(account)?.unwrap_or(Timestamp(u64::MAX));
        let namesakes = self.namesakes(account)?.into_iter();
        let later = namesakes.filter(|(other, known)| (*known, *other) > (since, account));
        Ok(later.max_by_key(|(_, known)| *known).map(|(other, _)| other))
    }

    /// A room begins with somebody whose name was another identity's before: one line says so.
    pub(crate) fn put_identity_line(&mut self, room: RoomId, peer: AccountId) -> Result<(), ReadError> {
        if !matches!(self.standing(peer)?, Standing::Changed | Standing::Blocked) {
            return Ok(());
        }
        let id = self.make_id()?;
        let ordinal = self.next_ordinal()?;
        let sent_at = self.now;
        self.put_message(MessageRow {
            id,
            room,
            // Before the first message of the room.
            sequence: Some(0),
            ordinal,
            author: peer,
            device: DeviceId(0),
            mine: false,
            sent_at,
            counts: false,
            delivery: Delivery::Received,
            missing_before: 0,
            body: MessageBody::IdentityChanged,
        });
        Ok(())
    }
}

impl Engine {
    /// Somebody is seen for the first time.
    pub(crate) fn person_seen(&mut self, work: &mut Work<'_>, person: &Person) -> Result<(), ReadError> {
        let account = person.chain.account();
        if account == work.own()?.account {
            return Ok(());
        }
        let known = Known {
            account,
            username: person.username.clone(),
            since: work.now,
        };
        if work.note_known(&known)? {
            self.record(work, Item::Known(known));
        }
        Ok(())
    }

    /// A record of the vault says since when an account is known, and under which name.
    pub(crate) fn take_known(&mut self, work: &mut Work<'_>, known: &Known) -> Result<(), ReadError> {
        if known.account != work.own()?.account {
            work.note_known(known)?;
        }
        Ok(())
    }

    /// True, and the ask is refused, where nothing may be sent to the person of a room.
    pub(crate) fn refuses_to_send(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        room: RoomId,
    ) -> Result<bool, ReadError> {
        let Some(state) = work.room_state(room)? else {
            return Ok(false);
        };
        if work.blocks(state.peer)? {
            self.fail(work, ask, Failure::person_blocked());
            return Ok(true);
        }
        let blocked = work.is_blocked(state.peer)?;
        if blocked {
            self.fail(work, ask, Failure::identity_changed());
        }
        Ok(blocked)
    }

    /// Looks up whom the name of somebody known here belongs to now.
    pub(crate) fn look_up_name(&mut self, work: &mut Work<'_>, account: AccountId) -> Result<(), ReadError> {
        if self.link.is_greeted() && work.pinned_name(account)?.is_some() {
            self.need(work, Need::Named(account))?;
        }
        Ok(())
    }

    /// The server says whom a name belongs to. Somebody else than before is a new identity, with a chat of its own.
    pub(crate) fn needed_named(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        found: AccountFound,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        let name = work.pinned_name(account)?;
        if found.account == account
            || found.account == own
            || name.as_deref() != Some(found.username.as_str())
            || work.find_room(RoomId::direct(own, account))?.is_none()
        {
            return Ok(());
        }
        let Ok(person) = Person::verify(found) else {
            work.show(Event::Warning {
                failure: Failure::chain_invalid(),
            });
            return Ok(());
        };
        let (other, username) = (person.chain.account(), person.username.clone());
        if self.keep_person(work, person)? {
            work.ensure_room(RoomId::direct(own, other), other, &username, false)?;
            work.show(Event::People);
        }
        Ok(())
    }
}
