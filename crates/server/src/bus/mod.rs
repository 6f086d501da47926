//! Carries wake-ups to where a device is connected.
//!
//! A message on the bus says only that a device may have mail. A lost one costs time, never a message, because
//! a connection reads the mailbox and not the bus. With several nodes an engine that exists already becomes
//! one more variant here.

mod local;

use std::sync::Arc;

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
}
