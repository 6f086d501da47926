//! The sealed user store: what a person set for themselves, on all of their devices alike.
//!
//! | file | owns |
//! |---|---|
//! | `entry` | one thing that was set, its name, and which of two stands |
//! | `chats` | favourites, mute, archive, marks, levels and drafts of chats |
//! | `people` | whose request was accepted, who is blocked, what somebody is called here |
//! | `clearing` | chats whose messages were deleted up to a sequence |
//! | `waking` | which rooms do not wake this device while it is closed |
//! | `folders` | folders, and settings by name |
//! | `views` | what a front end gets and gives |
//!
//! The last writer of each name wins, by time and then by device, so every device comes to the same whatever the
//! order in which it hears. What was set is told to the own devices in a sealed control payload, and recorded in the
//! vault for a device that comes later. The server sees neither what nor whether it concerns a chat.
//!
//! One more thing to set is one more name in `entry`; devices of an older version keep and hand on what they do not
//! know.

mod chats;
mod clearing;
mod entry;
mod folders;
mod people;
#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod tests;
pub mod views;
mod waking;

pub use self::chats::MUTED_FOREVER;
pub use self::folders::folder_id;

use conclave_protocol::{Bytes, Timestamp};

pub(crate) use self::entry::Entry;
use self::entry::{CHATS, PEOPLE, of_chat_name};
use crate::changes::Table;
use crate::connection::Link;
use crate::content::Control;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::Event;
use crate::work::Work;

/// What was set waits so long for company.
const GATHER_MS: u64 = 400;
/// A text that is being written is recorded in the vault after this: most are sent before.
const DRAFT_RECORDED_MS: u64 = 60_000;
/// Everything else after this.
const RECORDED_MS: u64 = 3_000;
/// Bytes of entries told at once: they fit one pairwise message.
const BATCH_BYTES: usize = 2_000;
/// Names that are kept. Nobody has so many chats with something set.
const NAMES_MAX: u32 = 10_000;

impl Work<'_> {
    fn entry(&self, name: &[u8]) -> Result<Option<Entry>, ReadError> {
        self.find(Table::UserStore, name)
    }

    /// The value of a name, where it is set and of the form that is asked for.
    fn setting<T: for<'b> minicbor::Decode<'b, ()>>(&self, name: &[u8]) -> Result<Option<T>, ReadError> {
        let value = self.entry(name)?.and_then(|entry| entry.value);
        Ok(value.and_then(|value| minicbor::decode(&value.0).ok()))
    }

    fn put_entry(&mut self, entry: &Entry) {
        self.put(Table::UserStore, &entry.name.0, entry);
        if entry.name.0.starts_with(PEOPLE) {
            self.show(Event::People);
            self.show(Event::Chats);
        } else if entry.name.0.starts_with(CHATS) {
            self.show(Event::Chats);
        } else {
            self.show(Event::Settings);
        }
    }

    /// True where one more name would be too many.
    fn user_store_is_full(&self) -> Result<bool, ReadError> {
        let names = self.list_bytes(Table::UserStore, &[], NAMES_MAX)?.len();
        Ok(u32::try_from(names).unwrap_or(u32::MAX) >= NAMES_MAX)
    }
}

impl Engine {
    /// Sets something here: it is shown at once, and told and recorded in a moment. False where nothing more fits.
    fn set(&mut self, work: &mut Work<'_>, name: Vec<u8>, value: Option<Vec<u8>>) -> Result<bool, ReadError> {
        let known = work.entry(&name)?;
        let value = value.map(Bytes);
        if known.as_ref().and_then(|known| known.value.as_ref()) == value.as_ref() {
            return Ok(true);
        }
        if known.is_none() && work.user_store_is_full()? {
            return Ok(false);
        }
        // Also behind what was set by a clock that was ahead.
        let after = known.map_or(Timestamp(0), |known| known.at.plus(1));
        let entry = Entry {
            name: Bytes(name),
            value,
            at: work.now.max(after),
            device: work.own()?.device,
        };
        work.put_entry(&entry);
        self.follow_entry(work, &entry)?;
        // A longer text stays here until it is shorter or sent.
        if entry.is_bounded() {
            work.put(Table::UserStoreQueue, &entry.name.0, &());
            let due = self.jittered(work, GATHER_MS);
            self.user_store_due.get_or_insert(due);
            self.record_entry(work, &entry)?;
        }
        Ok(true)
    }

