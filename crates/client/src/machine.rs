//! The engine's volatile state and the one function through which everything passes.
//!
//! Invariant: nothing here is needed to go on after a crash. What is durable is in the store; the rest is
//! found again by asking the server.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use conclave_protocol::frames::{Deliver, ServerFrame};
use conclave_protocol::{AccountId, DeviceAddress, EnvelopeId, LinkId, RoomId, Timestamp};
use rand_core::CryptoRng;

use crate::announcements::AnnouncementsRun;
use crate::appending::Append;
use crate::approving::Approval;
use crate::calls::{Call, Held, Need, NeedState};
use crate::connection::{Access, Link};
use crate::content::Poll;
use crate::effects::{Effects, Released, Request};
use crate::failure::Failure;
use crate::input::{Input, Intent};
use crate::meeting::{Leaving, Round};
use crate::outbox::InFlight;
use crate::people::Person;
use crate::places::PlacesRun;
use crate::posting::PostingRun;
use crate::presence::PresenceRun;
use crate::reads::{ReadError, Reads};
use crate::vault::VaultRun;
use crate::views::{AccountView, ConnectionState, Event, JoiningView, Outcome, PersonView};
use crate::work::Work;

/// The client without its pixels. One per store.
pub struct Engine {
    /// Keeps its own refresh token; a browser keeps it as a cookie.
    pub(crate) native: bool,
    /// The server's host, for what no password may be.
    pub(crate) server: String,
    pub(crate) link: Link,
    pub(crate) access: Option<Access>,
    pub(crate) calls: BTreeMap<u64, Call>,
    pub(crate) next_call: u64,
    pub(crate) held: Vec<Held>,
    pub(crate) needs: BTreeMap<Need, NeedState>,
    pub(crate) mailbox: VecDeque<Deliver>,
    /// A full round of the mailbox was taken and more is there.
    pub(crate) mailbox_goes_on: bool,
    pub(crate) in_flight: BTreeMap<EnvelopeId, InFlight>,
    /// Rooms in which something was refused, and when sending there begins anew.
    pub(crate) halted: BTreeMap<RoomId, Timestamp>,
    /// Refused control payloads by outbox key, and when they are tried again.
    pub(crate) delayed: BTreeMap<Vec<u8>, Timestamp>,
    /// When what waits to be sent is gone over whole, where it is more than is looked at each time.
    pub(crate) whole_outbox_due: Option<Timestamp>,
    /// Devices that have published no prekeys, as the server says: nothing can be sealed to them yet.
    pub(crate) without_prekeys: BTreeSet<DeviceAddress>,
    pub(crate) people: BTreeMap<AccountId, Arc<Person>>,
    pub(crate) found: BTreeMap<AccountId, Person>,
    pub(crate) moved: BTreeMap<RoomId, u64>,
    pub(crate) rooms_of_strangers: BTreeMap<RoomId, AccountId>,
    pub(crate) longer_chains_asked: BTreeSet<AccountId>,
    /// Devices whose pairwise messages could not be opened, until a new session with them begins.
    pub(crate) fresh_wanted: BTreeSet<DeviceAddress>,
    /// When messages that stay closed are gone over next.
    pub(crate) repair_due: Option<Timestamp>,
    /// When what is kept for a time is gone over next.
    pub(crate) daily_due: Option<Timestamp>,
    pub(crate) receipts_due: Option<Timestamp>,
    /// Receipts owed from before the engine began were looked for.
    pub(crate) receipts_looked_for: bool,
    /// When what the person set is told to the own devices.
    pub(crate) user_store_due: Option<Timestamp>,
    /// What was set before the engine began was looked for.
    pub(crate) user_store_looked_for: bool,
    pub(crate) prekeys_due: Option<Timestamp>,
    pub(crate) prekeys_left: u32,
    /// Meeting places of new devices, this one's or others' that it approves, and when each is looked at.
    pub(crate) meetings: BTreeMap<LinkId, Round>,
    /// Places that were left and may not know it yet.
    pub(crate) leaving: BTreeMap<LinkId, Leaving>,
    /// Meetings that began before the engine did were looked for.
    pub(crate) meetings_looked_for: bool,
    /// How this device's own meeting ended.
    pub(crate) joining_ended: Option<JoiningView>,
    /// New devices that wait for approval here or were judged lately.
    pub(crate) approvals: BTreeMap<LinkId, Approval>,
    /// What this device wants to say in its account's chain, in order; the first is under way.
    pub(crate) appends: VecDeque<Append>,
    /// The first of them waits for the chain as it is now.
    pub(crate) append_waits: bool,
    /// Accounts of whose chain more is there than is known here; nothing is sealed for them until it came.
    pub(crate) behind: BTreeSet<AccountId>,
    /// Readers who lack nothing, found while a sender key waits to be handed out: in a large room they are not looked
    /// at again after each answer.
    pub(crate) reached: BTreeSet<AccountId>,
    /// When what is left of revoked devices goes.
    pub(crate) forget_due: Option<Timestamp>,
    /// The server's clock and this device's at one moment.
    pub(crate) server_time: Option<(Timestamp, Timestamp)>,
    pub(crate) failed_connects: u32,
    pub(crate) heard_at: Timestamp,
    pub(crate) pinged: bool,
    pub(crate) vault: VaultRun,
    /// When the next message has to be gone.
    pub(crate) expiry_due: Option<Timestamp>,
    pub(crate) places: PlacesRun,
    /// The clock at the last input, for views that depend on it.
    pub(crate) now: Timestamp,
    pub(crate) posting: PostingRun,
    pub(crate) presence: PresenceRun,
    pub(crate) announcements: AnnouncementsRun,
    /// Something went into the outbox while it was gone over.
    pub(crate) outbox_grew: bool,
    asks: BTreeSet<u64>,
    shown: ConnectionState,
}

