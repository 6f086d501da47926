//! Repair: a device that could not open messages begins a new session with their sender, names them, and gets
//! their keys once more.
//!
//! Asking and answering are both bounded by times kept in the store, so neither a peer nor the server that says
//! things over and over, nor a restart, makes a device work or tell more. A request that may not be answered is
//! passed over without a sign: whoever asks learns nothing that it could not open before.
//!
//! Invariant: nothing here believes a word that was not opened on a session with the device it is said of, and
//! a repeated key opens a message only under the same checks as its first copy.

use std::collections::{BTreeMap, BTreeSet};

use conclave_protocol::{DeviceAddress, EnvelopeId, RoomId, Timestamp};

use crate::calls::{Need, NeedState};
use crate::changes::Table;
use crate::connection::Link;
use crate::content::{Control, Repeated, address_key};
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::parked::Parked;
use crate::reads::ReadError;
use crate::rows::MessageBody;
use crate::sent::{is_young, may_be_repeated};
use crate::work::Work;

/// Messages named in one request, and repeated in one answer: what was lost by an accident, not a history. It
/// bounds what a thief of a peer's device can ask out of this one, and ten keys fit one pairwise message.
pub(crate) const REPEAT_MAX: usize = 10;
/// One device is answered at most this often, so that whoever asks without end gets next to nothing for it.
pub(crate) const REPEAT_EVERY_MS: u64 = 60 * 60 * 1000;
/// One device is begun anew with at most this often: each time costs it a one-time prekey.
pub(crate) const FRESH_SESSION_EVERY_MS: u64 = 60 * 60 * 1000;
/// One device is asked at most this often: a little less often than it answers, so that two requests do not
/// reach it within its hour because the first one was slower.
const ASK_EVERY_MS: u64 = REPEAT_EVERY_MS + 5 * 60 * 1000;
/// A bundle that the server would not give, to begin anew with, is asked for again after this.
pub(crate) const BUNDLE_AGAIN_MS: u64 = 10 * 60 * 1000;

/// Something done at most so often with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// A new session was begun because messages could not be opened.
    Fresh,
    /// A bundle to begin anew with was claimed, and was not genuine.
    Unusable,
    /// It was asked for messages.
    Asked,
    /// Its request was answered.
    Answered,
}

impl Stamp {
    const ALL: [Self; 4] = [Self::Fresh, Self::Unusable, Self::Asked, Self::Answered];

    /// Part of the stored form.
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Fresh => b"fresh/",
            Self::Unusable => b"unusable/",
            Self::Asked => b"asked/",
            Self::Answered => b"answered/",
        }
    }

    const fn every(self) -> u64 {
        match self {
            Self::Fresh | Self::Unusable => FRESH_SESSION_EVERY_MS,
            Self::Asked => ASK_EVERY_MS,
            Self::Answered => REPEAT_EVERY_MS,
        }
    }

    fn key(self, address: DeviceAddress) -> Vec<u8> {
        [self.prefix(), &address_key(address)].concat()
    }
}

/// When something may be done again; none when now. A time that lies far ahead is of a clock that was wrong then
/// and holds nothing back.
pub(crate) fn again_at(last: Option<Timestamp>, every: u64, now: Timestamp) -> Option<Timestamp> {
    let last = last.filter(|last| last.since(now) < every)?;
    let next = last.plus(every);
    (next > now).then_some(next)
}

impl Work<'_> {
    /// When this may be done again with a device; none when now.
    fn not_before(&self, stamp: Stamp, address: DeviceAddress) -> Result<Option<Timestamp>, ReadError> {
        let last = self.find(Table::Own, &stamp.key(address))?;
        Ok(again_at(last, stamp.every(), self.now))
    }

    /// Notes that it was done now.
    pub(crate) fn stamp(&mut self, stamp: Stamp, address: DeviceAddress) {
        let now = self.now;
        self.put(Table::Own, &stamp.key(address), &now);
    }

    /// True when a new session was begun with a device because its messages could not be opened, within the
    /// time in which that is not done again.
    pub(crate) fn began_anew_lately(&self, address: DeviceAddress) -> Result<bool, ReadError> {
        Ok(self.not_before(Stamp::Fresh, address)?.is_some())
    }

    /// Sessions are gone: none was begun lately.
    pub(crate) fn forget_sessions_begun(&mut self) -> Result<(), ReadError> {
        for (key, _) in self.list_bytes(Table::Own, Stamp::Fresh.prefix(), u32::MAX)? {
            self.delete(Table::Own, &key);
        }
        Ok(())
    }

    /// Nothing is done with a device any more.
    pub(crate) fn forget_stamps_of(&mut self, address: DeviceAddress) {
        for stamp in Stamp::ALL {
            self.delete(Table::Own, &stamp.key(address));
        }
    }

    /// Part of the daily round: times that hold nothing back any more go.
    pub(crate) fn forget_stamps(&mut self) -> Result<(), ReadError> {
        for stamp in Stamp::ALL {
            for (key, bytes) in self.list_bytes(Table::Own, stamp.prefix(), u32::MAX)? {
                let last: Option<Timestamp> = minicbor::decode(&bytes).ok();
                if again_at(last, stamp.every(), self.now).is_none() {
                    self.delete(Table::Own, &key);
                }
            }
        }
        Ok(())
    }
}

