//! Approving a new device of the own account: the old device's side of the meeting.

use conclave_protocol::LinkId;

use crate::failure::Failure;
use crate::input::LinkTarget;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::ApprovalView;
use crate::work::Work;

impl Engine {
    /// New devices that wait for approval here, and how far each is.
    pub fn list_approvals(&self) -> Vec<ApprovalView> {
        Vec::new()
    }

    pub(crate) fn answer_link(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        _link: LinkTarget,
    ) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }

    pub(crate) fn confirm_link(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        _link: LinkId,
        _digits: Option<&str>,
    ) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }

    pub(crate) fn decline_link(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        _link: LinkId,
    ) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }

    pub(crate) fn link_waiting(&mut self, _work: &mut Work<'_>, _link: LinkId) -> Result<(), ReadError> {
        Ok(())
    }
}
