//! What the server says to everybody.
//!
//! The first connection of an account on a device keeps the key that the server names; from then on nothing counts
//! that another key signed, until the person accepts a new one. What is in force the server says on each connection,
//! so it is held in memory alone; the kept key stands in the store, and what the person put away in the sealed user
//! store, for all own devices.
//!
//! Invariant: nothing of a statement is looked at before its signature was checked under the kept key.

#[cfg(test)]
mod tests;
pub(crate) mod views;

use std::collections::{BTreeMap, BTreeSet};

use conclave_crypto::VerifyingKey;
use conclave_protocol::announcements::{Announcement, Signed, Statement};
use conclave_protocol::limits::{ANNOUNCEMENT_LIFE_MS, ANNOUNCEMENTS_MAX};
use conclave_protocol::{AnnouncementId, ServerKey, Timestamp};

use self::views::{AnnouncementView, AnnouncementsView};
use crate::changes::Table;
use crate::machine::Engine;
use crate::reads::{ReadError, Reads};
use crate::views::{Event, Outcome};
use crate::work::Work;

/// The key that was kept.
const KEPT: &[u8] = b"server-key";
/// The setting that names what was put away.
const PUT_AWAY: &str = "announcements-put-away";
/// As many as the server may say at a time, and those that it took back.
const HELD_MAX: usize = ANNOUNCEMENTS_MAX as usize;

/// What the server said on this run of the engine.
#[derive(Default)]
pub(crate) struct AnnouncementsRun {
    /// The key that it names, where that is another than the one kept.
    other_key: Option<ServerKey>,
    /// The list as it came last, for when another key is accepted.
    last: Vec<Signed>,
    said: BTreeMap<AnnouncementId, Announcement>,
    changed: bool,
}

impl Work<'_> {
    fn kept_server_key(&self) -> Result<Option<ServerKey>, ReadError> {
        let found = self.find_bytes(Table::Own, KEPT)?;
        Ok(found.and_then(|bytes| bytes.as_slice().try_into().ok().map(ServerKey)))
    }

    fn keep_server_key(&mut self, key: ServerKey) {
        self.put_bytes(Table::Own, KEPT, key.0.to_vec().into());
    }

    fn put_away(&self) -> Result<BTreeSet<AnnouncementId>, ReadError> {
        let names = self.setting_by_name(PUT_AWAY)?.unwrap_or_default();
        Ok(names.split(' ').filter_map(|name| name.parse().ok()).collect())
    }
}

impl Engine {
    /// The server names its key.
    pub(crate) fn announcements_on_welcome(
        &mut self,
        work: &mut Work<'_>,
        named: Option<ServerKey>,
    ) -> Result<(), ReadError> {
        let run = &mut self.announcements;
        let before = run.other_key.take();
        match (work.kept_server_key()?, named) {
            // A key that nobody can sign with is none.
            (None, Some(key)) if VerifyingKey::from_bytes(&key.0).is_ok() => work.keep_server_key(key),
            (Some(kept), Some(key)) if kept != key => run.other_key = Some(key),
            _ => {}
        }
        run.changed |= before != run.other_key;
        Ok(())
    }

    /// The server says what is in force.
    pub(crate) fn take_announcements(
        &mut self,
        work: &mut Work<'_>,
        mut list: Vec<Signed>,
    ) -> Result<(), ReadError> {
        list.truncate(HELD_MAX);
        self.announcements.last.clone_from(&list);
        let kept = work.kept_server_key()?;
        let Some(key) = kept.and_then(|key| VerifyingKey::from_bytes(&key.0).ok()) else {
            return Ok(());
        };
        for statement in list.iter().filter_map(|signed| open(&key, signed)) {
            let said = &mut self.announcements.said;
            match statement {
                Statement::Announcement(announcement) => {
                    let ends = announcement
                        .ends_at
                        .min(announcement.said_at.plus(ANNOUNCEMENT_LIFE_MS));
                    if ends > work.now && (said.len() < HELD_MAX || said.contains_key(&announcement.id)) {
                        let bounded = Announcement {
                            ends_at: ends,
                            ..announcement
                        };
                        self.announcements.changed |=
                            said.insert(bounded.id, bounded.clone()) != Some(bounded);
                    }
                }
                Statement::Withdrawal { id, .. } => {
                    self.announcements.changed |= said.remove(&id).is_some();
                }
            }
        }
        Ok(())
    }

    /// Lets go what has ended, and shows what changed.
    pub(crate) fn drive_announcements(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let run = &mut self.announcements;
        let before = run.said.len();
        run.said.retain(|_, said| said.ends_at > work.now);
        run.changed |= before != run.said.len();
        if std::mem::take(&mut run.changed) {
            self.show_announcements(work)?;
        }
        Ok(())
    }

    /// When the next one ends.
    pub(crate) fn announcements_due(&self) -> Option<Timestamp> {
        self.announcements.said.values().map(|said| said.ends_at).min()
    }

    /// Something was put away here or on another own device.
    pub(crate) fn follow_put_away(&mut self, name: &[u8]) {
        self.announcements.changed |= name.ends_with(PUT_AWAY.as_bytes());
    }

    /// The person has read one and wants to see it no more.
    pub(crate) fn put_away_announcement(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        id: &str,
    ) -> Result<(), ReadError> {
        let Ok(id) = id.parse::<AnnouncementId>() else {
            return self.nothing_there(work, ask);
        };
        let said = &self.announcements.said;
        let mut names: Vec<String> = work
            .put_away()?
            .into_iter()
            // What has ended need not be remembered.
            .filter(|known| said.contains_key(known) && *known != id)
            .map(|known| known.to_string())
            .collect();
        names.push(id.to_string());
        self.set_by_name(work, PUT_AWAY, Some(&names.join(" ")))?;
        self.announcements.changed = true;
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// The person accepts that the server signs with another key now.
    pub(crate) fn accept_server_key(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        if let Some(key) = self.announcements.other_key.take() {
            work.keep_server_key(key);
            // What the old key signed is not said again under the new one, so it ends here.
            self.announcements.said.clear();
            self.announcements.changed = true;
            let last = std::mem::take(&mut self.announcements.last);
            self.take_announcements(work, last)?;
        }
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// Shows what is said.
    pub(crate) fn show_announcements(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let announcements = self.announcements_view(work)?;
        work.show(Event::Announcements { announcements });
        Ok(())
    }

    /// What the server says to everybody.
    pub fn announcements(&self, store: &dyn Reads) -> Result<AnnouncementsView, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        self.announcements_view(&Work::new(store, &mut none, self.now))
    }

    fn announcements_view(&self, work: &Work<'_>) -> Result<AnnouncementsView, ReadError> {
        let put_away = work.put_away()?;
        let mut shown: Vec<&Announcement> = (self.announcements.said.values())
            .filter(|said| said.ends_at > work.now && !put_away.contains(&said.id))
            .collect();
        shown.sort_by_key(|said| std::cmp::Reverse((said.said_at, said.id)));
        Ok(AnnouncementsView {
            announcements: shown.into_iter().map(AnnouncementView::of).collect(),
            key_changed: self.announcements.other_key.is_some(),
        })
    }
}

/// What was signed by the key; none where it was not.
fn open(key: &VerifyingKey, signed: &Signed) -> Option<Statement> {
    let signature = signed.signature.as_slice().try_into().ok()?;
    key.verify(signed.statement.as_slice(), signature).ok()?;
    Statement::from_bytes(signed.statement.as_slice()).ok()
}
