//! What a device receives: its mailbox, from the database, in order.
//!
//! There is one path. At the beginning and after every wake-up the mailbox is read behind the last delivered
//! item; whether that catches up or is live makes no difference.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_db::MailboxItem;
use conclave_protocol::frames::{ChainMoved, Deliver, Item, Returned, ServerFrame};
use conclave_protocol::limits::{BODY_MAX, DELIVERY_WINDOW, PAIRWISE_MAX};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::hub::Handle;
use super::outgoing::{End, Gone, Outgoing};
use super::posts::Posts;
use crate::error::code_of;
use crate::state::App;

/// Bytes under way to a device that has not acknowledged them: what a stuck reader costs at most.
const WINDOW_BYTES: usize = 1024 * 1024;
/// The largest single item.
const ITEM_MAX: usize = BODY_MAX + PAIRWISE_MAX;
/// Items in one read.
const PAGE: u32 = 64;
/// Pause after a failed read.
const RETRY: Duration = Duration::from_millis(500);
/// What was delivered and not acknowledged yet.
#[derive(Default)]
struct Window {
    items: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl Window {
    fn add(&mut self, mailbox: u64, size: usize) {
        self.items.push_back((mailbox, size));
        self.bytes += size;
    }

    fn release(&mut self, up_to: u64) {
        while let Some((_, size)) = self.items.pop_front_if(|(mailbox, _)| *mailbox <= up_to) {
            self.bytes -= size;
        }
    }

    /// How many more may be delivered.
    fn free(&self) -> u32 {
        let used = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        if self.bytes >= WINDOW_BYTES {
            0
        } else {
            DELIVERY_WINDOW.saturating_sub(used)
        }
    }

    fn free_bytes(&self) -> usize {
        WINDOW_BYTES.saturating_sub(self.bytes).max(ITEM_MAX)
    }
}

/// Delivers until the connection ends.
pub(super) async fn run(
    app: &App,
    handle: &Handle,
    acknowledged: u64,
    mut acks: watch::Receiver<u64>,
    outgoing: &Outgoing,
) -> End {
    let mut window = Window::default();
    let mut last = acknowledged;
    let mut drained = false;
    loop {
        window.release(*acks.borrow_and_update());
        if let Some(left) = handle.take_prekeys_low() {
            let _ = outgoing.send(ServerFrame::PrekeysLow(left)).await;
        }
        if tell_news(app, handle, outgoing).await.is_err() {
            return End::GONE;
        }
        // Taken before the mailbox is read: the keys that were sent before a message come before it.
        let mark = handle.posts(|posts| posts.mark());
        let mut empty = false;
        while !empty && window.free() > 0 {
            let (limit, byte_limit) = (window.free().min(PAGE), window.free_bytes());
            let page = match app.db.list_mailbox(handle.address, last, limit, byte_limit).await {
                Ok(page) => page,
                Err(error) => {
                    code_of(&error);
                    sleep(RETRY).await;
                    continue;
                }
            };
            let bytes: usize = page.iter().map(size).sum();
            let short = u32::try_from(page.len()).is_ok_and(|length| length < limit);
            empty = page.is_empty() || (short && bytes + ITEM_MAX < byte_limit);
            for item in page {
                last = item.mailbox;
                window.add(item.mailbox, size(&item));
                let MailboxItem {
                    mailbox,
                    id,
                    pairwise,
                    item,
                } = item;
                let deliver = ServerFrame::Deliver(Deliver {
                    mailbox,
                    id,
                    pairwise,
                    item,
                });
                if outgoing.send(deliver).await.is_err() {
                    return End::GONE;
                }
            }
        }
        if empty && !drained {
            drained = true;
            let _ = outgoing.send(ServerFrame::Drained).await;
        }
        if tell_posts(handle, mark, outgoing).await.is_err() {
            return End::GONE;
        }
        if tell_signals(handle, outgoing).await.is_err() {
            return End::GONE;
        }
        tokio::select! {
            changed = acks.changed() => if changed.is_err() { return End::GONE },
            () = handle.wake.notified() => {}
        }
    }
}

/// Tells what is new about chains and new devices, each as the database has it now.
async fn tell_news(app: &App, handle: &Handle, outgoing: &Outgoing) -> Result<(), Gone> {
    let news = handle.take_news();
    for account in news.chains {
        match app.db.find_head(account).await {
            Ok(Some((head, entry))) => {
                let moved = ChainMoved { account, head, entry };
                outgoing.send(ServerFrame::ChainMoved(moved)).await?;
                if let Ok(Some(successor)) = app.db.find_successor(account).await {
                    let returned = Returned {
                        former: account,
                        account: successor,
                    };
                    outgoing.send(ServerFrame::Returned(returned)).await?;
                }
            }
            Ok(None) => {}
            // The device finds out when it connects again or is refused as stale.
            Err(error) => {
                code_of(&error);
            }
        }
    }
    for link in news.links {
        outgoing.send(ServerFrame::LinkWaiting(link)).await?;
    }
    for frame in news.places.into_values() {
        outgoing.send_shared(frame).await?;
    }
    Ok(())
}

/// Tells what was posted in places' rooms, one at a time, so that what waits can still be dropped.
async fn tell_posts(handle: &Handle, mark: u64, outgoing: &Outgoing) -> Result<(), Gone> {
    while let Some(told) = handle.posts(|posts| posts.next(mark)) {
        outgoing.send_shared(told.frame.clone()).await?;
    }
    while let Some(cursor) = handle.posts(Posts::next_behind) {
        outgoing.send(ServerFrame::RoomMoved(cursor)).await?;
    }
    Ok(())
}

/// Tells signals, where the device keeps up; else they wait and the older ones among them are lost.
async fn tell_signals(handle: &Handle, outgoing: &Outgoing) -> Result<(), Gone> {
    if let Some(choices) = handle.signals(|waiting| waiting.choices.take()) {
        outgoing.send(ServerFrame::Choices(choices)).await?;
    }
    if outgoing.has_room() {
        for frame in handle.signals(|waiting| waiting.take(Instant::now())) {
            outgoing.send(frame).await?;
        }
    }
    Ok(())
}

fn size(item: &MailboxItem) -> usize {
    let body = match &item.item {
        Item::Message(message) => message.body.as_slice().len(),
        Item::Control(_) | Item::Receipt(_) => 0,
    };
    body + item.pairwise.as_slice().len()
}

#[cfg(test)]
mod tests {
    use conclave_protocol::presence::{Choices, Presence, PresenceState, TypingOf};
    use conclave_protocol::{AccountId, DeviceAddress, DeviceId, RoomId};

