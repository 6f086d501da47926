//! Carries wake-ups to where a device is connected.
//!
//! A message on the bus says only that a device may have mail, that something was posted, or that there is news of a
//! chain or a new device. A lost one costs time, never a message, because what is told can be read from the database.
//! With several nodes an engine that exists already becomes one more variant here.

mod local;

use std::sync::Arc;

use bytes::Bytes;
use conclave_protocol::{AccountId, LinkId, PlaceId, RoomId};

use crate::realtime::{Committed, Hub, Telling};

/// The way to connected devices.
pub(crate) enum Bus {
    /// All of them are in this process.
    Local(local::Local),
}

impl Bus {
    /// A bus inside this process.
    pub(crate) fn local(hub: Arc<Hub>, telling: Telling) -> Self {
        Self::Local(local::Local::new(hub, telling))
    }

    /// Wakes the devices of a commit; without a commit there is nothing to wake with.
    pub(crate) fn wake(&self, committed: Committed) {
        let (devices, posts) = committed.into_parts();
        match self {
            Self::Local(local) => local.wake(devices, posts),
        }
    }

    /// An account's chain has grown on disk: wakes the connected devices of these accounts.
    pub(crate) fn chain_moved(&self, account: AccountId, watchers: &[AccountId]) {
        match self {
            Self::Local(local) => local.chain_moved(account, watchers),
        }
    }

    /// A place's chain has grown on disk: tells the connected devices of an account, and drops what waits for them in
    /// rooms that it reads no longer.
    pub(crate) fn place_moved(
        &self,
        watcher: AccountId,
        place: PlaceId,
        frame: &Bytes,
        reads: impl Fn(RoomId) -> bool,
    ) {
        match self {
            Self::Local(local) => local.place_moved(watcher, place, frame, reads),
        }
    }

    /// A new device waits: wakes the connected devices of its account.
    pub(crate) fn link_waiting(&self, account: AccountId, link: LinkId) {
        match self {
            Self::Local(local) => local.link_waiting(account, link),
        }
    }
}
