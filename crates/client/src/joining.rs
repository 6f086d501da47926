//! A new device that waits to become one of an account's: its side of the meeting.

use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

impl Engine {
    pub(crate) fn show_link_code(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }

    pub(crate) fn cancel_joining(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }
}
