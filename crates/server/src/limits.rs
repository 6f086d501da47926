//! How often somebody may do something. Addresses are counted under a keyed hash whose key ends with the
//! process, so that none is stored anywhere, not even here.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use conclave_protocol::{AccountId, DeviceAddress, ErrorCode, Username};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::{LimitsConfig, Pace};
use crate::error::ApiError;
use crate::watch::{self, Refused};

/// The longest that a sign-in to one handle is held up: enough to spoil guessing, little enough for its owner.
const SLOWED_AT_MOST: Duration = Duration::from_secs(5);

/// Where a request comes from, as a number that means nothing outside this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Source(u64);

/// All counters.
pub(crate) struct Limits {
    secret: RandomState,
    clock: DefaultClock,
    sign_in: DefaultKeyedRateLimiter<Source>,
    sign_in_handle: DefaultKeyedRateLimiter<u64>,
    second_step: DefaultKeyedRateLimiter<AccountId>,
    registration: DefaultKeyedRateLimiter<Source>,
    links: DefaultKeyedRateLimiter<Source>,
    entries: DefaultKeyedRateLimiter<AccountId>,
    look_ups: DefaultKeyedRateLimiter<AccountId>,
    place_entries: DefaultKeyedRateLimiter<AccountId>,
    uploads: DefaultKeyedRateLimiter<AccountId>,
    choices: DefaultKeyedRateLimiter<AccountId>,
    push: DefaultKeyedRateLimiter<AccountId>,
    reports: DefaultKeyedRateLimiter<AccountId>,
    invited_readings: DefaultKeyedRateLimiter<AccountId>,
    claims: DefaultKeyedRateLimiter<(AccountId, DeviceAddress)>,
    claims_of_device: DefaultKeyedRateLimiter<DeviceAddress>,
}

impl Limits {
    pub(crate) fn new(config: &LimitsConfig) -> Self {
        Self {
            secret: RandomState::new(),
            clock: DefaultClock::default(),
            sign_in: RateLimiter::keyed(quota(config.sign_in)),
            sign_in_handle: RateLimiter::keyed(quota(config.sign_in_handle)),
            second_step: RateLimiter::keyed(quota(config.second_step)),
            registration: RateLimiter::keyed(quota(config.registration)),
            links: RateLimiter::keyed(quota(config.links)),
            entries: RateLimiter::keyed(quota(config.entries)),
            look_ups: RateLimiter::keyed(quota(config.look_ups)),
            place_entries: RateLimiter::keyed(quota(config.place_entries)),
            uploads: RateLimiter::keyed(quota(config.uploads)),
            choices: RateLimiter::keyed(quota(config.choices)),
            push: RateLimiter::keyed(quota(config.push)),
            reports: RateLimiter::keyed(quota(config.reports)),
            invited_readings: RateLimiter::keyed(quota(config.look_ups)),
            claims: RateLimiter::keyed(quota(config.prekey_claims)),
            claims_of_device: RateLimiter::keyed(quota(config.prekey_claims_of_device)),
        }
    }

    /// The counter of an address. Of an IPv6 address only the network counts: its holder has all the others.
    pub(crate) fn source(&self, address: IpAddr) -> Source {
        Source(match address.to_canonical() {
            IpAddr::V4(address) => self.secret.hash_one(address.to_bits()),
            IpAddr::V6(address) => self.secret.hash_one(address.to_bits() >> 64),
        })
    }

    /// One request of a sign-in.
    pub(crate) fn sign_in(&self, source: Source) -> Result<(), ApiError> {
        self.check("sign_in", &self.sign_in, &source)
    }

    /// How long to hold up one more sign-in to a handle, whether anybody has it or not.
    pub(crate) fn slowing(&self, username: &Username) -> Duration {
        match self.sign_in_handle.check_key(&self.secret.hash_one(username)) {
            Ok(()) => Duration::ZERO,
            Err(wait) => {
                watch::note(Refused::Limit("sign_in_handle"));
                wait.wait_time_from(self.clock.now()).min(SLOWED_AT_MOST)
            }
        }
    }

    /// One code of an account's second step. Only who knows the password comes so far, so no stranger uses it up.
    pub(crate) fn second_step(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("second_step", &self.second_step, &account)
    }

    /// One request of a registration.
    pub(crate) fn registration(&self, source: Source) -> Result<(), ApiError> {
        self.check("registration", &self.registration, &source)
    }

    /// One meeting place more.
    pub(crate) fn link(&self, source: Source) -> Result<(), ApiError> {
        self.check("links", &self.links, &source)
    }

    /// One entry more for an account's chain.
    pub(crate) fn entry(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("entries", &self.entries, &account)
    }

    /// One look-up of a handle.
    pub(crate) fn look_up(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("look_ups", &self.look_ups, &account)
    }