impl Engine {
    /// A device's pairwise messages cannot be opened: a new session begins with it as soon as the mailbox was
    /// read, at most once an hour.
    pub(crate) fn wants_fresh_session(
        &mut self,
        work: &Work<'_>,
        address: DeviceAddress,
    ) -> Result<(), ReadError> {
        if address != work.own()?.address() {
            self.fresh_wanted.insert(address);
            self.repair_soon(work.now);
        }
        Ok(())
    }

    /// Something may have become possible: what stays closed is gone over once.
    pub(crate) fn repair_soon(&mut self, at: Timestamp) {
        self.repair_due = Some(self.repair_due.map_or(at, |due| due.min(at)));
    }

    /// Goes over what stays closed: opens what can be opened now, asks for what may be asked for, and gives up
    /// what is too old. Waits until everything that the server has is here, so that a request names the newest.
    pub(crate) fn repair(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if !matches!(self.link, Link::Online)
            || !self.mailbox.is_empty()
            || self.repair_due.is_none_or(|due| due > work.now)
        {
            return Ok(());
        }
        self.repair_due = None;
        self.try_untried(work)?;

        let own = work.own()?;
        let mut later = Later::default();
        let mut closed: BTreeMap<DeviceAddress, Vec<Parked>> = BTreeMap::new();
        let mut peers = BTreeMap::new();
        for parked in work.list_parked()? {
            if parked.is_over(work.now) {
                work.give_up_parked(parked.id)?;
                continue;
            }
            later.at(parked.over_at());
            let room = parked.message.room;
            let peer = if let Some(peer) = peers.get(&room) {
                *peer
            } else {
                let peer = work.room_state(room)?.map(|state| state.peer);
                peers.insert(room, peer);
                peer
            };
            if let Some(peer) = peer {
                closed
                    .entry(parked.sender(own.account, peer))
                    .or_default()
                    .push(parked);
            }
        }
        let wanted = std::mem::take(&mut self.fresh_wanted);
        let addresses: BTreeSet<DeviceAddress> = closed.keys().chain(&wanted).copied().collect();
        for address in addresses {
            if self.remote(work, address)?.is_none() {
                // Revoked, or not shown: nobody is there to ask.
                continue;
            }
            if !self.answers(work, address.account)? {
                // To ask would tell a stranger that this device is there. It is asked once they are accepted.
                if wanted.contains(&address) {
                    self.fresh_wanted.insert(address);
                }
                continue;
            }
            if self.history_is_coming(&own, address) {
                // Its page looks here again.
                if wanted.contains(&address) {
                    self.fresh_wanted.insert(address);
                }
                later.at(work.now);
                continue;
            }
            let closed = closed.get(&address).map_or(&[][..], Vec::as_slice);
            self.repair_with(work, address, closed, wanted.contains(&address), &mut later)?;
        }
        if let Some(at) = later.0 {
            self.repair_soon(at);
        }
        Ok(())
    }