impl Engine {
    /// A new engine. `native` is true where it keeps its own refresh token: everywhere but in a browser.
    pub fn new(native: bool) -> Self {
        Self {
            native,
            server: String::new(),
            link: Link::Idle,
            access: None,
            calls: BTreeMap::new(),
            next_call: 1,
            held: Vec::new(),
            needs: BTreeMap::new(),
            mailbox: VecDeque::new(),
            mailbox_goes_on: false,
            in_flight: BTreeMap::new(),
            halted: BTreeMap::new(),
            delayed: BTreeMap::new(),
            whole_outbox_due: None,
            without_prekeys: BTreeSet::new(),
            people: BTreeMap::new(),
            found: BTreeMap::new(),
            moved: BTreeMap::new(),
            rooms_of_strangers: BTreeMap::new(),
            longer_chains_asked: BTreeSet::new(),
            fresh_wanted: BTreeSet::new(),
            repair_due: None,
            daily_due: None,
            receipts_due: None,
            receipts_looked_for: false,
            user_store_due: None,
            user_store_looked_for: false,
            prekeys_due: None,
            prekeys_left: 0,
            meetings: BTreeMap::new(),
            leaving: BTreeMap::new(),
            meetings_looked_for: false,
            joining_ended: None,
            approvals: BTreeMap::new(),
            appends: VecDeque::new(),
            append_waits: false,
            behind: BTreeSet::new(),
            reached: BTreeSet::new(),
            forget_due: None,
            server_time: None,
            failed_connects: 0,
            heard_at: Timestamp(0),
            pinged: false,
            vault: VaultRun::default(),
            expiry_due: None,
            places: PlacesRun::default(),
            now: Timestamp(0),
            posting: PostingRun::default(),
            presence: PresenceRun::default(),
            announcements: AnnouncementsRun::default(),
            outbox_grew: false,
            asks: BTreeSet::new(),
            shown: ConnectionState::Offline,
        }
    }

    /// The same for the server at this host.
    pub fn of_server(self, host: &str) -> Self {
        Self {
            server: host.to_owned(),
            ..self
        }
    }

