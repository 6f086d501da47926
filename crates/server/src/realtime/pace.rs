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
