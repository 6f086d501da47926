//! Chains of places as they grow: what the server lists, tells and shows, each entry verified as the next one.
//!
//! A chain that the server shows in another version, shorter than it was, or with an entry that is not genuine is
//! disputed: that is kept, a warning is shown, and nothing is sealed for the place until the whole known chain is
//! shown again.

use std::sync::Arc;

use conclave_protocol::frames::PlaceMoved;
use conclave_protocol::places::{PlaceEntriesPage, PlacesFound};
use conclave_protocol::{AccountId, Bytes, Hash, PlaceId};
use conclave_sigchain::HeadComparison;
use conclave_sigchain::room::{
    Departure, Entrance, MetadataField, PlaceKind, RoomChain, RoomChainError, RoomChange, RoomEntry,
    RoomEvent,
};

use super::listing::dispute_failure;
use super::names::{Names, Value};
use super::record::{Dispute, DisputeKind, Place, Standing, rooms_read};
use super::taking;
use super::telling::{Draft, drafts};
use crate::calls::{Need, NeedState};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::posting::Roll;
use crate::reads::ReadError;
use crate::rows::{RoomKind, RoomRow};
use crate::views::Event;
use crate::work::Work;

/// A chain that cannot be taken is asked for again after this long.
const REFUSED_PAUSE_MS: u64 = 60_000;

/// A chain that is being read from its beginning.
pub(crate) struct Reading {
    chain: RoomChain,
    told: Told,
}

/// What entries said, as far as it is to be told.
#[derive(Default)]
pub(crate) struct Told {
    /// Who read what when, up to the last entry.
    roll: Roll,
    changes: Vec<RoomChange>,
    drafts: Vec<Draft>,
    /// So many of the drafts are of times in which the own account was a member, up to its last departure.
    kept: usize,
    actors: Vec<AccountId>,
    /// How the own account stands by the last entry that was about it.
    standing: Option<Standing>,
    brought_by: Option<AccountId>,
}

impl Told {
    /// The entries of which something is told.
    #[cfg(test)]
    pub(super) fn entries(&self) -> Vec<u32> {
        self.drafts.iter().map(Draft::entry).collect()
    }

    /// Takes what one more entry did. What happened while the own account was no member is not told to it; what
    /// happened before that is, whether its devices heard of its leaving at once or together with its return.
    pub(super) fn take(&mut self, chain: &RoomChain, names: &Names, own: AccountId, change: RoomChange) {
        let joins = change
            .events
            .iter()
            .any(|event| matches!(event, RoomEvent::Joined(account, _) if *account == own));
        if joins {
            self.drafts.truncate(self.kept);
        }
        self.roll.note(chain.state(), &change);
        self.drafts.extend(drafts(chain.state(), names, &change));
        if change
            .events
            .iter()
            .any(|event| matches!(event, RoomEvent::Departed(account, _) if *account == own))
        {
            self.kept = self.drafts.len();
        }
        if concerns_others(&change) {
            self.actors.push(change.by.account);
        }
        for event in &change.events {
            match event {
                RoomEvent::Joined(account, how) if *account == own => {
                    self.standing = Some(Standing::Member);
                    let invite = |id| chain.state().invite(id).map(|invite| invite.by);
                    self.brought_by = match how {
                        Entrance::Created => None,
                        Entrance::Invite(id) => invite(*id),
                        Entrance::Approved(_) | Entrance::Added => Some(change.by.account),
                    };
                }
                RoomEvent::Requested(account, _) if *account == own => {
                    self.standing = Some(Standing::Waiting);
                }
                RoomEvent::RequestEnded(account) if *account == own => {
                    self.standing = Some(if change.by.account == own {
                        Standing::Left
                    } else {
                        Standing::Declined
                    });
                }
                RoomEvent::Departed(account, how) if *account == own => {
                    let by = change.by.account;
                    self.standing = Some(match how {
                        Departure::Left => Standing::Left,
                        Departure::Removed(reason) => Standing::Removed(
                            by,
                            names.open(Value::Reason(own), reason).map(|words| words.text),
                        ),
                        Departure::Banned(reason) => Standing::Banned(
                            by,
                            names.open(Value::Reason(own), reason).map(|words| words.text),
                        ),
                    });
                }
                RoomEvent::Banned(account, reason) if *account == own => {
                    self.standing = Some(Standing::Banned(
                        change.by.account,
                        names.open(Value::Reason(own), reason).map(|words| words.text),
                    ));
                }
                _ => {}
            }
        }
        // Somebody who is let in has asked no longer, and somebody who was put out may have asked again.
        if self.standing.is_some() && chain.state().member(own).is_some() {
            self.standing = Some(Standing::Member);
        }
        self.changes.push(change);
    }
}

