//! Two engines, a server of a page and a person: meetings that go well, and meetings that anything happens to.

use std::collections::{BTreeMap, VecDeque};

use conclave_auth::statements::login_statement;
use conclave_crypto::{IdentityKey, RecoveryKey, SigningKey};
use conclave_protocol::accounts::EntriesPage;
use conclave_protocol::devices::{AppendEntry, DeviceFound, DevicesFound, EntryAppended};
use conclave_protocol::frames::{ServerFrame, Welcome};
use conclave_protocol::limits::LINK_LIFE_MS;
use conclave_protocol::links::{LinkMessage, LinkMessages, LinkOpened, LinkWaiting, LinksWaiting, OpenLink};
use conclave_protocol::logins::{
    DeviceLoginFinish, DeviceLoginStart, DeviceLoginStarted, LoggedIn, LoginPending, Ticket,
};
use conclave_protocol::prekeys::PrekeysLeft;
use conclave_protocol::{
    AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, ErrorCode, LinkId, Problem, RoomId, Timestamp,
    Token, Username,
};
use conclave_sigchain::{AccountChain, AccountEntry, DeviceKeys};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::calls::LoginForm;
use crate::effects::{Applies, HttpCall, Method, Request};
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::views::{AccountView, ApprovalStep, Event, JoiningStep, Outcome};
use crate::work::Work;
use crate::{
    Change, HttpOutcome, Input, Intent, LinkTarget, MessageRow, ReadError, Reads, Record, RoomRow, Table,
};

mod revoking;

const START: Timestamp = Timestamp(1_800_000_000_000);

/// A device's disk.
#[derive(Default)]
struct Disk(BTreeMap<(Table, Vec<u8>), Zeroizing<Vec<u8>>>);

impl Reads for Disk {
    fn find_record(&self, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        Ok(self.0.get(&(table, key.to_vec())).cloned())
    }

    fn list_records(&self, table: Table, prefix: &[u8], limit: u32) -> Result<Vec<Record>, ReadError> {
        let all = self
            .0
            .iter()
            .filter(|((t, key), _)| *t == table && key.starts_with(prefix));
        let limit = usize::try_from(limit).unwrap();
        Ok(all
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .take(limit)
            .collect())
    }

    fn find_room(&self, _: RoomId) -> Result<Option<RoomRow>, ReadError> {
        Ok(None)
    }

    fn find_message(&self, _: EnvelopeId) -> Result<Option<MessageRow>, ReadError> {
        Ok(None)
    }

    fn list_own_unread(&self, _: RoomId, _: u64, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Vec::new())
    }

    fn last_ordinal(&self) -> Result<u64, ReadError> {
        Ok(0)
    }

    fn list_annotations(&self, _: EnvelopeId, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Vec::new())
    }

    fn astray(&self, _: RoomId, _: AccountId) -> Result<(u32, Option<EnvelopeId>), ReadError> {
        Ok((0, None))
    }

    fn thread(&self, _: RoomId, _: EnvelopeId) -> Result<(u32, Timestamp), ReadError> {
        Ok((0, Timestamp(0)))
    }

    fn list_disappearing(&self, _: RoomId, _: u64, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Vec::new())
    }

    fn list_expired(&self, _: Timestamp, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Vec::new())
    }

    fn next_expiry(&self) -> Result<Option<Timestamp>, ReadError> {
        Ok(None)
    }
}

impl Applies for Disk {
    type Error = ();

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), ()> {
        for change in changes {
            match change {
                Change::PutRecord { table, key, value } => {
                    self.0.insert((table, key), value);
                }
                Change::DeleteRecord { table, key } => {
                    self.0.remove(&(table, key));
                }
                Change::Wipe => self.0.clear(),
                _ => {}
            }
        }
        Ok(())
    }
}

/// One device.
struct Device {
    engine: Engine,
    disk: Disk,
    rng: ChaCha20Rng,
    wake: Option<Timestamp>,
    last_ask: u64,
    outcomes: BTreeMap<u64, Outcome>,
    warnings: Vec<String>,
    handled: usize,
}

impl Device {
    fn new(seed: u64) -> Self {
        Self {
            engine: Engine::new(true),
            disk: Disk::default(),
            rng: ChaCha20Rng::seed_from_u64(seed),
            wake: None,
            last_ask: 0,
            outcomes: BTreeMap::new(),
            warnings: Vec::new(),
            handled: 0,
        }
    }

    fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Request> {
        self.handled += 1;
        let effects = self.engine.handle(&self.disk, input, now, &mut self.rng).unwrap();
        let released = effects.commit(&mut self.disk).unwrap();
        for event in released.events {
            match event {
                Event::Answer { ask, outcome } => {
                    self.outcomes.insert(ask, outcome);
                }
                Event::Warning { failure } => self.warnings.push(failure.code),
                _ => {}
            }
        }
        released.requests
    }

