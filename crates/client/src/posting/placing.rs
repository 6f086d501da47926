//! A message's place in the timeline: as soon as it came, or as soon as its key did.

use conclave_protocol::frames::{Class, RoomMessage};
use conclave_protocol::{AccountId, EnvelopeId, Hash, RoomId};

use super::Spot;
use super::asking::ASK_FOR_MS;
use super::judging::{Author, Judged};
use super::opening::Opened;
use super::records::{PlaceRoom, Speaker, Waiting};
use crate::content::{ChainId, Content};
use crate::machine::Engine;
use crate::mailbox::body_in;
use crate::progress::{Missing, Place, Progress};
use crate::reads::ReadError;
use crate::rows::{Delivery, Loss, MessageBody, MessageRow};
use crate::sent::is_far_ahead;
use crate::views::Event;
use crate::work::Work;

/// Messages of a room that wait for something; beyond that the oldest is given up. With bodies of the largest size
/// they take 16 MiB.
const WAITING_MAX: u32 = 500;

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is stored, or there is nothing to store.
    Done,
    /// Something that was asked for is missing.
    Waits,
}

impl Engine {
    /// Takes a message that came, live or in a page.
    pub(super) fn take_post(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        flow: &mut PlaceRoom,
        message: &RoomMessage,
    ) -> Result<Taken, ReadError> {
        if message.room != spot.room {
            return Ok(Taken::Done);
        }
        let known = work.find_message(message.id)?;
        if let Some(row) = &known
            && (!row.body.is_closed() || is_another(row, message))
        {
            return Ok(Taken::Done);
        }
        let own = work.own()?;
        let past = self.is_past(work, spot, own.account, message)?;
        let mut waiting = Waiting {
            message: message.clone(),
            chain: None,
            past,
            explained: None,
            since: work.now,
        };
        match self.judge(work, spot, message)? {
            Judged::Refused => {}
            Judged::Waits => return Ok(Taken::Waits),
            Judged::Untried => self.wait_for(work, flow, waiting, known.as_ref())?,
            Judged::May(author) if author.address == own.address() && !work.was_restored()? => {
                // Everything that this device sent is here. What it did not send, the server made up.
            }
            Judged::May(author) => {
                let mut speaker = work.speaker(spot.room, author.address)?;
                match self.open_post(work, spot, message, &author, &mut speaker)? {
                    Opened::Yes(content, hash) => {
                        self.show_post(work, spot, (&author, &mut speaker), &waiting, (*content, hash))?;
                        self.forget_waiting(work, flow, spot.room, message.sequence)?;
                        work.put_speaker(spot.room, author.address, &speaker);
                    }
                    Opened::KeyMissing(chain) if author.address == own.address() => {
                        let _ = chain;
                        self.show_closed_post(
                            work,
                            message,
                            known.as_ref(),
                            MessageBody::Lost(Loss::SentHere),
                        )?;
                    }
                    Opened::KeyMissing(chain) => {
                        waiting.chain = Some(chain);
                        if !past && known.is_none() {
                            waiting.explained = explain(work, &mut speaker, message.sequence)?;
                            work.put_speaker(spot.room, author.address, &speaker);
                        }
                        self.wait_for(work, flow, waiting, known.as_ref())?;
                        self.ask_for(work, spot.room, chain, author.address)?;
                    }
                    Opened::NotGenuine => {
                        self.show_closed_post(
                            work,
                            message,
                            known.as_ref(),
                            MessageBody::Lost(Loss::NotGenuine),
                        )?;
                    }
                    Opened::Ended => {}
                }
            }
        }
        if known.is_none() && work.find_message(message.id)?.is_some() {
            work.place_notices(spot.room, message.sequence, message.head)?;
            let is_read = past && self.was_read(work, spot, own.account, message)?;
            self.note_active(work, spot.room, message, is_read)?;
        }
        Ok(Taken::Done)
    }

    /// Goes over messages that wait for a chain's key, or, where none is named, for something else: what can be opened
    /// now is.
    pub(super) fn try_waiting_in(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        chain: Option<ChainId>,
    ) -> Result<(), ReadError> {
        let Some(spot) = self.spot(work, room)? else {
            return Ok(());
        };
        for waiting in work.list_waiting(Some(room))? {
            if waiting.chain != chain {
                continue;
            }
            if waiting.chain.is_none() && work.now.since(waiting.since) > ASK_FOR_MS {
                // Nobody showed what was missing to judge it.
                if let Some(mut flow) = work.place_room(room)? {
                    self.give_up_post(work, &mut flow, &waiting)?;
                    work.put_place_room(room, &flow);
                }
                continue;
            }
            self.try_one(work, &spot, waiting)?;
        }
        Ok(())
    }