/// Whether the state relies on an entry's author for more than themselves.
fn concerns_others(change: &RoomChange) -> bool {
    let by = change.by.account;
    !change.events.iter().all(|event| match event {
        RoomEvent::Joined(account, Entrance::Invite(_))
        | RoomEvent::Requested(account, _)
        | RoomEvent::RequestEnded(account)
        | RoomEvent::Departed(account, Departure::Left)
        | RoomEvent::NicknameChanged(account)
        | RoomEvent::ChainsClosed(account, _) => *account == by,
        RoomEvent::InviteEnded(_) | RoomEvent::EpochEnded(_) => true,
        _ => false,
    })
}

impl Engine {
    /// A new connection: the server is asked where the account is in.
    pub(crate) fn places_on_welcome(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.places.connected();
        for id in work.list_place_ids()? {
            if let Some(place) = self.place(work, id)? {
                self.look_over(work, &place)?;
            }
        }
        self.observe_soon(work, false);
        self.need(work, Need::Places)
    }

    /// The server is asked where the account is in: it knows of no less than what it has shown by now.
    pub(crate) fn list_is_asked_for(&mut self, work: &Work<'_>) -> Result<(), ReadError> {
        self.places.list_asked.clear();
        for id in work.list_place_ids()? {
            if let Some(place) = self.place(work, id)? {
                self.places.list_asked.insert(id, place.chain.head());
            }
        }
        Ok(())
    }

    /// The server said where the account is in.
    pub(crate) fn places_found(&mut self, work: &mut Work<'_>, found: &PlacesFound) -> Result<(), ReadError> {
        self.places.is_listed = true;
        let asked = std::mem::take(&mut self.places.list_asked);
        for one in &found.places {
            match self.place(work, one.place)? {
                None => self.follow_place(one.place),
                Some(place) if asked.get(&one.place).is_some_and(|asked| one.head < *asked) => {
                    self.dispute_place(work, &place, DisputeKind::Shorter, None);
                }
                Some(place) if place.kept.disputed.is_some() => self.follow_place(one.place),
                Some(place) => {
                    if place.kept.standing == Standing::Unlisted {
                        let mut again = Place::clone(&place);
                        again.kept.standing = Standing::Member;
                        self.keep_place(work, again);
                    }
                    if one.head > place.chain.head() {
                        self.follow_place(one.place);
                    }
                }
            }
        }
        // What the server no longer lists it is asked for; it shows it, or says that it will not.
        for id in work.list_place_ids()? {
            let is_listed = found.places.iter().any(|one| one.place == id);
            let place = self.place(work, id)?;
            let is_in = place
                .is_some_and(|place| matches!(place.kept.standing, Standing::Member | Standing::Waiting));
            if !is_listed && is_in {
                self.follow_place(id);
            }
        }
        for returned in &found.returned {
            self.take_returned(work, *returned)?;
        }
        Ok(())
    }

    /// The server says that a place's chain has grown, or that the account is out.
    pub(crate) fn place_moved(&mut self, work: &mut Work<'_>, moved: &PlaceMoved) -> Result<(), ReadError> {
        let Some(place) = self.place(work, moved.place)? else {
            self.follow_place(moved.place);
            return Ok(());
        };
        let head = place.chain.head();
        let is_next = head.checked_add(1) == Some(moved.head);
        if place.kept.disputed.is_none() && (is_next || moved.head <= head) {
            self.take_place_entries(work, &place, std::slice::from_ref(&moved.entry))?;
            return Ok(());
        }
        self.follow_place(moved.place);
        Ok(())
    }

    /// More of a place's chain is there than is known here.
    pub(crate) fn follow_place(&mut self, place: PlaceId) {
        self.places.behind.insert(place);
        self.needs
            .retain(|need, state| *need != Need::PlaceEntries(place) || *state == NeedState::Running);
    }

    /// Chains that are being followed are asked for until they are here.
    pub(crate) fn follow_places(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        for place in self.places.behind.clone() {
            self.need(work, Need::PlaceEntries(place))?;
        }
        Ok(())
    }

