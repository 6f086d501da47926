//! What front ends look at: rows of the store with all that belongs to them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use conclave_protocol::{AccountId, EnvelopeId, RoomId, Timestamp};

use crate::actions::{closing_time, is_closed};
use crate::annotations::Story;
use crate::content::{Act, Poll, Text};
use crate::machine::Engine;
use crate::randomness::NoRandomness;
use crate::reads::{ReadError, Reads};
use crate::rows::{Delivery, MessageBody, MessageRow, RoomRow};
use crate::views::{
    ActionView, BodyView, ChatView, DeliveryView, EditView, ForwardedView, MessageView, PersonView,
    PollOptionView, QuoteState, QuoteView, ReactionView, ThreadView,
};
use crate::work::Work;

/// Characters of a quoted message that are shown.
const EXCERPT: usize = 160;
/// People named for a reaction.
const PEOPLE_MAX: usize = 20;
/// Different emoji shown under a message.
const REACTIONS_MAX: usize = 50;

impl Engine {
    /// Messages with what belongs to each.
    pub fn show_messages(
        &self,
        store: &dyn Reads,
        rows: &[MessageRow],
        now: Timestamp,
    ) -> Result<Vec<MessageView>, ReadError> {
        let mut none = NoRandomness;
        let work = Work::new(store, &mut none, now);
        let show = Show::new(&work)?;
        rows.iter().map(|row| show.message(row)).collect()
    }

    /// Rows of the list of chats: each room with its newest message and how many are unread.
    pub fn show_chats(
        &self,
        store: &dyn Reads,
        chats: &[(RoomRow, Option<MessageRow>, u32)],
        now: Timestamp,
    ) -> Result<Vec<ChatView>, ReadError> {
        let mut none = NoRandomness;
        let work = Work::new(store, &mut none, now);
        let show = Show::new(&work)?;
        let rows: BTreeMap<String, &(RoomRow, Option<MessageRow>, u32)> =
            chats.iter().map(|chat| (chat.0.room.to_string(), chat)).collect();
        let mut views = Vec::with_capacity(chats.len());
        for mut view in self.list_chats(store, chats)? {
            let Some((room, last, _)) = rows.get(&view.room) else {
                continue;
            };
            view.last = last.as_ref().map(|last| show.message(last)).transpose()?;
            if let Some(peer) = room.peer() {
                view.disappearing = work.disappears(room.room)?.unwrap_or_default();
                if !work.show_acquaintance(peer, room.room, &mut view)? {
                    continue;
                }
            }
            views.push(view);
        }
        self.show_settings(store, &mut views, now)?;
        Ok(views)
    }

    /// What a text said, from the first version to the one that is shown; none where it is not here.
    pub fn show_edits(
        &self,
        store: &dyn Reads,
        message: EnvelopeId,
    ) -> Result<Option<Vec<EditView>>, ReadError> {
        let mut none = NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        let Some(row) = work.find_message(message)? else {
            return Ok(None);
        };
        let story = work.story(&row)?;
        let MessageBody::Text(first) = &row.body else {
            return Ok(None);
        };
        if story.deleted(row.author).is_some() {
            return Ok(None);
        }
        let first = EditView {
            text: first.text.clone(),
            written_at: row.sent_at.0,
        };
        let later = story.edits().map(|(said, text)| EditView {
            text: text.text.clone(),
            written_at: said.id.time().0,
        });
        Ok(Some(std::iter::once(first).chain(later).collect()))
    }
}

/// One look at the store.
pub(crate) struct Show<'w, 's> {
    work: &'w Work<'s>,
    own: Option<AccountId>,
    /// Handles that were looked up already.
    names: RefCell<BTreeMap<AccountId, String>>,
    /// Whether somebody is blocked, where that was looked up already.
    blocked: RefCell<BTreeMap<AccountId, bool>>,
}

impl<'w, 's> Show<'w, 's> {
    pub(crate) fn new(work: &'w Work<'s>) -> Result<Self, ReadError> {
        Ok(Self {
            work,
            own: work.find_own()?.map(|own| own.account),
            names: RefCell::default(),
            blocked: RefCell::default(),
        })
    }

