//! The queue: rooms that moved become wakes, and wakes are sent.
//!
//! Everything stands in the database, so that a process that ends forgets nothing and two of them do nothing twice: who
//! reads a room is looked at once for each move, and a wake is held by a lease while it is sent. Sent and not noted, it
//! is sent again when the lease ends; the push service then replaces the one by the other where the browser is away, and
//! the browser where it is there.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::{DbError, NewWake, PushMove, PushTarget, PushWake, PushWriter};
use conclave_protocol::limits::HEARTBEAT_MS;
use conclave_protocol::push::{PushLevel, PushPayload};
use conclave_protocol::{DeviceAddress, Timestamp};
use futures_util::StreamExt;
use futures_util::stream::iter;
use tokio::time::sleep;

use super::Push;
use super::client::{Message, Said};
use crate::error::code_of;
use crate::measuring;
use crate::state::App;

/// Rooms that are looked at, and wakes that are sent, in one go.
const BATCH: u32 = 128;
/// Wakes that are on their way at a time.
const AT_ONCE: usize = 32;
/// A wake is somebody's for so long: several times what one request may take.
const LEASE_MS: u64 = 60_000;
/// The queue is looked at no more often than this.
const PAUSE: Duration = Duration::from_millis(250);
/// And no less often than this, for what another process left.
const POLL: Duration = Duration::from_secs(30);
/// After a failure of the database.
const RETRY: Duration = Duration::from_secs(2);
/// A device that was woken is not woken again before this has passed.
const SPACING_MS: u64 = 10_000;
/// A wake that is older tells nobody anything.
pub(crate) const LIFE_MS: u64 = 24 * 60 * 60 * 1000;
/// Tries before a wake is given up; with the pauses below that is some five hours.
const ATTEMPTS_MAX: u32 = 12;
/// The pause behind the first failure; it doubles.
const BACK_OFF_MS: u64 = 10_000;
/// The longest of these pauses.
const BACK_OFF_MAX_MS: u64 = 60 * 60 * 1000;
/// A connection of which nothing was heard for so long may be one that broke: it would have sent a heartbeat.
const PRESUMED_GONE_MS: u64 = HEARTBEAT_MS + 5_000;

/// Sends until the server stops.
pub(crate) async fn run(app: Arc<App>) {
    let stopping = app.stopping.clone();
    while !stopping.is_cancelled() {
        let wait = match turn(&app).await {
            Ok(wait) => wait,
            Err(error) => {
                code_of(&error);
                RETRY
            }
        };
        // What was stored in the meantime is due only after a while, so a pause first costs nobody anything.
        let _ = stopping.run_until_cancelled(sleep(PAUSE)).await;
        tokio::select! {
            () = stopping.cancelled() => {}
            () = sleep(wait.saturating_sub(PAUSE)) => {}
            () = app.writer.committed() => {}
        }
    }
}

async fn turn(app: &Arc<App>) -> Result<Duration, DbError> {
    deliver(app).await?;
    let next = app.db.next_push().await?;
    let wait = next.map_or(POLL, |due| {
        Duration::from_millis(due.0.saturating_sub(app.now().0))
    });
    Ok(wait.min(POLL))
}

/// Does all that is due; answers how many devices were woken.
pub(crate) async fn deliver(app: &Arc<App>) -> Result<u64, DbError> {
    let Some(push) = &app.push else {
        return Ok(0);
    };
    loop {
        let moves = app.db.list_push_moves(app.now(), BATCH).await?;
        for moved in &moves {
            spread(app, *moved).await?;
        }
        if moves.len() < BATCH as usize {
            break;
        }
    }
    let mut woken = 0;
    loop {
        let wakes = app.db.list_push_wakes(app.now(), BATCH).await?;
        let listed = wakes.len();
        let mut sent = iter(wakes)
            .map(|wake| async move { wake_device(app, push, &wake).await })
            .buffer_unordered(AT_ONCE);
        while let Some(sent) = sent.next().await {
            woken += u64::from(sent?);
        }
        if listed < BATCH as usize || app.stopping.is_cancelled() {
            return Ok(woken);
        }
    }
}

