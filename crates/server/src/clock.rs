//! The one place that asks the system for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use conclave_protocol::Timestamp;

/// The server's clock. A test moves it; a server never does.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift: Arc<AtomicI64>,
}

impl Clock {
    /// Now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let milliseconds = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Timestamp(milliseconds.saturating_add_signed(self.shift.load(Ordering::Relaxed)))
    }

    /// Moves this clock and all its copies.
    pub fn shift(&self, milliseconds: i64) {
        self.shift.fetch_add(milliseconds, Ordering::Relaxed);
    }
}
