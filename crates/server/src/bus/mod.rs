//! Carries wake-ups to where a device is connected.
//!
//! A message on the bus says only that a device may have mail, or that there is news of a chain or a new device.
//! A lost one costs time, never a message, because a connection reads the database and not the bus. With several nodes an engine that exists already becomes
//! one more variant here.

mod local;

use std::sync::Arc;

use conclave_protocol::{AccountId, LinkId};

use crate::realtime::{Committed, Hub};

/// The way to connected devices.
pub(crate) enum Bus {
    /// All of them are in this process.
    Local(local::Local),
}

impl Bus {
    /// A bus inside this process.
    pub(crate) fn local(hub: Arc<Hub>) -> Self {
        Self::Local(local::Local::new(hub))
    }

    /// Wakes the devices of a commit; without a commit there is nothing to wake with.
    pub(crate) fn wake(&self, committed: Committed) {
        match self {
            Self::Local(local) => local.wake(committed.into_devices()),
        }
    }

    /// An account's chain has grown on disk: wakes the connected devices of these accounts.
    pub(crate) fn chain_moved(&self, account: AccountId, watchers: &[AccountId]) {
        match self {
            Self::Local(local) => local.chain_moved(account, watchers),
        }
    }

    /// A new device waits: wakes the connected devices of its account.
    pub(crate) fn link_waiting(&self, account: AccountId, link: LinkId) {
        match self {
            Self::Local(local) => local.link_waiting(account, link),
        }
    }
}