    fn dies(&mut self) {
        self.engine = Engine::new(true);
        self.wake = None;
        self.outcomes.clear();
    }

    fn account(&self) -> AccountView {
        self.engine.account(&self.disk).unwrap()
    }

    fn keeps(&self, prefix: &[u8]) -> bool {
        self.disk
            .0
            .keys()
            .any(|(table, key)| *table == Table::Own && key.starts_with(prefix))
    }
}

/// A meeting place on the server.
struct Place {
    messages: Vec<LinkMessage>,
    token: String,
    by_code: bool,
    expires: Timestamp,
}

/// As much of a server as a meeting needs.
struct Server {
    account: AccountId,
    username: Username,
    entries: Vec<Bytes>,
    places: BTreeMap<LinkId, Place>,
    first_login_used: Vec<DeviceId>,
    now: Timestamp,
    tokens: u64,
    /// Changes messages on their way into a place.
    hostile: Option<fn(&mut LinkMessage)>,
}

type Answer = Result<Vec<u8>, ErrorCode>;

fn ok(body: &impl Serialize) -> Answer {
    Ok(serde_json::to_vec(body).unwrap())
}

fn body<T: DeserializeOwned>(call: &HttpCall) -> T {
    serde_json::from_slice(&call.body.as_ref().expect("a body").0).unwrap()
}

impl Server {
    fn chain(&self) -> AccountChain {
        AccountChain::verify(self.account, self.entries.iter().map(Bytes::as_slice)).unwrap()
    }

    fn token(&mut self, what: &str) -> Token {
        self.tokens += 1;
        Token(format!("{what}-{}", self.tokens))
    }

    fn logged_in(&mut self, device: DeviceId) -> LoggedIn {
        LoggedIn {
            account: self.account,
            device,
            username: self.username.clone(),
            administrator: false,
            access_token: Token(format!("access-{}", device.0)),
            expires_in: 900_000,
            refresh_token: Some(self.token(&format!("refresh-{}", device.0))),
        }
    }

    fn answer(&mut self, call: &HttpCall) -> Answer {
        let now = self.now;
        self.places.retain(|_, place| place.expires > now);
        let bearer = call.bearer.as_ref().map(|token| token.as_str().to_owned());
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let words: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
        match (call.method, words.as_slice()) {
            (Method::Post, ["logins", "refresh"]) => {
                let refresh: conclave_protocol::logins::Refresh = body(call);
                let token = refresh.refresh_token.ok_or(ErrorCode::SignInNeeded)?;
                let device = token.as_str().split('-').nth(1).unwrap().parse().unwrap();
                ok(&self.logged_in(DeviceId(device)))
            }
            (Method::Post, ["ws", "ticket"]) => ok(&Ticket {
                ticket: Token("ticket".to_owned()),
            }),
            (Method::Post, ["devices", "prekeys"]) => ok(&PrekeysLeft {
                one_time: 100,
                last_resort: true,
            }),
            (Method::Get, ["accounts", _, "entries"]) => {
                let after: usize = query
                    .split('&')
                    .find_map(|part| part.strip_prefix("after="))
                    .unwrap()
                    .parse()
                    .unwrap();
                ok(&EntriesPage {
                    entries: self.entries[after + 1..].to_vec(),
                    more: false,
                })
            }
            (Method::Post, ["account", "entries"]) => self.append(call),
            (Method::Get, ["devices"]) => {
                let used = self.first_login_used.clone();
                let found = |(device, _): (DeviceId, &_)| DeviceFound {
                    device,
                    added_at: now,
                    seen_at: used.contains(&device).then_some(now),
                    connected: false,
                    signed_in: used.contains(&device),
                };
                let devices = self.chain().devices().map(found).collect();
                ok(&DevicesFound { devices })
            }
            (Method::Post, ["links"]) => {
                let open: OpenLink = body(call);
                let token = self.token("link");
                let expires = now.plus(LINK_LIFE_MS);
                let mut first = LinkMessage {
                    number: 1,
                    message: open.message,
                };
                if let Some(change) = self.hostile {
                    change(&mut first);
                }
                let place = Place {
                    messages: vec![first],
                    token: token.as_str().to_owned(),
                    by_code: open.way == conclave_protocol::links::LinkWay::Code,
                    expires,
                };
                self.places.insert(open.id, place);
                ok(&LinkOpened { token, expires })
            }
            (Method::Get, ["links"]) => {
                let waiting = self
                    .places
                    .iter()
                    .filter(|(_, place)| place.by_code && place.messages.len() == 1);
                let links = waiting
                    .map(|(id, place)| LinkWaiting {
                        id: *id,
                        expires: place.expires,
                    })
                    .collect();
                ok(&LinksWaiting { links })
            }
            (Method::Delete, ["links", link]) => {
                self.places.remove(&link.parse().unwrap());
                Ok(Vec::new())
            }
            (method, ["links", link, "messages"]) => {
                let place = self
                    .places
                    .get_mut(&link.parse().unwrap())
                    .ok_or(ErrorCode::LinkGone)?;
                let is_new = bearer.as_deref() == Some(&place.token);
                if method == Method::Get {
                    let after: u32 = query.strip_prefix("after=").unwrap().parse().unwrap();
                    let behind = place.messages.iter().filter(|message| message.number > after);
                    return ok(&LinkMessages {
                        messages: behind.cloned().collect(),
                    });
                }
                let mut message: LinkMessage = body(call);
                assert_eq!(is_new, message.number % 2 == 1, "each side has its numbers");
                if let Some(change) = self.hostile {
                    change(&mut message);
                }
                match message
                    .number
                    .cmp(&(u32::try_from(place.messages.len()).unwrap() + 1))
                {
                    std::cmp::Ordering::Equal => place.messages.push(message),
                    std::cmp::Ordering::Less => {
                        let known = &place.messages[usize::try_from(message.number).unwrap() - 1];
                        if known.message != message.message {
                            return Err(ErrorCode::LinkTaken);
                        }
                    }
                    std::cmp::Ordering::Greater => return Err(ErrorCode::OutOfOrder),
                }
                Ok(Vec::new())
            }
            (Method::Post, ["logins", "device", "start"]) => {
                let start: DeviceLoginStart = body(call);
                ok(&DeviceLoginStarted {
                    attempt: Token(format!("attempt-{}", start.device.device.0)),
                })
            }
            (Method::Post, ["logins", "device", "finish"]) => {
                let finish: DeviceLoginFinish = body(call);
                let device = DeviceId(
                    finish
                        .attempt
                        .as_str()
                        .split('-')
                        .nth(1)
                        .unwrap()
                        .parse()
                        .unwrap(),
                );
                let statement = login_statement(&self.account.0, device.0, finish.attempt.as_str());
                let chain = self.chain();
                let known = chain.device(device).ok_or(ErrorCode::WrongCredentials)?;
                let signature: [u8; 64] = finish.signature.as_slice().try_into().unwrap();
                known
                    .verify(&statement, &signature)
                    .map_err(|_| ErrorCode::WrongCredentials)?;
                if self.first_login_used.contains(&device) {
                    return Err(ErrorCode::WrongCredentials);
                }
                self.first_login_used.push(device);
                ok(&self.logged_in(device))
            }
            _ => Err(ErrorCode::NotFound),
        }
    }