    /// Where the page of a place's chain that is asked for now begins: behind what is known, or at the first entry for
    /// a place that is not known here, or no longer believed.
    pub(crate) fn place_page_after(
        &mut self,
        work: &Work<'_>,
        id: PlaceId,
    ) -> Result<Option<u32>, ReadError> {
        self.places.asked.remove(&id);
        if let Some(reading) = self.places.reading.get(&id) {
            return Ok(Some(reading.chain.head()));
        }
        let place = self.place(work, id)?;
        let head = place
            .filter(|place| place.kept.disputed.is_none())
            .map(|place| place.chain.head());
        if let Some(head) = head {
            self.places.asked.insert(id, head);
        }
        Ok(head)
    }

    /// A page of a place's chain came.
    pub(crate) fn needed_place_entries(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        page: &PlaceEntriesPage,
    ) -> Result<(), ReadError> {
        if let Some(place) = self.place(work, id)?
            && place.kept.disputed.is_none()
        {
            self.places.reading.remove(&id);
            let before = place.chain.head();
            if !self.take_place_entries(work, &place, &page.entries)? {
                return Ok(());
            }
            let Some(place) = self.place(work, id)? else {
                return Ok(());
            };
            if page.head > place.chain.head() && place.chain.head() > before {
                self.follow_place(id);
                return Ok(());
            }
            let asked = self.places.asked.remove(&id).unwrap_or_default();
            if page.head < asked && place.kept.standing == Standing::Member {
                self.dispute_place(work, &place, DisputeKind::Shorter, None);
                return Ok(());
            }
            return self.place_caught_up(work, &place);
        }
        match self.read_on(work, id, page)? {
            Ok(false) => {
                self.follow_place(id);
                Ok(())
            }
            Ok(true) => self.take_read(work, id),
            Err(_) => {
                self.places.reading.remove(&id);
                self.places.behind.remove(&id);
                if let Some(place) = self.place(work, id)? {
                    self.dispute_place(work, &place, DisputeKind::Refused, None);
                } else {
                    work.show(Event::Warning {
                        failure: Failure::place_refused(),
                    });
                }
                let at = self.jittered(work, REFUSED_PAUSE_MS);
                self.needs.insert(Need::PlaceEntries(id), NeedState::RetryAt(at));
                Ok(())
            }
        }
    }

    /// The server will not show a place's chain to this account.
    pub(crate) fn place_not_shown(&mut self, work: &mut Work<'_>, id: PlaceId) -> Result<(), ReadError> {
        self.places.behind.remove(&id);
        self.places.reading.remove(&id);
        let Some(place) = self.place(work, id)? else {
            return Ok(());
        };
        self.fail_place_acts(work, id, &Failure::place_not_member())?;
        if matches!(place.kept.standing, Standing::Member | Standing::Waiting) {
            let was_member = place.kept.standing == Standing::Member;
            let mut place = Place::clone(&place);
            place.kept.standing = Standing::Unlisted;
            self.keep_place(work, place);
            if was_member {
                work.show(Event::Warning {
                    failure: Failure::place_unlisted(),
                });
            }
        }
        Ok(())
    }

    /// Goes on with a chain that is read from its beginning. True when it is whole.
    fn read_on(
        &mut self,
        work: &Work<'_>,
        id: PlaceId,
        page: &PlaceEntriesPage,
    ) -> Result<Result<bool, RoomChainError>, ReadError> {
        let own = work.own()?.account;
        let names = work.place_names(id)?;
        let mut reading = self.places.reading.remove(&id);
        let before = reading.as_ref().map(|reading| reading.chain.head());
        let mut read = || -> Result<bool, RoomChainError> {
            for bytes in &page.entries {
                match &mut reading {
                    None => {
                        let (chain, change) = taking::begin(id, bytes.as_slice())?;
                        let mut told = Told::default();
                        told.take(&chain, &names, own, change);
                        reading = Some(Reading { chain, told });
                    }
                    Some(Reading { chain, told }) => {
                        if let Some(change) = taking::read_on(chain, bytes.as_slice())? {
                            told.take(chain, &names, own, change);
                        }
                    }
                }
            }
            match &reading {
                Some(reading) if reading.chain.head() >= page.head => Ok(true),
                // A page that brings nothing would be asked for without end.
                Some(reading) if Some(reading.chain.head()) > before => Ok(false),
                _ => Err(RoomChainError::Empty),
            }
        };
        let read = read();
        if let Some(reading) = reading {
            self.places.reading.insert(id, reading);
        }
        Ok(read)
    }

