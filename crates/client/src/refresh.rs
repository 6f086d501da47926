//! A new access token for the refresh token, which is exchanged for the next one by that.
//!
//! The answer may be lost on the way. So each exchange is an attempt with a name of its own, which is stored before it
//! is sent: with the same name the exchange may be repeated at any time and has the same outcome. Who has only the
//! token cannot repeat it. Must never send an attempt that is not stored.

use conclave_protocol::logins::{LoggedIn, Refresh};
use conclave_protocol::{ErrorCode, Timestamp, Token};
use minicbor::{Decode, Encode};

use crate::calls::{Call, Refusal};
use crate::connection::Link;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::Event;
use crate::work::Work;

/// A browser writes its cookies to its disk some time after it took them, up to half a minute in some, and one that
/// ends before has the old one again. So after an answer the attempt is still the same for a while.
const COOKIE_STORED_WITHIN_MS: u64 = 5 * 60 * 1000;

/// An exchange of the refresh token.
#[derive(Clone, Encode, Decode)]
pub(crate) struct RefreshAttempt {
    /// Its name.
    #[n(0)]
    id: Token,
    /// When its answer came, where that carried a cookie, of which nobody says when it is stored.
    #[n(1)]
    answered_at: Option<Timestamp>,
}

impl RefreshAttempt {
    /// Whether a token that this attempt has exchanged may still have to be shown.
    fn goes_on(&self, now: Timestamp) -> bool {
        self.answered_at
            .is_none_or(|answered_at| now.since(answered_at) < COOKIE_STORED_WITHIN_MS)
    }
}

impl Engine {
    pub(crate) fn refresh_runs(&self) -> bool {
        self.calls.values().any(|call| matches!(call, Call::Refresh))
    }

    pub(crate) fn refresh(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let mut login = work.login()?;
        let attempt = login
            .refresh_attempt
            .take()
            .filter(|attempt| attempt.goes_on(work.now));
        let attempt = attempt.unwrap_or_else(|| RefreshAttempt {
            id: Token::from_random(work.random()),
            answered_at: None,
        });
        let refresh = Refresh {
            refresh_token: login.refresh_token.clone(),
            attempt: attempt.id.clone(),
        };
        login.refresh_attempt = Some(attempt);
        work.put_login(&login);
        self.call_open(work, Call::Refresh, "/api/v1/logins/refresh", &refresh);
        Ok(())
    }