    fn try_one(&mut self, work: &mut Work<'_>, spot: &Spot, mut waiting: Waiting) -> Result<(), ReadError> {
        let message = waiting.message.clone();
        let Some(mut flow) = work.place_room(spot.room)? else {
            return Ok(());
        };
        let known = work.find_message(message.id)?;
        if known.as_ref().is_none_or(|row| row.body != MessageBody::Unopened) {
            self.forget_waiting(work, &mut flow, spot.room, message.sequence)?;
            work.put_place_room(spot.room, &flow);
            return Ok(());
        }
        let author = match self.judge(work, spot, &message)? {
            Judged::May(author) => author,
            Judged::Refused => {
                // It stood here only because it could not be judged.
                if let Some(row) = &known {
                    work.delete_message(row);
                }
                self.forget_waiting(work, &mut flow, spot.room, message.sequence)?;
                work.put_place_room(spot.room, &flow);
                return Ok(());
            }
            Judged::Waits | Judged::Untried => return Ok(()),
        };
        let mut speaker = work.speaker(spot.room, author.address)?;
        match self.open_post(work, spot, &message, &author, &mut speaker)? {
            Opened::Yes(content, hash) => {
                self.show_post(work, spot, (&author, &mut speaker), &waiting, (*content, hash))?;
                work.put_speaker(spot.room, author.address, &speaker);
                self.forget_waiting(work, &mut flow, spot.room, message.sequence)?;
            }
            Opened::KeyMissing(chain) => {
                self.ask_for(work, spot.room, chain, author.address)?;
                if waiting.chain != Some(chain) {
                    waiting.chain = Some(chain);
                    work.put_waiting(spot.room, &waiting);
                }
                return Ok(());
            }
            Opened::NotGenuine => {
                self.show_closed_post(
                    work,
                    &message,
                    known.as_ref(),
                    MessageBody::Lost(Loss::NotGenuine),
                )?;
                self.forget_waiting(work, &mut flow, spot.room, message.sequence)?;
            }
            Opened::Ended => {
                if let Some(row) = &known {
                    work.delete_message(row);
                }
                self.forget_waiting(work, &mut flow, spot.room, message.sequence)?;
            }
        }
        work.put_place_room(spot.room, &flow);
        Ok(())
    }

    /// A message was opened: it takes its place in its device's chain of messages and in the room.
    fn show_post(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        (author, speaker): (&Author, &mut Speaker),
        waiting: &Waiting,
        (content, hash): (Content, Hash),
    ) -> Result<(), ReadError> {
        let message = &waiting.message;
        let placeholder = work.find_message(message.id)?;
        let mut missing_before = 0;
        if !waiting.past {
            let link = (content.counter, content.previous, hash);
            let (own, theirs) = (work.own()?.account, author.address.account);
            if speaker.progress.is_none()
                && self.was_there_from_the_beginning(work, spot)?
                && spot.roll().is_first_stay(spot.room, theirs)
            {
                speaker.progress = Some(Progress::START);
            }
            let since = |account| spot.roll().reads_since(spot.room, account);
            let together = since(own).zip(since(theirs)).map(|(own, theirs)| own.max(theirs));
            let stay = together.filter(|since| message.head >= *since);
            let (place, one_more) = place_of(speaker, link, message, waiting, stay);
            match place {
                Place::Next => {}
                Place::AfterGap(missing) => missing_before = missing,
                Place::Late(shown_before) => missing_at(work, shown_before, -1)?,
            }
            if let Some(shown_before) = one_more {
                missing_at(work, shown_before, 1)?;
            }
        } else if let Some(progress) = &mut speaker.progress {
            if let Some(shown_before) = progress.take_past(content.counter, hash) {
                missing_at(work, shown_before, -1)?;
            }
        } else {
            // What comes live goes on from here.
            let next = Progress::begin(content.counter, content.counter, hash, message.id);
            speaker.progress = Some(next.0);
        }
        let mine = author.address.account == work.own()?.account;
        let mut row = MessageRow {
            missing_before,
            body: body_here(body_in(content.body, message.class, message.target)),
            ..row_of_post(work, message, mine)?
        };
        if let Some(placeholder) = placeholder {
            row.ordinal = placeholder.ordinal;
            row.delivery = placeholder.delivery;
        }
        let row = work.take_in(row, waiting.past)?;
        if mine {
            // Another own device sent it; all of them are told how far it got.
            return self.begin_tally(work, spot, &row, message.head);
        }
        if waiting.past || work.blocks(row.author)? {
            return Ok(());
        }
        if row.body.is_shown() {
            self.owe_for_post(work, spot, message.id)?;
            work.show(Event::Arrived {
                room: spot.room.to_string(),
                message: message.id.to_string(),
                request: false,
            });
        } else {
            work.show_annotated(&row)?;
        }
        Ok(())
    }

