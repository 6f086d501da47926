//! Wakes the engine when it asked for it.

use std::time::Duration;

use conclave_protocol::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::Clock;
use crate::driver::Message;

/// A time that has passed already is not answered at once, so that a mistake cannot keep the machine busy.
const SOONEST: Duration = Duration::from_millis(20);
/// The clock is looked at this often: it is not the one that sleep is measured by, and a machine that was
/// suspended, or a clock that was set, is noticed.
const LATEST: Duration = Duration::from_secs(5);

/// Sends a tick when the time in `due` has come, once for each time that is set.
pub(crate) async fn run(
    mut due: watch::Receiver<Option<Timestamp>>,
    clock: Clock,
    inbox: mpsc::WeakSender<Message>,
) {
    loop {
        let at = *due.borrow_and_update();
        let Some(at) = at else {
            if due.changed().await.is_err() {
                return;
            }
            continue;
        };
        let left = Duration::from_millis(at.since(clock())).clamp(SOONEST, LATEST);
        tokio::select! {
            changed = due.changed() => if changed.is_err() {
                return;
            },
            () = sleep(left) => if clock() >= at {
                let Some(inbox) = inbox.upgrade() else { return };
                if inbox.send(Message::Tick).await.is_err() {
                    return;
                }
                drop(inbox);
                // The driver forgets the time when it takes the tick, and may set another.
                if due.changed().await.is_err() {
                    return;
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_time_that_passed_ticks_once_and_a_later_one_when_the_clock_says_so() {
        let now = Arc::new(AtomicU64::new(1_000));
        let clock: Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || Timestamp(now.load(Ordering::Relaxed)))
        };
        let (inbox, mut messages) = mpsc::channel(4);
        let (due, watched) = watch::channel(None);
        let timer = tokio::spawn(run(watched, clock, inbox.downgrade()));

        due.send_replace(Some(Timestamp(900)));
        assert!(matches!(messages.recv().await, Some(Message::Tick)));
        sleep(SOONEST * 4).await;
        assert!(messages.try_recv().is_err(), "one time, one tick");

        due.send_replace(Some(Timestamp(1_050)));
        sleep(Duration::from_millis(120)).await;
        assert!(messages.try_recv().is_err(), "the clock stands still");
        now.store(1_050, Ordering::Relaxed);
        assert!(matches!(messages.recv().await, Some(Message::Tick)));

        drop(due);
        timer.await.unwrap();
    }
}
