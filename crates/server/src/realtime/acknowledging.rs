//! Deletes what devices have stored on their side: the acknowledgements of all connections together.
//!
//! A delay here costs nothing but a little room in the mailbox: the window of a connection opens at once, and
//! a device that comes back meanwhile meets items which it knows already.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::Db;
use conclave_protocol::DeviceAddress;
use dashmap::DashMap;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::error::code_of;

/// Acknowledgements that arrive within this time become one commit, so that they take few of the disk's.
const GATHER: Duration = Duration::from_millis(100);
/// Pause after a failed commit.
const RETRY: Duration = Duration::from_millis(500);
/// Devices in one commit at most.
const BATCH_MAX: usize = 1_000;

/// Gathers acknowledgements.
#[derive(Clone, Default)]
pub(crate) struct Acknowledgements(Arc<Gathered>);

#[derive(Default)]
struct Gathered {
    up_to: DashMap<DeviceAddress, u64>,
    some: Notify,
}

impl Acknowledgements {
    /// The device has everything up to here.
    pub(super) fn add(&self, device: DeviceAddress, up_to: u64) {
        self.0
            .up_to
            .entry(device)
            .and_modify(|held| *held = up_to.max(*held))
            .or_insert(up_to);
        self.0.some.notify_one();
    }

    /// Runs until `stop`; what was acknowledged by then is still deleted.
    pub(crate) async fn run(self, db: Db, stop: CancellationToken) {
        while stop.run_until_cancelled(self.0.some.notified()).await.is_some() {
            let _ = stop.run_until_cancelled(sleep(GATHER)).await;
            if !self.delete(&db).await {
                let _ = stop.run_until_cancelled(sleep(RETRY)).await;
                self.0.some.notify_one();
            }
        }
        self.delete(&db).await;
    }

    async fn delete(&self, db: &Db) -> bool {
        let batch: Vec<_> = self
            .0
            .up_to
            .iter()
            .map(|held| (*held.key(), *held.value()))
            .collect();
        for part in batch.chunks(BATCH_MAX) {
            if let Err(error) = db.acknowledge_all(part).await {
                code_of(&error);
                return false;
            }
            for (device, up_to) in part {
                self.0.up_to.remove_if(device, |_, held| held <= up_to);
            }
        }
        true
    }
}