    /// A placeholder stands for a message that stays closed.
    fn show_closed_post(
        &mut self,
        work: &mut Work<'_>,
        message: &RoomMessage,
        known: Option<&MessageRow>,
        body: MessageBody,
    ) -> Result<(), ReadError> {
        let mine = message.sender.account == work.own()?.account;
        let row = match known {
            Some(row) => row.clone(),
            None => row_of_post(work, message, mine)?,
        };
        work.put_message(MessageRow { body, ..row });
        Ok(())
    }

    fn wait_for(
        &mut self,
        work: &mut Work<'_>,
        flow: &mut PlaceRoom,
        waiting: Waiting,
        known: Option<&MessageRow>,
    ) -> Result<(), ReadError> {
        let (room, message) = (waiting.message.room, &waiting.message);
        if is_far_ahead(message.id, work.now) {
            return self.show_closed_post(work, message, known, MessageBody::Lost(Loss::TooOld));
        }
        if work.waiting(room, message.sequence)?.is_none() {
            flow.waiting = flow.waiting.saturating_add(1);
        }
        work.put_waiting(room, &waiting);
        self.show_closed_post(work, message, known, MessageBody::Unopened)?;
        // An own device sent it; who has it may be told before its key is here.
        if let (Some(spot), Some(row)) = (self.spot(work, room)?, work.find_message(message.id)?)
            && row.mine
        {
            self.begin_tally(work, &spot, &row, message.head)?;
        }
        if flow.waiting > WAITING_MAX
            && let Some(oldest) = work.list_waiting(Some(room))?.into_iter().next()
        {
            self.give_up_post(work, flow, &oldest)?;
        }
        Ok(())
    }

    /// A message will not be opened any more: it says so.
    pub(super) fn give_up_post(
        &mut self,
        work: &mut Work<'_>,
        flow: &mut PlaceRoom,
        waiting: &Waiting,
    ) -> Result<(), ReadError> {
        let message = &waiting.message;
        self.forget_waiting(work, flow, message.room, message.sequence)?;
        if let Some(mut row) = work.find_message(message.id)?
            && row.body == MessageBody::Unopened
        {
            row.body = MessageBody::Lost(Loss::KeyNotGiven);
            work.put_message(row);
        }
        Ok(())
    }

    fn forget_waiting(
        &mut self,
        work: &mut Work<'_>,
        flow: &mut PlaceRoom,
        room: RoomId,
        sequence: u64,
    ) -> Result<(), ReadError> {
        if work.waiting(room, sequence)?.is_some() {
            work.forget_waiting(room, sequence);
            flow.waiting = flow.waiting.saturating_sub(1);
        }
        Ok(())
    }

    /// True where nothing was said in the room that this device was not to see.
    fn was_there_from_the_beginning(&mut self, work: &Work<'_>, spot: &Spot) -> Result<bool, ReadError> {
        let own = work.own()?.account;
        let since = spot.roll().reads_since(spot.room, own);
        Ok(since.is_some() && since == spot.roll().began(spot.room) && work.joins_at(spot.room)?.is_none())
    }

    /// True for a message from before the own account read the room, or this device was one of the account's.
    fn is_past(
        &mut self,
        work: &Work<'_>,
        spot: &Spot,
        own: AccountId,
        message: &RoomMessage,
    ) -> Result<bool, ReadError> {
        let reads_since = spot.roll().reads_since(spot.room, own);
        let joined_at = work.joins_at(spot.room)?;
        Ok(reads_since.is_some_and(|since| message.head < since)
            || joined_at.is_some_and(|joined| message.sequence <= joined))
    }