    /// A chain was read whole from its beginning: of a place that was not known here, or of one that was disputed.
    fn take_read(&mut self, work: &mut Work<'_>, id: PlaceId) -> Result<(), ReadError> {
        let Some(Reading { chain, told }) = self.places.reading.remove(&id) else {
            return Ok(());
        };
        let Some(known) = self.place(work, id)? else {
            return self.place_grew(work, Place::new(chain), told);
        };
        match chain.compare(known.chain.head(), known.chain.head_hash()) {
            Some(HeadComparison::Same | HeadComparison::Behind) => {}
            Some(HeadComparison::Ahead) => {
                self.dispute_place(work, &known, DisputeKind::Shorter, None);
                return Ok(());
            }
            _ => {
                self.dispute_place(work, &known, DisputeKind::Fork, None);
                return Ok(());
            }
        }
        // What was said in somebody's name stays disputed until their own chain bears it out.
        let is_false = known
            .kept
            .disputed
            .as_ref()
            .is_some_and(|dispute| dispute.why == DisputeKind::FalseClaim);
        let mut place = Place::clone(&known);
        if !is_false {
            place.kept.disputed = None;
        }
        let head = known.chain.head();
        let mut told = told;
        told.changes.retain(|change| change.sequence > head);
        told.drafts.retain(|draft| draft.entry() > head);
        place.chain = Arc::new(chain);
        self.place_grew(work, place, told)
    }

    /// Takes entries behind a known chain. False where they do not follow it.
    pub(crate) fn take_place_entries(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        page: &[Bytes],
    ) -> Result<bool, ReadError> {
        let own = work.own()?.account;
        let names = work.place_names(place.id())?;
        let mut chain: Option<RoomChain> = None;
        let mut told = Told {
            roll: self.roll_of(work, &place.chain)?,
            ..Told::default()
        };
        for bytes in page {
            let taken = taking::take_next(&place.chain, &mut chain, bytes.as_slice());
            match (taken, &chain) {
                (Ok(Some(change)), Some(chain)) => told.take(chain, &names, own, change),
                (Ok(_), _) => {}
                (Err(error), _) => {
                    let why = match error {
                        RoomChainError::Fork => DisputeKind::Fork,
                        _ => DisputeKind::Refused,
                    };
                    self.dispute_place(work, place, why, Some(bytes.clone()));
                    return Ok(false);
                }
            }
        }
        if let Some(chain) = chain {
            let mut place = Place::clone(place);
            place.chain = Arc::new(chain);
            self.place_grew(work, place, told)?;
        }
        Ok(true)
    }

    /// The server shows a chain that is not the known one, or not genuine: a warning, and nothing is sealed.
    pub(crate) fn dispute_place(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        why: DisputeKind,
        entry: Option<Bytes>,
    ) {
        self.places.behind.remove(&place.id());
        let dispute = Dispute { why, entry };
        if place.kept.disputed.as_ref().is_some_and(|known| known.why == why) {
            return;
        }
        work.show(Event::Warning {
            failure: dispute_failure(&dispute),
        });
        let mut place = place.clone();
        place.kept.disputed = Some(dispute);
        self.keep_place(work, place);
    }

    /// A member's device named an entry of a place. What it names beyond the known chain is asked for.
    pub(crate) fn place_head_named(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        sequence: u32,
        hash: Hash,
    ) -> Result<(), ReadError> {
        let Some(place) = self.place(work, id)? else {
            return Ok(());
        };
        match place.chain.compare(sequence, hash) {
            Some(HeadComparison::Fork) => self.dispute_place(work, &place, DisputeKind::Fork, None),
            Some(HeadComparison::Ahead) => {
                self.places.named.insert(id, sequence);
                self.follow_place(id);
            }
            _ => {}
        }
        Ok(())
    }

    /// Everything that the server shows of a place's chain is here.
    fn place_caught_up(&mut self, work: &mut Work<'_>, place: &Place) -> Result<(), ReadError> {
        let id = place.id();
        self.places.behind.remove(&id);
        if let Some(named) = self.places.named.get(&id).copied() {
            if place.chain.head() >= named {
                self.places.named.remove(&id);
            } else {
                self.dispute_place(work, place, DisputeKind::Withheld, None);
            }
        }
        self.joins_done(work, id)?;
        self.place_acts_looked(work, id)
    }

