//! The bus of a single process: the hub itself.

use std::sync::Arc;

use conclave_protocol::{AccountId, DeviceAddress, LinkId};

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

    pub(super) fn chain_moved(&self, account: AccountId, watchers: &[AccountId]) {
        for watcher in watchers {
            self.0.chain_moved(*watcher, account);
        }
    }

    pub(super) fn link_waiting(&self, account: AccountId, link: LinkId) {
        self.0.link_waiting(account, link);
    }
}
