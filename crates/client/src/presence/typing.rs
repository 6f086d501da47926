//! Who writes where: said every few seconds while somebody does, and shown a little longer than that.

use std::collections::BTreeMap;

use conclave_protocol::frames::ClientFrame;
use conclave_protocol::limits::TYPING_SHOWN_MS;
use conclave_protocol::presence::{Typing, TypingOf};
use conclave_protocol::{AccountId, RoomId, Timestamp};

use super::signal;
use super::views::TypingView;
use crate::connection::Link;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::{Outcome, PersonView};
use crate::work::Work;

/// While somebody writes it is said so often.
const SAID_EVERY_MS: u64 = 3_000;
/// Whoever wrote nothing for so long has stopped.
const STOPS_AFTER_MS: u64 = 5_000;
/// People who write that are held at a time.
const HELD_MAX: usize = 256;

/// Who writes, others and the own person.
#[derive(Default)]
pub(super) struct TypingRun {
    /// Until when each is shown.
    others: BTreeMap<(RoomId, AccountId), Timestamp>,
    own: Option<Writing>,
}

/// The own person writes, as the server was told.
struct Writing {
    room: RoomId,
    said_at: Timestamp,
    until: Timestamp,
}

impl TypingRun {
    pub(super) fn due(&self) -> Option<Timestamp> {
        let own = self.own.as_ref().map(|own| own.until);
        self.others.values().copied().chain(own).min()
    }
}

impl Engine {
    /// The person writes in a room, or stopped.
    pub(crate) fn type_in(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        room: RoomId,
        active: bool,
    ) -> Result<(), ReadError> {
        if !active {
            self.stop_typing(work, room);
        } else if self.may_say_typing(work, room)? {
            let own = self.presence.typing.own.take_if(|own| own.room != room);
            if let Some(own) = own {
                say(work, own.room, false);
            }
            let before = self.presence.typing.own.as_ref().map(|own| own.said_at);
            let is_due = before.is_none_or(|at| work.now.since(at) >= SAID_EVERY_MS);
            if is_due {
                say(work, room, true);
            }
            self.presence.typing.own = Some(Writing {
                room,
                said_at: before.filter(|_| !is_due).unwrap_or(work.now),
                until: work.now.plus(STOPS_AFTER_MS),
            });
        }
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// Only to whom the person knows, on a live connection, and where they chose to.
    fn may_say_typing(&self, work: &Work<'_>, room: RoomId) -> Result<bool, ReadError> {
        if !matches!(self.link, Link::Online) || !self.own_choices(work)?.typing {
            return Ok(false);
        }
        Ok(match work.room_state(room)? {
            Some(state) => {
                state.peer != work.own()?.account
                    && work.acquaintance(state.peer)?.hears_of_us()
                    && !work.is_blocked(state.peer)?
            }
            None => work.place_of(room)?.is_some(),
        })
    }

    /// The person sent what they wrote, or gave it up.
    pub(crate) fn stop_typing(&mut self, work: &mut Work<'_>, room: RoomId) {
        if self.presence.typing.own.take_if(|own| own.room == room).is_some()
            && matches!(self.link, Link::Online)
        {
            say(work, room, false);
        }
    }

    /// Somebody writes, as the server says. Of strangers and blocked people nothing is shown.
    pub(crate) fn take_typing(&mut self, work: &Work<'_>, of: TypingOf) -> Result<(), ReadError> {
        let key = (of.room, of.account);
        if !of.active {
            self.presence.changed |= self.presence.typing.others.remove(&key).is_some();
            return Ok(());
        }
        if work.find_room(of.room)?.is_none() || !self.own_choices(work)?.typing {
            return Ok(());
        }
        let own = work.own()?.account;
        let shows = match work.room_state(of.room)? {
            Some(state) => state.peer == of.account && work.acquaintance(of.account)?.hears_of_us(),
            None => match work.place_of(of.room)? {
                Some(place) => {
                    let place = self.place(work, place)?;
                    place.is_some_and(|place| place.chain.state().is_reader(of.account, of.room))
                }
                None => false,
            },
        };
        let others = &mut self.presence.typing.others;
        let fits = others.len() < HELD_MAX || others.contains_key(&key);
        if shows && fits && of.account != own && !work.is_blocked(of.account)? {
            let until = work.now.plus(TYPING_SHOWN_MS);
            self.presence.changed |= others.insert(key, until).is_none();
        }
        Ok(())
    }

    /// Who has not written for a while is shown no longer.
    pub(super) fn drive_typing(&mut self, work: &mut Work<'_>) {
        let online = matches!(self.link, Link::Online);
        let held = self.presence.typing.others.len();
        let now = work.now;
        self.presence
            .typing
            .others
            .retain(|_, until| online && *until > now);
        self.presence.changed |= held != self.presence.typing.others.len();
        let own = self
            .presence
            .typing
            .own
            .take_if(|own| own.until <= now || !online);
        if let Some(own) = own.filter(|_| online) {
            say(work, own.room, false);
        }
    }

    pub(super) fn typing_views(&self, work: &Work<'_>) -> Result<Vec<TypingView>, ReadError> {
        let mut views: Vec<TypingView> = Vec::new();
        for (room, account) in self.presence.typing.others.keys() {
            let person = PersonView {
                account: account.to_string(),
                username: work.known_name(*account)?.unwrap_or_default(),
            };
            let room = room.to_string();
            match views.last_mut().filter(|view| view.room == room) {
                Some(view) => view.people.push(person),
                None => views.push(TypingView {
                    room,
                    people: vec![person],
                }),
            }
        }
        Ok(views)
    }
}

fn say(work: &mut Work<'_>, room: RoomId, active: bool) {
    signal(work, &ClientFrame::Typing(Typing { room, active }));
}
