//! Who is connected here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use conclave_protocol::frames::{ChainMoved, Closing, Cursor};
use conclave_protocol::presence::{Choices, Presence, TypingOf};
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, ErrorCode, LinkId, PlaceId, RoomId, Timestamp};
use dashmap::{DashMap, Entry};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::posts::{Posts, Told};
use super::waiting::Waiting;
use crate::access::LoginId;

/// Connections of one account: each costs memory and wake-ups.
const CONNECTIONS_MAX: usize = 20;
/// News of one kind that a connection holds for its device at most; what is beyond, the device finds out later.
const NEWS_MAX: usize = 1_000;
/// Says that there is no news about prekeys.
const NO_NEWS: u32 = u32::MAX;

/// The registry of this process's connections. A device has at most one.
#[derive(Default)]
pub(crate) struct Hub {
    accounts: DashMap<AccountId, HashMap<DeviceId, Arc<Handle>>>,
    numbers: AtomicU64,
}

/// What a connection has to read and tell its device.
#[derive(Default)]
pub(super) struct News {
    /// Accounts whose chains have grown.
    pub(super) chains: BTreeSet<AccountId>,
    /// New devices that wait.
    pub(super) links: BTreeSet<LinkId>,
    /// Places whose chains have grown, with the encoded frame about their newest entry.
    pub(super) places: BTreeMap<PlaceId, Bytes>,
}

/// What others may do to a connection: wake it, tell it of prekeys, chains and new devices, end it.
pub(crate) struct Handle {
    pub(super) address: DeviceAddress,
    pub(super) number: u64,
    login: LoginId,
    /// When something of the device was heard last, Unix milliseconds.
    heard: AtomicU64,
    /// There may be something new in the mailbox, or about prekeys.
    pub(super) wake: Notify,
    prekeys_low: AtomicU32,
    news: Mutex<News>,
    posts: Mutex<Posts>,
    signals: Mutex<Waiting>,
    closing: OnceLock<(Closing, Option<ChainMoved>)>,
    /// Done when the connection has to end.
    pub(super) closed: CancellationToken,
}

impl Handle {
    /// Ends the connection; the first reason stays.
    pub(super) fn close(&self, closing: Closing) {
        self.close_with(closing, None);
    }

    fn close_with(&self, closing: Closing, proof: Option<ChainMoved>) {
        let _ = self.closing.set((closing, proof));
        self.closed.cancel();
    }

    /// Something of the device was heard.
    pub(super) fn hear(&self, now: Timestamp) {
        self.heard.store(now.0, Ordering::Relaxed);
    }

    /// The entry that ended the device, to be shown to it before its connection ends.
    pub(super) fn proof(&self) -> Option<ChainMoved> {
        self.closing.get().and_then(|(_, proof)| proof.clone())
    }