    pub(crate) fn refreshed(
        &mut self,
        work: &mut Work<'_>,
        answer: Result<LoggedIn, Refusal>,
    ) -> Result<(), ReadError> {
        match answer {
            Ok(logged_in) => {
                self.take_access(work.now, &logged_in);
                let mut login = work.login()?;
                if !login.signed_in {
                    return Ok(());
                }
                if login.administrator != logged_in.administrator {
                    login.administrator = logged_in.administrator;
                    work.show(Event::Account);
                }
                // A token that came along is stored together with this.
                login.refresh_attempt = login
                    .refresh_attempt
                    .filter(|_| logged_in.refresh_token.is_none())
                    .map(|attempt| RefreshAttempt {
                        answered_at: Some(work.now),
                        ..attempt
                    });
                login.refresh_token = logged_in.refresh_token;
                work.put_login(&login);
                self.release_held(work);
                if matches!(self.link, Link::Refreshing) {
                    self.ask_ticket(work);
                }
            }
            Err(refusal) => {
                self.access = None;
                self.fail_held(work, &refusal.failure())?;
                let ended = [
                    ErrorCode::SignInNeeded,
                    ErrorCode::LoginRevoked,
                    ErrorCode::AccountClosed,
                ];
                if ended.into_iter().any(|code| refusal.is(code)) {
                    let mut login = work.login()?;
                    login.signed_in = false;
                    login.refresh_token = None;
                    login.refresh_attempt = None;
                    work.put_login(&login);
                    work.show(Event::Account);
                    work.show(Event::Warning {
                        failure: refusal.failure(),
                    });
                } else if matches!(self.link, Link::Refreshing) && work.login()?.signed_in {
                    self.lost(work, None)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use conclave_protocol::error::Problem;
    use conclave_protocol::{AccountId, DeviceId};

    use super::*;
    use crate::effects::{HttpBody, Request};
    use crate::own::OwnLogin;
    use crate::work::testing::{EmptyStore, rng};

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    /// A signed-in device, whose engine ends after each step: only what is stored is known in the next.
    struct Stored {
        login: OwnLogin,
        steps: u8,
    }

    impl Stored {
        fn signed_in(token: Option<&str>) -> Self {
            let login = OwnLogin {
                signed_in: true,
                refresh_token: token.map(|token| Token(token.to_owned())),
                ..OwnLogin::default()
            };
            Self { login, steps: 0 }
        }

        fn step<T>(&mut self, now: Timestamp, does: impl FnOnce(&mut Engine, &mut Work<'_>) -> T) -> T {
            self.steps += 1;
            let mut rng = rng();
            let mut work = Work::new(&EmptyStore, &mut rng, now);
            // What is random is random in each step.
            for _ in 0..self.steps {
                let _: [u8; 32] = work.random();
            }
            work.put_login(&self.login);
            let done = does(&mut Engine::new(true), &mut work);
            self.login = work.login().unwrap();
            done
        }

        /// What is sent to refresh at a time.
        fn asks(&mut self, now: Timestamp) -> Refresh {
            self.step(now, |engine, work| {
                engine.refresh(work).unwrap();
                let [Request::Http(call)] = work.requests() else {
                    panic!("one request");
                };
                let HttpBody(body) = call.body.as_ref().unwrap();
                serde_json::from_slice(body).unwrap()
            })
        }

        fn hears(&mut self, now: Timestamp, token: Option<&str>) {
            let logged_in = LoggedIn {
                account: AccountId([1; 32]),
                device: DeviceId(0),
                username: "bob".parse().unwrap(),
                administrator: false,
                access_token: Token("access".to_owned()),
                expires_in: 900_000,
                refresh_token: token.map(|token| Token(token.to_owned())),
            };
            self.step(now, |engine, work| {
                engine.refreshed(work, Ok(logged_in)).unwrap();
            });
        }
    }

    #[test]
    fn a_refresh_without_an_answer_is_asked_again_with_the_same_attempt_however_late() {
        let mut device = Stored::signed_in(Some("first"));
        let asked = device.asks(NOW);
        device.step(NOW, |engine, work| {
            engine.refreshed(work, Err(Refusal::Unreachable)).unwrap();
        });
        let again = device.asks(NOW.plus(20 * 24 * 60 * 60 * 1000));
        assert_eq!(again.attempt, asked.attempt);
        assert_eq!(again.refresh_token, asked.refresh_token);
    }

    #[test]
    fn each_token_that_came_is_exchanged_by_an_attempt_of_its_own() {
        let mut device = Stored::signed_in(Some("first"));
        let asked = device.asks(NOW);
        device.hears(NOW, Some("second"));
        let next = device.asks(NOW);
        assert_eq!(next.refresh_token, Some(Token("second".to_owned())));
        assert!(next.attempt != asked.attempt);
    }

    #[test]
    fn a_browser_that_ends_before_its_cookie_was_stored_repeats_its_attempt() {
        let mut device = Stored::signed_in(None);
        let asked = device.asks(NOW);
        device.hears(NOW, None);
        let soon = device.asks(NOW.plus(COOKIE_STORED_WITHIN_MS - 1));
        assert_eq!(soon.attempt, asked.attempt);
        device.hears(NOW, None);
        let later = device.asks(NOW.plus(COOKIE_STORED_WITHIN_MS));
        assert!(later.attempt != asked.attempt);
    }

    #[test]
    fn an_ended_login_leaves_no_attempt_to_the_next() {
        let mut device = Stored::signed_in(Some("first"));
        device.asks(NOW);
        let why = Refusal::Problem(Problem::new(ErrorCode::LoginRevoked));
        device.step(NOW, |engine, work| engine.refreshed(work, Err(why)).unwrap());
        assert!(!device.login.signed_in);
        assert!(device.login.refresh_token.is_none() && device.login.refresh_attempt.is_none());
    }
}
