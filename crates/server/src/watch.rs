//! What was refused, counted without names: an attack shows, people do not.
//!
//! Each refusal counts twice: as a metric, and for a line of the log that says once a minute how many there were of a
//! kind. A line for each would let anybody fill the disk, and tell when somebody mistyped their password.
//!
//! Invariant: a kind and its reason are words of this program, known before. Nothing of a request gets in here.

use std::sync::LazyLock;

use conclave_protocol::ErrorCode;
use dashmap::DashMap;

use crate::measuring;

/// A refusal that somebody who looks after the server wants to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refused {
    /// A sign-in, a recovery, or a proof of the password, by the code that was answered.
    SignIn(ErrorCode),
    /// A request of somebody who may not make it, by the code that was answered.
    Authorization(ErrorCode),
    /// A limit was reached, by the name of its setting.
    Limit(&'static str),
    /// A refresh token was shown that had been used before: it was copied, or a device was put back.
    ReusedToken,
}

/// Where a sign-in's last message, or a proof of the password, is answered.
const SIGN_INS: &[&str] = &[
    "/api/v1/logins/finish",
    "/api/v1/logins/pending",
    "/api/v1/logins/device/finish",
    "/api/v1/logins/prove",
    "/api/v1/recoveries/prove",
    "/api/v1/recoveries/finish",
    "/api/v1/resets",
];

impl Refused {
    /// What a request's refusal is, where it is one of these. Limits and reuse are noted where they are noticed.
    pub(crate) fn of(route: &str, code: ErrorCode) -> Option<Self> {
        match code {
            ErrorCode::WrongCredentials
            | ErrorCode::SecondStepWrong
            | ErrorCode::AccountSuspended
            | ErrorCode::AccountClosed
            | ErrorCode::DeviceRevoked
                if SIGN_INS.contains(&route) =>
            {
                Some(Self::SignIn(code))
            }
            ErrorCode::SignInNeeded
            | ErrorCode::Forbidden
            | ErrorCode::OriginRefused
            | ErrorCode::FreshSignInNeeded
            | ErrorCode::AccountSuspended
            | ErrorCode::DeviceRevoked => Some(Self::Authorization(code)),
            _ => None,
        }
    }

    /// Whether it gets a line. What happens to everybody every day gets none.
    fn is_told(self) -> bool {
        !matches!(
            self,
            Self::Authorization(ErrorCode::SignInNeeded | ErrorCode::FreshSignInNeeded)
        )
    }
}

/// Refusals since the last lines.
#[derive(Default)]
struct Watch(DashMap<Refused, u64>);

static WATCH: LazyLock<Watch> = LazyLock::new(Watch::default);

impl Watch {
    fn note(&self, refused: Refused) {
        if refused.is_told() {
            let mut count = self.0.entry(refused).or_insert(0);
            *count = count.saturating_add(1);
        }
    }

    fn tell(&self) {
        let told: Vec<Refused> = self.0.iter().map(|entry| *entry.key()).collect();
        for refused in told {
            let Some((_, count)) = self.0.remove(&refused) else {
                continue;
            };
            match refused {
                Refused::SignIn(code) => {
                    tracing::warn!(reason = code.as_str(), count, "sign-ins were refused");
                }
                Refused::Authorization(code) => {
                    tracing::warn!(reason = code.as_str(), count, "requests were refused");
                }
                Refused::Limit(limit) => tracing::warn!(limit, count, "a limit was reached"),
                Refused::ReusedToken => {
                    tracing::warn!(count, "used refresh tokens were shown, their logins ended");
                }
            }
        }
    }
}

/// Counts a refusal.
pub(crate) fn note(refused: Refused) {
    match refused {
        Refused::SignIn(code) => measuring::sign_in_refused(code.as_str()),
        Refused::Authorization(code) => measuring::request_refused(code.as_str()),
        Refused::Limit(limit) => measuring::limit_reached(limit),
        Refused::ReusedToken => measuring::token_reused(),
    }
    WATCH.note(refused);
}

/// Says what was refused since the last time.
pub(crate) fn tell() {
    WATCH.tell();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::heard::Lines;

    fn said(act: impl FnOnce()) -> String {
        let (lines, _listening) = Lines::listen();
        act();
        lines.text()
    }

    #[test]
    fn a_thousand_refusals_are_one_line_of_warning_with_their_number() {
        let watch = Watch::default();
        for _ in 0..1000 {
            watch.note(Refused::SignIn(ErrorCode::WrongCredentials));
            watch.note(Refused::Authorization(ErrorCode::SignInNeeded));
        }
        watch.note(Refused::Limit("sign_in"));
        watch.note(Refused::ReusedToken);
        let told = said(|| watch.tell());
        let mut lines: Vec<&str> = told.lines().map(str::trim).collect();
        lines.sort_unstable();
        let wanted = [
            "WARN conclave_server::watch: a limit was reached limit=\"sign_in\" count=1",
            "WARN conclave_server::watch: sign-ins were refused reason=\"wrong_credentials\" count=1000",
            "WARN conclave_server::watch: used refresh tokens were shown, their logins ended count=1",
        ];
        assert_eq!(lines, wanted);
        assert_eq!(said(|| watch.tell()), "", "each is said once");
    }

    #[test]
    fn a_refusal_is_of_the_kind_that_its_route_and_code_say() {
        let of = Refused::of;
        let wrong = ErrorCode::WrongCredentials;
        assert_eq!(of("/api/v1/logins/finish", wrong), Some(Refused::SignIn(wrong)));
        assert_eq!(
            of("/api/v1/recoveries/prove", wrong),
            Some(Refused::SignIn(wrong))
        );
        let suspended = ErrorCode::AccountSuspended;
        assert_eq!(
            of("/api/v1/logins/pending", suspended),
            Some(Refused::SignIn(suspended))
        );
        assert_eq!(
            of("/api/v1/devices", suspended),
            Some(Refused::Authorization(suspended))
        );
        let forbidden = ErrorCode::Forbidden;
        assert_eq!(
            of("/api/v1/admin/accounts", forbidden),
            Some(Refused::Authorization(forbidden))
        );
        assert_eq!(of("/api/v1/places", ErrorCode::NotFound), None);
        assert_eq!(
            of("/api/v1/logins/start", ErrorCode::TooFast),
            None,
            "the limit notes itself"
        );
    }

    #[test]
    fn every_route_whose_refusals_count_as_sign_ins_is_there() {
        let described = crate::openapi::document();
        for route in SIGN_INS {
            assert!(described.paths.paths.contains_key(*route), "{route}");
        }
    }
}