/// Makes the wakes of a room's move.
async fn spread(app: &App, moved: PushMove) -> Result<(), DbError> {
    let now = app.now();
    let writers = app.db.list_push_writers(moved, now).await?;
    let wakes = if writers.is_empty() {
        // Deleted since.
        Vec::new()
    } else if let Some(place) = app.places.of_room(&app.db, moved.room).await? {
        let targets = app.db.list_push_targets_of_place(moved.room, now).await?;
        match app.places.read(&app.db, place).await? {
            Some(place) if !targets.is_empty() => wakes(
                moved,
                &targets,
                |device, writer| {
                    // By the chain as it is now: who was put out meanwhile is not woken.
                    writer.account != device.account
                        && place.hands_out(device.account, moved.room, writer.head)
                },
                &writers,
            ),
            _ => Vec::new(),
        }
    } else {
        let mut targets = app.db.list_push_targets(moved, now).await?;
        // What a device has acknowledged needs no wake.
        targets.retain(|target| target.mailbox.is_some());
        wakes(
            moved,
            &targets,
            |device, writer| writer.account != device.account,
            &writers,
        )
    };
    app.db.take_push_move(moved, &wakes, now).await?;
    Ok(())
}

fn wakes(
    moved: PushMove,
    targets: &[PushTarget],
    concerns: impl Fn(DeviceAddress, &PushWriter) -> bool,
    writers: &[PushWriter],
) -> Vec<NewWake> {
    let concerned = targets.iter().filter(|target| {
        target.level != Some(PushLevel::Never) && writers.iter().any(|writer| concerns(target.device, writer))
    });
    let wake = |target: &PushTarget| NewWake {
        device: target.device,
        room: moved.room,
        softly: target.level == Some(PushLevel::Softly),
        mailbox: target.mailbox,
    };
    concerned.map(wake).collect()
}

/// What there is to do about a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// The device has it all, or it is too late.
    None,
    /// The device is connected; it is to be looked at again then.
    At(Timestamp),
    /// It has to be sent.
    Now,
}

fn need(wake: &PushWake, heard: Option<Timestamp>, now: Timestamp) -> Need {
    if now.since(wake.made_at) >= LIFE_MS {
        return Need::None;
    }
    // What was posted before the device was heard of has arrived there.
    let posts = wake.posts && heard.is_none_or(|heard| heard <= wake.moved_at);
    if !wake.mail && !posts {
        return Need::None;
    }
    let gone = heard.map(|heard| heard.plus(PRESUMED_GONE_MS));
    match gone {
        Some(gone) if gone > now => Need::At(gone.min(now.plus(HEARTBEAT_MS / 5))),
        _ => Need::Now,
    }
}

/// Wakes a device, where it has to be; true when it was.
async fn wake_device(app: &App, push: &Push, wake: &PushWake) -> Result<bool, DbError> {
    let now = app.now();
    if !wake.signed_in {
        app.db.delete_gone_push(wake.device, &wake.endpoint).await?;
        return Ok(false);
    }
    if !app.db.claim_push_wake(wake, now.plus(LEASE_MS)).await? {
        return Ok(false);
    }
    match need(wake, app.hub.heard(wake.device), now) {
        Need::None => {
            app.db.end_push_wake(wake, now).await?;
            return Ok(false);
        }
        Need::At(due) => {
            app.db.postpone_push_wake(wake.device, due, wake.attempts).await?;
            return Ok(false);
        }
        Need::Now => {}
    }
    let said = send(push, wake, now).await;
    measuring::push(said.word());
    let now = app.now();
    match said {
        Said::Taken => app.db.end_push_wake(wake, now.plus(SPACING_MS)).await?,
        Said::Gone => app.db.delete_gone_push(wake.device, &wake.endpoint).await?,
        Said::Later(_) | Said::Refused if wake.attempts + 1 >= ATTEMPTS_MAX => {
            app.db.end_push_wake(wake, now).await?;
        }
        Said::Later(after) => {
            let pause = back_off(wake.attempts).max(after.unwrap_or_default().min(LIFE_MS));
            let tried = wake.attempts + 1;
            app.db
                .postpone_push_wake(wake.device, now.plus(pause), tried)
                .await?;
        }
        Said::Refused => {
            let tried = wake.attempts + 1;
            let due = now.plus(back_off(wake.attempts));
            app.db.postpone_push_wake(wake.device, due, tried).await?;
        }
    }
    Ok(said == Said::Taken)
}

