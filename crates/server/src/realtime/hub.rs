//! Who is connected here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use conclave_protocol::frames::Closing;
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, ErrorCode};
use dashmap::{DashMap, Entry};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::access::LoginId;

/// Connections of one account: each costs memory and wake-ups.
const CONNECTIONS_MAX: usize = 20;
/// Says that there is no news about prekeys.
const NO_NEWS: u32 = u32::MAX;

/// The registry of this process's connections. A device has at most one.
#[derive(Default)]
pub(crate) struct Hub {
    accounts: DashMap<AccountId, HashMap<DeviceId, Arc<Handle>>>,
    numbers: AtomicU64,
}

/// What others may do to a connection: wake it, tell it of prekeys, end it.
pub(crate) struct Handle {
    pub(super) address: DeviceAddress,
    number: u64,
    login: LoginId,
    /// There may be something new in the mailbox, or about prekeys.
    pub(super) wake: Notify,
    prekeys_low: AtomicU32,
    closing: OnceLock<Closing>,
    /// Done when the connection has to end.
    pub(super) closed: CancellationToken,
}

impl Handle {
    /// Ends the connection; the first reason stays.
    pub(super) fn close(&self, closing: Closing) {
        let _ = self.closing.set(closing);
        self.closed.cancel();
    }

    /// Why the connection has to end.
    pub(super) fn closing(&self) -> Option<Closing> {
        self.closing.get().copied()
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
            wake: Notify::new(),
            prekeys_low: AtomicU32::new(NO_NEWS),
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

    pub(crate) fn is_connected(&self, device: DeviceAddress) -> bool {
        self.find(device).is_some()
    }

    /// Ends the connection of a login.
    pub(crate) fn close_login(&self, device: DeviceAddress, login: LoginId, closing: Closing) {
        if let Some(handle) = self.find(device).filter(|handle| handle.login == login) {
            handle.close(closing);
        }
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
