//! The devices of the own account: its chain as it grows, their names, adding and taking out.

use conclave_protocol::DeviceId;
use conclave_protocol::frames::ChainMoved;

use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

impl Engine {
    pub(crate) fn list_devices(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }

    pub(crate) fn rename_device(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        _device: Option<DeviceId>,
        _name: &str,
    ) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }

    pub(crate) fn revoke_device(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        _device: DeviceId,
    ) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }

    pub(crate) fn chain_moved(&mut self, _work: &mut Work<'_>, _moved: &ChainMoved) -> Result<(), ReadError> {
        Ok(())
    }
}
