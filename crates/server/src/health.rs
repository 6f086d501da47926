//! Whether the server can do its work, as it noticed while doing it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use conclave_protocol::ErrorCode;

/// What writing to the database was like last. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    storage_full: Arc<AtomicBool>,
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
}

#[cfg(test)]
mod tests {
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
}
