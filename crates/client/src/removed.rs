//! Messages that the person deleted for themselves: gone on all devices of the account, present and future.

use conclave_protocol::EnvelopeId;

use crate::changes::Table;
use crate::content::Control;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// Messages told in one control payload.
const TOLD_MAX: usize = 100;
/// Messages that are known to be deleted before they came; beyond it the oldest are forgotten.
const AHEAD_MAX: usize = 5_000;
const AHEAD: &[u8] = b"removed/";

fn ahead_key(id: EnvelopeId) -> Vec<u8> {
    [AHEAD, &id.0].concat()
}

impl Work<'_> {
    /// A message is deleted here; also one that has not come yet.
    pub(crate) fn remove_here(&mut self, id: EnvelopeId) -> Result<(), ReadError> {
        if let Some(mut row) = self.find_message(id)? {
            self.unpark(id);
            row.remove();
            self.put_message(row.clone());
            return self.settle(&row);
        }
        self.put(Table::Own, &ahead_key(id), &true);
        let all = self.list_bytes(Table::Own, AHEAD, u32::MAX)?;
        // By id, so the oldest come first.
        for (key, _) in all.iter().take(all.len().saturating_sub(AHEAD_MAX)) {
            self.delete(Table::Own, key);
        }
        Ok(())
    }

    /// True for a message that was deleted before it came. It is known from now on by its row.
    pub(crate) fn was_removed(&mut self, id: EnvelopeId) -> Result<bool, ReadError> {
        let key = ahead_key(id);
        let was = self.find_bytes(Table::Own, &key)?.is_some();
        if was {
            self.delete(Table::Own, &key);
        }
        Ok(was)
    }
}

impl Engine {
    /// The person deletes a message for themselves.
    pub(crate) fn remove_for_own(&mut self, work: &mut Work<'_>, id: EnvelopeId) -> Result<(), ReadError> {
        work.remove_here(id)?;
        self.record_removed(work, id)?;
        if self.has_other_devices(work)? {
            let own = work.own()?.account;
            self.enqueue_control(work, own, None, &Control::Removed(vec![id]))?;
        }
        Ok(())
    }

    /// Another device of the account says what the person deleted there.
    pub(crate) fn take_removed(&mut self, work: &mut Work<'_>, ids: &[EnvelopeId]) -> Result<(), ReadError> {
        for id in ids.iter().take(TOLD_MAX) {
            work.remove_here(*id)?;
        }
        Ok(())
    }
}
