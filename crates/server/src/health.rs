//! Whether the server can do its work, as it noticed while doing it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_db::Pulse;
use conclave_protocol::ErrorCode;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Between two looks at whether the database is there.
const PULSE_EVERY: Duration = Duration::from_millis(500);
/// A database that takes longer for one is away. Together with the pause this is what a request waits at most before
/// its client is told to come back: less than two seconds.
const PULSE_WITHIN: Duration = Duration::from_secs(1);

/// What writing to the database was like last, and whether it is there. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    storage_full: Arc<AtomicBool>,
    database_away: Arc<watch::Sender<bool>>,
}

impl Health {
    /// A write succeeded, or failed with this code. Jobs write every half minute, so that room which came back is
    /// noticed also where nobody writes.
    pub(crate) fn wrote(&self, failed: Option<ErrorCode>) {
        match failed {
            None => self.storage_full.store(false, Ordering::Relaxed),
            Some(ErrorCode::StorageFull) => self.storage_full.store(true, Ordering::Relaxed),
            Some(_) => {}
        }
    }

    /// Whether the last write found no room.
    pub(crate) fn storage_is_full(&self) -> bool {
        self.storage_full.load(Ordering::Relaxed)
    }

    /// Done as soon as the database is known to be away. A statement that waits for a database which stands still
    /// waits for ever; whoever asked is told to come back instead.
    pub(crate) async fn database_gone(&self) {
        let mut away = self.database_away.subscribe();
        // The sender is held here, so that nothing but its word ends this.
        let _ = away.wait_for(|away| *away).await;
    }

    /// Looks after the database until `stop`.
    pub(crate) async fn watch(self, mut pulse: Pulse, stop: CancellationToken) {
        let look = async {
            loop {
                let beats = matches!(timeout(PULSE_WITHIN, pulse.beat()).await, Ok(Ok(())));
                if self.database_is(beats) {
                    if beats {
                        tracing::info!("the database is back");
                    } else {
                        tracing::warn!("the database does not answer");
                    }
                }
                sleep(PULSE_EVERY).await;
            }
        };
        stop.run_until_cancelled(look).await;
    }

    /// Notes whether it is there; true where that is news.
    fn database_is(&self, there: bool) -> bool {
        let was_away = self.database_away.send_replace(!there);
        was_away == there
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_full_disk_is_over_with_the_next_write_and_not_with_another_failure() {
        let health = Health::default();
        health.wrote(Some(ErrorCode::StorageFull));
        assert!(health.clone().storage_is_full());
        health.wrote(Some(ErrorCode::Unavailable));
        assert!(health.storage_is_full());
        health.wrote(None);
        assert!(!health.storage_is_full());
    }

    #[test]
    fn who_waits_is_told_when_the_database_goes_and_nobody_after_it_came_back() {
        let health = Health::default();
        assert!(!health.database_is(true), "no news");
        let mut waiting = Box::pin(health.database_gone());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(health.database_is(false));
        assert!(waiting.now_or_never().is_some());
        assert!(health.database_gone().now_or_never().is_some());
        assert!(health.database_is(true));
        assert!(health.database_gone().now_or_never().is_none());
    }
}
