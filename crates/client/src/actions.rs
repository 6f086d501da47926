//! What a person does with messages: each is checked, written as a row, shown at once and put in the outbox.
//!
//! Everything here does nothing when it is already so: a front end that does not know whether an earlier try
//! arrived says it again.

use conclave_protocol::limits::TEXT_MAX;
use conclave_protocol::{AccountId, EnvelopeId, RoomId, Timestamp};

use crate::annotations::Story;
use crate::content::{Act, Annotation, MENTIONS_MAX, Poll, Text, With, is_emoji};
use crate::failure::Failure;
use crate::input::TextWith;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::rows::{Delivery, MessageBody, MessageRow};
use crate::views::Outcome;
use crate::work::Work;

/// Different emoji that one account may give to a message.
const REACTIONS_MAX: usize = 20;

/// What an action needs, or why it cannot be.
type Checked<T> = Result<Result<T, Failure>, ReadError>;

/// A text as it is sent, without what stands around it.
pub(crate) fn trimmed(text: &str) -> Result<&str, Failure> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        Err(Failure::text_empty())
    } else if trimmed.len() > TEXT_MAX {
        Err(Failure::text_long())
    } else {
        Ok(trimmed)
    }
}

/// A message that something may be done to, and what was said about it so far.
struct Touched {
    row: MessageRow,
    story: Story,
}

impl Engine {
    pub(crate) fn edit_message(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
        text: &str,
    ) -> Result<(), ReadError> {
        let text = match trimmed(text) {
            Ok(text) => text.to_owned(),
            Err(failure) => return self.end(work, ask, Err(failure)),
        };
        let act = Act::Edit(text.as_str().into());
        let touched = match touch(work, message, &act)? {
            Ok(touched) => touched,
            Err(failure) => return self.end(work, ask, Err(failure)),
        };
        let first = match &touched.row.body {
            MessageBody::Text(text) => Some(text),
            _ => None,
        };
        let now = touched.story.edits().next_back().map(|(_, text)| text).or(first);
        if now.is_none_or(|now| now.text != text) {
            // Whom it mentioned it mentions still: the names stand in the text.
            let with = now.map(|now| &now.with);
            let with = With {
                mentions: with.and_then(|with| with.mentions.clone()),
                everyone: with.and_then(|with| with.everyone),
                ..With::default()
            };
            let act = Act::Edit(Text {
                text,
                with,
                expires_at: None,
            });
            let is_edit = |act: &Act| matches!(act, Act::Edit(_));
            let revision = touched.story.next_revision(|said| is_edit(&said.annotation.act));
            self.annotate(work, &touched.row, revision, act)?;
        }
        self.end(work, ask, Ok(()))
    }

    pub(crate) fn delete_message(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
        for_everyone: bool,
    ) -> Result<(), ReadError> {
        let Some(row) = work.find_message(message)?.filter(|row| row.body.is_shown()) else {
            return self.end(work, ask, Err(Failure::unknown_message()));
        };
        if matches!(row.delivery, Delivery::Failed(_)) {
            // It never left.
            work.delete_message(&row);
            return self.end(work, ask, Ok(()));
        }
        if !for_everyone {
            self.remove_for_own(work, message)?;
            return self.end(work, ask, Ok(()));
        }
        if matches!(row.body, MessageBody::Deleted(_)) {
            return self.end(work, ask, Ok(()));
        }
        let touched = match touch(work, message, &Act::Delete)? {
            Ok(touched) => touched,
            Err(failure) => return self.end(work, ask, Err(failure)),
        };
        if touched.story.deleted(row.author).is_none() {
            self.annotate(work, &touched.row, 0, Act::Delete)?;
        }
        self.end(work, ask, Ok(()))
    }

    pub(crate) fn react(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
        emoji: String,
        on: bool,
    ) -> Result<(), ReadError> {
        if !is_emoji(&emoji) {
            return self.end(work, ask, Err(Failure::emoji_invalid()));
        }
        let act = Act::React(emoji.clone(), on);
        let Touched { row, story } = match touch(work, message, &act)? {
            Ok(touched) => touched,
            Err(failure) => return self.end(work, ask, Err(failure)),
        };
        let own = work.own()?.account;
        let last = story.reaction(own, &emoji);
        if last.is_some_and(|(is_on, _)| is_on) != on {
            let given = story
                .0
                .iter()
                .filter(|said| said.author == own && matches!(said.annotation.act, Act::React(_, true)));
            if on && given.count() >= REACTIONS_MAX {
                return self.end(work, ask, Err(Failure::reactions_many()));
            }
            let revision = last.map_or(0, |(_, (revision, _))| revision.saturating_add(1));
            self.annotate(work, &row, revision, act)?;
        }
        self.end(work, ask, Ok(()))
    }

