//! HTTP requests under way, and what happens with their answers.
//!
//! A [`Call`] belongs to a person's ask or to the connection and is made once. A [`Need`] is something that the
//! engine lacks to go on: asked for at most once at a time, tried again after a pause, forgotten when it is
//! no longer in the way.

use conclave_auth::client::{ClientLogin, ClientRegistration};
use conclave_crypto::RecoveryKey;
use conclave_crypto::vault::SlotSecret;
use conclave_protocol::accounts::{AccountFound, EntriesPage, PasswordChangeStarted, RegistrationStarted};
use conclave_protocol::devices::{DevicesFound, EntryAppended};
use conclave_protocol::invites::InviteMade;
use conclave_protocol::limits::ENVELOPES_PAGE;
use conclave_protocol::links::LinkOpened;
use conclave_protocol::logins::{
    DeviceLoginStarted, LoggedIn, LoginPending, LoginStarted, LoginsEnded, Ticket,
};
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::places::{PlaceAppended, PlaceEntriesPage, PlacesFound};
use conclave_protocol::prekeys::{PrekeyClaimed, PrekeysLeft};
use conclave_protocol::presence::Choices;
use conclave_protocol::recoveries::{RecoveryProved, RecoveryStarted};
use conclave_protocol::rooms::{DirectRoomFound, OpenDirectRoom};
use conclave_protocol::vault::VaultKeys;
use conclave_protocol::{
    AccountId, Bytes, DeviceAddress, DeviceId, ErrorCode, LinkId, PlaceId, Problem, RestoreEpoch, RoomId,
    Timestamp, Token, Username,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::account_intents::Asked;
use crate::effects::{HttpBody, HttpCall, Method, Request};
use crate::failure::Failure;
use crate::input::HttpOutcome;
use crate::machine::Engine;
use crate::meeting::LinkCall;
use crate::passwords::{PasswordForm, ProofForm};
use crate::places::entering::Visit;
use crate::places::views::PreviewView;
use crate::reads::ReadError;
use crate::repair::BUNDLE_AGAIN_MS;
use crate::vault::VaultNeed;
use crate::vault::ways::WaysForm;
use crate::work::Work;

/// What an HTTP request is for.
pub(crate) enum Call {
    RegisterStart {
        ask: u64,
        form: RegisterForm,
        state: Box<ClientRegistration>,
    },
    RegisterFinish {
        ask: u64,
        form: RegisterForm,
    },
    LoginStart {
        ask: u64,
        form: LoginForm,
        state: Box<ClientLogin>,
    },
    LoginFinish {
        ask: u64,
        form: LoginForm,
    },
    SignOut,
    Refresh,
    Ticket,
    FindPerson {
        ask: u64,
        expected: Option<AccountId>,
    },
    FindToOpen {
        ask: u64,
        account: AccountId,
    },
    Invite {
        ask: u64,
    },
    /// The password is right, and this is no device of the account yet.
    PendingLogin {
        ask: u64,
        form: LoginForm,
    },
    OpenLink {
        ask: u64,
        link: LinkId,
    },
    Link(LinkCall),
    /// The first sign-in of a device that was added by another one.
    FirstLoginStart,
    FirstLoginFinish,
    RecoveryStart {
        ask: u64,
        form: RecoverForm,
    },
    RecoveryProof {
        ask: u64,
        form: RecoverForm,
        state: Box<ClientRegistration>,
        time: Timestamp,
    },
    RecoveryFinish {
        ask: u64,
        form: RecoverForm,
    },
    /// The ways into the vault of the account that is to begin anew.
    ResetKeys {
        ask: u64,
        form: LoginForm,
        pending: Box<LoginPending>,
    },
    ResetFinish {
        ask: u64,
    },
    /// Whether a device that was added here has signed in.
    AddedDevice(LinkId),
    Devices {
        ask: u64,
    },
    Append {
        entry: Bytes,
    },
    /// Entries of the own chain that a restored server lacks; the first is on its way.
    GiveBack {
        epoch: RestoreEpoch,
        entries: Vec<Bytes>,
    },
    Need(Need),
    MakePlace {
        place: PlaceId,
    },
    AppendPlace {
        place: PlaceId,
        entry: Bytes,
    },
    ReadInvited(Box<Visit>),
    FindInviter {
        ask: u64,
        preview: Box<PreviewView>,
        by: AccountId,
    },
    JoinPlace(Box<Visit>),
    /// A question that the server answers by itself.
    Asked {
        ask: u64,
        asked: Asked,
    },
    /// What the person chose about signals and receipts.
    Choose {
        ask: u64,
        choices: Choices,
    },
    /// The password is to be shown once more.
    ProofStart {
        ask: u64,
        form: ProofForm,
        state: Box<ClientLogin>,
    },
    /// The password is to be replaced.
    PasswordStart {
        ask: u64,
        form: PasswordForm,
        state: Box<ClientRegistration>,
    },
    PasswordFinish {
        ask: u64,
        form: PasswordForm,
    },
    /// A password is to open the history, too.
    WaysStart {
        ask: u64,
        form: WaysForm,
        state: Box<ClientLogin>,
    },
}

/// What a person filled in to register.
pub(crate) struct RegisterForm {
    pub(crate) username: Username,
    pub(crate) password: Zeroizing<String>,
    pub(crate) invite: String,
}

/// What a person filled in to sign in.
pub(crate) struct LoginForm {
    pub(crate) username: Username,
    pub(crate) password: Zeroizing<String>,
    /// The code of the second step, where the person was asked for it.
    pub(crate) code: Option<Zeroizing<String>>,
    /// The registration that this sign-in stands for: its answer was lost, and if the server does not know the
    /// account after all, it goes on.
    pub(crate) instead_of: Option<Instead>,
    /// The keys on this device are not the account's: it is to become one of its devices.
    pub(crate) as_new: bool,
    /// A device that was only added so that the recovery key could replace the password.
    pub(crate) then_revoke: Option<DeviceId>,
}

/// What a sign-in stands for whose answer was lost.
pub(crate) enum Instead {
    /// A registration with this invite.
    Registration(String),
    /// A recovery with this key; and whether the password was found strong.
    Recovery(Box<RecoveryKey>, bool),
    /// Starting again under the name, with the password alone; and what opens the vault's password slot.
    Reset(Option<Box<SlotSecret>>),
}

/// What a person filled in to come back with the recovery key.
pub(crate) struct RecoverForm {
    pub(crate) username: Username,
    pub(crate) key: Box<RecoveryKey>,
    pub(crate) password: Zeroizing<String>,
    /// A strength meter found it strong.
    pub(crate) strong: bool,
    /// The secret of the slot that a strong one gets, where there was one for the old one.
    pub(crate) secret: Option<Box<SlotSecret>>,
    /// How often the account's log has moved on under this recovery.
    pub(crate) tries: u32,
    /// Where this device is one of the account's already: the other one that the recovery key adds.
    pub(crate) instead: Option<Added>,
}

/// A device that a recovery adds, and the account's log with it.
pub(crate) struct Added {
    pub(crate) device: DeviceId,
    pub(crate) entries: Vec<Bytes>,
}

/// Something the engine lacks to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Somebody's whole chain: not known here, or disputed.
    Person(AccountId),
    /// Entries behind the chain known here.
    Entries(AccountId),
    /// Which accounts a room has.
    Room(RoomId),
    /// The server has to know a room that was opened here.
    OpenRoom(RoomId),
    /// A prekey bundle, to begin a session.
    Bundle(DeviceAddress),
    /// A prekey bundle, to begin a new session because messages of the old one cannot be opened.
    FreshBundle(DeviceAddress),
    /// Envelopes behind a gap.
    Envelopes(RoomId),
    /// Own prekeys have to be published.
    Prekeys,
    /// Something of the account's vault.
    Vault(VaultNeed),
    /// Whom the name of somebody known here belongs to now.
    Named(AccountId),
    /// Older messages of a room of a place.
    Past(RoomId),
    /// Where the account is in.
    Places,
    /// Entries of a place's chain.
    PlaceEntries(PlaceId),
}

