//! Finding people and opening chats with them.

use conclave_protocol::accounts::AccountFound;
use conclave_protocol::{AccountId, ErrorCode, RoomId, Username};
use conclave_sigchain::ChainError;

use crate::calls::{Call, Need};
use crate::chains::chain_failure;
use crate::content::in_order;
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::people::Person;
use crate::reads::ReadError;
use crate::views::{Event, Outcome};
use crate::work::Work;

/// People looked up and not written to yet that are remembered.
const FOUND_MAX: usize = 64;

impl Engine {
    pub(crate) fn find_person(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        username: &str,
        expected: Option<AccountId>,
    ) -> Result<(), ReadError> {
        let Ok(username) = username.parse::<Username>() else {
            self.fail(work, ask, Failure::server(ErrorCode::UnknownPerson, None));
            return Ok(());
        };
        let path = format!("/api/v1/accounts/by-username/{username}");
        self.call(work, Call::FindPerson { ask, expected }, Method::Get, path, None);
        Ok(())
    }

    pub(crate) fn person_found(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        expected: Option<AccountId>,
        found: AccountFound,
    ) -> Result<(), ReadError> {
        if expected.is_some_and(|expected| expected != found.account) {
            self.fail(work, ask, Failure::link_mismatch());
            return Ok(());
        }
        match Person::verify(found) {
            Ok(person) => {
                let view = person.view();
                if self.found.len() >= FOUND_MAX {
                    self.found.pop_first();
                }
                self.found.insert(person.chain.account(), person);
                self.answer(work, ask, Outcome::Person { person: view });
            }
            Err(error) => self.fail(work, ask, chain_failure(error)),
        }
        Ok(())
    }

    pub(crate) fn open_chat(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        account: AccountId,
    ) -> Result<(), ReadError> {
        if !self.keep_found(work, account)? {
            self.fail(work, ask, Failure::chain_invalid());
            return Ok(());
        }
        let Some(person) = self.person(work, account)? else {
            let path = format!("/api/v1/accounts/{account}");
            self.call(work, Call::FindToOpen { ask, account }, Method::Get, path, None);
            return Ok(());
        };
        let own = work.own()?.account;
        let room = RoomId::direct(own, account);
        work.ensure_room(room, account, &person.username, false)?;
        if let Some(mut state) = work.room_state(room)?
            && !state.begun_here
        {
            state.begun_here = true;
            work.put_room_state(room, &state);
            work.show(Event::Chats);
        }
        self.repair_soon(work.now);
        self.answer(
            work,
            ask,
            Outcome::Room {
                room: room.to_string(),
            },
        );
        Ok(())
    }

    pub(crate) fn person_found_to_open(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        account: AccountId,
        found: AccountFound,
    ) -> Result<(), ReadError> {
        if found.account != account {
            self.fail(work, ask, Failure::chain_invalid());
            return Ok(());
        }
        match Person::verify(found) {
            Ok(person) => {
                self.found.insert(account, person);
                self.open_chat(work, ask, account)
            }
            Err(error) => {
                self.fail(work, ask, chain_failure(error));
                Ok(())
            }
        }
    }

    /// An account's chain came that the mailbox or the outbox waits for.
    pub(crate) fn needed_person(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        found: AccountFound,
    ) -> Result<(), ReadError> {
        let kept = match (found.account == account).then(|| Person::verify(found)) {
            Some(Ok(person)) => self.keep_person(work, person)?,
            refused => {
                let error = refused.and_then(Result::err).unwrap_or(ChainError::WrongAccount);
                work.show(Event::Warning {
                    failure: chain_failure(error),
                });
                false
            }
        };
        if !kept {
            self.need_refused(work, Need::Person(account))?;
        }
        Ok(())
    }

    /// The accounts of a room came that the mailbox waits for.
    pub(crate) fn needed_room(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        low: AccountId,
        high: AccountId,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        let genuine = RoomId::direct(low, high) == room && (low, high) == in_order(low, high);
        let peer = match own {
            own if own == low => high,
            own if own == high => low,
            _ => return self.need_refused(work, Need::Room(room)),
        };
        if !genuine {
            return self.need_refused(work, Need::Room(room));
        }
        self.repair_soon(work.now);
        self.vault_soon(work.now);
        if let Some(person) = self.person(work, peer)? {
            return work.ensure_room(room, peer, &person.username, true);
        }
        // The room is made with its person's name, so the person comes first.
        self.rooms_of_strangers.insert(room, peer);
        self.need(work, Need::Person(peer))
    }
}
