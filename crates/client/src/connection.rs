//! The live connection: ticket, socket, heartbeat, coming back. How an access token is got, `refresh.rs` knows.

use conclave_protocol::frames::{ClientFrame, Closing, Cursor, Hello, Welcome};
use conclave_protocol::limits::{CURSORS_MAX, HEARTBEAT_MS, HELLO_WITHIN_MS};
use conclave_protocol::logins::{HeldLogin, LoggedIn, Ticket};
use conclave_protocol::{ErrorCode, PROTOCOL_VERSION, Timestamp, Token};

use crate::calls::{Call, Need, Nothing, Refusal};
use crate::effects::{Method, Request};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::{ConnectionState, Event};
use crate::work::Work;

/// First pause after a failed connection; doubled for each further failure up to the last.
const RETRY_FIRST_MS: u64 = 500;
/// Nothing says that the way is free again where a server or a router was away, so somebody may be waiting for this. A
/// try that fails costs a server next to nothing, and one that has too much to do names its own pause.
const RETRY_LAST_MS: u64 = 8_000;
/// Pause after another connection of this very device took over.
const REPLACED_PAUSE_MS: u64 = 5 * 60 * 1000;
/// An access token that ends sooner than this is renewed first.
const ACCESS_MARGIN_MS: u64 = 30_000;
/// Opening and greeting together may take this long.
const OPEN_WITHIN_MS: u64 = 20_000;

/// An access token; memory only.
pub(crate) struct Access {
    pub(crate) token: Token,
    ends: Timestamp,
}

/// How the live connection stands.
pub(crate) enum Link {
    /// Nobody is signed in.
    Idle,
    /// Waits before the next try.
    Down { retry_at: Timestamp },
    /// Waits for an access token.
    Refreshing,
    /// Waits for a ticket.
    Ticketing,
    /// Waits for the socket.
    Opening { ticket: Token, since: Timestamp },
    /// Said hello.
    Greeting { since: Timestamp },
    /// The mailbox is being delivered.
    CatchingUp,
    /// Everything is here.
    Online,
}

impl Link {
    /// A socket is open.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Greeting { .. } | Self::CatchingUp | Self::Online)
    }

    /// Nobody is on the way to the server.
    pub(crate) fn is_down(&self) -> bool {
        matches!(self, Self::Idle | Self::Down { .. })
    }

    /// The server has said welcome.
    pub(crate) fn is_greeted(&self) -> bool {
        matches!(self, Self::CatchingUp | Self::Online)
    }

    pub(crate) fn state(&self) -> ConnectionState {
        match self {
            Self::Idle | Self::Down { .. } => ConnectionState::Offline,
            Self::Refreshing | Self::Ticketing | Self::Opening { .. } | Self::Greeting { .. } => {
                ConnectionState::Connecting
            }
            Self::CatchingUp => ConnectionState::CatchingUp,
            Self::Online => ConnectionState::Online,
        }
    }

    /// When the connection has to be looked at.
    pub(crate) fn deadline(&self, heard_at: Timestamp, pinged: bool) -> Option<Timestamp> {
        match self {
            Self::Down { retry_at } => Some(*retry_at),
            Self::Opening { since, .. } | Self::Greeting { since } => Some(since.plus(OPEN_WITHIN_MS)),
            Self::CatchingUp | Self::Online => Some(heard_at.plus(if pinged {
                HEARTBEAT_MS.saturating_add(HELLO_WITHIN_MS)
            } else {
                HEARTBEAT_MS
            })),
            Self::Idle | Self::Refreshing | Self::Ticketing => None,
        }
    }
}

impl Engine {
    pub(crate) fn start(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let login = work.login()?;
        if login.sign_out_pending && !login.signed_in {
            self.tell_sign_out(work)?;
        }
        self.failed_connects = 0;
        self.hurry(work.now);
        Ok(())
    }

    /// Does not wait any longer for the next try.
    pub(crate) fn hurry(&mut self, now: Timestamp) {
        if matches!(self.link, Link::Down { .. }) {
            self.link = Link::Down { retry_at: now };
        }
    }

    pub(crate) fn access_is_fresh(&self, now: Timestamp) -> bool {
        self.access
            .as_ref()
            .is_some_and(|access| access.ends > now.plus(ACCESS_MARGIN_MS))
    }

    pub(crate) fn take_access(&mut self, now: Timestamp, logged_in: &LoggedIn) {
        self.access = Some(Access {
            token: logged_in.access_token.clone(),
            ends: now.plus(logged_in.expires_in),
        });
    }