    /// A place that this device made is on the server.
    pub(crate) fn begin_place(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        entry: &Bytes,
    ) -> Result<(), ReadError> {
        let begun = RoomEntry::from_bytes(entry.as_slice()).and_then(|entry| RoomChain::begin(&entry));
        let Ok((chain, change)) = begun else {
            return self.plan_failed(work, id, Failure::place_refused());
        };
        let own = work.own()?.account;
        let names = work.place_names(id)?;
        let mut told = Told::default();
        told.take(&chain, &names, own, change);
        self.place_grew(work, Place::new(chain), told)
    }

    /// A place's chain has more entries than before; `told` is what they said.
    pub(crate) fn place_grew(
        &mut self,
        work: &mut Work<'_>,
        mut place: Place,
        told: Told,
    ) -> Result<(), ReadError> {
        let id = place.id();
        let own = work.own()?.account;
        let was_in = place.kept.standing == Standing::Member;
        if let Some(standing) = &told.standing {
            place.kept.standing = standing.clone();
        }
        if told.brought_by.is_some() {
            place.kept.brought_by = told.brought_by;
        }
        let mut actors = place.kept.actors.clone();
        actors.extend(told.actors);
        actors.sort_unstable();
        actors.dedup();
        place.kept.actors = actors;
        self.places.behind.remove(&id);
        self.keep_place(work, place.clone());
        self.take_roll(work, &place.chain, told.roll)?;
        self.show_place_rooms(work, &place, own)?;
        work.tell(told.drafts)?;
        for change in &told.changes {
            for event in &change.events {
                match event {
                    RoomEvent::InviteEnded(invite) => work.forget_invite(id, *invite),
                    RoomEvent::Joined(account, Entrance::Added | Entrance::Approved(_))
                        if change.by == work.own()?.address() =>
                    {
                        self.tell_place_keys(work, id, *account)?;
                    }
                    _ => {}
                }
            }
        }
        self.note_place_changes(work, id, &told.changes)?;
        self.tell_new_place_key(work, &place, &told.changes)?;
        self.look_over(work, &place)?;
        if was_in && place.kept.standing != Standing::Member {
            self.fail_place_acts(work, id, &Failure::place_not_member())?;
        }
        self.observe_soon(work, false);
        self.place_caught_up(work, &place)
    }

    /// The rooms that the own account reads, or read until it was put out, are in the list of chats, under the names that
    /// are known.
    pub(crate) fn show_place_rooms(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        own: AccountId,
    ) -> Result<(), ReadError> {
        let names = work.place_names(place.id())?;
        let state = place.chain.state();
        let roll = self.shared_roll(work, &place.chain)?;
        for (room, kind) in rooms_read(&place.chain, &roll, own) {
            let title = match (&kind, state.channel_of(room).and_then(|id| state.channel(id))) {
                (RoomKind::Channel { .. }, Some(channel)) => names
                    .open(Value::Channel, &channel.sealed)
                    .map(|words| words.text),
                _ => names.text(state, MetadataField::Name),
            }
            .unwrap_or_default();
            match work.find_room(room)? {
                Some(mut row) if row.title != title => {
                    row.title = title;
                    work.put_room(row);
                }
                Some(_) => {}
                None => work.ensure_place_room(RoomRow {
                    room,
                    kind,
                    title,
                    active_at: work.now,
                    read_up_to: 0,
                })?,
            }
        }
        Ok(())
    }
}

/// The room to open first in a place.
pub(crate) fn first_room(chain: &RoomChain, own: AccountId) -> Option<conclave_protocol::RoomId> {
    let state = chain.state();
    match state.kind() {
        PlaceKind::Group => Some(conclave_protocol::RoomId::group(state.place())),
        PlaceKind::Community => {
            let mut channels: Vec<_> = state
                .channels()
                .filter(|(_, channel)| state.is_reader(own, channel.room))
                .map(|(id, channel)| (channel.position, id, channel.room))
                .collect();
            channels.sort_unstable_by_key(|(position, id, _)| (*position, *id));
            channels.first().map(|(_, _, room)| *room)
        }
    }
}
