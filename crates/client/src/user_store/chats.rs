//! What is set of a chat: favourite, muted, archived, marked as unread, how loud it is, and what was begun to write.

use std::collections::BTreeMap;

use conclave_protocol::{RoomId, Timestamp};

use super::Entry;
use super::entry::{CHATS, Field, chat_name, of_chat_name};
use super::views::{ChatChange, NotificationLevel};
use crate::changes::Table;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::{ReadError, Reads};
use crate::views::{ChatView, Outcome};
use crate::work::Work;

/// Longest text that is kept as a draft. One that is too long for a message may yet be cut.
const DRAFT_MAX: usize = 64 * 1024;
/// Until the end of what JavaScript knows as time: for good.
pub const MUTED_FOREVER: u64 = 8_640_000_000_000_000;

/// What stands of one chat.
#[derive(Default)]
pub(super) struct ChatSettings {
    favourite: bool,
    muted_until: u64,
    archived_at: Option<u64>,
    marked_unread: bool,
    level: u8,
    draft: Option<String>,
}

impl ChatSettings {
    /// A value of another form than this version knows counts as not set.
    fn take(&mut self, field: Field, value: &[u8]) {
        match field {
            Field::Favourite => self.favourite = minicbor::decode(value).unwrap_or_default(),
            Field::MutedUntil => self.muted_until = minicbor::decode(value).unwrap_or_default(),
            Field::ArchivedAt => self.archived_at = minicbor::decode(value).ok(),
            Field::MarkedUnread => self.marked_unread = minicbor::decode(value).unwrap_or_default(),
            Field::Level => self.level = minicbor::decode(value).unwrap_or_default(),
            Field::Draft => self.draft = minicbor::decode(value).ok(),
            // It is done, not shown.
            Field::ClearedUpTo => {}
        }
    }

    /// Says nothing until then; zero where it is not muted.
    pub(super) fn muted_until(&self) -> u64 {
        self.muted_until
    }

    /// What is told of it.
    pub(super) fn level(&self) -> NotificationLevel {
        level(self.level)
    }

    pub(super) fn show(self, view: &mut ChatView, now: Timestamp) {
        let muted = self.muted_until > now.0;
        view.favourite = self.favourite;
        view.muted_until = muted.then_some(self.muted_until);
        // What happens in it brings it back, unless nobody wants to hear of it.
        view.archived = self.archived_at.is_some_and(|at| muted || view.active_at <= at);
        view.marked_unread = self.marked_unread;
        view.level = level(self.level);
        view.draft = self.draft;
    }
}

fn level(stored: u8) -> NotificationLevel {
    match stored {
        1 => NotificationLevel::Mentions,
        2 => NotificationLevel::Nothing,
        _ => NotificationLevel::Everything,
    }
}

/// The value of something that is set; none where it is as by itself.
fn value<T: minicbor::Encode<()>>(value: T, set: bool) -> Option<Vec<u8>> {
    set.then(|| minicbor::to_vec(value).ok()).flatten()
}

impl Engine {
    pub(crate) fn set_chat(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        room: RoomId,
        change: &ChatChange,
    ) -> Result<(), ReadError> {
        let Some(row) = work.find_room(room)? else {
            self.fail(work, ask, Failure::unknown_room());
            return Ok(());
        };
        let mut fields = Vec::new();
        if let Some(on) = change.favourite {
            fields.push((Field::Favourite, value(true, on)));
        }
        if let Some(until) = change.muted_until {
            fields.push((Field::MutedUntil, value(until, until > 0)));
        }
        if let Some(on) = change.archived {
            let at = work.now.max(row.active_at);
            fields.push((Field::ArchivedAt, value(at.0, on)));
        }
        if let Some(on) = change.marked_unread {
            fields.push((Field::MarkedUnread, value(true, on)));
        }
        if let Some(level) = change.level {
            let number = level as u8;
            fields.push((Field::Level, value(number, number > 0)));
        }
        for (field, value) in fields {
            if !self.set(work, chat_name(room, field), value)? {
                self.fail(work, ask, Failure::settings_full());
                return Ok(());
            }
        }
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    pub(crate) fn save_draft(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        room: RoomId,
        text: Option<String>,
    ) -> Result<(), ReadError> {
        if work.find_room(room)?.is_none() {
            self.fail(work, ask, Failure::unknown_room());
            return Ok(());
        }
        let text = text.filter(|text| !text.trim().is_empty());
        if text.as_ref().is_some_and(|text| text.len() > DRAFT_MAX) {
            self.fail(work, ask, Failure::text_long());
            return Ok(());
        }
        let value = text.and_then(|text| value(text, true));
        if self.set(work, chat_name(room, Field::Draft), value)? {
            self.answer(work, ask, Outcome::Done);
        } else {
            self.fail(work, ask, Failure::settings_full());
        }
        Ok(())
    }

    /// The person looks into a chat: it is not marked as unread any more.
    pub(crate) fn unmark(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        let name = chat_name(room, Field::MarkedUnread);
        if work.setting::<bool>(&name)?.is_some() {
            self.set(work, name, None)?;
        }
        Ok(())
    }

    /// Adds what is set to the rows of the list of chats.
    pub(crate) fn show_settings(
        &self,
        store: &dyn Reads,
        views: &mut [ChatView],
        now: Timestamp,
    ) -> Result<(), ReadError> {
        let mut none = crate::randomness::NoRandomness;
        let mut all = Work::new(store, &mut none, now).chat_settings()?;
        for view in views {
            let settings = view.room.parse().ok().and_then(|room| all.remove(&room));
            if let Some(settings) = settings {
                settings.show(view, now);
            }
        }
        Ok(())
    }
}

impl Work<'_> {
    pub(super) fn chat_settings(&self) -> Result<BTreeMap<RoomId, ChatSettings>, ReadError> {
        let mut all: BTreeMap<RoomId, ChatSettings> = BTreeMap::new();
        for (name, bytes) in self.list_bytes(Table::UserStore, CHATS, u32::MAX)? {
            let value = minicbor::decode::<Entry>(&bytes)
                .ok()
                .and_then(|entry| entry.value);
            if let (Some((room, field)), Some(value)) = (of_chat_name(&name), value) {
                all.entry(room).or_default().take(field, &value.0);
            }
        }
        Ok(all)
    }
}