    pub(crate) fn drive_link(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let registered = work.find_own()?.is_some_and(|own| own.registered);
        if !registered || !work.login()?.signed_in {
            if !matches!(self.link, Link::Idle) {
                self.forget_connection();
                self.link = Link::Idle;
                work.request(Request::Disconnect);
            }
            return Ok(());
        }
        match &self.link {
            Link::Idle => self.connect(work)?,
            Link::Down { retry_at } if *retry_at <= work.now => self.connect(work)?,
            Link::Opening { since, .. } | Link::Greeting { since }
                if work.now.since(*since) >= OPEN_WITHIN_MS =>
            {
                work.request(Request::Disconnect);
                self.lost(work, None)?;
            }
            Link::CatchingUp | Link::Online => {
                let silent = work.now.since(self.heard_at);
                if silent >= HEARTBEAT_MS.saturating_add(HELLO_WITHIN_MS) && self.pinged {
                    work.request(Request::Disconnect);
                    self.lost(work, None)?;
                } else if silent >= HEARTBEAT_MS && !self.pinged {
                    self.pinged = true;
                    work.request(Request::Frame(ClientFrame::Ping(0).to_bytes()));
                }
            }
            _ => {}
        }
        // Requests made while live may find the access token ended.
        if !self.held.is_empty() && self.link.is_greeted() && !self.refresh_runs() {
            self.refresh(work)?;
        }
        Ok(())
    }

    fn connect(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if self.access_is_fresh(work.now) {
            self.ask_ticket(work);
            return Ok(());
        }
        self.link = Link::Refreshing;
        self.refresh(work)
    }

    pub(crate) fn ask_ticket(&mut self, work: &mut Work<'_>) {
        self.link = Link::Ticketing;
        self.call(
            work,
            Call::Ticket,
            Method::Post,
            "/api/v1/ws/ticket".to_owned(),
            None,
        );
    }

    pub(crate) fn ticketed(
        &mut self,
        work: &mut Work<'_>,
        answer: Result<Ticket, Refusal>,
    ) -> Result<(), ReadError> {
        if !matches!(self.link, Link::Ticketing) {
            return Ok(());
        }
        match answer {
            Ok(Ticket { ticket }) => {
                self.link = Link::Opening {
                    ticket,
                    since: work.now,
                };
                work.request(Request::Connect);
            }
            Err(refusal) => {
                if refusal.is(ErrorCode::SignInNeeded) {
                    self.access = None;
                }
                self.lost(work, None)?;
            }
        }
        Ok(())
    }

    pub(crate) fn connected(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let Link::Opening { ticket, .. } = &self.link else {
            work.request(Request::Disconnect);
            return Ok(());
        };
        let ticket = ticket.clone();
        let rooms = work.list_room_states()?;
        let of_places = work.list_place_rooms()?;
        let cursors = rooms
            .into_iter()
            .map(|(room, state)| (room, state.cursor))
            .chain(
                of_places
                    .into_iter()
                    .filter(|(_, flow)| flow.begun)
                    .map(|(room, flow)| (room, flow.cursor)),
            )
            .take(CURSORS_MAX)
            .map(|(room, sequence)| Cursor { room, sequence })
            .collect();
        let hello = Hello {
            version: PROTOCOL_VERSION,
            ticket,
            cursors,
        };
        self.link = Link::Greeting { since: work.now };
        self.heard_at = work.now;
        work.request(Request::Frame(ClientFrame::Hello(hello).to_bytes()));
        Ok(())
    }

    pub(crate) fn welcome(&mut self, work: &mut Work<'_>, welcome: &Welcome) -> Result<(), ReadError> {
        if !matches!(self.link, Link::Greeting { .. }) {
            return Ok(());
        }
        self.link = Link::CatchingUp;
        self.failed_connects = 0;
        self.moved = welcome
            .moved
            .iter()
            .map(|cursor| (cursor.room, cursor.sequence))
            .collect();
        self.prekeys_left = welcome.one_time_prekeys;
        self.server_time = Some((welcome.time, work.now));
        // What the server did not show on an earlier connection it is asked for once more.
        self.longer_chains_asked.clear();
        self.presence_on_welcome();
        self.announcements_on_welcome(work, welcome.server_key)?;
        self.ask_who_waits(work);
        if work.take_joined()? {
            work.join_rooms(&welcome.moved);
        }
        self.own_chain_on_welcome(work, welcome.head, welcome.restore)?;
        self.places_on_welcome(work)?;
        self.tell_own_name(work)?;
        self.notice_restored_copy(work, welcome)?;
        self.notice_restored_server(work, welcome)?;
        let uploaded = work.prekey_meta()?.is_some_and(|meta| meta.uploaded);
        if !uploaded || work.prekeys_are_old()? {
            self.need(work, Need::Prekeys)?;
        } else {
            self.prekeys_low(work, welcome.one_time_prekeys);
        }
        Ok(())
    }

