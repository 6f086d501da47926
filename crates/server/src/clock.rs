//! The one place that asks the system for the time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conclave_protocol::Timestamp;
use tokio::time::Instant;

/// A clock that runs ahead of what has passed by no more than this is believed: it is being set right.
const AHEAD_MAX: Duration = Duration::from_hours(1);
/// A clock that stays ahead for so long is right after all: the machine slept, or somebody set it on purpose.
const BELIEVED_AFTER: Duration = Duration::from_hours(24);

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

/// Until when things have expired. What is deleted does not come back, so a clock that jumps ahead is not followed at
/// once: somebody has a day to set it right. Whether something may still be used is decided by the clock itself.
#[derive(Debug, Default)]
pub(crate) struct Expiry(Mutex<Option<Seen>>);

/// A time that was believed, and when that was.
#[derive(Clone, Copy, Debug)]
struct Seen {
    time: Timestamp,
    at: Instant,
    /// Since when the clock has been ahead.
    ahead_since: Option<Instant>,
}

impl Expiry {
    /// What lies before this has expired, when the clock says `now` at the moment `at`.
    pub(crate) fn until(&self, now: Timestamp, at: Instant) -> Timestamp {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let believed = Seen {
            time: now,
            at,
            ahead_since: None,
        };
        let Some(seen) = *held else {
            *held = Some(believed);
            return now;
        };
        let passed = seen.time.plus(milliseconds(at.duration_since(seen.at)));
        if now <= passed.plus(milliseconds(AHEAD_MAX)) {
            *held = Some(believed);
            return now;
        }
        let since = seen.ahead_since.unwrap_or(at);
        if at.duration_since(since) >= BELIEVED_AFTER {
            *held = Some(believed);
            return now;
        }
        if seen.ahead_since.is_none() {
            tracing::warn!(
                milliseconds = now.since(passed),
                "the clock jumped ahead; nothing more expires by it until tomorrow"
            );
        }
        *held = Some(Seen {
            ahead_since: Some(since),
            ..seen
        });
        passed
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_ahead_expires_nothing_until_it_stayed_there_for_a_day() {
        let (expiry, began) = (Expiry::default(), Instant::now());
        let after = |minutes| began + Duration::from_mins(minutes);
        assert_eq!(expiry.until(NOW, began), NOW);
        let jumped = NOW.plus(45 * DAY_MS);
        assert_eq!(expiry.until(jumped, after(1)), NOW.plus(60_000));
        // Set right again, it is followed as before.
        assert_eq!(expiry.until(NOW.plus(120_000), after(2)), NOW.plus(120_000));
        assert_eq!(expiry.until(jumped, after(3)), NOW.plus(180_000));
        assert_eq!(expiry.until(jumped, after(3 + 24 * 60)), jumped);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_or_a_little_ahead_is_followed() {
        let (expiry, began) = (Expiry::default(), Instant::now());
        assert_eq!(expiry.until(NOW, began), NOW);
        assert_eq!(expiry.until(Timestamp(NOW.0 - DAY_MS), began).0, NOW.0 - DAY_MS);
        let ahead = Timestamp(NOW.0 - DAY_MS + 30 * 60 * 1000);
        assert_eq!(expiry.until(ahead, began), ahead);
    }
}