    /// Does with one device what may be done now, and notes when to look again.
    fn repair_with(
        &mut self,
        work: &mut Work<'_>,
        address: DeviceAddress,
        closed: &[Parked],
        wanted: bool,
        later: &mut Later,
    ) -> Result<(), ReadError> {
        let now = work.now;
        let hold = work.not_before(Stamp::Asked, address)?;
        let mut due = false;
        for at in closed.iter().filter_map(|parked| parked.ask_at(now)) {
            match hold {
                Some(hold) => later.at(hold.max(at)),
                None if at <= now => due = true,
                None => later.at(at),
            }
        }
        if !due && !wanted {
            return Ok(());
        }
        if due && !wanted {
            let sessions = work.sessions(address)?;
            if sessions.has_active(now.0) && sessions.is_unanswered() {
                // Each message on it carries what the device needs to open it. Another one would tell it no
                // more, and would push out one of the few sessions that it keeps.
                return self.ask_on_session(work, address);
            }
        }
        match work.not_before(Stamp::Fresh, address)? {
            // The session of the last hour carries one request more; a second new one is not begun.
            Some(_) if work.sessions(address)?.has_active(now.0) => {
                if due {
                    self.ask_on_session(work, address)?;
                }
            }
            Some(hold) => later.at(hold),
            None => {
                if let Some(hold) = work.not_before(Stamp::Unusable, address)? {
                    later.at(hold);
                    if wanted {
                        self.fresh_wanted.insert(address);
                    }
                    return Ok(());
                }
                let need = Need::FreshBundle(address);
                self.need(work, need)?;
                later.at(match self.needs.get(&need) {
                    Some(NeedState::RetryAt(at)) => *at,
                    _ => now.plus(BUNDLE_AGAIN_MS),
                });
                if wanted {
                    self.fresh_wanted.insert(address);
                }
            }
        }
        Ok(())
    }

    /// A new session begins: its first message says so, and asks for what may be asked for.
    pub(crate) fn began_anew(
        &mut self,
        work: &mut Work<'_>,
        address: DeviceAddress,
    ) -> Result<(), ReadError> {
        work.stamp(Stamp::Fresh, address);
        self.fresh_wanted.remove(&address);
        let names = if self.is_caught_up(&work.own()?, address) {
            self.names(work, address)?
        } else {
            // What is asked for is known when everything is here; the session is young enough then, too.
            self.repair_soon(work.now);
            None
        };
        self.start_session(work, address, names)
    }

    fn ask_on_session(&mut self, work: &mut Work<'_>, address: DeviceAddress) -> Result<(), ReadError> {
        match self.names(work, address)? {
            None => Ok(()),
            names => self.start_session(work, address, names),
        }
    }

    fn start_session(
        &mut self,
        work: &mut Work<'_>,
        address: DeviceAddress,
        names: Option<Vec<EnvelopeId>>,
    ) -> Result<(), ReadError> {
        let control = Control::SessionStart(names);
        self.enqueue_control(work, address.account, Some(address.device), &control)
    }

    /// The newest messages of a device that may be asked for now. They count as asked for.
    fn names(
        &mut self,
        work: &mut Work<'_>,
        address: DeviceAddress,
    ) -> Result<Option<Vec<EnvelopeId>>, ReadError> {
        if work.not_before(Stamp::Asked, address)?.is_some() {
            return Ok(None);
        }
        let own = work.own()?.account;
        let now = work.now;
        let mut due = Vec::new();
        for parked in work.list_parked()? {
            if parked.ask_at(now).is_some_and(|at| at <= now)
                && let Some(state) = work.room_state(parked.message.room)?
                && parked.sender(own, state.peer) == address
            {
                due.push(parked);
            }
        }
        due.sort_unstable_by_key(|parked| std::cmp::Reverse((parked.id, parked.message.sequence)));
        let mut names = Vec::with_capacity(REPEAT_MAX);
        for mut parked in due.into_iter().take(REPEAT_MAX) {
            names.push(parked.id);
            parked.asked = parked.asked.saturating_add(1);
            parked.asked_at = Some(now);
            work.put_parked(&parked);
        }
        if names.is_empty() {
            return Ok(None);
        }
        work.stamp(Stamp::Asked, address);
        self.repair_soon(now.plus(1));
        Ok(Some(names))
    }

    /// Answers a device that could not open messages of this one, where that is right, and else does nothing.
    pub(crate) fn take_request(
        &mut self,
        work: &mut Work<'_>,
        from: DeviceAddress,
        names: &[EnvelopeId],
    ) -> Result<(), ReadError> {
        if names.is_empty() || work.not_before(Stamp::Answered, from)?.is_some() {
            return Ok(());
        }
        let mut answered = BTreeSet::new();
        for id in names.iter().take(REPEAT_MAX) {
            if repeatable(work, from, *id)?.is_some() {
                answered.insert(*id);
            }
        }
        if answered.is_empty() {
            return Ok(());
        }
        work.stamp(Stamp::Answered, from);
        self.enqueue_repeat(work, from, answered.into_iter().collect())
    }