    fn append(&mut self, call: &HttpCall) -> Answer {
        let AppendEntry { entry } = body(call);
        if let Some(at) = self.entries.iter().position(|known| *known == entry) {
            return ok(&EntryAppended {
                sequence: u32::try_from(at).unwrap(),
            });
        }
        let parsed = AccountEntry::from_bytes(entry.as_slice()).unwrap();
        if usize::try_from(parsed.sequence).unwrap() != self.entries.len() {
            return Err(ErrorCode::ChainMoved);
        }
        self.chain()
            .append(&parsed)
            .map_err(|_| ErrorCode::ChainRefused)?;
        self.entries.push(entry);
        ok(&EntryAppended {
            sequence: parsed.sequence,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    New,
    Old,
}

/// What befalls a device at one of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It stops after it has stored and before anything left.
    BeforeLeaving,
    /// It stops when the server has what left, and hears nothing of it.
    BeforeHearing,
    /// It goes on, and every answer of this step is lost.
    Unheard,
}

struct Story {
    new: Device,
    old: Device,
    server: Server,
    now: Timestamp,
    fate: Option<(Who, usize, Fate)>,
    by_scan: bool,
    /// The person types what is not there.
    wrong_digits: bool,
    /// The person says yes.
    confirms: bool,
    answered: bool,
    confirmed: bool,
}

impl Story {
    fn new(by_scan: bool) -> Self {
        let mut old = Device::new(1);
        let username: Username = "mia".parse().unwrap();
        let signing = SigningKey::from_bytes(&[1; 32]);
        let identity = IdentityKey::from_bytes(&[2; 32]);
        let recovery = RecoveryKey::from_bytes(&[3; 32]);
        let keys = DeviceKeys {
            signing: signing.public().to_bytes(),
            identity: identity.public().to_bytes(),
        };
        let genesis = AccountEntry::genesis(keys, recovery.signing_key().public().to_bytes(), START)
            .signed_with(|bytes| signing.sign(bytes));
        let account = AccountId(genesis.hash().0);
        let genesis = genesis.to_bytes();
        let server = Server {
            account,
            username: username.clone(),
            entries: vec![Bytes(genesis.clone())],
            places: BTreeMap::new(),
            first_login_used: vec![DeviceId(0)],
            now: START,
            tokens: 0,
            hostile: None,
        };
        let mut own = OwnIdentity::new(&username, account, &signing, &identity, &recovery, genesis);
        own.registered = true;
        let changes = {
            let mut work = Work::new(&old.disk, &mut old.rng, START);
            work.put_own(&own);
            let mut login = work.login().unwrap();
            login.signed_in = true;
            login.refresh_token = Some(Token("refresh-0-0".to_owned()));
            work.put_login(&login);
            work.finish()
        };
        let _ = changes.commit(&mut old.disk).unwrap();
        Self {
            new: Device::new(2),
            old,
            server,
            now: START,
            fate: None,
            by_scan,
            wrong_digits: false,
            confirms: true,
            answered: false,
            confirmed: false,
        }
    }

    fn device(&mut self, who: Who) -> &mut Device {
        match who {
            Who::New => &mut self.new,
            Who::Old => &mut self.old,
        }
    }

    /// One input and all that follows from it without waiting.
    fn input(&mut self, who: Who, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = self.now;
            let device = self.device(who);
            let step = device.handled;
            let requests = device.handle(input, now);
            let fate = self.fate.filter(|(whose, at, _)| *whose == who && *at == step);
            if matches!(fate, Some((_, _, Fate::BeforeLeaving))) {
                self.begins_again(who, &mut inputs);
                continue;
            }
            let mut answers = self.carry_out(who, requests);
            match fate {
                Some((_, _, Fate::BeforeHearing)) => {
                    self.begins_again(who, &mut inputs);
                    continue;
                }
                Some((_, _, Fate::Unheard)) => {
                    for answer in &mut answers {
                        if let Input::Http { outcome, .. } = answer {
                            *outcome = HttpOutcome::Unreachable;
                        }
                    }
                }
                _ => {}
            }
            inputs.extend(answers);
        }
    }

    fn begins_again(&mut self, who: Who, inputs: &mut VecDeque<Input>) {
        self.device(who).dies();
        inputs.clear();
        inputs.push_back(Input::Start);
    }

    fn carry_out(&mut self, who: Who, requests: Vec<Request>) -> Vec<Input> {
        let mut inputs = Vec::new();
        for request in requests {
            match request {
                Request::Http(call) => {
                    self.server.now = self.now;
                    let outcome = match self.server.answer(&call) {
                        Ok(body) => HttpOutcome::Answered { status: 200, body },
                        Err(code) => HttpOutcome::Answered {
                            status: code.status(),
                            body: serde_json::to_vec(&Problem::new(code)).unwrap(),
                        },
                    };
                    inputs.push(Input::Http { id: call.id, outcome });
                }
                Request::Connect => {
                    inputs.push(Input::Connected);
                    let welcome = Welcome {
                        time: self.now,
                        moved: Vec::new(),
                        last_accepted: None,
                        one_time_prekeys: 100,
                        acknowledged: 0,
                        head: Some(self.server.chain().head()),
                        restore: None,
                        server_key: None,
                    };
                    inputs.push(Input::Frame(ServerFrame::Welcome(welcome).to_bytes()));
                    inputs.push(Input::Frame(ServerFrame::Drained.to_bytes()));
                }
                Request::WakeAt(at) => self.device(who).wake = Some(at),
                Request::Disconnect | Request::Frame(_) => {}
            }
        }
        inputs
    }

    fn asks(&mut self, who: Who, intent: Intent) -> u64 {
        let device = self.device(who);
        device.last_ask += 1;
        let ask = device.last_ask;
        self.input(who, Input::Intent { ask, intent });
        ask
    }

    /// The new device has given the right password, or shows its code.
    fn begins(&mut self) {
        self.input(Who::Old, Input::Start);
        self.input(Who::New, Input::Start);
        if self.by_scan {
            self.asks(Who::New, Intent::ShowLinkCode);
            return;
        }
        let pending = LoginPending {
            time: 1,
            account: self.server.account,
            username: self.server.username.clone(),
            entries: self.server.entries.clone(),
            token: Token("pending".to_owned()),
            expires_in: 900_000,
        };
        let form = LoginForm {
            username: self.server.username.clone(),
            password: Zeroizing::new("password".to_owned()),
            code: None,
            instead_of: None,
            as_new: false,
            then_revoke: None,
        };
        let new = &mut self.new;
        let mut work = Work::new(&new.disk, &mut new.rng, self.now);
        new.engine.pending_login(&mut work, 0, &form, pending).unwrap();
        let released = work.finish().commit(&mut new.disk).unwrap();
        let inputs = self.carry_out(Who::New, released.requests);
        for input in inputs {
            self.input(Who::New, input);
        }
        let links: Vec<LinkId> = self.server.places.keys().copied().collect();
        for link in links {
            self.input(Who::Old, Input::Frame(ServerFrame::LinkWaiting(link).to_bytes()));
        }
    }

    /// What the person does when they look at both screens.
    fn person_looks(&mut self) {
        let joining = match self.new.account() {
            AccountView::Joining { joining } => Some(joining),
            _ => None,
        };
        if self.by_scan {
            let code = joining.as_ref().and_then(|joining| joining.link.clone());
            if let Some(code) = code.filter(|_| !self.answered) {
                self.answered = true;
                let link = LinkTarget::Scanned(Zeroizing::new(format!("https://chat.example{code}")));
                self.asks(Who::Old, Intent::AnswerLink { link });
            }
        }
        for approval in self.old.engine.list_approvals() {
            let link: LinkId = approval.link.parse().unwrap();
            match approval.step {
                ApprovalStep::Asked if !self.answered => {
                    self.answered = true;
                    let link = LinkTarget::Waiting(link);
                    self.asks(Who::Old, Intent::AnswerLink { link });
                }
                ApprovalStep::DigitsNeeded | ApprovalStep::ConfirmationNeeded if self.confirms => {
                    let digits = joining.as_ref().and_then(|joining| joining.digits.clone());
                    if approval.step == ApprovalStep::DigitsNeeded && digits.is_none() {
                        continue;
                    }
                    let digits = digits.map(|digits| {
                        let first = if digits.starts_with('0') { "1" } else { "0" };
                        let wrong = format!("{first}{}", &digits[1..]);
                        if self.wrong_digits {
                            wrong
                        } else {
                            format!("{} {}", &digits[..3], &digits[3..])
                        }
                    });
                    self.confirmed = true;
                    self.asks(Who::Old, Intent::ConfirmLink { link, digits });
                }
                _ => {}
            }
        }
    }

    /// Time passes until something is due, at most this long.
    fn goes_on_for(&mut self, time: u64) {
        let until = self.now.plus(time);
        loop {
            self.person_looks();
            let due = [(Who::New, self.new.wake), (Who::Old, self.old.wake)];
            let next = due
                .into_iter()
                .filter_map(|(who, at)| Some((at?, who)))
                .min_by_key(|(at, _)| *at);
            let Some((at, who)) = next.filter(|(at, _)| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            self.device(who).wake = None;
            self.input(who, Input::Tick);
        }
        self.now = until;
    }

    fn devices(&self) -> usize {
        self.server.chain().devices().count()
    }

    fn is_over(&self) -> bool {
        let engines = [&self.new.engine, &self.old.engine];
        engines
            .iter()
            .all(|engine| engine.meetings.is_empty() && engine.leaving.is_empty())
            && self.server.places.is_empty()
    }

    fn nothing_is_left(&self) {
        assert!(!self.new.keeps(b"joining"), "a meeting is left on the new device");
        assert!(
            !self.old.keeps(b"approval/"),
            "a meeting is left on the old device"
        );
        assert!(self.new.engine.meetings.is_empty() && self.old.engine.meetings.is_empty());
        assert!(self.new.engine.leaving.is_empty() && self.old.engine.leaving.is_empty());
    }

    fn ended(&self) -> String {
        match self.new.account() {
            AccountView::Joining { joining } => match joining.step {
                JoiningStep::Ended { failure } => failure.code,
                step => format!("{step:?}"),
            },
            AccountView::None => "none".to_owned(),
            AccountView::SignedOut { .. } => "signed_out".to_owned(),
            AccountView::SignedIn { .. } => "signed_in".to_owned(),
        }
    }

    fn approval(&self) -> Option<ApprovalStep> {
        self.old
            .engine
            .list_approvals()
            .pop()
            .map(|approval| approval.step)
    }

    fn approval_ended(&self) -> String {
        match self.approval() {
            Some(ApprovalStep::Ended { failure }) => failure.code,
            other => format!("{other:?}"),
        }
    }
}

#[test]
fn a_device_joins_by_digits_and_by_scanning() {
    for by_scan in [false, true] {
        let mut story = Story::new(by_scan);
        story.begins();
        story.goes_on_for(60_000);
        assert_eq!(story.ended(), "signed_in");
        assert_eq!(story.approval(), Some(ApprovalStep::Added));
        assert_eq!(story.devices(), 2);
        assert!(story.server.places.is_empty(), "the place is left");
        story.nothing_is_left();
        let own = Work::new(&story.new.disk, &mut story.new.rng, START)
            .own()
            .unwrap();
        assert!(own.recovery_key().is_none());
        assert_eq!(own.device, DeviceId(1));
        assert_eq!(own.entries.len(), 2);
    }
}

#[test]
fn wrong_digits_end_the_meeting_on_both_sides_and_add_nothing() {
    let mut story = Story::new(false);
    story.wrong_digits = true;
    story.begins();
    story.goes_on_for(60_000);
    assert_eq!(story.ended(), "link_declined");
    assert_eq!(story.approval_ended(), "digits_wrong");
    assert_eq!(story.devices(), 1);
    assert!(story.server.places.is_empty());
    story.nothing_is_left();
}

#[test]
fn what_is_not_six_digits_is_no_try() {
    let mut story = Story::new(false);
    story.confirms = false;
    story.begins();
    story.goes_on_for(10_000);
    let link: LinkId = story.old.engine.list_approvals()[0].link.parse().unwrap();
    for typed in [None, Some("12345"), Some("12345a"), Some("1234567")] {
        let digits = typed.map(str::to_owned);
        let ask = story.asks(Who::Old, Intent::ConfirmLink { link, digits });
        let Some(Outcome::Failed { failure }) = story.old.outcomes.get(&ask) else {
            panic!("taken: {typed:?}");
        };
        assert_eq!(failure.code, "digits_unreadable");
    }
    story.confirms = true;
    story.goes_on_for(60_000);
    assert_eq!(story.ended(), "signed_in");
}

#[test]
fn nobody_approves_in_time() {
    for by_scan in [false, true] {
        let mut story = Story::new(by_scan);
        story.answered = true;
        story.begins();
        story.goes_on_for(LINK_LIFE_MS + 60_000);
        assert_eq!(story.ended(), "link_expired");
        assert_eq!(story.approval(), None);
        story.nothing_is_left();
        assert!(story.new.wake.is_none(), "nothing is asked any more");
    }
}

#[test]
fn nobody_types_the_digits_in_time() {
    for by_scan in [false, true] {
        let mut story = Story::new(by_scan);
        story.confirms = false;
        story.begins();
        story.goes_on_for(LINK_LIFE_MS + 60_000);
        assert_eq!(story.devices(), 1);
        assert!(
            ["link_expired", "link_declined"].contains(&story.ended().as_str()),
            "{}",
            story.ended()
        );
        assert!(["link_expired", "link_gone"].contains(&story.approval_ended().as_str()));
        story.nothing_is_left();
    }
}

#[test]
fn either_side_may_give_up_at_any_time_and_the_other_learns_it() {
    for by_scan in [false, true] {
        let mut story = Story::new(by_scan);
        story.confirms = false;
        story.begins();
        story.goes_on_for(10_000);
        story.asks(Who::New, Intent::CancelJoining);
        story.goes_on_for(5_000);
        assert_eq!(
            (story.ended().as_str(), story.approval_ended().as_str()),
            ("none", "link_gone")
        );
        story.nothing_is_left();

        let mut story = Story::new(by_scan);
        story.confirms = false;
        story.begins();
        story.goes_on_for(10_000);
        let link = story.old.engine.list_approvals()[0].link.parse().unwrap();
        story.asks(Who::Old, Intent::DeclineLink { link });
        story.goes_on_for(5_000);
        assert_eq!(story.ended(), "link_declined");
        assert_eq!(story.approval(), None);
        assert_eq!(story.devices(), 1);
        story.nothing_is_left();
    }
}

#[test]
fn a_device_that_signs_out_declines() {
    let mut story = Story::new(false);
    story.confirms = false;
    story.begins();
    story.goes_on_for(10_000);
    story.asks(Who::Old, Intent::SignOut);
    story.goes_on_for(5_000);
    assert_eq!(story.ended(), "link_declined");
    story.nothing_is_left();
}

#[test]
fn a_place_that_another_device_answered_is_taken() {
    let mut story = Story::new(false);
    story.confirms = false;
    story.begins();
    story.goes_on_for(10_000);
    // The other device of the account knows nothing of what this one said.
    let link: LinkId = story.old.engine.list_approvals()[0].link.parse().unwrap();
    let mut other = Story::new(false);
    std::mem::swap(&mut other.server, &mut story.server);
    other.input(Who::Old, Input::Start);
    let ask = other.asks(
        Who::Old,
        Intent::AnswerLink {
            link: LinkTarget::Waiting(link),
        },
    );
    let Some(Outcome::Failed { failure }) = other.old.outcomes.get(&ask) else {
        panic!("two devices answered");
    };
    assert_eq!(failure.code, "link_taken");
    std::mem::swap(&mut other.server, &mut story.server);
    story.confirms = true;
    story.goes_on_for(60_000);
    assert_eq!(story.ended(), "signed_in");
}

#[test]
fn two_devices_that_answer_a_scanned_code_at_once_do_not_both_get_it() {
    let mut story = Story::new(true);
    story.confirms = false;
    story.begins();
    let AccountView::Joining { joining } = story.new.account() else {
        panic!("joining");
    };
    story.goes_on_for(10_000);
    let mut other = Story::new(true);
    other.old.rng = ChaCha20Rng::seed_from_u64(9);
    std::mem::swap(&mut other.server, &mut story.server);
    other.input(Who::Old, Input::Start);
    let code = Zeroizing::new(joining.link.unwrap());
    other.asks(
        Who::Old,
        Intent::AnswerLink {
            link: LinkTarget::Scanned(code),
        },
    );
    other.goes_on_for(10_000);
    assert_eq!(other.approval_ended(), "link_taken");
    other.nothing_is_left();
    std::mem::swap(&mut other.server, &mut story.server);
    story.confirms = true;
    story.goes_on_for(60_000);
    assert_eq!(story.ended(), "signed_in");
}

#[test]
fn what_is_no_code_is_not_answered() {
    let mut story = Story::new(true);
    story.begins();
    for text in ["", "hello", "https://chat.example/#/link/AAAA"] {
        let link = LinkTarget::Scanned(Zeroizing::new(text.to_owned()));
        let ask = story.asks(Who::Old, Intent::AnswerLink { link });
        let Some(Outcome::Failed { failure }) = story.old.outcomes.get(&ask) else {
            panic!("taken: {text}");
        };
        assert_eq!(failure.code, "link_unreadable");
    }
}

#[test]
fn an_account_with_sixteen_devices_takes_no_more() {
    for by_scan in [false, true] {
        let mut story = Story::new(by_scan);
        let signing = SigningKey::from_bytes(&[1; 32]);
        for n in 0..15_u8 {
            let mut chain = story.server.chain();
            let new = SigningKey::from_bytes(&[100 + n; 32]);
            let keys = DeviceKeys {
                signing: new.public().to_bytes(),
                identity: IdentityKey::from_bytes(&[150 + n; 32]).public().to_bytes(),
            };
            let possession = new.sign(&keys.possession_bytes(story.server.account));
            let entry = chain
                .next_entry(
                    conclave_sigchain::Author::Device(DeviceId(0)),
                    START,
                    conclave_sigchain::AccountBody::AddDevice { keys, possession },
                )
                .signed_with(|bytes| signing.sign(bytes));
            chain.append(&entry).unwrap();
            story.server.entries.push(Bytes(entry.to_bytes()));
        }
        story.begins();
        story.goes_on_for(60_000);
        assert_eq!(story.approval_ended(), "devices_full");
        assert_eq!(story.ended(), "link_declined");
        assert_eq!(story.devices(), 16);
        story.nothing_is_left();
    }
}

#[test]
fn a_device_that_is_revoked_while_it_approves_adds_nothing_and_forgets_the_meeting() {
    use conclave_sigchain::{AccountBody, Author};
    for it_is_told in [true, false] {
        let mut story = Story::new(false);
        let (first, other) = (
            SigningKey::from_bytes(&[1; 32]),
            SigningKey::from_bytes(&[77; 32]),
        );
        let keys = DeviceKeys {
            signing: other.public().to_bytes(),
            identity: IdentityKey::from_bytes(&[78; 32]).public().to_bytes(),
        };
        let possession = other.sign(&keys.possession_bytes(story.server.account));
        let mut chain = story.server.chain();
        let body = AccountBody::AddDevice { keys, possession };
        let entry = chain
            .next_entry(Author::Device(DeviceId(0)), START, body)
            .signed_with(|bytes| first.sign(bytes));
        chain.append(&entry).unwrap();
        story.server.entries.push(Bytes(entry.to_bytes()));
        story.confirms = false;
        story.begins();
        story.goes_on_for(10_000);

        // The other device takes it out. Whether it hears so at once or when it adds: it is out.
        let body = AccountBody::RevokeDevice { device: DeviceId(0) };
        let entry = chain
            .next_entry(Author::Device(DeviceId(1)), story.now, body)
            .signed_with(|bytes| other.sign(bytes));
        let entry = Bytes(entry.to_bytes());
        story.server.entries.push(entry.clone());
        if it_is_told {
            let moved = conclave_protocol::frames::ChainMoved {
                account: story.server.account,
                head: 2,
                entry,
            };
            story.input(Who::Old, Input::Frame(ServerFrame::ChainMoved(moved).to_bytes()));
        } else {
            story.confirms = true;
        }
        story.goes_on_for(LINK_LIFE_MS + 60_000);
        assert_eq!(story.old.account(), AccountView::None);
        assert!(story.old.disk.0.is_empty());
        assert!(story.old.engine.list_approvals().is_empty());
        assert_eq!(story.devices(), 1, "the one that took it out");
        assert!(
            ["link_expired", "link_declined"].contains(&story.ended().as_str()),
            "{}",
            story.ended()
        );
        story.nothing_is_left();
    }
}

#[test]
fn a_server_that_changes_any_message_is_noticed_and_nothing_is_added() {
    /// Flips the last bit of the message with this number, and of no other.
    fn flip<const NUMBER: u32>(message: &mut LinkMessage) {
        if message.number == NUMBER {
            *message.message.0.last_mut().unwrap() ^= 1;
        }
    }
    let tricks: [fn(&mut LinkMessage); 6] =
        [flip::<1>, flip::<2>, flip::<3>, flip::<4>, flip::<5>, flip::<6>];
    for by_scan in [false, true] {
        for (index, trick) in tricks.into_iter().enumerate() {
            let number = index + 1;
            let mut story = Story::new(by_scan);
            story.server.hostile = Some(trick);
            story.begins();
            story.goes_on_for(LINK_LIFE_MS + 120_000);
            let (new, old) = (story.ended(), story.approval_ended());
            let what = format!("message {number}, by scan: {by_scan}: {new}, {old}");
            if by_scan && number == 1 {
                // What was scanned takes its place.
                assert_eq!(new, "signed_in", "{what}");
                continue;
            }
            assert_ne!(new, "signed_in", "{what}");
            assert_eq!(story.devices(), 1, "{what}");
            story.nothing_is_left();
        }
    }
}

/// Runs a story in which this happens, and says how many steps its devices took.
fn with_fate(by_scan: bool, fate: Option<(Who, usize, Fate)>) -> (Story, usize, usize) {
    let mut story = Story::new(by_scan);
    story.fate = fate;
    story.begins();
    story.goes_on_for(20_000);
    let steps = (story.new.handled, story.old.handled);
    (story, steps.0, steps.1)
}

#[test]
fn a_device_that_stops_at_any_step_goes_on_or_leaves_nothing_behind() {
    let mut went_well = 0;
    let mut others = BTreeMap::<String, usize>::new();
    for by_scan in [false, true] {
        let (_, new_steps, old_steps) = with_fate(by_scan, None);
        for (who, steps) in [(Who::New, new_steps), (Who::Old, old_steps)] {
            for step in 0..steps {
                for fate in [Fate::BeforeLeaving, Fate::BeforeHearing, Fate::Unheard] {
                    let what = format!("{who:?} step {step} {fate:?}, by scan: {by_scan}");
                    let (mut story, ..) = with_fate(by_scan, Some((who, step, fate)));
                    let early = story.ended();
                    // Whatever is not done by now, is over when the places are.
                    story.confirms = false;
                    if !story.is_over() {
                        story.goes_on_for(2 * LINK_LIFE_MS);
                        story.goes_on_for(60_000);
                    }
                    let end = story.ended();
                    story.nothing_is_left();
                    assert!(story.server.places.is_empty(), "{what}");
                    match end.as_str() {
                        "signed_in" => {
                            assert_eq!(early, "signed_in", "{what}");
                            assert_eq!(story.devices(), 2, "{what}");
                            went_well += 1;
                        }
                        // The first sign-in's answer was lost: it is done once, so the password does the rest.
                        "signed_out" => {
                            assert_eq!(story.devices(), 2, "{what}");
                            assert_eq!(story.new.warnings, ["link_sign_in"], "{what}");
                            *others.entry(end).or_default() += 1;
                        }
                        _ => {
                            assert_eq!(story.devices(), 1, "{what}: {end}");
                            *others.entry(end).or_default() += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{went_well} went well; {others:?}");
    assert!(
        went_well > others.values().sum::<usize>() * 4,
        "{went_well} went well; {others:?}"
    );
}

#[test]
fn a_log_of_several_parts_reaches_the_new_device_whole() {
    let mut story = Story::new(true);
    let signing = SigningKey::from_bytes(&[1; 32]);
    let mut chain = story.server.chain();
    for n in 0..400_u32 {
        let vault = conclave_sigchain::Vault {
            generation: n,
            slots: Vec::new(),
            records: u64::from(n) + 1,
            head: conclave_protocol::Hash([7; 32]),
        };
        let entry = chain
            .next_entry(
                conclave_sigchain::Author::Device(DeviceId(0)),
                START,
                conclave_sigchain::AccountBody::Vault(vault),
            )
            .signed_with(|bytes| signing.sign(bytes));
        chain.append(&entry).unwrap();
        story.server.entries.push(Bytes(entry.to_bytes()));
    }
    story.begins();
    story.goes_on_for(60_000);
    assert_eq!(story.ended(), "signed_in");
    assert_eq!(story.approval(), Some(ApprovalStep::Added));
    let own = Work::new(&story.new.disk, &mut story.new.rng, START)
        .own()
        .unwrap();
    assert_eq!(
        own.address(),
        DeviceAddress {
            account: story.server.account,
            device: DeviceId(401)
        }
    );
    story.nothing_is_left();
}