    /// A message in a group or community of somebody whom the person blocked.
    fn is_blocked(&self, row: &MessageRow) -> Result<bool, ReadError> {
        if row.mine || matches!(row.body, MessageBody::Notice(_)) {
            return Ok(false);
        }
        self.is_blocked_in(row.room, row.author)
    }

    /// Whether the person blocked somebody who speaks in a room.
    fn is_blocked_in(&self, room: RoomId, author: AccountId) -> Result<bool, ReadError> {
        let known = self.blocked.borrow().get(&author).copied();
        let blocked = match known {
            Some(blocked) => blocked,
            None => self.work.blocks(author)?,
        };
        self.blocked.borrow_mut().insert(author, blocked);
        // In a chat with them everything is of theirs, and the chat says so.
        Ok(blocked && self.own.is_none_or(|own| RoomId::direct(own, author) != room))
    }

    /// A handle; empty where it is not known here.
    fn name(&self, account: AccountId) -> Result<String, ReadError> {
        if let Some(name) = self.names.borrow().get(&account) {
            return Ok(name.clone());
        }
        let name = self.work.username_of(account)?.unwrap_or_default();
        self.names.borrow_mut().insert(account, name.clone());
        Ok(name)
    }

    fn person(&self, account: AccountId) -> Result<PersonView, ReadError> {
        Ok(PersonView {
            account: account.to_string(),
            username: self.name(account)?,
        })
    }

    pub(crate) fn message(&self, row: &MessageRow) -> Result<MessageView, ReadError> {
        let mut view = MessageView::of(row);
        view.blocked = self.is_blocked(row)?;
        if !row.body.is_shown() {
            // It stands for what is missing before it, and for nothing else.
            view.body = BodyView::Unopened;
            view.delivery = DeliveryView::Received;
            view.missing_before = row.missing_before.saturating_sub(1);
            return Ok(view);
        }
        if !row.body.is_content() {
            return Ok(view);
        }
        let story = self.work.story(row)?;
        if let Some(by_author) = story.deleted(row.author) {
            view.body = BodyView::Deleted { by_author };
            return Ok(view);
        }
        match &row.body {
            MessageBody::Text(first) => self.text(&mut view, row, first, &story),
            MessageBody::Poll(poll) => view.body = self.poll(row, poll, &story),
            _ => {}
        }
        view.reactions = self.reactions(row.room, &story)?;
        view.pinned = story.pin().is_some_and(|(on, _)| on);
        view.expires_at = row.body.expires_at().map(|at| at.0);
        let with = row.body.with();
        if let Some(quoted) = with.and_then(|with| with.reply) {
            view.reply = Some(self.quote(row, quoted)?);
        }
        view.thread = self.thread(row)?;
        let forwarded = with.and_then(|with| with.forwarded.clone());
        view.forwarded = forwarded.map(|username| ForwardedView { username });
        view.can = self.actions(row)?;
        Ok(view)
    }

    fn text(&self, view: &mut MessageView, row: &MessageRow, first: &Text, story: &Story) {
        let edit = story.edits().next_back();
        let text = edit.map_or(first, |(_, text)| text);
        view.body = BodyView::Text {
            text: text.text.clone(),
        };
        view.edited_at = edit.map(|(said, _)| said.id.time().0);
        view.mentions_me = !row.mine && !view.blocked && self.own.is_some_and(|own| text.with.mentions(own));
    }

    fn poll(&self, row: &MessageRow, poll: &Poll, story: &Story) -> BodyView {
        let votes = story.votes(closing_time(row, story));
        let chose = |account: &AccountId, place: usize| {
            let choices = votes.get(account).copied().unwrap_or_default();
            choices
                .iter()
                .any(|choice| usize::try_from(*choice).is_ok_and(|choice| choice == place))
        };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let options = poll
            .options
            .iter()
            .enumerate()
            .map(|(place, text)| PollOptionView {
                text: text.clone(),
                votes: count(votes.keys().filter(|account| chose(account, place)).count()),
                mine: self.own.is_some_and(|own| chose(&own, place)),
            });
        BodyView::Poll {
            question: poll.question.clone(),
            options: options.collect(),
            multiple: poll.multiple,
            closed: is_closed(row, story, self.work.now),
            closes_at: poll.closes_at.map(|at| at.0),
            voters: count(votes.values().filter(|choices| !choices.is_empty()).count()),
        }
    }