    /// Takes what another device of the account set, or what the vault says. Returns those that stand now.
    pub(crate) fn take_set(
        &mut self,
        work: &mut Work<'_>,
        entries: Vec<Entry>,
    ) -> Result<Vec<Entry>, ReadError> {
        let mut taken = Vec::new();
        for entry in entries {
            if !entry.is_bounded() {
                continue;
            }
            match work.entry(&entry.name.0)? {
                Some(known) if !entry.is_later_than(&known) => continue,
                None if work.user_store_is_full()? => continue,
                Some(_) | None => {}
            }
            work.put_entry(&entry);
            self.follow_entry(work, &entry)?;
            // What was about to be told of it is told no more.
            work.delete(Table::UserStoreQueue, &entry.name.0);
            taken.push(entry);
        }
        Ok(taken)
    }

    /// Another own device told what was set there.
    pub(crate) fn hear_set(&mut self, work: &mut Work<'_>, entries: Vec<Entry>) -> Result<(), ReadError> {
        for entry in self.take_set(work, entries)? {
            self.record_entry(work, &entry)?;
        }
        Ok(())
    }

    /// Does what follows from something that was set, here or on another own device.
    fn follow_entry(&mut self, work: &mut Work<'_>, entry: &Entry) -> Result<(), ReadError> {
        if entry.name.0.starts_with(PEOPLE) {
            self.stands_otherwise(work);
            return Ok(());
        }
        self.follow_put_away(&entry.name.0);
        self.follow_clearing(work, entry)
    }

    fn record_entry(&mut self, work: &mut Work<'_>, entry: &Entry) -> Result<(), ReadError> {
        let is_draft = of_chat_name(&entry.name.0).is_some_and(|(_, field)| field == entry::Field::Draft);
        let pause = if is_draft { DRAFT_RECORDED_MS } else { RECORDED_MS };
        self.record_setting(work, entry, pause)
    }

    /// Tells the own devices what was set here, on a live connection that has nothing more to read.
    pub(crate) fn send_user_store(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        match self.user_store_due {
            Some(due) if due > work.now => return Ok(()),
            None if self.user_store_looked_for => return Ok(()),
            _ => {}
        }
        if !matches!(self.link, Link::Online) || !self.mailbox.is_empty() {
            return Ok(());
        }
        self.user_store_due = None;
        self.user_store_looked_for = true;
        let tells = self.has_other_devices(work)?;
        let mut batch = Vec::new();
        let mut bytes: usize = 0;
        for (name, _) in work.list_bytes(Table::UserStoreQueue, &[], u32::MAX)? {
            work.delete(Table::UserStoreQueue, &name);
            let Some(entry) = work.entry(&name)?.filter(|_| tells) else {
                continue;
            };
            if bytes.saturating_add(entry.size()) > BATCH_BYTES {
                self.tell_set(work, std::mem::take(&mut batch))?;
                bytes = 0;
            }
            bytes = bytes.saturating_add(entry.size());
            batch.push(entry);
        }
        self.tell_set(work, batch)
    }

    fn tell_set(&mut self, work: &mut Work<'_>, entries: Vec<Entry>) -> Result<(), ReadError> {
        if entries.is_empty() {
            return Ok(());
        }
        let own = work.own()?.account;
        self.enqueue_control(work, own, None, &Control::UserStore(entries))
    }
}