    /// Handles one input. On an error nothing happened; see [`Engine::storage_failed`].
    pub fn handle(
        &mut self,
        store: &dyn Reads,
        input: Input,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Effects, ReadError> {
        self.now = now;
        let mut work = Work::new(store, rng, now);
        match input {
            Input::Start => self.start(&mut work)?,
            Input::Intent { ask, intent } => {
                self.asks.insert(ask);
                self.intent(&mut work, ask, intent)?;
            }
            Input::Http { id, outcome } => self.http_outcome(&mut work, id, outcome)?,
            Input::Connected => self.connected(&mut work)?,
            Input::Disconnected => self.disconnected(&mut work)?,
            Input::Frame(bytes) => self.frames(&mut work, &[bytes])?,
            Input::Frames(frames) => self.frames(&mut work, &frames)?,
            Input::Tick => {}
        }
        self.advance(&mut work)?;
        Ok(work.finish())
    }

    /// The store could not be read or written: everything volatile is forgotten, open asks are answered with
    /// the failure, and the engine begins anew in a moment. Nothing that was not stored was sent.
    pub fn storage_failed(&mut self, failure: &Failure, now: Timestamp) -> Released {
        let mut events: Vec<Event> = std::mem::take(&mut self.asks)
            .into_iter()
            .map(|ask| Event::Answer {
                ask,
                outcome: Outcome::Failed {
                    failure: failure.clone(),
                },
            })
            .collect();
        events.push(Event::Connection {
            state: ConnectionState::Offline,
        });
        self.begin_anew();
        self.shown = ConnectionState::Offline;
        self.link = Link::Down {
            retry_at: now.plus(2_000),
        };
        Released {
            requests: vec![Request::Disconnect, Request::WakeAt(now.plus(2_000))],
            events,
        }
    }

    #[cfg(test)]
    pub(crate) fn asks_are_open(&mut self, asks: impl IntoIterator<Item = u64>) {
        self.asks.extend(asks);
    }

    /// Forgets everything volatile. Returns the asks that are open.
    pub(crate) fn begin_anew(&mut self) -> BTreeSet<u64> {
        let (next_call, shown, now) = (self.next_call, self.shown, self.now);
        let asks = std::mem::take(&mut self.asks);
        *self = Self::new(self.native);
        self.next_call = next_call;
        self.shown = shown;
        self.now = now;
        asks
    }

    /// Who is on this device.
    pub fn account(&self, store: &dyn Reads) -> Result<AccountView, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        let Some(own) = work.find_own()?.filter(|own| own.registered) else {
            return Ok(match self.joining(&work)? {
                Some(joining) => AccountView::Joining { joining },
                None => AccountView::None,
            });
        };
        let login = work.login()?;
        let person = PersonView {
            account: own.account.to_string(),
            username: own.username.clone(),
        };
        if !login.signed_in {
            return Ok(AccountView::SignedOut { person });
        }
        Ok(AccountView::SignedIn {
            contact_link: format!("/#/contact/{}/{}", person.username, person.account),
            person,
            administrator: login.administrator,
            offer_recovery_key: own.has_recovery_key() && login.first_sent && !login.recovery_kept,
        })
    }

    /// How the live connection stands.
    pub fn connection(&self) -> ConnectionState {
        self.shown
    }

    pub(crate) fn answer(&mut self, work: &mut Work<'_>, ask: u64, outcome: Outcome) {
        if self.asks.remove(&ask) {
            work.show(Event::Answer { ask, outcome });
        }
    }

    pub(crate) fn fail(&mut self, work: &mut Work<'_>, ask: u64, failure: Failure) {
        self.answer(work, ask, Outcome::Failed { failure });
    }