    /// Takes keys that a device repeats for messages of its own that stay closed here. Anything else in it is
    /// ignored.
    pub(crate) fn take_repeat(
        &mut self,
        work: &mut Work<'_>,
        from: DeviceAddress,
        mut repeat: Vec<Repeated>,
    ) -> Result<(), ReadError> {
        repeat.truncate(REPEAT_MAX);
        // In the order in which the device made them, so that each finds its place in the chain of messages.
        repeat.sort_unstable_by_key(|repeated| repeated.id);
        let mut opened = false;
        for repeated in &repeat {
            opened |= self.take_repeated(work, from, repeated)?;
        }
        if opened {
            self.ask_again_soon(work, from)?;
        }
        Ok(())
    }

    /// A device is there and answers: what of it was asked for in vain so far is asked for as if it had not been.
    /// How often one device is asked is bounded all the same.
    fn ask_again_soon(&mut self, work: &mut Work<'_>, from: DeviceAddress) -> Result<(), ReadError> {
        let own = work.own()?.account;
        for mut parked in work.list_parked()? {
            if parked.asked > 0
                && let Some(state) = work.room_state(parked.message.room)?
                && parked.sender(own, state.peer) == from
            {
                parked.asked = 0;
                parked.asked_at = None;
                work.put_parked(&parked);
            }
        }
        self.repair_soon(work.now);
        Ok(())
    }

