//! What is set of a person: whether their chat was accepted, whether they are blocked, what they are called here.
//!
//! Whoever writes first to somebody that never wrote to them, nor accepted them, makes a *request*: it is shown apart,
//! and they hear nothing of the account until it is accepted. Being in a place together does not accept: it is no word
//! of the person's own. Writing accepts.
//!
//! The server learns of none of this. What it may guess from who is told nothing is in the threat model.

use conclave_protocol::{AccountId, RoomId, Timestamp};

use super::Entry;
use super::entry::{PEOPLE, PersonField, of_person_name, person_name};
use super::views::{ContactView, PersonChange};
use crate::changes::Table;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::{ReadError, Reads};
use crate::views::{ChatView, Event, Outcome};
use crate::work::Work;

/// Longest name that somebody is given, in characters; in bytes it fits an entry many times.
const NICKNAME_MAX: usize = 64;

/// How the account stands to somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acquaintance {
    /// The person wrote to them, or accepted their request.
    pub(crate) accepted: bool,
    pub(crate) blocked: bool,
}

impl Acquaintance {
    /// They may hear of the person: what arrived, what was seen, and whatever else goes to people one knows.
    pub(crate) fn hears_of_us(self) -> bool {
        self.accepted && !self.blocked
    }
}

impl Engine {
    pub(crate) fn set_person(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        account: AccountId,
        change: &PersonChange,
    ) -> Result<(), ReadError> {
        if account == work.own()?.account {
            self.fail(work, ask, Failure::person_own());
            return Ok(());
        }
        // Under the name by which they were found they are listed.
        self.keep_found(work, account)?;
        let shows_them = change.blocked == Some(true) || change.nickname.is_some();
        if shows_them && work.known_name(account)?.is_none() {
            self.fail(work, ask, Failure::unknown_person());
            return Ok(());
        }
        let mut fields = Vec::new();
        if change.accepted {
            fields.push((PersonField::Accepted, minicbor::to_vec(true).ok()));
        }
        if let Some(on) = change.blocked {
            fields.push((
                PersonField::Blocked,
                on.then(|| minicbor::to_vec(true).ok()).flatten(),
            ));
        }
        if let Some(nickname) = &change.nickname {
            let nickname = nickname.trim();
            if nickname.chars().count() > NICKNAME_MAX || nickname.chars().any(char::is_control) {
                self.fail(work, ask, Failure::nickname_invalid());
                return Ok(());
            }
            let value = (!nickname.is_empty())
                .then(|| minicbor::to_vec(nickname).ok())
                .flatten();
            fields.push((PersonField::Nickname, value));
        }
        for (field, value) in fields {
            if !self.set(work, person_name(account, field), value)? {
                self.fail(work, ask, Failure::settings_full());
                return Ok(());
            }
        }
        if change.blocked == Some(true) {
            self.shut_out(work, account)?;
        }
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// The chat of a stranger who was blocked is not looked for any more.
    fn shut_out(&mut self, work: &mut Work<'_>, account: AccountId) -> Result<(), ReadError> {
        let room = RoomId::direct(work.own()?.account, account);
        if let Some(mut state) = work.room_state(room)?
            && state.begun_here
            && !work.acquaintance(account)?.accepted
        {
            state.begun_here = false;
            work.put_room_state(room, &state);
        }
        Ok(())
    }

    /// The person writes in a room: whoever reads it there is accepted.
    pub(crate) fn accept_by_writing(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        let Some(state) = work.room_state(room)? else {
            return Ok(());
        };
        self.wrote_in(work, room)?;
        let own = work.own()?.account;
        let name = person_name(state.peer, PersonField::Accepted);
        if state.peer != own && work.setting::<bool>(&name)? != Some(true) {
            // Where nothing more can be set, what was written says it.
            self.set(work, name, minicbor::to_vec(true).ok())?;
        }
        Ok(())
    }

    /// The person wrote in a room, on this device or another own one.
    pub(crate) fn wrote_in(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        if let Some(mut state) = work.room_state(room)?
            && !state.wrote
        {
            state.wrote = true;
            work.put_room_state(room, &state);
            self.stands_otherwise(work);
        }
        Ok(())
    }

    /// What was held back from somebody is looked at again.
    pub(crate) fn stands_otherwise(&mut self, work: &mut Work<'_>) {
        self.receipts_looked_for = false;
        self.watch_soon(work);
        self.repair_soon(work.now);
        work.show(Event::Chats);
    }

    /// True for whom a device of this account may answer without the person: own devices, people who were accepted,
    /// and members of the same places, whose devices need each other's keys.
    pub(crate) fn answers(&mut self, work: &Work<'_>, account: AccountId) -> Result<bool, ReadError> {
        Ok(account == work.own()?.account
            || work.acquaintance(account)?.hears_of_us()
            || self.shares_a_place(work, account)?)
    }

    /// Whom the person blocked or gave a name, by name.
    pub fn list_contacts(&self, store: &dyn Reads) -> Result<Vec<ContactView>, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        Work::new(store, &mut none, Timestamp(0)).list_contacts()
    }
}

