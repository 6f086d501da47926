//! Keeps enough prekeys on the server, at times that say nothing about when somebody is there.

use conclave_protocol::limits::ONE_TIME_PREKEYS_LOW;
use conclave_protocol::prekeys::PrekeysUpload;

use crate::calls::{Call, Need, NeedState, json};
use crate::effects::Method;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// A refill waits about this long after it became due.
const REFILL_AFTER_MS: u64 = 60_000;

impl Engine {
    /// The server told how many one-time prekeys are left.
    pub(crate) fn prekeys_low(&mut self, work: &mut Work<'_>, left: u32) {
        self.prekeys_left = left;
        let low = usize::try_from(left).is_ok_and(|left| left < ONE_TIME_PREKEYS_LOW);
        if low && self.prekeys_due.is_none() {
            self.prekeys_due = Some(self.jittered(work, REFILL_AFTER_MS));
        }
    }

    pub(crate) fn refill_prekeys(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let due = self.prekeys_due.is_some_and(|due| due <= work.now);
        if due {
            self.prekeys_due = None;
        }
        // An upload that failed is made again: until the server has confirmed it, it holds nothing new.
        let unconfirmed = work.prekey_meta()?.is_none_or(|meta| !meta.uploaded);
        if due || unconfirmed {
            self.need(work, Need::Prekeys)?;
        }
        Ok(())
    }

    /// Publishes an upload that was just made.
    pub(crate) fn publish(&mut self, work: &mut Work<'_>, upload: &PrekeysUpload) {
        self.needs.insert(Need::Prekeys, NeedState::Running);
        let path = "/api/v1/devices/prekeys".to_owned();
        self.call(
            work,
            Call::Need(Need::Prekeys),
            Method::Post,
            path,
            Some(json(upload)),
        );
    }
}