async fn send(push: &Push, wake: &PushWake, now: Timestamp) -> Said {
    // The list may be another one than when the device said where it is.
    let Some(endpoint) = push.services.parse_endpoint(&wake.endpoint) else {
        return Said::Gone;
    };
    let payload = PushPayload {
        softly: wake.softly,
        room: wake.room,
    };
    let Some(body) = super::sealing::seal(&payload.to_bytes(), &wake.key, &wake.secret) else {
        return Said::Gone;
    };
    let message = Message {
        authorization: push.key.authorization(&endpoint.audience, &push.contact, now),
        life: LIFE_MS.saturating_sub(now.since(wake.made_at)) / 1000,
        softly: wake.softly,
        body,
    };
    push.client.send(&endpoint, message, now).await
}

/// The pause behind so many failures and one more.
fn back_off(failures: u32) -> u64 {
    BACK_OFF_MS
        .saturating_mul(1 << failures.min(16))
        .min(BACK_OFF_MAX_MS)
}

impl Said {
    /// For the metrics.
    fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Gone => "gone",
            Self::Later(_) => "later",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use conclave_protocol::{AccountId, DeviceId};

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn wake(mail: bool, posts: bool) -> PushWake {
        PushWake {
            device: DeviceAddress {
                account: AccountId([1; 32]),
                device: DeviceId(0),
            },
            room: None,
            softly: false,
            mail,
            posts,
            made_at: NOW,
            moved_at: NOW,
            revision: 1,
            due_at: NOW,
            attempts: 0,
            endpoint: String::new(),
            key: [4; 65],
            secret: [0; 16],
            signed_in: true,
        }
    }

    #[test]
    fn who_is_not_connected_is_woken_unless_everything_was_acknowledged() {
        assert_eq!(need(&wake(true, false), None, NOW), Need::Now);
        assert_eq!(need(&wake(false, true), None, NOW), Need::Now);
        assert_eq!(need(&wake(false, false), None, NOW), Need::None);
    }

    #[test]
    fn a_device_that_was_heard_of_since_has_what_was_posted() {
        let since = Some(NOW.plus(1));
        assert_eq!(need(&wake(false, true), since, NOW.plus(2)), Need::None);
        let before = Some(Timestamp(NOW.0 - 1));
        assert_eq!(need(&wake(false, true), before, NOW), Need::At(NOW.plus(5_000)));
    }

    #[test]
    fn a_connection_that_fell_silent_keeps_nobody_asleep() {
        let heard = Some(NOW);
        for (after, expected) in [
            (1, Need::At(NOW.plus(5_001))),
            (PRESUMED_GONE_MS - 1, Need::At(NOW.plus(PRESUMED_GONE_MS))),
            (PRESUMED_GONE_MS, Need::Now),
        ] {
            assert_eq!(need(&wake(true, false), heard, NOW.plus(after)), expected);
        }
    }

    #[test]
    fn a_day_later_a_wake_is_none() {
        assert_eq!(need(&wake(true, true), None, NOW.plus(LIFE_MS)), Need::None);
    }

    #[test]
    fn each_failure_doubles_the_pause_up_to_an_hour() {
        assert_eq!(
            [0, 1, 2, 8, 9, 40].map(back_off),
            [10_000, 20_000, 40_000, 2_560_000, 3_600_000, 3_600_000]
        );
    }
}
