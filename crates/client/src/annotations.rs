//! Annotations and the messages that they belong to, brought together whichever came first.
//!
//! Each annotation is a row of its own that no timeline shows. It is judged when its target is here, never before,
//! and the outcome depends on what came, not on its order: of reactions of one account with one emoji, and of pins,
//! the latest stays, edits and votes stay all, and a deletion ends everything. One that is refused, or that a later
//! one replaced, keeps its row and loses what it said.
//!
//! Invariant: who may do what is asked in [`Work::is_allowed`] alone, by the annotation's verified author.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use conclave_protocol::{AccountId, EnvelopeId, RoomId};
use conclave_sigchain::room::Permissions;

use crate::content::{Act, Annotation, Text};
use crate::reads::ReadError;
use crate::rows::{MessageBody, MessageRow};
use crate::work::Work;

/// Annotations of one account in one room that wait for targets which are not here; beyond it the oldest go. A
/// history is read from its end, so many may wait there for a while.
const ASTRAY_MAX: u32 = 5_000;

/// In what order changes of the same thing hold: the last one stays.
pub(crate) type Order = (u32, EnvelopeId);

/// An annotation that is allowed, with who made it and which it is.
pub(crate) struct Said {
    pub(crate) id: EnvelopeId,
    pub(crate) author: AccountId,
    /// It is on the server; an own one may be on its way.
    pub(crate) stored: bool,
    pub(crate) annotation: Annotation,
}

impl Said {
    pub(crate) fn order(&self) -> Order {
        (self.annotation.revision, self.id)
    }
}

/// What was said about a message, in order.
#[derive(Default)]
pub(crate) struct Story(pub(crate) Vec<Said>);

impl Story {
    /// Whether it was deleted for everyone, and then whether by its author.
    pub(crate) fn deleted(&self, author: AccountId) -> Option<bool> {
        let mut deletions = self.0.iter().filter(|said| said.annotation.act == Act::Delete);
        let first = deletions.next()?;
        Some(first.author == author || deletions.any(|said| said.author == author))
    }

    /// Its later versions, the one that holds last.
    pub(crate) fn edits(&self) -> impl DoubleEndedIterator<Item = (&Said, &Text)> {
        self.0.iter().filter_map(|said| match &said.annotation.act {
            Act::Edit(text) => Some((said, text)),
            _ => None,
        })
    }

    /// Whether it is pinned, and the order of the word that says so.
    pub(crate) fn pin(&self) -> Option<(bool, Order)> {
        let mut pins = self.0.iter().filter_map(|said| match said.annotation.act {
            Act::Pin(on) => Some((on, said.order())),
            _ => None,
        });
        pins.next_back()
    }

    /// The last word of an account on an emoji: given or taken back.
    pub(crate) fn reaction(&self, account: AccountId, emoji: &str) -> Option<(bool, Order)> {
        let mut reactions = self.0.iter().filter_map(|said| match &said.annotation.act {
            Act::React(given, on) if given == emoji && said.author == account => Some((*on, said.order())),
            _ => None,
        });
        reactions.next_back()
    }

    /// When its author closed a poll: what was voted later does not count.
    pub(crate) fn closed_at(&self) -> Option<u64> {
        let closings = self.0.iter().filter(|said| said.annotation.act == Act::Close);
        closings.map(|said| said.id.time().0).min()
    }

    /// The vote of each account that counts: its last one up to a time.
    pub(crate) fn votes(&self, until: Option<u64>) -> BTreeMap<AccountId, &[u32]> {
        let votes = self.0.iter().filter_map(|said| match &said.annotation.act {
            Act::Vote(choices) if until.is_none_or(|until| said.id.time().0 <= until) => {
                Some((said.author, choices.as_slice()))
            }
            _ => None,
        });
        votes.collect()
    }

    /// The revision of what an account says next about the same thing.
    pub(crate) fn next_revision(&self, same: impl Fn(&Said) -> bool) -> u32 {
        let known = self.0.iter().filter(|said| same(said));
        known
            .map(|said| said.annotation.revision)
            .max()
            .map_or(0, |last| last.saturating_add(1))
    }
}

/// What replaces what: of several with the same key the last one stays.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Slot<'a> {
    Reaction(AccountId, &'a str),
    Pin,
}

fn slot(said: &Said) -> Option<Slot<'_>> {
    match &said.annotation.act {
        Act::React(emoji, _) => Some(Slot::Reaction(said.author, emoji)),
        Act::Pin(_) => Some(Slot::Pin),
        _ => None,
    }
}