/// How a need stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeedState {
    Running,
    RetryAt(Timestamp),
}

/// A call that waits for an access token.
pub(crate) struct Held {
    call: Call,
    method: Method,
    path: String,
    body: Option<HttpBody>,
}

/// A failed background request is tried again after about this.
const NEED_RETRY_MS: u64 = 5_000;
/// Publishing prekeys makes them anew each time, so it waits longer.
const PREKEYS_RETRY_MS: u64 = 60_000;

impl Engine {
    /// Makes a request that needs no access token.
    pub(crate) fn call_open(&mut self, work: &mut Work<'_>, call: Call, path: &str, body: &impl Serialize) {
        self.issue(work, call, Method::Post, path.to_owned(), Some(json(body)), None);
    }

    /// Makes a request with this token, or with the access token where there is none.
    pub(crate) fn call_as(
        &mut self,
        work: &mut Work<'_>,
        call: Call,
        method: Method,
        path: String,
        body: Option<HttpBody>,
        token: Option<&Token>,
    ) {
        match token {
            Some(token) => self.issue(work, call, method, path, body, Some(token.clone())),
            None => self.call(work, call, method, path, body),
        }
    }

    /// Makes a request with the access token, now or as soon as there is one.
    pub(crate) fn call(
        &mut self,
        work: &mut Work<'_>,
        call: Call,
        method: Method,
        path: String,
        body: Option<HttpBody>,
    ) {
        if self.access_is_fresh(work.now) {
            let bearer = self.access_token();
            self.issue(work, call, method, path, body, bearer);
        } else {
            self.held.push(Held {
                call,
                method,
                path,
                body,
            });
            self.hurry(work.now);
        }
    }