    /// True where the key opened its message.
    fn take_repeated(
        &mut self,
        work: &mut Work<'_>,
        from: DeviceAddress,
        repeated: &Repeated,
    ) -> Result<bool, ReadError> {
        let (Some(row), Some(parked)) = (work.find_message(repeated.id)?, work.parked(repeated.id)?) else {
            return Ok(false);
        };
        let room = repeated.room;
        let Some(mut state) = work.room_state(room)? else {
            return Ok(false);
        };
        let own = work.own()?;
        let is_his = (row.author, row.device) == (from.account, from.device)
            && parked.sender(own.account, state.peer) == from
            && row.room == room
            && parked.message.room == room
            && row.body == MessageBody::Unopened;
        if !is_his {
            return Ok(false);
        }
        let Some(heads) = self.heads_of(work, own.account, state.peer, parked.message.heads)? else {
            return Ok(false);
        };
        if let Some(content) = heads.open_body(repeated.id, &parked.message, from, &repeated.key) {
            self.show_opened(work, &mut state, from, repeated.id, &parked.message, content)?;
            work.put_room_state(room, &state);
            let place = (room, parked.message.sequence);
            self.record_message(work, place, (from, repeated.id), &repeated.key)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// True while a page of a room's history is under way that may bring more of this device.
    fn history_is_coming(&self, own: &OwnIdentity, address: DeviceAddress) -> bool {
        let room = RoomId::direct(own.account, address.account);
        self.needs.iter().any(|(need, state)| {
            // An own device writes in every room.
            let brings =
                matches!(need, Need::Envelopes(other) if *other == room || address.account == own.account);
            brings && *state == NeedState::Running
        })
    }

    fn is_caught_up(&self, own: &OwnIdentity, address: DeviceAddress) -> bool {
        matches!(self.link, Link::Online) && self.mailbox.is_empty() && !self.history_is_coming(own, address)
    }
}

/// The keys of these messages as an answer to a device, as far as it may have them now.
pub(crate) fn answer(
    work: &Work<'_>,
    to: DeviceAddress,
    ids: &[EnvelopeId],
) -> Result<Option<Control>, ReadError> {
    let mut repeat = Vec::with_capacity(REPEAT_MAX);
    for id in ids.iter().take(REPEAT_MAX) {
        repeat.extend(repeatable(work, to, *id)?);
    }
    Ok((!repeat.is_empty()).then_some(Control::Repeat(repeat)))
}

/// The key of a message that this device sent, if the asking device may have it now.
fn repeatable(work: &Work<'_>, asker: DeviceAddress, id: EnvelopeId) -> Result<Option<Repeated>, ReadError> {
    // An id that is too old is not even looked for.
    if !is_young(id, work.now) {
        return Ok(None);
    }
    let own = work.own()?;
    Ok(work.sent(id)?.and_then(|sent| {
        let may = asker != own.address() && may_be_repeated(own.account, sent.room, id, asker, work.now);
        may.then_some(Repeated {
            room: sent.room,
            id,
            key: sent.key,
        })
    }))
}

/// The soonest of several times.
#[derive(Default)]
struct Later(Option<Timestamp>);

impl Later {
    fn at(&mut self, at: Timestamp) {
        self.0 = Some(self.0.map_or(at, |soonest| soonest.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::RoomState;
    use crate::work::testing::{EmptyStore, rng, signed_up};
    use conclave_protocol::frames::{Class, DirectMessage, Heads, Side};
    use conclave_protocol::{AccountId, Bytes, DeviceId};
    use proptest::prelude::*;

    #[test]
    fn stamps_of_different_kinds_never_meet() {
        let address = DeviceAddress {
            account: AccountId([b'/'; 32]),
            device: DeviceId(7),
        };
        for one in Stamp::ALL {
            for other in Stamp::ALL {
                assert_eq!(one.key(address).starts_with(other.prefix()), one == other);
            }
        }
    }

    #[test]
    fn a_clock_that_was_far_ahead_holds_nothing_back() {
        let now = Timestamp(1_000_000_000);
        assert_eq!(again_at(Some(now.plus(3_600_000)), 3_600_000, now), None);
        let a_little_ahead = now.plus(1_000);
        assert_eq!(
            again_at(Some(a_little_ahead), 3_600_000, now),
            Some(a_little_ahead.plus(3_600_000))
        );
        assert_eq!(again_at(None, 3_600_000, now), None);
    }

    const OWN: AccountId = AccountId([1; 32]);
    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn device_of(account: u8) -> DeviceAddress {
        DeviceAddress {
            account: AccountId([account; 32]),
            device: DeviceId(0),
        }
    }

    #[test]
    fn after_a_bundle_that_is_not_genuine_none_is_claimed_for_an_hour() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, NOW);
        let mut engine = Engine::new(true);
        let address = device_of(2);
        let mut claims = |work: &mut Work<'_>| {
            let mut later = Later::default();
            engine.repair_with(work, address, &[], true, &mut later).unwrap();
            assert!(engine.fresh_wanted.contains(&address), "it stays wanted");
            let claims = engine.needs.remove(&Need::FreshBundle(address)).is_some();
            (claims, later.0)
        };
        work.stamp(Stamp::Unusable, address);
        assert_eq!(claims(&mut work), (false, Some(NOW.plus(FRESH_SESSION_EVERY_MS))));
        work.now = NOW.plus(FRESH_SESSION_EVERY_MS);
        assert!(claims(&mut work).0);
    }

    #[test]
    fn a_device_that_answers_is_asked_for_the_others_as_if_it_had_not_been_asked() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, NOW);
        signed_up(&mut work, OWN);
        let mut ids = Vec::new();
        for peer in [2, 3] {
            let peer = device_of(peer).account;
            let room = RoomId::direct(OWN, peer);
            work.put_room_state(room, &RoomState::new(peer, true));
            let message = DirectMessage {
                room,
                sequence: 4,
                side: if OWN < peer { Side::High } else { Side::Low },
                device: DeviceId(0),
                time: NOW,
                class: Class::Message,
                heads: Heads { low: 0, high: 0 },
                target: None,
                body: Bytes(vec![1; 112]),
            };
            let mut parked = Parked::new(EnvelopeId::new(NOW, [peer.0[0]; 10]), message);
            parked.asked = 6;
            parked.asked_at = Some(NOW);
            work.put_parked(&parked);
            ids.push(parked.id);
        }
        let mut engine = Engine::new(true);
        engine.ask_again_soon(&mut work, device_of(2)).unwrap();
        let ask_at = ids
            .iter()
            .map(|id| work.parked(*id).unwrap().unwrap().ask_at(NOW))
            .collect::<Vec<_>>();
        assert_eq!(ask_at[0], Some(NOW));
        assert!(ask_at[1] > Some(NOW), "the other device did not answer");
        assert_eq!(engine.repair_due, Some(NOW));
    }

    proptest! {
        #[test]
        fn however_often_a_device_asks_it_is_answered_at_most_once_an_hour(pauses in proptest::collection::vec(0_u64..3_000_000, 0..60)) {
            let mut now = Timestamp(1_800_000_000_000);
            let mut last = None;
            let mut answers = Vec::new();
            for pause in pauses {
                now = now.plus(pause);
                if again_at(last, REPEAT_EVERY_MS, now).is_none() {
                    answers.push(now);
                    last = Some(now);
                }
            }
            for pair in answers.windows(2) {
                prop_assert!(pair[1].since(pair[0]) >= REPEAT_EVERY_MS);
            }
        }
    }
}