    fn reactions(&self, room: RoomId, story: &Story) -> Result<Vec<ReactionView>, ReadError> {
        // By id, so in the order in which they were given.
        let mut given: Vec<(EnvelopeId, &str, AccountId)> = Vec::new();
        for said in &story.0 {
            if let Act::React(emoji, _) = &said.annotation.act
                && story.reaction(said.author, emoji) == Some((true, said.order()))
                && !self.is_blocked_in(room, said.author)?
            {
                given.push((said.id, emoji, said.author));
            }
        }
        given.sort_unstable();
        let mut views: Vec<ReactionView> = Vec::new();
        for (_, emoji, account) in given {
            let at = match views.iter().position(|view| view.emoji == emoji) {
                Some(at) => at,
                None if views.len() >= REACTIONS_MAX => continue,
                None => {
                    views.push(ReactionView {
                        emoji: emoji.to_owned(),
                        count: 0,
                        mine: false,
                        people: Vec::new(),
                    });
                    views.len().saturating_sub(1)
                }
            };
            let Some(view) = views.get_mut(at) else { continue };
            view.count = view.count.saturating_add(1);
            view.mine |= self.own == Some(account);
            if view.people.len() < PEOPLE_MAX {
                view.people.push(self.person(account)?);
            }
        }
        Ok(views)
    }

    /// A quoted message as it is here now: nothing of what is shown comes from the one that quotes it.
    fn quote(&self, row: &MessageRow, quoted: EnvelopeId) -> Result<QuoteView, ReadError> {
        let original = self.work.find_message(quoted)?;
        let here = original
            .filter(|original| original.room == row.room && original.body.is_shown())
            .filter(|original| {
                original.body.is_content() || matches!(original.body, MessageBody::Deleted(_))
            });
        let Some(original) = here else {
            return Ok(QuoteView {
                message: quoted.to_string(),
                author: String::new(),
                username: String::new(),
                excerpt: String::new(),
                state: QuoteState::Missing,
            });
        };
        let story = self.work.story(&original)?;
        let deleted = !original.body.is_content() || story.deleted(original.author).is_some();
        let blocked = self.is_blocked(&original)?;
        let said = match &original.body {
            _ if deleted || blocked => "",
            MessageBody::Text(first) => story
                .edits()
                .next_back()
                .map_or(&first.text, |(_, text)| &text.text),
            MessageBody::Poll(poll) => &poll.question,
            _ => "",
        };
        Ok(QuoteView {
            message: quoted.to_string(),
            author: original.author.to_string(),
            username: self.name(original.author)?,
            excerpt: said.chars().take(EXCERPT).collect(),
            state: if deleted {
                QuoteState::Deleted
            } else if blocked {
                QuoteState::Blocked
            } else {
                QuoteState::Here
            },
        })
    }

    fn thread(&self, row: &MessageRow) -> Result<Option<ThreadView>, ReadError> {
        let root = row.body.with().and_then(|with| with.thread);
        let (replies, last) = self.work.thread(row.room, root.unwrap_or(row.id))?;
        if root.is_none() && replies == 0 {
            return Ok(None);
        }
        Ok(Some(ThreadView {
            root: root.unwrap_or(row.id).to_string(),
            replies,
            last_at: last.0,
        }))
    }

    fn actions(&self, row: &MessageRow) -> Result<ActionView, ReadError> {
        let Some(own) = self.own.filter(|_| !matches!(row.delivery, Delivery::Failed(_))) else {
            return Ok(ActionView::default());
        };
        let may = |act: &Act| self.work.is_allowed(row, own, act);
        Ok(ActionView {
            edit: may(&Act::Edit(Text::default()))?,
            delete_for_everyone: may(&Act::Delete)?,
            react: may(&Act::React(String::new(), true))?,
            pin: may(&Act::Pin(true))?,
            reply: true,
            forward: matches!(row.body, MessageBody::Text(_)),
        })
    }
}
