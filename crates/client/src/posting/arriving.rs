//! What the server tells of rooms of places, live and by page.
//!
//! A live message is taken when it comes; where it cannot be taken yet, or where one before it is missing, the room is
//! read by page from the last sequence that was applied, so nothing waits in memory. A room that is looked at for the
//! first time begins with its newest page; what lies before that is read backwards, page by page.

use conclave_protocol::frames::{Cursor, RoomMessage};
use conclave_protocol::limits::ENVELOPES_PAGE;
use conclave_protocol::messages::{EnvelopesPage, StoredEnvelope};
use conclave_protocol::{DeviceAddress, RoomId, Timestamp};

use super::Spot;
use super::placing::Taken;
use super::records::PlaceRoom;
use crate::calls::{Need, NeedState};
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// Rooms whose older messages are read at a time.
const PAST_AT_A_TIME: usize = 3;
/// While more messages of a room wait for keys, its older ones are not fetched.
const PAST_WAITING_MAX: u32 = 300;
/// A page that waits for somebody's log is fetched again after about this.
const PAGE_AGAIN_MS: u64 = 500;
/// Before every sequence: sequences are kept as signed numbers.
const NEWEST: u64 = i64::MAX as u64;
/// Logs of senders asked for at a time.
const UNKNOWN_AT_A_TIME: usize = 16;

impl Engine {
    /// A message was posted.
    pub(crate) fn take_posted(
        &mut self,
        work: &mut Work<'_>,
        message: &RoomMessage,
    ) -> Result<(), ReadError> {
        let room = message.room;
        let Some(spot) = self.spot(work, room)? else {
            // Of a place that is about to be known; its rooms are looked at then.
            return Ok(());
        };
        let mut flow = work
            .place_room(room)?
            .unwrap_or_else(|| PlaceRoom::new(spot.place));
        if !flow.begun && message.sequence == 1 {
            flow.begin(0, None);
        }
        if !flow.begun {
            work.put_place_room(room, &flow);
            self.posting.look.insert(room);
            return Ok(());
        }
        if flow.has(message.sequence) {
            return Ok(());
        }
        match self.take_post(work, &spot, &mut flow, message)? {
            Taken::Done => {
                flow.apply(message.sequence);
                if flow.has_gap() {
                    self.room_stands_at(room, message.sequence);
                }
            }
            Taken::Waits => self.room_stands_at(room, message.sequence),
        }
        work.put_place_room(room, &flow);
        Ok(())
    }

    /// A room stands further than what was told of it.
    pub(crate) fn room_moved(&mut self, cursor: Cursor) {
        self.room_stands_at(cursor.room, cursor.sequence);
    }

    /// A sequence was given to an own message.
    pub(super) fn note_sequence(&mut self, flow: &mut PlaceRoom, room: RoomId, sequence: u64) {
        if !flow.begun && sequence == 1 {
            flow.begin(0, None);
        }
        if !flow.begun {
            self.posting.look.insert(room);
            return;
        }
        flow.apply(sequence);
        if flow.has_gap() {
            self.room_stands_at(room, sequence);
        }
    }

    pub(super) fn room_stands_at(&mut self, room: RoomId, sequence: u64) {
        let known = self.moved.entry(room).or_default();
        *known = sequence.max(*known);
    }

    /// Whether everything that the server shows of a room of a place is here.
    pub(crate) fn room_is_read(&self, work: &Work<'_>, room: RoomId) -> Result<bool, ReadError> {
        let comes = self.moved.contains_key(&room)
            || self.posting.look.contains(&room)
            || self.posting.back.contains(&room)
            || self.needs.contains_key(&Need::Envelopes(room));
        let flow = work.place_room(room)?;
        Ok(!comes && flow.is_some_and(|flow| flow.begun && flow.past.is_none()))
    }