impl Work<'_> {
    pub(super) fn list_contacts(&self) -> Result<Vec<ContactView>, ReadError> {
        let mut views: Vec<ContactView> = Vec::new();
        for (name, bytes) in self.list_bytes(Table::UserStore, PEOPLE, u32::MAX)? {
            let value = minicbor::decode::<Entry>(&bytes)
                .ok()
                .and_then(|entry| entry.value);
            let (Some((account, field)), Some(value)) = (of_person_name(&name), value) else {
                continue;
            };
            let id = account.to_string();
            // Entries are listed by name, so those of one account stand together.
            if views.last().is_none_or(|last| last.account != id) {
                views.push(ContactView {
                    account: id,
                    username: self.known_name(account)?.unwrap_or_default(),
                    nickname: None,
                    blocked: false,
                });
            }
            let Some(view) = views.last_mut() else { continue };
            match field {
                PersonField::Accepted => {}
                PersonField::Blocked => view.blocked = minicbor::decode(&value.0).unwrap_or_default(),
                PersonField::Nickname => view.nickname = minicbor::decode(&value.0).ok(),
            }
        }
        views.retain(|view| view.blocked || view.nickname.is_some());
        views.sort_by_key(|view| (view.username.to_lowercase(), view.account.clone()));
        Ok(views)
    }

    /// How the account stands to somebody.
    pub(crate) fn acquaintance(&self, account: AccountId) -> Result<Acquaintance, ReadError> {
        let own = self.find_own()?.map(|own| own.account);
        if own == Some(account) {
            return Ok(Acquaintance {
                accepted: true,
                blocked: false,
            });
        }
        let mut accepted = self.was_accepted(own, account)?;
        if !accepted {
            // A new identity of somebody whom the person wrote to under this name is no stranger. What is to be thought
            // of it says `trust`.
            for (other, _) in self.namesakes(account)? {
                accepted |= self.was_accepted(own, other)? && !self.blocks(other)?;
            }
        }
        Ok(Acquaintance {
            accepted,
            blocked: self.blocks(account)?,
        })
    }

    fn was_accepted(&self, own: Option<AccountId>, account: AccountId) -> Result<bool, ReadError> {
        let wrote = match own {
            Some(own) => self.room_state(RoomId::direct(own, account))?,
            None => None,
        };
        let name = person_name(account, PersonField::Accepted);
        Ok(wrote.is_some_and(|state| state.wrote) || self.setting::<bool>(&name)? == Some(true))
    }

    /// Says in a row of the list of chats how the person stands to the other one, and what they are called here. False
    /// where the chat is not listed: of strangers who were blocked, or whose request was deleted.
    pub(crate) fn show_acquaintance(
        &self,
        peer: AccountId,
        room: RoomId,
        view: &mut ChatView,
    ) -> Result<bool, ReadError> {
        if let Some(nickname) = self.nickname_of(peer)? {
            view.title = Some(nickname);
        }
        let Acquaintance { accepted, blocked } = self.acquaintance(peer)?;
        view.blocked = blocked;
        if accepted {
            return Ok(true);
        }
        let begun_here = self.room_state(room)?.is_some_and(|state| state.begun_here);
        view.request = !blocked && view.last.is_some();
        Ok(begun_here || view.request)
    }

    /// Whether a chat in which something was said is not listed: see [`Work::show_acquaintance`].
    pub(crate) fn hides_room(&self, room: RoomId) -> Result<bool, ReadError> {
        let row = self.find_room(room)?;
        let own = self.find_own()?.map(|own| own.account);
        let Some(peer) = row.and_then(|row| row.peer()).filter(|peer| Some(*peer) != own) else {
            return Ok(false);
        };
        let Acquaintance { accepted, blocked } = self.acquaintance(peer)?;
        let begun_here = self.room_state(room)?.is_some_and(|state| state.begun_here);
        Ok(blocked && !accepted && !begun_here)
    }

    /// The person blocked somebody. Not to be taken for an identity that nothing is sent to, see
    /// [`Work::is_blocked`].
    pub(crate) fn blocks(&self, account: AccountId) -> Result<bool, ReadError> {
        Ok(self.setting::<bool>(&person_name(account, PersonField::Blocked))? == Some(true))
    }

    /// What the person calls somebody.
    pub(crate) fn nickname_of(&self, account: AccountId) -> Result<Option<String>, ReadError> {
        self.setting(&person_name(account, PersonField::Nickname))
    }

    /// A handle under which an account is known here.
    pub(crate) fn known_name(&self, account: AccountId) -> Result<Option<String>, ReadError> {
        match self.username_of(account)? {
            Some(username) => Ok(Some(username)),
            None => self.pinned_name(account),
        }
    }
}
