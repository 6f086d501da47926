//! Signals: who is there, who writes, and what the account chose about both and about receipts.
//!
//! | file | owns |
//! |---|---|
//! | `mod` | what is known of others, whom this device watches, what was chosen |
//! | `typing` | who writes where, and saying so of the own person |
//! | `views` | what a front end gets and gives |
//!
//! Nothing of it is stored but the choices: they stand in the sealed user store, too, so that a server cannot loosen
//! what a person closed. What the server says of others is a hint, and nothing is ever decided by it.

#[cfg(test)]
mod tests;
mod typing;
pub(crate) mod views;

use std::collections::BTreeMap;

use conclave_protocol::frames::ClientFrame;
use conclave_protocol::limits::WATCHED_MAX;
use conclave_protocol::presence::{Choices, Presence, PresenceState, Seen, Watched};
use conclave_protocol::{AccountId, Timestamp};

use self::typing::TypingRun;
use self::views::{ChoiceChange, ChoicesView, PresenceView, SignalsView};
use crate::calls::{Call, Nothing, Refusal, json};
use crate::connection::Link;
use crate::effects::{Method, Request};
use crate::machine::Engine;
use crate::reads::{ReadError, Reads};
use crate::views::{Event, Outcome};
use crate::work::Work;

/// Whom to watch is gathered for so long.
const GATHER_MS: u64 = 500;
/// And said at most so often.
const WATCH_EVERY_MS: u64 = 5_000;
/// Members of a place who see each other; in a larger one people are strangers.
const FELLOWS_MAX: usize = 100;
/// Settings of the user store that close what they name, whatever the server says.
const RECEIPTS: &str = "receipts";
const TYPING: &str = "typing";
const OFF: &str = "off";

/// What is known of signals on this connection.
#[derive(Default)]
pub(crate) struct PresenceRun {
    /// As the server has them.
    choices: Choices,
    /// It said so on this connection; of the defaults it says nothing.
    choices_told: bool,
    people: BTreeMap<AccountId, (PresenceState, Option<Seen>)>,
    /// Whom the server was told last, and who of them is a contact.
    watched: Option<BTreeMap<AccountId, bool>>,
    watch_due: Option<Timestamp>,
    watch_again_at: Timestamp,
    /// Nobody uses this device, as the front end says; and as the server knows.
    is_idle: bool,
    said_idle: bool,
    typing: TypingRun,
    changed: bool,
}

impl Engine {
    /// A connection begins: nothing is known of anybody.
    pub(crate) fn presence_on_welcome(&mut self) {
        let run = PresenceRun {
            is_idle: self.presence.is_idle,
            choices: self.presence.choices,
            changed: true,
            ..PresenceRun::default()
        };
        self.presence = run;
    }

    /// Everything that waited is here: what others did to the list of people is known.
    pub(crate) fn presence_online(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.watch_soon(work);
        if !self.presence.choices_told {
            self.take_choices(Choices::default());
        }
        let own = self.own_choices(work)?;
        if own != self.presence.choices {
            // Another device closed something, or the server forgot it.
            self.put_choices(work, 0, own);
        }
        Ok(())
    }

    /// Whom to watch may have changed.
    pub(crate) fn watch_soon(&mut self, work: &mut Work<'_>) {
        let due = self.jittered(work, GATHER_MS).max(self.presence.watch_again_at);
        self.presence.watch_due.get_or_insert(due);
    }