    /// True for a message of the past that is no news to the person: it was said before this device was there, or
    /// when the account did not read the room. What was said in an earlier stay may be unread still, as it is on the
    /// devices that heard of it then.
    fn was_read(
        &mut self,
        work: &Work<'_>,
        spot: &Spot,
        own: AccountId,
        message: &RoomMessage,
    ) -> Result<bool, ReadError> {
        let joined_at = work.joins_at(spot.room)?;
        Ok(joined_at.is_some_and(|joined| message.sequence <= joined)
            || !spot.roll().was_reader(spot.room, own, message.head))
    }

    fn note_active(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        message: &RoomMessage,
        is_read: bool,
    ) -> Result<(), ReadError> {
        let Some(mut row) = work.find_room(room)? else {
            return Ok(());
        };
        let before = row.clone();
        if work.find_message(message.id)?.is_some_and(|row| row.is_shown()) {
            row.active_at = row.active_at.max(message.time);
        }
        if is_read {
            row.read_up_to = row.read_up_to.max(message.sequence);
        }
        if row != before {
            work.put_room(row);
        }
        Ok(())
    }
}

/// What a content says in a room of a place. How long messages stay there says its policy, not a message.
fn body_here(body: MessageBody) -> MessageBody {
    match body {
        MessageBody::Timer(..) => MessageBody::Unsupported,
        body => body,
    }
}

/// A row for a message of a room, but for what it says.
fn row_of_post(work: &mut Work<'_>, message: &RoomMessage, mine: bool) -> Result<MessageRow, ReadError> {
    Ok(MessageRow {
        id: message.id,
        room: message.room,
        sequence: Some(message.sequence),
        ordinal: work.next_ordinal()?,
        author: message.sender.account,
        device: message.sender.device,
        mine,
        sent_at: message.id.time(),
        counts: message.class == Class::Message && !work.blocks(message.sender.account)?,
        delivery: if mine { Delivery::Sent } else { Delivery::Received },
        missing_before: 0,
        body: MessageBody::Unopened,
    })
}

/// True for the row of another message under the same id.
fn is_another(row: &MessageRow, message: &RoomMessage) -> bool {
    let sender = message.sender;
    (row.room, row.author, row.device) != (message.room, sender.account, sender.device)
}

fn place_of(
    speaker: &mut Speaker,
    (counter, previous, hash): (u32, Hash, Hash),
    message: &RoomMessage,
    waiting: &Waiting,
    stay: Option<u32>,
) -> (Place, Option<EnvelopeId>) {
    if let (Some(progress), Some(stay)) = (&mut speaker.progress, stay) {
        progress.enters(stay, counter, previous);
    }
    let placed = match &mut speaker.progress {
        // What a device said before this one looked is not missing, once it was seen to have spoken before.
        None => {
            let (mut progress, place) = Progress::begin(counter, counter, hash, message.id);
            if let Some(stay) = stay {
                progress.enters(stay, counter, previous);
            }
            speaker.progress = Some(progress);
            (place, None)
        }
        // Pages, live messages and late keys come in any order; the room's order says what was said first.
        Some(progress) => {
            let link = (counter, previous, hash);
            progress.place_opened_later(link, (message.id, message.sequence), waiting.explained)
        }
    };
    if let Some(progress) = &mut speaker.progress {
        progress.note_placed(message.sequence);
    }
    placed
}

/// The row that shows missing messages shows one more or one less.
fn missing_at(work: &mut Work<'_>, shown_before: EnvelopeId, change: i32) -> Result<(), ReadError> {
    if let Some(mut row) = work.find_message(shown_before)? {
        row.missing_before = row.missing_before.saturating_add_signed(change);
        work.put_message(row);
    }
    Ok(())
}

/// A message that stays closed was counted as missing before a later one; now it stands in its own place.
fn explain(work: &mut Work<'_>, speaker: &mut Speaker, sequence: u64) -> Result<Option<Missing>, ReadError> {
    let explained = speaker
        .progress
        .as_mut()
        .and_then(|progress| progress.explain_missing(sequence));
    if let Some(explained) = explained {
        missing_at(work, explained.shown_before, -1)?;
    }
    Ok(explained)
}
