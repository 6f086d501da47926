//! The bus of a single process: the hub itself.

use std::sync::Arc;

use bytes::Bytes;
use conclave_protocol::{AccountId, DeviceAddress, LinkId, PlaceId, RoomId};

use crate::realtime::{Hub, Posted, Telling};

/// Wakes connections of this process.
pub(crate) struct Local(Arc<Hub>, Telling);

impl Local {
    pub(super) fn new(hub: Arc<Hub>, telling: Telling) -> Self {
        Self(hub, telling)
    }

    pub(super) fn wake(&self, devices: Vec<DeviceAddress>, posts: Vec<Posted>) {
        for device in devices {
            self.0.wake(device);
        }
        self.1.add(posts);
    }

    pub(super) fn place_moved(
        &self,
        watcher: AccountId,
        place: PlaceId,
        frame: &Bytes,
        reads: impl Fn(RoomId) -> bool,
    ) {
        self.0.place_moved(watcher, place, frame, reads);
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