    /// One entry more for a place's chain.
    pub(crate) fn place_entry(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("place_entries", &self.place_entries, &account)
    }

    /// One upload more.
    pub(crate) fn upload(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("uploads", &self.uploads, &account)
    }

    /// One choice about presence and receipts more.
    pub(crate) fn choice(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("choices", &self.choices, &account)
    }

    /// One more word about where a device is woken.
    pub(crate) fn push(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("pushes", &self.push, &account)
    }

    /// One report more.
    pub(crate) fn report(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("reports", &self.reports, &account)
    }

    /// One look at a place's chain by an invite.
    pub(crate) fn invited_reading(&self, account: AccountId) -> Result<(), ApiError> {
        self.check("look_ups", &self.invited_readings, &account)
    }

    /// Whether a one-time prekey may be used up. The asker is checked first, so that a greedy one does not
    /// use up what the device grants to everybody.
    pub(crate) fn one_time_claim(&self, asker: AccountId, device: DeviceAddress) -> bool {
        let reached = if self.claims.check_key(&(asker, device)).is_err() {
            "prekey_claims"
        } else if self.claims_of_device.check_key(&device).is_err() {
            "prekey_claims_of_device"
        } else {
            return true;
        };
        watch::note(Refused::Limit(reached));
        false
    }

    /// Drops counters that are full again, so that they do not pile up.
    pub(crate) fn forget_idle(&self) {
        self.sign_in.retain_recent();
        self.sign_in_handle.retain_recent();
        self.second_step.retain_recent();
        self.registration.retain_recent();
        self.links.retain_recent();
        self.entries.retain_recent();
        self.look_ups.retain_recent();
        self.place_entries.retain_recent();
        self.uploads.retain_recent();
        self.choices.retain_recent();
        self.push.retain_recent();
        self.reports.retain_recent();
        self.invited_readings.retain_recent();
        self.claims.retain_recent();
        self.claims_of_device.retain_recent();
    }

    /// Asks a limiter, by the name of its setting.
    fn check<K>(
        &self,
        limit: &'static str,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<(), ApiError>
    where
        K: std::hash::Hash + Eq + Clone,
    {
        limiter.check_key(key).map_err(|wait| {
            watch::note(Refused::Limit(limit));
            let seconds = wait.wait_time_from(self.clock.now()).as_secs().saturating_add(1);
            ApiError::from(ErrorCode::TooFast).retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
        })
    }
}

fn quota(pace: Pace) -> Quota {
    // Invariant: a pace's period is not zero, which is all that `with_period` refuses.
    Quota::with_period(Duration::from_millis(pace.every_ms.get()))
        .unwrap_or(Quota::per_second(pace.burst))
        .allow_burst(pace.burst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_protocol::DeviceId;

    #[test]
    fn the_eleventh_sign_in_request_of_an_address_waits_and_another_address_does_not() {
        let limits = Limits::new(&LimitsConfig::default());
        let one = limits.source("192.0.2.1".parse().unwrap());
        for _ in 0..10 {
            assert!(limits.sign_in(one).is_ok());
        }
        let refused = limits.sign_in(one).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooFast);
        assert!(
            refused
                .retry_after
                .is_some_and(|seconds| (1..=7).contains(&seconds))
        );
        assert!(
            limits
                .sign_in(limits.source("192.0.2.2".parse().unwrap()))
                .is_ok()
        );
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let limits = Limits::new(&LimitsConfig::default());
        let source = |text: &str| limits.source(text.parse().unwrap());
        assert!(source("2001:db8::1") == source("2001:db8::2"));
        assert!(source("2001:db8::1") != source("2001:db8:0:1::1"));
        assert!(source("::ffff:192.0.2.1") == source("192.0.2.1"));
    }

    #[test]
    fn a_handle_is_slowed_and_never_locked() {
        let limits = Limits::new(&LimitsConfig::default());
        let mia: Username = "mia".parse().unwrap();
        for _ in 0..10 {
            assert_eq!(limits.slowing(&mia), Duration::ZERO);
        }
        for _ in 0..100 {
            let slowed = limits.slowing(&mia);
            assert!(slowed > Duration::ZERO && slowed <= SLOWED_AT_MOST);
        }
    }

    #[test]
    fn the_seventh_claim_of_one_asker_is_not_granted_and_costs_others_nothing() {
        let limits = Limits::new(&LimitsConfig::default());
        let device = DeviceAddress {
            account: AccountId([1; 32]),
            device: DeviceId(0),
        };
        let greedy = AccountId([2; 32]);
        assert_eq!(
            (0..50).filter(|_| limits.one_time_claim(greedy, device)).count(),
            6
        );
        assert!(limits.one_time_claim(AccountId([3; 32]), device));
    }
}