impl Work<'_> {
    /// True when an account may delete for everyone what another one wrote in a room: everybody what is their own,
    /// and in a place those who may delete what others wrote.
    pub(crate) fn may_delete(
        &self,
        room: RoomId,
        account: AccountId,
        author: AccountId,
    ) -> Result<bool, ReadError> {
        Ok(
            account == author
                || self.may_in_place(room, account, Permissions::DELETE_MESSAGES)? == Some(true),
        )
    }

    /// True when an account may pin what is said in a room: both in a direct chat, and in a place those who may pin.
    pub(crate) fn may_pin(&self, room: RoomId, account: AccountId) -> Result<bool, ReadError> {
        Ok(self
            .may_in_place(room, account, Permissions::PIN)?
            .unwrap_or(true))
    }

    /// Whether an account has a permission in a room of a place, by its chain as it is known now; none in a direct
    /// room.
    fn may_in_place(
        &self,
        room: RoomId,
        account: AccountId,
        permission: Permissions,
    ) -> Result<Option<bool>, ReadError> {
        let Some(place) = self.place_of(room)? else {
            return Ok(None);
        };
        let chain = self.chain_of_place(place)?;
        Ok(Some(chain.is_some_and(|chain| {
            chain.state().may(account, permission, Some(room))
        })))
    }

    /// True when this author may say this about this message.
    pub(crate) fn is_allowed(
        &self,
        target: &MessageRow,
        author: AccountId,
        act: &Act,
    ) -> Result<bool, ReadError> {
        let own = author == target.author;
        Ok(match (act, &target.body) {
            (Act::Delete, body) if body.is_content() => {
                self.may_delete(target.room, author, target.author)?
            }
            (Act::Edit(_), MessageBody::Text(text)) => own && text.with.forwarded.is_none(),
            (Act::React(..), body) => body.is_content(),
            (Act::Pin(_), body) => body.is_content() && self.may_pin(target.room, author)?,
            (Act::Vote(choices), MessageBody::Poll(poll)) => poll.takes(choices),
            (Act::Close, MessageBody::Poll(_)) => own,
            _ => false,
        })
    }

    /// What is said about a message that is here, as far as it is allowed.
    pub(crate) fn story(&self, target: &MessageRow) -> Result<Story, ReadError> {
        if !target.body.is_content() {
            return Ok(Story::default());
        }
        let mut said = Vec::new();
        for row in self.list_annotations(target.id)? {
            let (id, author, stored) = (row.id, row.author, row.sequence.is_some());
            if let MessageBody::Annotation(annotation) = row.body
                && row.room == target.room
                && self.is_allowed(target, author, &annotation.act)?
            {
                said.push(Said {
                    id,
                    author,
                    stored,
                    annotation,
                });
            }
        }
        said.sort_unstable_by_key(Said::order);
        Ok(Story(said))
    }

    /// A message or an annotation has come, or was accepted: what belongs together is brought together.
    pub(crate) fn settle(&mut self, row: &MessageRow) -> Result<(), ReadError> {
        self.settle_target(row.clone())?;
        let Some(target) = row.body.target() else {
            return Ok(());
        };
        match self.find_message(target)? {
            Some(target) => self.settle_target(target),
            None => self.bound_astray(row.room, row.author),
        }
    }

    fn settle_target(&mut self, mut target: MessageRow) -> Result<(), ReadError> {
        if target.body.is_closed() {
            // It is judged once it is known what it says.
            return Ok(());
        }
        let rows = self.list_annotations(target.id)?;
        if rows.is_empty() {
            return Ok(());
        }
        let story = self.story(&target)?;
        let by_author = story.deleted(target.author);
        let is_deleted = story
            .0
            .iter()
            .any(|said| said.stored && said.annotation.act == Act::Delete);
        let mut kept: Vec<EnvelopeId> = Vec::new();
        if is_deleted && let Some(by_author) = by_author {
            target.body = MessageBody::Deleted(by_author);
            target.counts = false;
            // Nobody gets its key any more from here.
            self.forget_sent(target.id);
            self.put_message(target);
        } else if let MessageBody::Deleted(by_author) = target.body {
            // Two deleted it: that its author did counts.
            let author = target.author;
            let is_authors = |row: &MessageRow| {
                let deletes = row.body.annotation().is_some_and(|said| said.act == Act::Delete);
                deletes && row.author == author && row.room == target.room
            };
            if !by_author && rows.iter().any(is_authors) {
                target.body = MessageBody::Deleted(true);
                self.put_message(target);
            }
        } else {
            let mut last = BTreeMap::new();
            for said in &story.0 {
                match slot(said) {
                    Some(slot) => {
                        last.insert(slot, said.id);
                    }
                    None => kept.push(said.id),
                }
            }
            kept.extend(last.into_values());
        }
        for mut row in rows {
            if !kept.contains(&row.id) {
                row.remove();
                self.put_message(row);
            }
        }
        Ok(())
    }

    /// Of annotations that wait for what is not here only so many are kept.
    fn bound_astray(&mut self, room: RoomId, author: AccountId) -> Result<(), ReadError> {
        let (count, oldest) = self.astray(room, author)?;
        if count >= ASTRAY_MAX
            && let Some(mut row) = oldest.map(|id| self.find_message(id)).transpose()?.flatten()
        {
            row.remove();
            self.put_message(row);
        }
        Ok(())
    }
}