    /// A room of a place stands at `head`: what is missing is fetched. False where nothing is.
    pub(crate) fn fill_place_gap(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        head: u64,
    ) -> Result<bool, ReadError> {
        match work.place_room(room)? {
            Some(flow) if flow.begun && flow.cursor >= head => Ok(false),
            Some(_) => {
                self.need(work, Need::Envelopes(room))?;
                Ok(true)
            }
            None => {
                self.posting.look.insert(room);
                Ok(true)
            }
        }
    }

    /// Looks at a room that the account reads, where it was not looked at yet.
    pub(super) fn look_at_room(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        let Some(spot) = self.spot(work, room)? else {
            return Ok(());
        };
        if !spot.chain.state().is_reader(work.own()?.account, room) {
            return Ok(());
        }
        self.take_held_keys(work, room)?;
        let flow = if let Some(flow) = work.place_room(room)? {
            flow
        } else {
            let flow = PlaceRoom::new(spot.place);
            work.put_place_room(room, &flow);
            flow
        };
        if flow.begun {
            if self.posting.back.remove(&room) {
                // Of what was said meanwhile nothing was told.
                self.room_stands_at(room, flow.cursor.saturating_add(1));
            }
            return Ok(());
        }
        let need = Need::Envelopes(room);
        self.need(work, need)?;
        if self.needs.contains_key(&need) {
            // Until it came.
            self.moved.entry(room).or_insert(1);
        }
        Ok(())
    }

    /// The request for a page of a room of a place.
    pub(crate) fn place_page_path(&self, room: RoomId, flow: &PlaceRoom) -> String {
        let which = if flow.begun {
            format!("after={}", flow.cursor)
        } else {
            format!("before={NEWEST}")
        };
        format!("/api/v1/rooms/{room}/envelopes?{which}&limit={ENVELOPES_PAGE}")
    }

    /// The request for a page of a room's older messages; none where there are no more.
    pub(crate) fn past_page_path(&self, work: &Work<'_>, room: RoomId) -> Result<Option<String>, ReadError> {
        let past = work.place_room(room)?.and_then(|flow| flow.past);
        Ok(past.map(|past| format!("/api/v1/rooms/{room}/envelopes?before={past}&limit={ENVELOPES_PAGE}")))
    }

    /// A page of a room of a place came.
    pub(crate) fn take_place_page(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        mut flow: PlaceRoom,
        page: EnvelopesPage,
    ) -> Result<(), ReadError> {
        let Some(spot) = self.spot(work, room)? else {
            return Ok(());
        };
        let head = page.head;
        let is_first = !flow.begun;
        let is_full = page.envelopes.len() >= usize::try_from(ENVELOPES_PAGE).unwrap_or(usize::MAX);
        let first = page.envelopes.first().map(|envelope| envelope.sequence);
        let before = if is_first { 0 } else { flow.cursor };
        let Some(reached) = self.take_envelopes(work, &spot, &mut flow, before, page)? else {
            work.put_place_room(room, &flow);
            return self.page_again(work, Need::Envelopes(room), room, head);
        };
        if is_first {
            flow.begin(head, first.filter(|_| is_full));
            if flow.past.is_some() {
                self.posting.past.insert(room);
            }
        } else if reached == before {
            // A page that brings nothing ends the gap as well: the server has no more than this.
            flow.apply_up_to(head);
        } else {
            flow.apply_up_to(reached);
        }
        if flow.cursor >= head {
            self.moved.remove(&room);
        } else {
            self.room_stands_at(room, head);
        }
        work.put_place_room(room, &flow);
        self.posting_soon(work.now);
        Ok(())
    }

    /// A page of a room's older messages came.
    pub(crate) fn take_past_page(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        page: EnvelopesPage,
    ) -> Result<(), ReadError> {
        let (Some(spot), Some(mut flow)) = (self.spot(work, room)?, work.place_room(room)?) else {
            return Ok(());
        };
        let Some(past) = flow.past else { return Ok(()) };
        let first = page.envelopes.first().map(|envelope| envelope.sequence);
        let taken = self.take_envelopes(work, &spot, &mut flow, 0, page)?;
        if taken.is_none() {
            work.put_place_room(room, &flow);
            let later = self.jittered(work, PAGE_AGAIN_MS);
            self.needs.insert(Need::Past(room), NeedState::RetryAt(later));
            return Ok(());
        }
        flow.past = first.filter(|first| *first < past && *first > 1);
        if flow.past.is_none() {
            self.posting.past.remove(&room);
        }
        work.put_place_room(room, &flow);
        self.posting_soon(work.now);
        Ok(())
    }