    /// A fresh access token came: what waited for it goes out.
    pub(crate) fn release_held(&mut self, work: &mut Work<'_>) {
        for held in std::mem::take(&mut self.held) {
            let bearer = self.access_token();
            self.issue(work, held.call, held.method, held.path, held.body, bearer);
        }
    }

    /// No access token can be had: what waited for it fails.
    pub(crate) fn fail_held(&mut self, work: &mut Work<'_>, failure: &Failure) -> Result<(), ReadError> {
        for held in std::mem::take(&mut self.held) {
            self.call_failed(work, held.call, failure)?;
        }
        Ok(())
    }

    /// Asks for something the engine lacks, unless that is under way or has to wait.
    pub(crate) fn need(&mut self, work: &mut Work<'_>, need: Need) -> Result<(), ReadError> {
        match self.needs.get(&need) {
            Some(NeedState::Running) => return Ok(()),
            Some(NeedState::RetryAt(at)) if *at > work.now => return Ok(()),
            _ => {}
        }
        let (method, path, body) = match need {
            Need::Person(account) => (Method::Get, format!("/api/v1/accounts/{account}"), None),
            Need::Entries(account) => {
                let Some(person) = self.person(work, account)? else {
                    return Ok(());
                };
                let after = person.chain.head();
                let path = format!("/api/v1/accounts/{account}/entries?after={after}");
                (Method::Get, path, None)
            }
            Need::Room(room) => (Method::Get, format!("/api/v1/rooms/{room}"), None),
            Need::Named(account) => {
                let Some(name) = work.pinned_name(account)? else {
                    return Ok(());
                };
                let path = format!("/api/v1/accounts/by-username/{name}");
                (Method::Get, path, None)
            }
            Need::OpenRoom(room) => {
                let Some(state) = work.room_state(room)? else {
                    return Ok(());
                };
                (
                    Method::Put,
                    format!("/api/v1/rooms/{room}"),
                    Some(json(&OpenDirectRoom { peer: state.peer })),
                )
            }
            Need::Bundle(address) | Need::FreshBundle(address) => {
                let (account, device) = (address.account, address.device.0);
                (
                    Method::Post,
                    format!("/api/v1/accounts/{account}/devices/{device}/prekeys/claim"),
                    None,
                )
            }
            Need::Envelopes(room) if let Some(flow) = work.place_room(room)? => {
                (Method::Get, self.place_page_path(room, &flow), None)
            }
            Need::Past(room) => match self.past_page_path(work, room)? {
                Some(path) => (Method::Get, path, None),
                None => return Ok(()),
            },
            Need::Envelopes(room) => {
                let after = work.room_state(room)?.map_or(0, |state| state.cursor);
                let path = format!("/api/v1/rooms/{room}/envelopes?after={after}&limit={ENVELOPES_PAGE}");
                (Method::Get, path, None)
            }
            Need::Places => {
                self.list_is_asked_for(work)?;
                (Method::Get, "/api/v1/places".to_owned(), None)
            }
            Need::PlaceEntries(place) => {
                let after = match self.place_page_after(work, place)? {
                    Some(after) => format!("?after={after}"),
                    None => String::new(),
                };
                (
                    Method::Get,
                    format!("/api/v1/places/{place}/entries{after}"),
                    None,
                )
            }
            Need::Vault(vault) => match self.vault_request(work, vault)? {
                Some(request) => request,
                None => return Ok(()),
            },
            Need::Prekeys => {
                let own = work.own()?;
                let renew = work.prekeys_are_old()?;
                let upload = work.make_prekeys(&own, self.prekeys_left, renew)?;
                (
                    Method::Post,
                    "/api/v1/devices/prekeys".to_owned(),
                    Some(json(&upload)),
                )
            }
        };
        self.needs.insert(need, NeedState::Running);
        self.call(work, Call::Need(need), method, path, body);
        Ok(())
    }

