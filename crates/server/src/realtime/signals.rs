//! Who is there, and who is told: the state of each account, in memory alone.
//!
//! Each side says whom it lets see it, and sees of these only who lets it see them in turn: that is the whole rule, so
//! the server need not learn who is whose contact. What others find is what they were *told* last. Of an account that
//! is invisible nothing is told, so that every answer about it is the one that it would be if no device were connected,
//! and whoever is not let see gets the answer that nobody at all would get: silence. Changes are told after a short
//! random while, together; a connection that comes back soon was never gone. Must never write anything down.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_protocol::limits::LAST_SEEN_KEPT_MS;
use conclave_protocol::presence::{
    Availability, Choices, LastSeen, Presence, PresenceState, Seen, Span, Watched,
};
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, Timestamp};
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::randomness;
use crate::state::App;

/// What is due is looked at so often.
const TICK: Duration = Duration::from_millis(250);
/// A change is told after at least this, and at most twice as long.
const GATHER: Duration = Duration::from_millis(700);
/// An account whose last connection broke is there for so long, and at most twice.
const GRACE: Duration = Duration::from_secs(8);
/// Accounts without a connection that are remembered.
const REMEMBERED_MAX: usize = 10_000;
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// Whom an account lets see it, and who of them is a contact.
type Audience = Arc<HashMap<AccountId, bool>>;

/// Everybody's presence.
#[derive(Default)]
pub(crate) struct Signals(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    people: HashMap<AccountId, Person>,
    /// The devices that watch an account.
    watchers: HashMap<AccountId, HashSet<DeviceAddress>>,
    /// Accounts of which something may have to be told, and when.
    due: BTreeMap<AccountId, Instant>,
}

#[derive(Default)]
struct Person {
    /// None until they are read: until then nothing is told.
    choices: Option<Choices>,
    devices: BTreeMap<DeviceId, Connected>,
    /// As a device said last.
    audience: Audience,
    told: Told,
}

struct Connected {
    /// Tells a connection from an older one of its device.
    number: u64,
    active: bool,
    watched: Vec<AccountId>,
}

/// What others find of an account.
#[derive(Clone, Default)]
struct Told {
    state: PresenceState,
    audience: Audience,
    /// When it was last told to be there no more.
    seen: Option<Timestamp>,
    /// And to whom that may be said.
    last_seen: LastSeen,
}

/// How exactly an account tells another one when it was there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Nothing,
    Step,
    Minute,
}

impl Person {
    fn is_visible(&self) -> bool {
        let choices = self.choices.filter(|_| !self.devices.is_empty());
        choices.is_some_and(|choices| choices.availability != Availability::Invisible)
    }

    fn state(&self) -> PresenceState {
        if !self.is_visible() {
            return PresenceState::Offline;
        }
        match self.choices.map(|choices| choices.availability) {
            Some(Availability::DoNotDisturb) => PresenceState::DoNotDisturb,
            _ if self.devices.values().any(|device| device.active) => PresenceState::Online,
            _ => PresenceState::Idle,
        }
    }
}

impl Precision {
    fn of(choice: LastSeen, is_contact: bool) -> Self {
        match choice {
            LastSeen::Everyone => Self::Minute,
            LastSeen::Contacts if is_contact => Self::Minute,
            LastSeen::Approximate => Self::Step,
            LastSeen::Contacts | LastSeen::Nobody => Self::Nothing,
        }
    }
}

impl Registry {
    /// What `watcher` finds of `account`, from what stands as told of it.
    fn view(
        &self,
        watcher: AccountId,
        account: AccountId,
        told: &Told,
        now: Timestamp,
    ) -> (PresenceState, Option<Seen>) {
        let nothing = (PresenceState::Offline, None);
        let Some(asker) = self.people.get(&watcher) else {
            return nothing;
        };
        let (Some(is_contact), Some(is_theirs)) = (told.audience.get(&watcher), asker.audience.get(&account))
        else {
            return nothing;
        };
        if told.state != PresenceState::Offline {
            return (told.state, None);
        }
        let own = asker.choices.unwrap_or_default().last_seen;
        let precision = Precision::of(told.last_seen, *is_contact).min(Precision::of(own, *is_theirs));
        (told.state, told.seen.and_then(|at| seen(precision, at, now)))
    }