    /// Fetches older messages of rooms that have some.
    pub(super) fn read_past(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let mut asked = 0_usize;
        for room in self.posting.past.clone() {
            if asked >= PAST_AT_A_TIME {
                break;
            }
            let waiting = work.place_room(room)?.map_or(0, |flow| flow.waiting);
            if waiting > PAST_WAITING_MAX {
                continue;
            }
            asked = asked.saturating_add(1);
            self.need(work, Need::Past(room))?;
        }
        Ok(())
    }

    /// The server will not show older messages of a room.
    pub(crate) fn past_refused(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        self.posting.past.remove(&room);
        if let Some(mut flow) = work.place_room(room)? {
            flow.past = None;
            work.put_place_room(room, &flow);
        }
        Ok(())
    }

    /// Takes envelopes in order, those behind `after`. None where something that was asked for is missing: what came
    /// before that is taken.
    fn take_envelopes(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        flow: &mut PlaceRoom,
        after: u64,
        page: EnvelopesPage,
    ) -> Result<Option<u64>, ReadError> {
        let messages: Vec<RoomMessage> = page
            .envelopes
            .into_iter()
            .filter_map(|envelope| message_of(spot.room, envelope))
            .collect();
        if self.senders_are_coming(work, spot, &messages)? {
            return Ok(None);
        }
        let mut reached = after;
        for message in &messages {
            if message.sequence <= reached {
                continue;
            }
            if self.take_post(work, spot, flow, message)? == Taken::Waits {
                if flow.begun && after > 0 {
                    flow.apply_up_to(reached);
                }
                return Ok(None);
            }
            reached = message.sequence;
        }
        Ok(Some(reached))
    }

    /// Asks for the logs of all senders that are not known here, so that a page waits for them once.
    fn senders_are_coming(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        messages: &[RoomMessage],
    ) -> Result<bool, ReadError> {
        let mut coming = 0_usize;
        for message in messages {
            let account = message.sender.account;
            if self.person(work, account)?.is_some()
                || !spot.roll().was_reader(spot.room, account, message.head)
            {
                continue;
            }
            let need = Need::Person(account);
            if self.longer_chains_asked.insert(account) {
                self.need(work, need)?;
            }
            if self.needs.get(&need) == Some(&NeedState::Running) {
                coming = coming.saturating_add(1);
                if coming >= UNKNOWN_AT_A_TIME {
                    break;
                }
            }
        }
        Ok(coming > 0)
    }

    fn page_again(
        &mut self,
        work: &mut Work<'_>,
        need: Need,
        room: RoomId,
        head: u64,
    ) -> Result<(), ReadError> {
        self.room_stands_at(room, head);
        let later = self.jittered(work, PAGE_AGAIN_MS);
        self.needs.insert(need, NeedState::RetryAt(later));
        Ok(())
    }
}

/// A stored envelope as a live message tells it; none where it is of a direct room.
fn message_of(room: RoomId, envelope: StoredEnvelope) -> Option<RoomMessage> {
    Some(RoomMessage {
        room,
        sequence: envelope.sequence,
        id: envelope.id,
        sender: DeviceAddress {
            account: envelope.account,
            device: envelope.device,
        },
        time: Timestamp(envelope.received_at),
        class: envelope.class,
        epoch: envelope.epoch?,
        head: envelope.head?,
        target: envelope.target,
        thread: envelope.thread,
        expires: envelope.expires_at.map(Timestamp),
        body: envelope.body,
    })
}