    /// Takes the outcome of a request to whoever made it.
    pub(crate) fn http_outcome(
        &mut self,
        work: &mut Work<'_>,
        id: u64,
        outcome: HttpOutcome,
    ) -> Result<(), ReadError> {
        let Some(call) = self.calls.remove(&id) else {
            return Ok(());
        };
        let answer = match outcome {
            HttpOutcome::Unreachable => Err(Refusal::Unreachable),
            HttpOutcome::Answered { status, body } if (200..300).contains(&status) => Ok(body),
            HttpOutcome::Answered { body, .. } => Err(Refusal::of(&body)),
        };
        if let Err(refusal) = &answer
            && refusal.is(ErrorCode::DeviceRevoked)
        {
            self.revocation_claimed(work)?;
        }
        match call {
            Call::RegisterStart { ask, form, state } => match parse::<RegistrationStarted>(answer) {
                Ok(started) => self.registration_started(work, ask, form, *state, &started),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::RegisterFinish { ask, form } => {
                self.registration_finished(work, ask, form, parse::<LoggedIn>(answer))
            }
            Call::LoginStart { ask, form, state } => match parse::<LoginStarted>(answer) {
                Ok(started) => self.login_started(work, ask, form, *state, started),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::LoginFinish { ask, form } => {
                self.login_finished(work, ask, form, parse::<LoggedIn>(answer))
            }
            Call::SignOut => self.signed_out(work, parse::<Nothing>(answer)),
            Call::Refresh => self.refreshed(work, parse::<LoggedIn>(answer)),
            Call::Ticket => self.ticketed(work, parse::<Ticket>(answer)),
            Call::FindPerson { ask, expected } => match parse::<AccountFound>(answer) {
                Ok(found) => self.person_found(work, ask, expected, found),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::FindToOpen { ask, account } => match parse::<AccountFound>(answer) {
                Ok(found) => self.person_found_to_open(work, ask, account, found),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::Invite { ask } => match parse::<InviteMade>(answer) {
                Ok(made) => {
                    self.invite_made(work, ask, &made);
                    Ok(())
                }
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::PendingLogin { ask, form } => match parse::<LoginPending>(answer) {
                Ok(pending) if matches!(form.instead_of, Some(Instead::Reset(_))) => {
                    self.reset_with(work, ask, form, pending)
                }
                Ok(pending) => self.pending_login(work, ask, &form, pending),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::OpenLink { ask, link } => self.link_opened(work, ask, link, parse::<LinkOpened>(answer)),
            Call::Link(call) => self.link_outcome(work, call, answer),
            Call::FirstLoginStart => self.first_login_started(work, parse::<DeviceLoginStarted>(answer)),
            Call::FirstLoginFinish => self.first_login_finished(work, parse::<LoggedIn>(answer)),
            Call::RecoveryStart { ask, form } => match parse::<RecoveryStarted>(answer) {
                Ok(started) => {
                    self.recovery_started(work, ask, form, &started);
                    Ok(())
                }
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::RecoveryProof {
                ask,
                form,
                state,
                time,
            } => self.recovery_proved(work, ask, form, *state, time, parse::<RecoveryProved>(answer)),
            Call::RecoveryFinish { ask, form } => {
                self.recovery_finished(work, ask, form, parse::<LoggedIn>(answer))
            }
            Call::ResetKeys { ask, form, pending } => match parse::<VaultKeys>(answer) {
                Ok(keys) => self.reset_keys(work, ask, &form, *pending, &keys),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::ResetFinish { ask } => match parse::<LoggedIn>(answer) {
                Ok(logged_in) => self.take_login(work, ask, &logged_in),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::AddedDevice(link) => self.added_device_found(work, link, parse::<DevicesFound>(answer)),
            Call::Devices { ask } => self.devices_found(work, ask, parse::<DevicesFound>(answer)),
            Call::GiveBack { epoch, entries } => {
                self.given_back(work, epoch, entries, parse::<EntryAppended>(answer))
            }
            Call::Append { entry } => self.append_answered(work, entry, parse::<EntryAppended>(answer)),
            Call::Need(need) => self.need_outcome(work, need, answer),
            Call::MakePlace { place } => self.place_made(work, place, parse::<PlaceAppended>(answer)),
            Call::AppendPlace { place, entry } => {
                self.place_append_answered(work, place, entry, parse::<PlaceAppended>(answer))
            }
            Call::ReadInvited(visit) => self.invited_read(work, visit, parse::<PlaceEntriesPage>(answer)),
            Call::FindInviter { ask, preview, by } => {
                self.inviter_found(work, ask, *preview, by, parse::<AccountFound>(answer));
                Ok(())
            }
            Call::JoinPlace(visit) => self.place_joined(work, visit, parse::<PlaceAppended>(answer)),
            Call::Choose { ask, choices } => self.choices_put(work, ask, choices, parse::<Nothing>(answer)),
            Call::Asked { ask, asked } => self.asked_answered(work, ask, asked, answer),
            Call::ProofStart { ask, form, state } => match parse::<LoginStarted>(answer) {
                Ok(started) => {
                    self.proof_started(work, ask, &form, *state, started);
                    Ok(())
                }
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::PasswordStart { ask, form, state } => match parse::<PasswordChangeStarted>(answer) {
                Ok(started) => self.password_started(work, ask, form, *state, &started),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
            Call::PasswordFinish { ask, form } => {
                self.password_finished(work, ask, &form, parse::<LoginsEnded>(answer))
            }
            Call::WaysStart { ask, form, state } => match parse::<LoginStarted>(answer) {
                Ok(started) => self.ways_started(work, ask, &form, *state, &started),
                Err(refusal) => self.ask_refused(work, ask, &refusal),
            },
        }
    }

    fn need_outcome(
        &mut self,
        work: &mut Work<'_>,
        need: Need,
        answer: Result<Vec<u8>, Refusal>,
    ) -> Result<(), ReadError> {
        self.needs.remove(&need);
        let refusal = match need {
            Need::Person(account) => match parse::<AccountFound>(answer) {
                Ok(found) => return self.needed_person(work, account, found),
                Err(refusal) => refusal,
            },
            Need::Entries(account) => match parse::<EntriesPage>(answer) {
                Ok(page) => return self.needed_entries(work, account, &page),
                Err(refusal) => refusal,
            },
            Need::Room(room) => match parse::<DirectRoomFound>(answer) {
                Ok(found) => return self.needed_room(work, room, found.low, found.high),
                Err(refusal) => refusal,
            },
            Need::Named(account) => {
                // Where it is not answered, it is asked again when somebody looks.
                if let Ok(found) = parse::<AccountFound>(answer) {
                    self.needed_named(work, account, found)?;
                }
                return Ok(());
            }
            Need::OpenRoom(room) => match parse::<Nothing>(answer) {
                Ok(Nothing) => {
                    if let Some(mut state) = work.room_state(room)? {
                        state.opened = true;
                        work.put_room_state(room, &state);
                    }
                    return Ok(());
                }
                Err(refusal) => refusal,
            },
            Need::Bundle(address) | Need::FreshBundle(address) => match parse::<PrekeyClaimed>(answer) {
                Ok(claimed) => return self.needed_bundle(work, need, address, &claimed),
                Err(refusal) => refusal,
            },
            Need::Envelopes(room) => match parse::<EnvelopesPage>(answer) {
                Ok(page) => return self.needed_envelopes(work, room, page),
                Err(refusal) => refusal,
            },
            Need::Past(room) => match parse::<EnvelopesPage>(answer) {
                Ok(page) => return self.take_past_page(work, room, page),
                Err(refusal) => refusal,
            },
            Need::Vault(vault) => match self.vault_answer(work, vault, answer)? {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            },
            Need::Places => match parse::<PlacesFound>(answer) {
                Ok(found) => return self.places_found(work, &found),
                Err(refusal) => refusal,
            },
            Need::PlaceEntries(place) => match parse::<PlaceEntriesPage>(answer) {
                Ok(page) => return self.needed_place_entries(work, place, &page),
                Err(refusal) => {
                    self.place_entries_not_had(work, place, &refusal.failure())?;
                    refusal
                }
            },
            Need::Prekeys => match parse::<PrekeysLeft>(answer) {
                Ok(left) => {
                    self.prekeys_left = left.one_time;
                    return work.prekeys_uploaded();
                }
                Err(refusal) => refusal,
            },
        };
        if let Need::Bundle(address) = need
            && refusal.is(ErrorCode::NoPrekeys)
        {
            self.without_prekeys.insert(address);
        }
        if refusal.is(ErrorCode::SignInNeeded) {
            // The access token ended on the way; the next round fetches one.
            self.access = None;
            self.vault_soon(work.now);
        } else {
            let own_pause = match need {
                Need::Prekeys => PREKEYS_RETRY_MS,
                Need::Vault(vault) => Self::vault_pause(vault, &refusal).unwrap_or(NEED_RETRY_MS),
                // Nobody waits for it in this moment, and it is wanted for days.
                Need::FreshBundle(_) if !matches!(refusal, Refusal::Unreachable) => BUNDLE_AGAIN_MS,
                _ => NEED_RETRY_MS,
            };
            let pause = refusal.retry_after_ms().unwrap_or(own_pause);
            let at = self.jittered(work, pause);
            self.needs.insert(need, NeedState::RetryAt(at));
            if matches!(need, Need::Vault(_)) {
                self.vault_soon(at);
            }
            if refusal.is_final() {
                self.need_refused(work, need)?;
            }
        }
        self.entries_not_had(work, need, &refusal.failure())?;
        Ok(())
    }

    /// A time about `pause` from now, so that many devices do not come back at once.
    pub(crate) fn jittered(&self, work: &mut Work<'_>, pause: u64) -> Timestamp {
        let [random] = work.random::<1>();
        let jitter = pause.saturating_mul(u64::from(random)) / 512;
        work.now.plus(pause.saturating_add(jitter))
    }

    pub(crate) fn ask_refused(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        refusal: &Refusal,
    ) -> Result<(), ReadError> {
        if refusal.is(ErrorCode::SignInNeeded) {
            self.access = None;
        }
        self.fail(work, ask, refusal.failure());
        Ok(())
    }

    fn call_failed(&mut self, work: &mut Work<'_>, call: Call, failure: &Failure) -> Result<(), ReadError> {
        match call {
            Call::RegisterStart { ask, .. }
            | Call::RegisterFinish { ask, .. }
            | Call::LoginStart { ask, .. }
            | Call::LoginFinish { ask, .. }
            | Call::FindPerson { ask, .. }
            | Call::FindToOpen { ask, .. }
            | Call::Invite { ask }
            | Call::PendingLogin { ask, .. }
            | Call::OpenLink { ask, .. }
            | Call::RecoveryStart { ask, .. }
            | Call::RecoveryProof { ask, .. }
            | Call::RecoveryFinish { ask, .. }
            | Call::ResetKeys { ask, .. }
            | Call::ResetFinish { ask }
            | Call::Choose { ask, .. }
            | Call::Asked { ask, .. }
            | Call::ProofStart { ask, .. }
            | Call::PasswordStart { ask, .. }
            | Call::PasswordFinish { ask, .. }
            | Call::WaysStart { ask, .. } => self.fail(work, ask, failure.clone()),
            Call::Link(call) => self.link_call_failed(work, call, failure),
            Call::AddedDevice(link) => self.meet_again(work, link, None),
            // Who they are is known here.
            Call::Devices { ask } => return self.devices_found(work, ask, Err(Refusal::Unreachable)),
            Call::Append { .. } => self.fail_appends(work, failure)?,
            Call::MakePlace { place } => return self.place_made(work, place, Err(Refusal::Unreachable)),
            Call::AppendPlace { place, .. } => self.fail_place_acts(work, place, failure)?,
            Call::ReadInvited(visit) | Call::JoinPlace(visit) => self.fail(work, visit.ask, failure.clone()),
            Call::FindInviter { ask, preview, by } => {
                self.inviter_found(work, ask, *preview, by, Err(Refusal::Unreachable));
            }
            Call::Need(need) => {
                self.needs.remove(&need);
                self.entries_not_had(work, need, failure)?;
            }
            // The next connection begins again.
            Call::GiveBack { .. }
            | Call::SignOut
            | Call::Refresh
            | Call::Ticket
            | Call::FirstLoginStart
            | Call::FirstLoginFinish => {}
        }
        Ok(())
    }

    fn access_token(&self) -> Option<Token> {
        self.access.as_ref().map(|access| access.token.clone())
    }

    fn issue(
        &mut self,
        work: &mut Work<'_>,
        call: Call,
        method: Method,
        path: String,
        body: Option<HttpBody>,
        bearer: Option<Token>,
    ) {
        let id = self.next_call;
        self.next_call = id.saturating_add(1);
        self.calls.insert(id, call);
        work.request(Request::Http(HttpCall {
            id,
            method,
            path,
            body,
            bearer,
        }));
    }
}

/// Why an HTTP request did not bring what was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// No answer.
    Unreachable,
    /// The server said no.
    Problem(Problem),
    /// An answer of no known form.
    Unreadable,
}

impl Refusal {
    fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).map_or(Self::Unreadable, Self::Problem)
    }

    pub(crate) fn is(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Problem(problem) if problem.code == code)
    }

    /// True when asking again will not help.
    fn is_final(&self) -> bool {
        matches!(self, Self::Problem(problem) if matches!(
            problem.code,
            ErrorCode::NotFound | ErrorCode::UnknownPerson | ErrorCode::Forbidden | ErrorCode::Malformed
        ))
    }

    pub(crate) fn retry_after_ms(&self) -> Option<u64> {
        let Self::Problem(problem) = self else { return None };
        problem
            .retry_after
            .map(|seconds| u64::from(seconds).saturating_mul(1000))
    }

    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Unreachable => Failure::offline(),
            Self::Problem(problem) => Failure::server(problem.code, problem.retry_after),
            Self::Unreadable => Failure::answer_unreadable(),
        }
    }
}

/// An answer whose body says nothing.
pub(crate) struct Nothing;

impl<'de> serde::Deserialize<'de> for Nothing {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

pub(crate) fn parse<T: DeserializeOwned>(answer: Result<Vec<u8>, Refusal>) -> Result<T, Refusal> {
    let body = answer?;
    let body = if body.is_empty() {
        b"null".as_slice()
    } else {
        &body
    };
    serde_json::from_slice(body).map_err(|_| Refusal::Unreadable)
}

pub(crate) fn json(body: &impl Serialize) -> HttpBody {
    // Invariant: our bodies are plain structs, which always serialize.
    HttpBody(serde_json::to_vec(body).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_says_nothing_may_be_empty_or_hold_anything() {
        for body in [b"".as_slice(), b"null", b"{\"more\":1}"] {
            assert!(parse::<Nothing>(Ok(body.to_vec())).is_ok());
        }
        assert!(parse::<Nothing>(Ok(b"<html>".to_vec())).is_err());
    }
}
