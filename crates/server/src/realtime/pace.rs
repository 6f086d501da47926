//! How fast one connection is read.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Lets `burst` frames through at once and then one every period, by waiting. No frame is lost: whoever sends
/// faster is read later.
pub(super) struct Reader {
    every: Duration,
    ahead: Duration,
    next: Instant,
}

impl Reader {
    pub(super) fn new(pace: crate::config::Pace) -> Self {
        let every = Duration::from_millis(pace.every_ms.get());
        Self {
            every,
            ahead: every.saturating_mul(pace.burst.get()),
            next: Instant::now(),
        }
    }

    /// Whether one more frame may pass now; one that may not counts for nothing.
    pub(super) fn allows(&mut self) -> bool {
        let now = Instant::now();
        let next = self.next.max(now) + self.every;
        let allows = next <= now + self.ahead;
        if allows {
            self.next = next;
        }
        allows
    }

    /// Returns when one more frame may be read.
    pub(super) async fn ready(&mut self) {
        let now = Instant::now();
        self.next = self.next.max(now) + self.every;
        if let Some(wait) = self.next.checked_duration_since(now + self.ahead) {
            sleep_until(now + wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LimitsConfig;

    #[tokio::test(start_paused = true)]
    async fn what_may_be_dropped_is_dropped_behind_a_burst_and_costs_nothing() {
        let mut reader = Reader::new(LimitsConfig::default().signals);
        let passed = |reader: &mut Reader| (0..1_000).filter(|_| reader.allows()).count();
        assert_eq!(passed(&mut reader), 10);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(passed(&mut reader), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_sixty_a_second() {
        let mut reader = Reader::new(LimitsConfig::default().frames);
        let start = Instant::now();
        for _ in 0..120 {
            reader.ready().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..60 {
            reader.ready().await;
        }
        let took = start.elapsed().as_millis();
        assert!((990..=1_030).contains(&took), "{took}");
    }
}
