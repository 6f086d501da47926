//! Signals on their way to one device: the newest of each account, and who writes where, for as long as that is news.
//!
//! They go out behind everything else and only while the device keeps up. Bounded, so what does not fit is dropped.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_protocol::frames::ServerFrame;
use conclave_protocol::limits::{PRESENCE_PAGE, TYPING_SHOWN_MS, WATCHED_MAX};
use conclave_protocol::presence::{Choices, Presence, TypingOf};
use conclave_protocol::{AccountId, RoomId};
use tokio::time::Instant;

/// People who write of whom one device is told at a time.
const TYPING_MAX: usize = 64;

/// What waits for one device.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) choices: Option<Choices>,
    presence: BTreeMap<AccountId, Presence>,
    typing: BTreeMap<(RoomId, AccountId), (bool, Instant)>,
}

impl Waiting {
    /// Puts in how somebody is seen, in the place of what was said of them before.
    pub(super) fn add_presence(&mut self, presence: Presence) {
        if self.presence.len() < WATCHED_MAX || self.presence.contains_key(&presence.account) {
            self.presence.insert(presence.account, presence);
        }
    }

    /// Puts in that somebody writes, or stopped.
    pub(super) fn add_typing(&mut self, of: TypingOf, now: Instant) {
        let key = (of.room, of.account);
        if self.typing.len() >= TYPING_MAX && !self.typing.contains_key(&key) {
            self.drop_old(now);
        }
        if self.typing.len() < TYPING_MAX || self.typing.contains_key(&key) {
            self.typing.insert(key, (of.active, now));
        }
    }

    /// What can be told now; who wrote a while ago writes no more.
    pub(super) fn take(&mut self, now: Instant) -> Vec<ServerFrame> {
        self.drop_old(now);
        let presence: Vec<_> = std::mem::take(&mut self.presence).into_values().collect();
        let typing = std::mem::take(&mut self.typing).into_iter();
        let pages = presence
            .chunks(PRESENCE_PAGE)
            .map(|page| ServerFrame::Presence(page.to_vec()));
        let typing = typing.map(|((room, account), (active, _))| {
            ServerFrame::Typing(TypingOf {
                room,
                account,
                active,
            })
        });
        pages.chain(typing).collect()
    }

    fn drop_old(&mut self, now: Instant) {
        let kept = Duration::from_millis(TYPING_SHOWN_MS);
        self.typing.retain(|_, (_, at)| now.duration_since(*at) < kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_protocol::presence::PresenceState;

    fn typing(number: u8) -> TypingOf {
        TypingOf {
            room: RoomId([number; 32]),
            account: AccountId([number; 32]),
            active: true,
        }
    }

    #[test]
    fn of_each_account_the_newest_waits_and_of_writing_only_what_is_news() {
        let mut waiting = Waiting::default();
        let account = AccountId([1; 32]);
        for state in [PresenceState::Online, PresenceState::Idle] {
            waiting.add_presence(Presence {
                account,
                state,
                seen: None,
            });
        }
        let now = Instant::now();
        waiting.add_typing(typing(1), now);
        let later = now + Duration::from_millis(TYPING_SHOWN_MS);
        waiting.add_typing(typing(2), later);
        let idle = Presence {
            account,
            state: PresenceState::Idle,
            seen: None,
        };
        let expected = [ServerFrame::Presence(vec![idle]), ServerFrame::Typing(typing(2))];
        assert_eq!(waiting.take(later), expected);
        assert!(waiting.take(later).is_empty());
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_too_much_is_dropped() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        for number in 0..=255 {
            waiting.add_typing(typing(number), now);
        }
        for number in 0..2_000_u16 {
            let account = AccountId([number.to_be_bytes(); 16].concat().try_into().unwrap());
            let state = PresenceState::Online;
            waiting.add_presence(Presence {
                account,
                state,
                seen: None,
            });
        }
        assert_eq!(waiting.take(now).len(), WATCHED_MAX / PRESENCE_PAGE + TYPING_MAX);
    }
}