    fn schedule(&mut self, account: AccountId, at: Instant) {
        let due = self.due.entry(account).or_insert(at);
        *due = at.min(*due);
    }

    fn unwatch(&mut self, device: DeviceAddress, watched: &[AccountId]) {
        for account in watched {
            if let Some(watchers) = self.watchers.get_mut(account) {
                watchers.remove(&device);
                if watchers.is_empty() {
                    self.watchers.remove(account);
                }
            }
        }
    }

    fn connect(&mut self, device: DeviceAddress, number: u64) {
        let devices = &mut self.people.entry(device.account).or_default().devices;
        let connected = Connected {
            number,
            active: true,
            watched: Vec::new(),
        };
        if let Some(older) = devices.insert(device.device, connected) {
            self.unwatch(device, &older.watched);
        }
    }

    fn learn(&mut self, account: AccountId, found: Choices, at: Instant) -> Choices {
        let person = self.people.entry(account).or_default();
        let choices = *person.choices.get_or_insert(found);
        self.schedule(account, at);
        choices
    }

    fn disconnect(&mut self, device: DeviceAddress, number: u64, at: Instant) {
        let Some(person) = self.people.get_mut(&device.account) else {
            return;
        };
        let Some(gone) = (person.devices.get(&device.device)).filter(|held| held.number == number) else {
            return;
        };
        let watched = gone.watched.clone();
        person.devices.remove(&device.device);
        if person
            .choices
            .is_some_and(|choices| choices.availability == Availability::Invisible)
        {
            self.schedule(device.account, at);
        } else {
            // Also where something was due sooner: nobody flickers whose connection is made anew.
            self.due.insert(device.account, at);
        }
        self.unwatch(device, &watched);
    }

    fn set_active(&mut self, device: DeviceAddress, active: bool, at: Instant) {
        let person = self.people.get_mut(&device.account);
        if let Some(held) = person.and_then(|person| person.devices.get_mut(&device.device))
            && held.active != active
        {
            held.active = active;
            self.schedule(device.account, at);
        }
    }

    /// Takes whom a device watches; answers what is to be said of those whom it did not watch before.
    fn watch(
        &mut self,
        device: DeviceAddress,
        list: &[Watched],
        now: Timestamp,
        at: Instant,
    ) -> Vec<Presence> {
        let own = device.account;
        let Some(person) = self.people.get_mut(&own) else {
            return Vec::new();
        };
        let Some(held) = person.devices.get_mut(&device.device) else {
            return Vec::new();
        };
        let mut watched: Vec<AccountId> = list.iter().map(|of| of.account).collect();
        watched.sort_unstable();
        watched.dedup();
        watched.retain(|account| *account != own);
        let before = std::mem::replace(&mut held.watched, watched.clone());
        let audience: HashMap<_, _> = list.iter().map(|of| (of.account, of.contact)).collect();
        if *person.audience != audience {
            person.audience = Arc::new(audience);
            self.schedule(own, at);
        }
        self.unwatch(device, &before);
        for account in &watched {
            self.watchers.entry(*account).or_default().insert(device);
        }
        let new = watched
            .into_iter()
            .filter(|account| before.binary_search(account).is_err());
        new.filter_map(|account| {
            let told = &self.people.get(&account)?.told;
            let (state, seen) = self.view(own, account, told, now);
            let says = state != PresenceState::Offline || seen.is_some();
            says.then_some(Presence { account, state, seen })
        })
        .collect()
    }

    fn choose(&mut self, account: AccountId, choices: Choices, at: Instant) {
        if let Some(person) = self.people.get_mut(&account) {
            person.choices = Some(choices);
            self.schedule(account, at);
        }
    }