    /// When something of signals is due.
    pub(crate) fn presence_due(&self) -> Option<Timestamp> {
        [self.presence.watch_due, self.presence.typing.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Says what is due, and shows what changed.
    pub(crate) fn drive_presence(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if matches!(self.link, Link::Online) {
            if self.presence.watch_due.is_some_and(|due| due <= work.now) {
                self.presence.watch_due = None;
                self.say_watched(work)?;
            }
            if self.presence.is_idle != self.presence.said_idle {
                self.presence.said_idle = self.presence.is_idle;
                signal(work, &ClientFrame::Active(!self.presence.is_idle));
            }
        } else if !self.link.is_greeted() && !self.presence.people.is_empty() {
            self.presence.people.clear();
            self.presence.changed = true;
        }
        self.drive_typing(work);
        if std::mem::take(&mut self.presence.changed) {
            self.show_signals(work)?;
        }
        Ok(())
    }

    fn say_watched(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let watched = self.whom_to_watch(work)?;
        if self.presence.watched.as_ref() == Some(&watched) {
            return Ok(());
        }
        let list = watched.iter().map(|(account, contact)| Watched {
            account: *account,
            contact: *contact,
        });
        signal(work, &ClientFrame::Watch(list.collect()));
        self.presence.watch_again_at = work.now.plus(WATCH_EVERY_MS);
        let people = self.presence.people.len();
        self.presence
            .people
            .retain(|account, _| watched.contains_key(account));
        self.presence.changed |= people != self.presence.people.len();
        self.presence.watched = Some(watched);
        Ok(())
    }

    /// People whom the person accepted, and members of the same small places, but nobody who is blocked.
    fn whom_to_watch(&mut self, work: &mut Work<'_>) -> Result<BTreeMap<AccountId, bool>, ReadError> {
        let own = work.own()?.account;
        let mut watched = BTreeMap::new();
        for (_, state) in work.list_room_states()? {
            let known = work.acquaintance(state.peer)?.hears_of_us() && !work.is_blocked(state.peer)?;
            if known && state.peer != own && watched.len() < WATCHED_MAX {
                watched.insert(state.peer, true);
            }
        }
        for id in work.list_place_ids()? {
            let Some(place) = self.place(work, id)? else {
                continue;
            };
            let state = place.chain.state();
            if state.member_count() > FELLOWS_MAX || state.member(own).is_none() {
                continue;
            }
            for (account, _) in state.members() {
                let is_new = account != own && !watched.contains_key(&account);
                if is_new && watched.len() < WATCHED_MAX && !work.is_blocked(account)? {
                    watched.insert(account, false);
                }
            }
        }
        Ok(watched)
    }

    /// The server says how people are seen.
    pub(crate) fn take_presence(&mut self, list: &[Presence]) {
        for Presence { account, state, seen } in list {
            let is_watched =
                (self.presence.watched.as_ref()).is_some_and(|watched| watched.contains_key(account));
            if !is_watched {
                continue;
            }
            let before = if (*state, *seen) == (PresenceState::Offline, None) {
                self.presence.people.remove(account)
            } else {
                self.presence.people.insert(*account, (*state, *seen))
            };
            self.presence.changed |= before.unwrap_or_default() != (*state, *seen);
        }
    }

    /// The server says what the account chose.
    pub(crate) fn take_choices(&mut self, choices: Choices) {
        self.presence.changed |= self.presence.choices != choices;
        self.presence.choices = choices;
        self.presence.choices_told = true;
    }

    /// Somebody uses this device, or nobody does.
    pub(crate) fn set_active(&mut self, work: &mut Work<'_>, ask: u64, active: bool) {
        self.presence.is_idle = !active;
        self.answer(work, ask, Outcome::Done);
    }

    /// What was chosen, where neither the server nor the person's own devices say that it is closed.
    fn own_choices(&self, work: &Work<'_>) -> Result<Choices, ReadError> {
        let choices = self.presence.choices;
        Ok(Choices {
            receipts: choices.receipts && !is_off(work, RECEIPTS)?,
            typing: choices.typing && !is_off(work, TYPING)?,
            ..choices
        })
    }

    /// Whether this account gives receipts.
    pub(crate) fn gives_receipts(&self, work: &Work<'_>) -> Result<bool, ReadError> {
        Ok(self.own_choices(work)?.receipts)
    }

    /// The person chooses. What is closed is closed here at once; the rest is in force once the server has it.
    pub(crate) fn choose(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        change: &ChoiceChange,
    ) -> Result<(), ReadError> {
        let before = self.own_choices(work)?;
        let choices = Choices {
            availability: change.availability.unwrap_or(before.availability),
            last_seen: change.last_seen.unwrap_or(before.last_seen),
            receipts: change.receipts.unwrap_or(before.receipts),
            typing: change.typing.unwrap_or(before.typing),
        };
        for (name, on) in [(RECEIPTS, choices.receipts), (TYPING, choices.typing)] {
            if !on {
                self.set_by_name(work, name, Some(OFF))?;
            }
        }
        self.presence.changed = true;
        self.put_choices(work, ask, choices);
        Ok(())
    }

    fn put_choices(&mut self, work: &mut Work<'_>, ask: u64, choices: Choices) {
        let path = "/api/v1/account/presence".to_owned();
        let call = Call::Choose { ask, choices };
        self.call(work, call, Method::Put, path, Some(json(&choices)));
    }

    /// The server has what was chosen, or has not.
    pub(crate) fn choices_put(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        choices: Choices,
        answer: Result<Nothing, Refusal>,
    ) -> Result<(), ReadError> {
        if let Err(refusal) = answer {
            return self.ask_refused(work, ask, &refusal);
        }
        for (name, on) in [(RECEIPTS, choices.receipts), (TYPING, choices.typing)] {
            if on && is_off(work, name)? {
                self.set_by_name(work, name, None)?;
            }
        }
        self.take_choices(choices);
        self.presence.changed = true;
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// Everything of signals.
    pub fn signals(&self, store: &dyn Reads) -> Result<SignalsView, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        self.signals_view(&Work::new(store, &mut none, Timestamp(0)))
    }

    /// Shows everything of signals.
    pub(crate) fn show_signals(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let signals = self.signals_view(work)?;
        work.show(Event::Signals { signals });
        Ok(())
    }

    fn signals_view(&self, work: &Work<'_>) -> Result<SignalsView, ReadError> {
        let own = self.own_choices(work)?;
        let people = self.presence.people.iter();
        let people = people.map(|(account, (state, seen))| PresenceView::of(*account, *state, *seen));
        Ok(SignalsView {
            own: ChoicesView::of(own),
            people: people.collect(),
            typing: self.typing_views(work)?,
        })
    }
}

/// True where the person closed it on one of their devices.
fn is_off(work: &Work<'_>, name: &str) -> Result<bool, ReadError> {
    Ok(work.setting_by_name(name)?.as_deref() == Some(OFF))
}

/// Sends a signal: nobody answers it and nothing waits for it.
fn signal(work: &mut Work<'_>, frame: &ClientFrame) {
    work.request(Request::Frame(frame.to_bytes()));
}