    pub(crate) fn pin(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
        on: bool,
    ) -> Result<(), ReadError> {
        let Touched { row, story } = match touch(work, message, &Act::Pin(on))? {
            Ok(touched) => touched,
            Err(failure) => return self.end(work, ask, Err(failure)),
        };
        let last = story.pin();
        if last.is_some_and(|(is_on, _)| is_on) != on {
            let revision = last.map_or(0, |(_, (revision, _))| revision.saturating_add(1));
            self.annotate(work, &row, revision, Act::Pin(on))?;
        }
        self.end(work, ask, Ok(()))
    }

    pub(crate) fn vote(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
        mut choices: Vec<u32>,
    ) -> Result<(), ReadError> {
        choices.sort_unstable();
        choices.dedup();
        let act = Act::Vote(choices.clone());
        let Touched { row, story } = match touch(work, message, &act)? {
            Ok(touched) => touched,
            Err(failure) => return self.end(work, ask, Err(failure)),
        };
        if is_closed(&row, &story, work.now) {
            return self.end(work, ask, Err(Failure::poll_closed()));
        }
        let own = work.own()?.account;
        let voted = story.votes(None).get(&own).copied().unwrap_or_default() == choices.as_slice();
        if !voted {
            let is_own_vote = |author: AccountId, act: &Act| author == own && matches!(act, Act::Vote(_));
            let revision = story.next_revision(|said| is_own_vote(said.author, &said.annotation.act));
            self.annotate(work, &row, revision, act)?;
        }
        self.end(work, ask, Ok(()))
    }

    pub(crate) fn close_poll(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
    ) -> Result<(), ReadError> {
        let Touched { row, story } = match touch(work, message, &Act::Close)? {
            Ok(touched) => touched,
            Err(failure) => return self.end(work, ask, Err(failure)),
        };
        if !is_closed(&row, &story, work.now) {
            self.annotate(work, &row, 0, Act::Close)?;
        }
        self.end(work, ask, Ok(()))
    }

    pub(crate) fn create_poll(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        (room, id): (RoomId, Option<EnvelopeId>),
        mut poll: Poll,
    ) -> Result<(), ReadError> {
        poll.question = poll.question.trim().into();
        for option in &mut poll.options {
            *option = option.trim().to_owned();
        }
        let in_time = poll.closes_at.is_none_or(|at| at > work.now);
        if !poll.is_valid() || !in_time {
            return self.end(work, ask, Err(Failure::poll_invalid()));
        }
        if self.is_sent_already(work, ask, id)? {
            return Ok(());
        }
        poll.with.disappears = work.disappears(room)?;
        self.send_body(work, ask, (room, id), MessageBody::Poll(poll))
    }

    pub(crate) fn forward(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
        (room, id): (RoomId, Option<EnvelopeId>),
    ) -> Result<(), ReadError> {
        if self.is_sent_already(work, ask, id)? {
            return Ok(());
        }
        let row = work.find_message(message)?;
        let Some((row, MessageBody::Text(first))) = row.as_ref().map(|row| (row, &row.body)) else {
            self.fail(work, ask, Failure::unknown_message());
            return Ok(());
        };
        let story = work.story(row)?;
        if story.deleted(row.author).is_some() {
            self.fail(work, ask, Failure::unknown_message());
            return Ok(());
        }
        let text = story.edits().next_back().map_or(first, |(_, text)| text);
        let forwarded = match &first.with.forwarded {
            Some(username) => Some(username.clone()),
            None => work.username_of(row.author)?,
        };
        let text = Text {
            text: text.text.clone(),
            with: With {
                forwarded,
                disappears: work.disappears(room)?,
                ..With::default()
            },
            expires_at: None,
        };
        self.send_body(work, ask, (room, id), MessageBody::Text(text))
    }