    fn intent(&mut self, work: &mut Work<'_>, ask: u64, intent: Intent) -> Result<(), ReadError> {
        match intent {
            Intent::Register {
                username,
                password,
                invite,
            } => {
                return self.register(work, ask, &username, password, &invite);
            }
            Intent::SignIn {
                username,
                password,
                code,
            } => return self.sign_in(work, ask, &username, password, code),
            Intent::ShowLinkCode => return self.show_link_code(work, ask),
            Intent::CancelJoining => return self.cancel_joining(work, ask),
            Intent::Recover {
                username,
                words,
                password,
                strong,
            } => return self.recover(work, ask, &username, &words, password, strong),
            Intent::ResetIdentity {
                username,
                password,
                code,
            } => {
                return self.reset_identity(work, ask, &username, password, code);
            }
            Intent::RenameDevice { device, name } => return self.rename_device(work, ask, device, &name),
            _ => {}
        }
        if !work.login()?.signed_in {
            self.fail(work, ask, Failure::signed_out());
            return Ok(());
        }
        match intent {
            Intent::Register { .. }
            | Intent::SignIn { .. }
            | Intent::ShowLinkCode
            | Intent::CancelJoining
            | Intent::Recover { .. }
            | Intent::ResetIdentity { .. }
            | Intent::RenameDevice { .. } => Ok(()),
            Intent::AnswerLink { link } => self.answer_link(work, ask, link),
            Intent::ConfirmLink { link, digits } => self.confirm_link(work, ask, link, digits.as_deref()),
            Intent::DeclineLink { link } => self.decline_link(work, ask, link),
            Intent::ListDevices => self.list_devices(work, ask),
            Intent::RevokeDevice { device } => self.revoke_device(work, ask, device),
            Intent::SignOut => self.sign_out(work, ask),
            Intent::FindPerson { username, expected } => self.find_person(work, ask, &username, expected),
            Intent::OpenChat { account } => self.open_chat(work, ask, account),
            Intent::SendText { room, id, text, with } => self.send_text(work, ask, room, id, text, with),
            Intent::MarkRead { room, message } => self.mark_read(work, ask, room, message),
            Intent::Retry { message } => self.retry(work, ask, message),
            Intent::Discard { message } => self.discard(work, ask, message),
            Intent::MakeInvite => self.make_invite(work, ask),
            Intent::Account(intent) => self.account_intent(work, ask, intent),
            Intent::ShowRecoveryKey => self.show_recovery_key(work, ask),
            Intent::RecoveryKeyKept => self.recovery_key_kept(work, ask),
            Intent::Profile { account } => self.profile(work, ask, account),
            Intent::CompareSafetyCode { account, typed } => {
                self.compare_safety_code(work, ask, account, &typed)
            }
            Intent::Judge { account, judgment } => self.judge_identity(work, ask, account, judgment),
            Intent::SetChat { room, change } => self.set_chat(work, ask, room, &change),
            Intent::SaveDraft { room, text } => self.save_draft(work, ask, room, text),
            Intent::SetFolder { id, name, rooms } => self.set_folder(work, ask, id, &name, rooms),
            Intent::DeleteFolder { id } => self.delete_folder(work, ask, id),
            Intent::SetSetting { name, value } => self.set_setting(work, ask, &name, value),
            Intent::EditMessage { message, text } => self.edit_message(work, ask, message, &text),
            Intent::DeleteMessage {
                message,
                for_everyone,
            } => self.delete_message(work, ask, message, for_everyone),
            Intent::React { message, emoji, on } => self.react(work, ask, message, emoji, on),
            Intent::Pin { message, on } => self.pin(work, ask, message, on),
            Intent::CreatePoll {
                room,
                id,
                question,
                options,
                multiple,
                closes_at,
            } => {
                let poll = Poll {
                    question,
                    options,
                    multiple,
                    closes_at,
                    ..Poll::default()
                };
                self.create_poll(work, ask, (room, id), poll)
            }
            Intent::Vote { message, choices } => self.vote(work, ask, message, choices),
            Intent::ClosePoll { message } => self.close_poll(work, ask, message),
            Intent::Forward { message, room, id } => self.forward(work, ask, message, (room, id)),
            Intent::SetDisappearing { room, seconds } => self.set_disappearing(work, ask, room, seconds),
            Intent::Place(intent) => self.place_intent(work, ask, intent),
            Intent::SetHistoryPassword { password, words } => {
                let words = words.as_ref().map(|words| words.as_str());
                self.set_history_password(work, ask, password, words)
            }
            Intent::SetPerson { account, change } => self.set_person(work, ask, account, &change),
            Intent::DeleteRequest { room } => self.delete_request(work, ask, room),
        }
    }

    /// Frames that arrived together. Those of one kind are taken at one go; where the kind changes, everything that
    /// can go on goes on in between, as if each had come alone.
    fn frames(&mut self, work: &mut Work<'_>, frames: &[Vec<u8>]) -> Result<(), ReadError> {
        if self.link.is_open() {
            self.heard_at = work.now;
            self.pinged = false;
        }
        let mut before = None;
        // A server of a later version may say more; what it says to every version is read.
        for frame in frames
            .iter()
            .filter_map(|bytes| ServerFrame::from_bytes(bytes).ok())
        {
            let kind = std::mem::discriminant(&frame);
            if before.is_some_and(|before| before != kind || !comes_in_rows(&frame)) {
                self.advance(work)?;
            }
            self.frame(work, frame)?;
            before = Some(kind);
        }
        Ok(())
    }