    pub(crate) fn closing(&mut self, work: &mut Work<'_>, closing: Closing) -> Result<(), ReadError> {
        work.request(Request::Disconnect);
        let mut pause = closing.retry_after.map(u64::from);
        match closing.code {
            ErrorCode::SignInNeeded | ErrorCode::LoginRevoked => {
                // The refresh says the rest.
                self.access = None;
            }
            ErrorCode::DeviceRevoked => self.revocation_claimed(work)?,
            ErrorCode::Replaced => {
                // Somewhere else a copy of this device is connected; coming back at once would only throw
                // that one out in turn.
                pause = Some(REPLACED_PAUSE_MS);
                work.show(Event::Warning {
                    failure: Failure::server(closing.code, None),
                });
            }
            ErrorCode::VersionUnsupported => {
                work.show(Event::Warning {
                    failure: Failure::server(closing.code, None),
                });
            }
            _ => {}
        }
        self.lost(work, pause)
    }

    pub(crate) fn disconnected(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if self.link.is_open() || matches!(self.link, Link::Opening { .. }) {
            self.lost(work, None)?;
        }
        Ok(())
    }

    /// The connection is gone; it is tried again after a pause that grows.
    pub(crate) fn lost(&mut self, work: &mut Work<'_>, pause: Option<u64>) -> Result<(), ReadError> {
        self.forget_connection();
        self.fail_held(work, &Failure::offline())?;
        self.places_lost(work)?;
        let doubled =
            RETRY_FIRST_MS.saturating_mul(1_u64.checked_shl(self.failed_connects).unwrap_or(u64::MAX));
        let pause = pause.unwrap_or(doubled.min(RETRY_LAST_MS));
        self.failed_connects = self.failed_connects.saturating_add(1);
        self.link = Link::Down {
            retry_at: self.jittered(work, pause),
        };
        Ok(())
    }

    fn forget_connection(&mut self) {
        self.mailbox.clear();
        self.mailbox_goes_on = false;
        self.in_flight.clear();
        self.halted.clear();
        self.delayed.clear();
        self.moved.clear();
        self.behind.clear();
        self.needs
            .retain(|_, state| *state == crate::calls::NeedState::Running);
        self.pinged = false;
    }

    pub(crate) fn tell_sign_out(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let refresh_token = work.login()?.refresh_token;
        self.call_open(
            work,
            Call::SignOut,
            "/api/v1/logins/sign-out",
            &HeldLogin { refresh_token },
        );
        Ok(())
    }

    pub(crate) fn signed_out(
        &mut self,
        work: &mut Work<'_>,
        answer: Result<Nothing, Refusal>,
    ) -> Result<(), ReadError> {
        if matches!(answer, Err(Refusal::Unreachable)) {
            return Ok(());
        }
        let mut login = work.login()?;
        if login.sign_out_pending {
            login.sign_out_pending = false;
            if !login.signed_in {
                login.refresh_token = None;
            }
            work.put_login(&login);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::NeedState;
    use crate::work::testing::{Account, EmptyStore, rng};
    use conclave_protocol::AccountId;

    #[test]
    fn on_each_connection_a_longer_log_is_asked_for_anew() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(1));
        work.put_own(&Account::new(1).own(0));
        let mut engine = Engine::new(true);
        engine.needs.insert(Need::Prekeys, NeedState::Running);
        engine.longer_chains_asked.insert(AccountId([2; 32]));
        engine.link = Link::Greeting { since: Timestamp(1) };
        let welcome = Welcome {
            time: Timestamp(1),
            moved: Vec::new(),
            last_accepted: None,
            one_time_prekeys: 0,
            acknowledged: 0,
            head: None,
            restore: None,
            server_key: None,
        };
        engine.welcome(&mut work, &welcome).unwrap();
        assert!(engine.longer_chains_asked.is_empty());
    }
}