    /// What is to be told now, and to which devices.
    fn take_due(&mut self, now: Timestamp, at: Instant) -> Vec<(DeviceAddress, Presence)> {
        let due: Vec<_> = self.due.extract_if(.., |_, due| *due <= at).collect();
        let mut news = Vec::new();
        for (account, _) in due {
            let Some(person) = self.people.get(&account) else {
                continue;
            };
            let before = person.told.clone();
            let mut told = before.clone();
            told.state = person.state();
            // In force at once, for whoever is there, hides or is away.
            told.last_seen = person.choices.unwrap_or_default().last_seen;
            if person.is_visible() {
                told.audience = Arc::clone(&person.audience);
            } else if before.state != PresenceState::Offline {
                // When it is told, and not when it happened: of the time between, which is another one for who
                // left and for who hides, nobody learns.
                told.seen = Some(Timestamp(now.0 / MINUTE_MS * MINUTE_MS));
            }
            for watcher in self.watchers.get(&account).into_iter().flatten() {
                let (state, seen) = self.view(watcher.account, account, &told, now);
                if (state, seen) != self.view(watcher.account, account, &before, now) {
                    news.push((*watcher, Presence { account, state, seen }));
                }
            }
            if let Some(person) = self.people.get_mut(&account) {
                person.told = told;
            }
        }
        news
    }

    fn forget(&mut self, now: Timestamp) {
        let due = &self.due;
        self.people.retain(|account, person| {
            let is_fresh = person
                .told
                .seen
                .is_some_and(|at| now.since(at) <= LAST_SEEN_KEPT_MS);
            !person.devices.is_empty() || is_fresh || due.contains_key(account)
        });
        let gone = self.people.iter().filter(|(_, person)| person.devices.is_empty());
        let mut gone: Vec<_> = gone
            .map(|(account, person)| (person.told.seen, *account))
            .collect();
        gone.sort_unstable();
        for (_, account) in gone.iter().rev().skip(REMEMBERED_MAX) {
            self.people.remove(account);
        }
    }
}

fn seen(precision: Precision, at: Timestamp, now: Timestamp) -> Option<Seen> {
    let ago = now.since(at);
    if ago > LAST_SEEN_KEPT_MS {
        return None;
    }
    match precision {
        Precision::Nothing => None,
        Precision::Minute => Some(Seen::At(at)),
        Precision::Step if ago <= DAY_MS => Some(Seen::Within(Span::Day)),
        Precision::Step if ago <= 7 * DAY_MS => Some(Seen::Within(Span::Week)),
        Precision::Step => Some(Seen::Within(Span::Month)),
    }
}

/// A moment between `least` and twice as long from now.
fn in_about(least: Duration) -> Instant {
    let [byte] = randomness::bytes();
    Instant::now() + least + least.mul_f64(f64::from(byte) / 255.0)
}

