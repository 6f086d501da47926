//! The bus of a single process: the hub itself.

use std::sync::Arc;

use conclave_protocol::DeviceAddress;

use crate::realtime::Hub;

/// Wakes connections of this process.
pub(crate) struct Local(Arc<Hub>);

impl Local {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self(hub)
    }

    pub(super) fn wake(&self, devices: Vec<DeviceAddress>) {
        for device in devices {
            self.0.wake(device);
        }
    }
}