    use super::*;
    use crate::realtime::hub::Hub;
    use crate::realtime::outgoing;

    #[tokio::test]
    async fn a_reader_that_does_not_keep_up_loses_signals_and_nothing_else() {
        let account = AccountId([1; 32]);
        let address = DeviceAddress {
            account,
            device: DeviceId(0),
        };
        let hub = Hub::default();
        let handle = hub.register(address, [1; 16]).unwrap();
        let (outgoing, mut frames) = outgoing::channel();
        for number in 0..129 {
            outgoing.send(ServerFrame::Pong(number)).await.unwrap();
        }
        let of = TypingOf {
            room: RoomId([1; 32]),
            account: AccountId([2; 32]),
            active: true,
        };
        let presence = |state| Presence {
            account: of.account,
            state,
            seen: None,
        };
        hub.tell_presence(address, &[presence(PresenceState::Online)]);
        hub.tell_presence(address, &[presence(PresenceState::Idle)]);
        hub.tell_typing(account, of);
        hub.tell_choices(account, Choices::default());
        tell_signals(&handle, &outgoing).await.unwrap();
        let mut next = || frames.try_recv().ok().map(outgoing::Queued::frame);
        for number in 0..129 {
            assert_eq!(next(), Some(ServerFrame::Pong(number)));
        }
        // What the account itself chose is no signal.
        assert_eq!(next(), Some(ServerFrame::Choices(Choices::default())));
        assert_eq!(next(), None);
        // It keeps up again: only the newest of each is news.
        tell_signals(&handle, &outgoing).await.unwrap();
        let newest = vec![presence(PresenceState::Idle)];
        assert_eq!(next(), Some(ServerFrame::Presence(newest)));
        assert_eq!(next(), Some(ServerFrame::Typing(of)));
        assert_eq!(next(), None);
    }

    #[test]
    fn the_window_closes_by_count_and_by_bytes_and_opens_with_acknowledgements() {
        let mut window = Window::default();
        for mailbox in 1..=128 {
            assert!(window.free() > 0);
            window.add(mailbox, 10);
        }
        assert_eq!(window.free(), 0);
        window.release(28);
        assert_eq!(window.free(), 28);
        window.add(129, WINDOW_BYTES);
        assert_eq!(window.free(), 0);
        window.release(u64::MAX);
        assert_eq!((window.free(), window.bytes), (DELIVERY_WINDOW, 0));
    }
}