    /// What is new; it is told once.
    pub(super) fn take_news(&self) -> News {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, add: impl FnOnce(&mut News)) {
        add(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }

    /// What waits in places' rooms.
    pub(super) fn posts<T>(&self, look: impl FnOnce(&mut Posts) -> T) -> T {
        look(&mut self.posts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The signals that wait.
    pub(super) fn signals<T>(&self, look: impl FnOnce(&mut Waiting) -> T) -> T {
        look(&mut self.signals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the device how others are seen.
    pub(super) fn tell_presence(&self, presence: &[Presence]) {
        if !presence.is_empty() {
            self.signals(|waiting| presence.iter().for_each(|of| waiting.add_presence(*of)));
            self.wake.notify_one();
        }
    }

    /// Why the connection has to end.
    pub(super) fn closing(&self) -> Option<Closing> {
        self.closing.get().map(|(closing, _)| *closing)
    }

    /// How many prekeys are left, when that is news.
    pub(super) fn take_prekeys_low(&self) -> Option<u32> {
        Some(self.prekeys_low.swap(NO_NEWS, Ordering::Relaxed)).filter(|left| *left != NO_NEWS)
    }
}

impl Hub {
    /// Registers a device's connection and ends its older one, if there is any.
    pub(super) fn register(&self, address: DeviceAddress, login: LoginId) -> Result<Arc<Handle>, ErrorCode> {
        let handle = Arc::new(Handle {
            address,
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            login,
            heard: AtomicU64::new(0),
            wake: Notify::new(),
            prekeys_low: AtomicU32::new(NO_NEWS),
            news: Mutex::default(),
            posts: Mutex::default(),
            signals: Mutex::default(),
            closing: OnceLock::new(),
            closed: CancellationToken::new(),
        });
        let mut devices = self.accounts.entry(address.account).or_default();
        if devices.len() >= CONNECTIONS_MAX && !devices.contains_key(&address.device) {
            return Err(ErrorCode::Overloaded);
        }
        if let Some(older) = devices.insert(address.device, Arc::clone(&handle)) {
            older.close(Closing {
                code: ErrorCode::Replaced,
                retry_after: None,
            });
        }
        Ok(handle)
    }

    /// Forgets a connection, unless a newer one of the device took its place.
    pub(super) fn unregister(&self, handle: &Handle) {
        let Entry::Occupied(mut account) = self.accounts.entry(handle.address.account) else {
            return;
        };
        let devices = account.get_mut();
        if devices
            .get(&handle.address.device)
            .is_some_and(|held| held.number == handle.number)
        {
            devices.remove(&handle.address.device);
        }
        if devices.is_empty() {
            account.remove();
        }
    }

    /// The device may have mail.
    pub(crate) fn wake(&self, device: DeviceAddress) {
        if let Some(handle) = self.find(device) {
            handle.wake.notify_one();
        }
    }

    /// Tells a device how few prekeys it has left.
    pub(crate) fn prekeys_low(&self, device: DeviceAddress, left: u32) {
        if let Some(handle) = self.find(device) {
            handle.prekeys_low.store(left, Ordering::Relaxed);
            handle.wake.notify_one();
        }
    }

    /// An account's chain has grown: for the connected devices of `watcher` to know.
    pub(crate) fn chain_moved(&self, watcher: AccountId, account: AccountId) {
        for handle in self.of_account(watcher) {
            handle.tell(|news| {
                if news.chains.len() < NEWS_MAX {
                    news.chains.insert(account);
                }
            });
        }
    }

    /// A new device waits for approval by one of the account's.
    pub(crate) fn link_waiting(&self, account: AccountId, link: LinkId) {
        for handle in self.of_account(account) {
            handle.tell(|news| {
                if news.links.len() < NEWS_MAX {
                    news.links.insert(link);
                }
            });
        }
    }

    /// A place's chain has grown: for the connected devices of `watcher` to know. What waits for them in rooms that
    /// the account reads no longer is dropped.
    pub(crate) fn place_moved(
        &self,
        watcher: AccountId,
        place: PlaceId,
        frame: &Bytes,
        reads: impl Fn(RoomId) -> bool,
    ) {
        for handle in self.of_account(watcher) {
            handle.posts(|posts| posts.cut(place, &reads));
            handle.tell(|news| {
                if news.places.len() < NEWS_MAX || news.places.contains_key(&place) {
                    news.places.insert(place, frame.clone());
                }
            });
        }
    }

    /// Something was posted that `reader` reads: for their connected devices, but the one that sent it.
    pub(super) fn tell_post(&self, reader: AccountId, sender: DeviceAddress, told: &Arc<Told>) {
        for handle in self.of_account(reader) {
            if handle.address != sender {
                handle.posts(|posts| posts.add(told));
                handle.wake.notify_one();
            }
        }
    }

    /// A room of a place went on: for the connected devices of `reader` to know.
    pub(super) fn room_moved(&self, reader: AccountId, place: PlaceId, cursor: Cursor) {
        for handle in self.of_account(reader) {
            handle.posts(|posts| posts.move_room(place, cursor.room, cursor.sequence));
            handle.wake.notify_one();
        }
    }

    /// Tells a device how others are seen.
    pub(super) fn tell_presence(&self, device: DeviceAddress, presence: &[Presence]) {
        if let Some(handle) = self.find(device) {
            handle.tell_presence(presence);
        }
    }

    /// Tells the connected devices of an account that somebody writes, or stopped.
    pub(super) fn tell_typing(&self, reader: AccountId, of: TypingOf) {
        for handle in self.of_account(reader) {
            handle.signals(|waiting| waiting.add_typing(of, Instant::now()));
            handle.wake.notify_one();
        }
    }

    /// Tells the connected devices of an account what it chose.
    pub(crate) fn tell_choices(&self, account: AccountId, choices: Choices) {
        for handle in self.of_account(account) {
            handle.signals(|waiting| waiting.choices = Some(choices));
            handle.wake.notify_one();
        }
    }

    /// Whether an account has a connected device.
    pub(super) fn has_connected(&self, account: AccountId) -> bool {
        self.accounts.contains_key(&account)
    }

    /// Whether a device is connected here by this login.
    pub(crate) fn is_connected_by(&self, address: DeviceAddress, login: LoginId) -> bool {
        let devices = self.accounts.get(&address.account);
        devices.is_some_and(|devices| {
            devices
                .get(&address.device)
                .is_some_and(|handle| handle.login == login)
        })
    }

    /// Ends a device's connection, whatever its login, and shows it the entry by which it ends.
    pub(crate) fn close_device(&self, device: DeviceAddress, closing: Closing, proof: &ChainMoved) {
        if let Some(handle) = self.find(device) {
            handle.close_with(closing, Some(proof.clone()));
        }
    }

    pub(crate) fn is_connected(&self, device: DeviceAddress) -> bool {
        self.find(device).is_some()
    }

    /// When a device that is connected was heard of last; none of one that is not.
    pub(crate) fn heard(&self, device: DeviceAddress) -> Option<Timestamp> {
        let handle = self.find(device)?;
        Some(Timestamp(handle.heard.load(Ordering::Relaxed)))
    }

    /// Ends the connection of a login.
    pub(crate) fn close_login(&self, device: DeviceAddress, login: LoginId, closing: Closing) {
        if let Some(handle) = self.find(device).filter(|handle| handle.login == login) {
            handle.close(closing);
        }
    }

    fn of_account(&self, account: AccountId) -> Vec<Arc<Handle>> {
        self.accounts
            .get(&account)
            .map(|devices| devices.values().cloned().collect())
            .unwrap_or_default()
    }

    fn find(&self, device: DeviceAddress) -> Option<Arc<Handle>> {
        self.accounts.get(&device.account)?.get(&device.device).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(device: u32) -> DeviceAddress {
        DeviceAddress {
            account: AccountId([1; 32]),
            device: DeviceId(device),
        }
    }

    #[test]
    fn a_newer_connection_takes_the_place_of_the_older_and_outlives_its_end() {
        let hub = Hub::default();
        let older = hub.register(device(0), [1; 16]).unwrap();
        let newer = hub.register(device(0), [1; 16]).unwrap();
        assert!(older.closed.is_cancelled() && !newer.closed.is_cancelled());
        hub.unregister(&older);
        assert!(hub.is_connected(device(0)));
        hub.unregister(&newer);
        assert!(!hub.is_connected(device(0)) && hub.accounts.is_empty());
    }

    #[test]
    fn the_twenty_first_connection_of_an_account_is_refused() {
        let hub = Hub::default();
        for number in 0..20 {
            hub.register(device(number), [1; 16]).unwrap();
        }
        assert_eq!(
            hub.register(device(20), [1; 16]).err(),
            Some(ErrorCode::Overloaded)
        );
        assert!(
            hub.register(device(3), [1; 16]).is_ok(),
            "a device that is there already may come back"
        );
    }

    #[test]
    fn ending_a_login_leaves_another_login_of_the_device_alone() {
        let hub = Hub::default();
        let handle = hub.register(device(0), [2; 16]).unwrap();
        let closing = Closing {
            code: ErrorCode::SignInNeeded,
            retry_after: None,
        };
        hub.close_login(device(0), [1; 16], closing);
        assert!(!handle.closed.is_cancelled());
        hub.close_login(device(0), [2; 16], closing);
        assert_eq!(handle.closing(), Some(closing));
    }

    #[test]
    fn a_message_for_a_thousand_devices_is_held_once() {
        let hub = Hub::default();
        let address = |number: u16| DeviceAddress {
            account: AccountId([number.to_be_bytes(); 16].concat().try_into().unwrap()),
            device: DeviceId(0),
        };
        let handles: Vec<_> = (0..1_000)
            .map(|number| hub.register(address(number), [1; 16]).unwrap())
            .collect();
        let told = Arc::new(Told {
            place: PlaceId([1; 32]),
            room: RoomId([1; 32]),
            sequence: 1,
            frame: Bytes::from(vec![7; 32 * 1024]),
        });
        for number in 0..1_000 {
            hub.tell_post(address(number).account, address(0), &told);
        }
        let bytes = told.frame.as_ptr();
        let held: Vec<_> = handles
            .iter()
            .filter_map(|handle| handle.posts(|posts| posts.next(posts.mark())))
            .collect();
        assert_eq!(held.len(), 999, "all but the one that sent it");
        assert!(
            held.iter()
                .all(|held| Arc::ptr_eq(held, &told) && held.frame.clone().as_ptr() == bytes)
        );
    }

    #[test]
    fn news_of_prekeys_is_told_once() {
        let hub = Hub::default();
        let handle = hub.register(device(0), [2; 16]).unwrap();
        hub.prekeys_low(device(0), 7);
        assert_eq!(
            (handle.take_prekeys_low(), handle.take_prekeys_low()),
            (Some(7), None)
        );
    }
}