    fn frame(&mut self, work: &mut Work<'_>, frame: ServerFrame) -> Result<(), ReadError> {
        if !self.link.is_open() {
            return Ok(());
        }
        match frame {
            ServerFrame::Welcome(welcome) => self.welcome(work, &welcome),
            ServerFrame::Accepted(accepted) => self.accepted(work, accepted),
            ServerFrame::Distributed(distributed) => self.distributed(work, distributed.id),
            ServerFrame::Refused(refused) => self.refused(work, refused),
            ServerFrame::Deliver(deliver) => {
                self.mailbox.push_back(deliver);
                Ok(())
            }
            ServerFrame::Drained => self.drained(work),
            ServerFrame::Closing(closing) => self.closing(work, closing),
            ServerFrame::PrekeysLow(left) => {
                self.prekeys_low(work, left);
                Ok(())
            }
            ServerFrame::ChainMoved(moved) => self.chain_moved(work, &moved),
            ServerFrame::LinkWaiting(link) => self.link_waiting(work, link),
            ServerFrame::Posted(message) => self.take_posted(work, &message),
            ServerFrame::RoomMoved(cursor) => {
                self.room_moved(cursor);
                Ok(())
            }
            ServerFrame::PlaceMoved(moved) => self.place_moved(work, &moved),
            ServerFrame::Returned(returned) => self.take_returned(work, returned),
            ServerFrame::Typing(of) => self.take_typing(work, of),
            ServerFrame::Presence(list) => {
                self.take_presence(&list);
                Ok(())
            }
            ServerFrame::Choices(choices) => {
                self.take_choices(choices);
                Ok(())
            }
            ServerFrame::Announcements(list) => self.take_announcements(work, list),
            ServerFrame::Pong(_) => Ok(()),
        }
    }

    /// Whatever can go on now goes on, and the next time to wake is asked for.
    fn advance(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.drive_link(work)?;
        self.drive_meetings(work)?;
        if self.link.is_greeted() {
            self.follow_chains(work)?;
            self.drive_places(work)?;
            self.read_mailbox(work)?;
            self.fill_gaps(work)?;
            self.repair(work)?;
            self.drive_posting(work)?;
            self.forget_revoked(work)?;
            self.send_receipts(work)?;
            self.send_user_store(work)?;
            self.drive_vault(work)?;
            self.flush_outbox(work)?;
            self.refill_prekeys(work)?;
            self.daily_round(work)?;
        }
        self.drive_presence(work)?;
        self.drive_announcements(work)?;
        self.expire(work)?;
        self.keep_rolls(work);
        let state = self.link.state();
        if state != self.shown {
            self.shown = state;
            work.show(Event::Connection { state });
        }
        if let Some(at) = self.next_wake(work.now) {
            work.request(Request::WakeAt(at));
        }
        Ok(())
    }

    fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let needs = self.needs.values().filter_map(|state| match state {
            NeedState::RetryAt(at) => Some(*at),
            NeedState::Running => None,
        });
        let live = self.link.is_greeted();
        // What is due already and still waits, waits for an answer, which wakes by itself.
        needs
            .chain(self.halted.values().copied())
            .chain(self.delayed.values().copied())
            .chain(self.repair_due)
            .chain(self.posting.due)
            .chain(self.daily_due)
            .chain(self.vault.due.filter(|_| !self.vault.stopped))
            .chain(self.forget_due)
            .chain(self.places_due())
            .chain(self.receipts_due)
            .chain(self.whole_outbox_due)
            .chain(self.user_store_due)
            .chain(self.presence_due())
            .filter(|at| *at > now)
            .chain(self.prekeys_due)
            .chain(self.mailbox_goes_on.then_some(now))
            .filter(|_| live)
            .chain(self.meetings_due(live))
            .chain(self.link.deadline(self.heard_at, self.pinged))
            .chain(self.expiry_due)
            .chain(self.announcements_due())
            .min()
    }
}

/// True for what comes in rows, each of which says the same of one message more.
fn comes_in_rows(frame: &ServerFrame) -> bool {
    matches!(
        frame,
        ServerFrame::Deliver(_)
            | ServerFrame::Accepted(_)
            | ServerFrame::Distributed(_)
            | ServerFrame::Posted(_)
    )
}