    /// What goes with a text, as it is sealed.
    pub(crate) fn checked_with(&self, work: &Work<'_>, room: RoomId, with: TextWith) -> Checked<With> {
        let here = |id: Option<EnvelopeId>| -> Checked<Option<MessageRow>> {
            let Some(id) = id else { return Ok(Ok(None)) };
            let row = work.find_message(id)?;
            let row = row.filter(|row| row.room == room && row.body.is_content());
            Ok(row.map(Some).ok_or_else(Failure::unknown_message))
        };
        let (reply, thread) = match (here(with.reply_to)?, here(with.thread)?) {
            (Ok(reply), Ok(thread)) => (reply, thread),
            (Err(failure), _) | (_, Err(failure)) => return Ok(Err(failure)),
        };
        let mut mentions = with.mentions;
        mentions.sort_unstable();
        mentions.dedup();
        if mentions.len() > MENTIONS_MAX {
            return Ok(Err(Failure::mentions_many()));
        }
        let root = |row: MessageRow| row.body.with().and_then(|with| with.thread).unwrap_or(row.id);
        Ok(Ok(With {
            reply: reply.map(|row| row.id),
            thread: thread.map(root),
            mentions: Some(mentions).filter(|mentions| !mentions.is_empty()),
            everyone: Some(true).filter(|_| with.mentions_everyone),
            forwarded: None,
            disappears: work.disappears(room)?,
        }))
    }

    /// Answers when something with this id was sent before.
    pub(crate) fn is_sent_already(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        id: Option<EnvelopeId>,
    ) -> Result<bool, ReadError> {
        let Some(id) = id else { return Ok(false) };
        if work.find_message(id)?.is_none() {
            return Ok(false);
        }
        let message = id.to_string();
        self.answer(work, ask, Outcome::Queued { message });
        Ok(true)
    }

    /// Takes what a person says in a room into the outbox.
    pub(crate) fn send_body(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        (room, id): (RoomId, Option<EnvelopeId>),
        body: MessageBody,
    ) -> Result<(), ReadError> {
        if work.find_room(room)?.is_none() {
            self.fail(work, ask, Failure::unknown_room());
            return Ok(());
        }
        if self.refuses_to_send(work, ask, room)? {
            return Ok(());
        }
        let row = self.put_in_outbox(work, room, id, body)?;
        let message = row.id.to_string();
        self.answer(work, ask, Outcome::Queued { message });
        Ok(())
    }

    /// Says something about a message.
    fn annotate(
        &mut self,
        work: &mut Work<'_>,
        target: &MessageRow,
        revision: u32,
        act: Act,
    ) -> Result<(), ReadError> {
        let annotation = Annotation {
            target: target.id,
            revision,
            act,
        };
        let row = self.put_in_outbox(work, target.room, None, MessageBody::Annotation(annotation))?;
        work.settle(&row)
    }

    fn end(&mut self, work: &mut Work<'_>, ask: u64, outcome: Result<(), Failure>) -> Result<(), ReadError> {
        match outcome {
            Ok(()) => self.answer(work, ask, Outcome::Done),
            Err(failure) => self.fail(work, ask, failure),
        }
        Ok(())
    }
}

/// A message that this may be said about by the own account now.
fn touch(work: &Work<'_>, message: EnvelopeId, act: &Act) -> Checked<Touched> {
    let row = work.find_message(message)?;
    let Some(row) = row.filter(|row| row.body.is_content() && !matches!(row.delivery, Delivery::Failed(_)))
    else {
        return Ok(Err(Failure::unknown_message()));
    };
    let own = work.own()?.account;
    if !work.is_allowed(&row, own, act)? {
        return Ok(Err(Failure::not_yours()));
    }
    if let Some(state) = work.room_state(row.room)?
        && work.blocks(state.peer)?
        && *act != Act::Delete
    {
        return Ok(Err(Failure::person_blocked()));
    }
    let story = work.story(&row)?;
    if story.deleted(row.author).is_some() && *act != Act::Delete {
        return Ok(Err(Failure::unknown_message()));
    }
    Ok(Ok(Touched { row, story }))
}

/// When votes in a poll stop to count.
pub(crate) fn closing_time(row: &MessageRow, story: &Story) -> Option<u64> {
    let MessageBody::Poll(poll) = &row.body else {
        return None;
    };
    let by_itself = poll.closes_at.map(|at| at.0);
    by_itself.into_iter().chain(story.closed_at()).min()
}

/// True once no more votes count.
pub(crate) fn is_closed(row: &MessageRow, story: &Story, now: Timestamp) -> bool {
    story.closed_at().is_some() || closing_time(row, story).is_some_and(|at| at <= now.0)
}