impl Signals {
    fn with<T>(&self, look: impl FnOnce(&mut Registry) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A device is connected; nothing is told before its account's choices are known.
    pub(super) fn connect(&self, device: DeviceAddress, number: u64) {
        self.with(|registry| registry.connect(device, number));
    }

    /// What an account chose as the database has it; where it chose otherwise meanwhile, that stands. Answers what
    /// stands.
    pub(super) fn learn(&self, account: AccountId, found: Choices) -> Choices {
        self.with(|registry| registry.learn(account, found, in_about(GATHER)))
    }

    /// A connection has ended.
    pub(super) fn disconnect(&self, device: DeviceAddress, number: u64) {
        self.with(|registry| registry.disconnect(device, number, in_about(GRACE)));
    }

    /// Somebody uses a device, or nobody does.
    pub(super) fn set_active(&self, device: DeviceAddress, active: bool) {
        self.with(|registry| registry.set_active(device, active, in_about(GATHER)));
    }

    /// As [`Registry::watch`].
    pub(super) fn watch(&self, device: DeviceAddress, list: &[Watched], now: Timestamp) -> Vec<Presence> {
        self.with(|registry| registry.watch(device, list, now, in_about(GATHER)))
    }

    /// An account chose anew, and it is on disk.
    pub(crate) fn choose(&self, account: AccountId, choices: Choices) {
        self.with(|registry| registry.choose(account, choices, in_about(GATHER)));
    }

    /// Whether it may be told that an account writes: it says so, and is not hidden.
    pub(super) fn tells_typing(&self, account: AccountId) -> bool {
        self.with(|registry| {
            let person = registry.people.get(&account).filter(|person| person.is_visible());
            person
                .and_then(|person| person.choices)
                .is_some_and(|choices| choices.typing)
        })
    }

    /// Whether an account is told that others write: it has a connected device, and says so of itself.
    pub(super) fn hears_typing(&self, account: AccountId) -> bool {
        self.with(|registry| {
            let person = registry.people.get(&account);
            person
                .and_then(|person| person.choices)
                .is_some_and(|choices| choices.typing)
        })
    }

    /// Drops what is remembered of accounts that were not there for long.
    pub(crate) fn forget_old(&self, now: Timestamp) {
        self.with(|registry| registry.forget(now));
    }
}

/// Tells what is due until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = interval(TICK);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let news = app
            .signals
            .with(|registry| registry.take_due(app.now(), Instant::now()));
        for (device, presence) in news {
            app.hub.tell_presence(device, &[presence]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_030_000);
    const OWN: u8 = 1;
    const MIA: u8 = 2;

    fn account(number: u8) -> AccountId {
        AccountId([number; 32])
    }

    fn device(number: u8) -> DeviceAddress {
        DeviceAddress {
            account: account(number),
            device: DeviceId(0),
        }
    }

    fn watched(numbers: &[u8], contact: bool) -> Vec<Watched> {
        let watched = |number: &u8| Watched {
            account: account(*number),
            contact,
        };
        numbers.iter().map(watched).collect()
    }

    fn choices(availability: Availability, last_seen: LastSeen) -> Choices {
        Choices {
            availability,
            last_seen,
            ..Choices::default()
        }
    }

    /// People of whom each lets each see them.
    struct Stage {
        registry: Registry,
        at: Instant,
    }

    impl Stage {
        fn of(people: &[(u8, Choices)]) -> Self {
            let mut stage = Self {
                registry: Registry::default(),
                at: Instant::now(),
            };
            let all: Vec<u8> = people.iter().map(|(number, _)| *number).collect();
            for (number, choices) in people {
                stage.registry.connect(device(*number), 1);
                stage.registry.learn(account(*number), *choices, stage.at);
                stage
                    .registry
                    .watch(device(*number), &watched(&all, true), NOW, stage.at);
            }
            stage
        }

        /// What a person's device is told when everything that is due was told.
        fn told(&mut self, number: u8, now: Timestamp) -> Vec<(u8, PresenceState, Option<Seen>)> {
            let news = self.registry.take_due(now, self.at);
            let own = news.into_iter().filter(|(to, _)| *to == device(number));
            own.map(|(_, said)| (said.account.0[0], said.state, said.seen))
                .collect()
        }

        fn asked(&mut self, number: u8) -> Vec<(u8, PresenceState, Option<Seen>)> {
            self.registry.watch(device(number), &[], NOW, self.at);
            let list = watched(&[OWN, MIA, 9], true);
            let answer = self.registry.watch(device(number), &list, NOW, self.at);
            let answer = answer.into_iter();
            answer
                .map(|said| (said.account.0[0], said.state, said.seen))
                .collect()
        }
    }

    const MINUTE: Option<Seen> = Some(Seen::At(Timestamp(1_800_000_000_000)));

    #[test]
    fn who_lets_each_other_see_is_told_once_of_what_changed() {
        let seen = choices(Availability::Automatic, LastSeen::Contacts);
        let mut stage = Stage::of(&[(OWN, seen), (MIA, seen)]);
        assert_eq!(stage.told(OWN, NOW), [(MIA, PresenceState::Online, None)]);
        assert!(stage.told(OWN, NOW).is_empty());
        stage.registry.set_active(device(MIA), false, stage.at);
        assert_eq!(stage.told(OWN, NOW), [(MIA, PresenceState::Idle, None)]);
        let quiet = choices(Availability::DoNotDisturb, LastSeen::Contacts);
        stage.registry.choose(account(MIA), quiet, stage.at);
        assert_eq!(stage.told(OWN, NOW), [(MIA, PresenceState::DoNotDisturb, None)]);
        stage.registry.disconnect(device(MIA), 1, stage.at);
        assert_eq!(stage.told(OWN, NOW), [(MIA, PresenceState::Offline, MINUTE)]);
        assert_eq!(stage.asked(OWN), [(MIA, PresenceState::Offline, MINUTE)]);
    }

    #[test]
    fn an_account_is_online_while_any_of_its_devices_is_used() {
        let mut stage = Stage::of(&[(OWN, Choices::default()), (MIA, Choices::default())]);
        let other = DeviceAddress {
            device: DeviceId(7),
            ..device(MIA)
        };
        stage.registry.connect(other, 2);
        stage.told(OWN, NOW);
        stage.registry.set_active(device(MIA), false, stage.at);
        assert!(stage.told(OWN, NOW).is_empty());
        stage.registry.disconnect(other, 2, stage.at);
        assert_eq!(stage.told(OWN, NOW), [(MIA, PresenceState::Idle, None)]);
    }

    #[test]
    fn a_connection_that_comes_back_soon_was_never_gone() {
        let mut stage = Stage::of(&[(OWN, Choices::default()), (MIA, Choices::default())]);
        stage.told(OWN, NOW);
        // Something else was due sooner.
        stage.registry.set_active(device(MIA), false, stage.at);
        let later = stage.at + GRACE;
        stage.registry.disconnect(device(MIA), 1, later);
        assert!(stage.told(OWN, NOW).is_empty());
        stage.registry.connect(device(MIA), 2);
        stage.registry.disconnect(device(MIA), 1, stage.at);
        stage.at = later;
        assert!(stage.told(OWN, NOW).is_empty(), "neither gone nor idle");
    }

    #[test]
    fn who_is_invisible_is_in_nothing_told_apart_from_who_left() {
        let seen = choices(Availability::Automatic, LastSeen::Everyone);
        let hidden = choices(Availability::Invisible, LastSeen::Everyone);
        let play = |hides: bool| {
            let mut stage = Stage::of(&[(OWN, seen), (MIA, seen)]);
            let mut heard = vec![stage.told(OWN, NOW)];
            if hides {
                stage.registry.choose(account(MIA), hidden, stage.at);
            } else {
                stage.registry.disconnect(device(MIA), 1, stage.at);
            }
            heard.push(stage.told(OWN, NOW));
            if hides {
                // Whatever is done behind it, by any device.
                stage.registry.set_active(device(MIA), false, stage.at);
                stage.registry.connect(device(MIA), 2);
                stage.registry.set_active(device(MIA), false, stage.at);
                stage
                    .registry
                    .watch(device(MIA), &watched(&[9], true), NOW, stage.at);
                stage
                    .registry
                    .watch(device(MIA), &watched(&[OWN], false), NOW, stage.at);
            }
            let later = NOW.plus(2 * DAY_MS);
            heard.push(stage.told(OWN, later));
            heard.push(stage.asked(OWN));
            if hides {
                stage.registry.disconnect(device(MIA), 2, stage.at);
            }
            heard.push(stage.told(OWN, later));
            heard.push(stage.asked(OWN));
            heard
        };
        assert_eq!(play(true), play(false));
        assert_eq!(play(true)[1], [(MIA, PresenceState::Offline, MINUTE)]);
    }

    #[test]
    fn who_came_invisible_is_like_nobody_at_all() {
        let hidden = choices(Availability::Invisible, LastSeen::Everyone);
        let mut stage = Stage::of(&[(OWN, Choices::default()), (MIA, hidden)]);
        assert!(stage.told(OWN, NOW).is_empty());
        assert!(stage.asked(OWN).is_empty());
        stage.registry.disconnect(device(MIA), 1, stage.at);
        assert!(stage.told(OWN, NOW).is_empty() && stage.asked(OWN).is_empty());
    }

    #[test]
    fn who_is_not_let_see_gets_the_answer_that_nobody_at_all_would_get() {
        let open = choices(Availability::Automatic, LastSeen::Everyone);
        let mut stage = Stage::of(&[(OWN, open), (MIA, open)]);
        stage
            .registry
            .watch(device(MIA), &watched(&[9], true), NOW, stage.at);
        assert!(stage.told(OWN, NOW).is_empty() && stage.asked(OWN).is_empty());
        // Seen once, and then no longer: as if they had left without a word.
        stage
            .registry
            .watch(device(MIA), &watched(&[OWN], true), NOW, stage.at);
        assert_eq!(stage.told(OWN, NOW), [(MIA, PresenceState::Online, None)]);
        stage.registry.watch(device(MIA), &[], NOW, stage.at);
        assert_eq!(stage.told(OWN, NOW), [(MIA, PresenceState::Offline, None)]);
        // Who lets nobody see them sees nobody.
        stage
            .registry
            .watch(device(MIA), &watched(&[OWN], true), NOW, stage.at);
        stage.registry.take_due(NOW, stage.at);
        stage.registry.watch(device(OWN), &[], NOW, stage.at);
        let nobody = stage.registry.watch(device(OWN), &[], NOW, stage.at);
        assert!(nobody.is_empty());
    }

    #[test]
    fn when_somebody_was_there_is_told_as_exactly_as_both_choose() {
        use LastSeen::{Approximate, Contacts, Everyone, Nobody};
        let told = |theirs, own| {
            let choice = |last_seen| choices(Availability::Automatic, last_seen);
            let mut stage = Stage::of(&[(OWN, choice(own)), (MIA, choice(theirs))]);
            stage.told(OWN, NOW);
            stage.registry.disconnect(device(MIA), 1, stage.at);
            stage.told(OWN, NOW).pop().unwrap().2
        };
        let day = Some(Seen::Within(Span::Day));
        assert_eq!(told(Everyone, Contacts), MINUTE);
        assert_eq!(told(Approximate, Everyone), day);
        assert_eq!(told(Everyone, Approximate), day);
        assert_eq!((told(Nobody, Everyone), told(Everyone, Nobody)), (None, None));
    }

    #[test]
    fn steps_are_a_day_a_week_and_a_month_and_then_nothing() {
        let at = |days: u64| seen(Precision::Step, NOW, NOW.plus(days * DAY_MS));
        let step = |span| Some(Seen::Within(span));
        assert_eq!((at(0), at(1)), (step(Span::Day), step(Span::Day)));
        assert_eq!((at(2), at(7)), (step(Span::Week), step(Span::Week)));
        assert_eq!((at(8), at(31)), (step(Span::Month), None));
    }

    #[test]
    fn what_is_remembered_of_people_who_are_gone_is_bounded() {
        let mut registry = Registry::default();
        let id = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            AccountId(bytes)
        };
        for number in 0..REMEMBERED_MAX + 5 {
            let person = registry.people.entry(id(number)).or_default();
            person.told.seen = Some(NOW.plus(number as u64));
        }
        registry.forget(NOW);
        assert_eq!(registry.people.len(), REMEMBERED_MAX);
        assert!(!registry.people.contains_key(&id(4)) && registry.people.contains_key(&id(5)));
        registry.forget(NOW.plus(2 * LAST_SEEN_KEPT_MS));
        assert!(registry.people.is_empty());
    }
}
