//! Several devices, a server of a page, and a clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use conclave_protocol::accounts::EntriesPage;
use conclave_protocol::frames::{
    Accepted, ClientFrame, Cursor, Deliver, Distribute, Distributed, Hello, Item, Post, Refused, RoomMessage,
    ServerFrame, Welcome,
};
use conclave_protocol::logins::LoggedIn;
use conclave_protocol::messages::{EnvelopesPage, StoredEnvelope};
use conclave_protocol::places::{PlaceEntriesPage, PlaceFound, PlacesFound};
use conclave_protocol::prekeys::{PrekeyClaimed, PrekeysLeft, PrekeysUpload};
use conclave_protocol::{
    AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, ErrorCode, Problem, RoomId, Timestamp, Token,
};
use conclave_sigchain::room::{
    AccountHead, Permissions, PlaceKind, Policy, RoomAuthor, RoomBody, RoomChain, RoomEntry,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::connection::Link;
use crate::content::Text;
use crate::effects::{Applies, HttpCall, Method, Request};
use crate::machine::Engine;
use crate::own::OwnLogin;
use crate::posting::Roll;
use crate::views::Event;
use crate::work::Work;
use crate::work::testing::{Account, signing_key};
use crate::{
    Change, Delivery, HttpOutcome, Input, Intent, MessageBody, MessageRow, ReadError, Reads, Record, RoomRow,
    Table,
};

pub(super) const START: Timestamp = Timestamp(1_800_000_000_000);
const FAR: u64 = 10 * 365 * 24 * 60 * 60 * 1000;

/// A device's disk.
#[derive(Clone, Default)]
pub(super) struct Disk {
    records: BTreeMap<(Table, Vec<u8>), Zeroizing<Vec<u8>>>,
    rooms: BTreeMap<RoomId, RoomRow>,
    messages: BTreeMap<EnvelopeId, MessageRow>,
}

impl Reads for Disk {
    fn find_record(&self, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        Ok(self.records.get(&(table, key.to_vec())).cloned())
    }

    fn list_records(&self, table: Table, prefix: &[u8], limit: u32) -> Result<Vec<Record>, ReadError> {
        let from = (table, prefix.to_vec());
        let all = self
            .records
            .range(from..)
            .take_while(|((t, key), _)| *t == table && key.starts_with(prefix));
        let limit = usize::try_from(limit).unwrap();
        Ok(all
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .take(limit)
            .collect())
    }

    fn find_room(&self, room: RoomId) -> Result<Option<RoomRow>, ReadError> {
        Ok(self.rooms.get(&room).cloned())
    }

    fn find_message(&self, id: EnvelopeId) -> Result<Option<MessageRow>, ReadError> {
        Ok(self.messages.get(&id).cloned())
    }

    fn list_own_unread(&self, room: RoomId, up_to: u64, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        let waits = |row: &&MessageRow| {
            let reached = row.sequence.is_some_and(|sequence| sequence <= up_to);
            let state = matches!(row.delivery, Delivery::Sent | Delivery::Delivered);
            row.room == room && row.mine && reached && state
        };
        Ok(self.messages.values().filter(waits).cloned().collect())
    }

    fn last_ordinal(&self) -> Result<u64, ReadError> {
        Ok(self.messages.values().map(|row| row.ordinal).max().unwrap_or(0))
    }

    fn list_annotations(&self, target: EnvelopeId, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        let about = |row: &&MessageRow| row.body.target() == Some(target);
        Ok(self.messages.values().filter(about).cloned().collect())
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
                    self.records.insert((table, key), value);
                }
                Change::DeleteRecord { table, key } => {
                    self.records.remove(&(table, key));
                }
                Change::Wipe => *self = Self::default(),
                Change::PutRoom(room) => {
                    self.rooms.insert(room.room, room);
                }
                Change::PutMessage(row) => {
                    self.messages.insert(row.id, row);
                }
                Change::ClearRoom { room, up_to } => {
                    let goes =
                        |row: &MessageRow| row.room == room && row.sequence.is_some_and(|at| at <= up_to);
                    self.messages.retain(|_, row| !goes(row));
                }
                Change::DeleteMessage(id) => {
                    self.messages.remove(&id);
                }
            }
        }
        Ok(())
    }
}

/// One device of somebody.
pub(super) struct Device {
    pub(super) address: DeviceAddress,
    pub(super) engine: Engine,
    pub(super) disk: Disk,
    rng: ChaCha20Rng,
    wake: Option<Timestamp>,
    pub(super) connected: bool,
    /// What is on its way to it.
    inbox: VecDeque<Input>,
    /// Takes the frames that wait for it together.
    pub(super) gathers: bool,
    /// Transactions of its store so far.
    pub(super) commits: u32,
    /// Times that its front end was told to look at a room again.
    pub(super) looks: u32,
    pub(super) warnings: Vec<String>,
}

/// A server of a page.
#[derive(Default)]
pub(super) struct Server {
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) chain: Option<RoomChain>,
    pub(super) entries: Vec<Bytes>,
    pub(super) envelopes: Vec<StoredEnvelope>,
    mailboxes: BTreeMap<DeviceAddress, Vec<Deliver>>,
    given: BTreeMap<DeviceAddress, u64>,
    bundles: BTreeMap<DeviceAddress, Vec<Bytes>>,
    answered: BTreeMap<(DeviceAddress, EnvelopeId), ServerFrame>,
    halted: BTreeSet<(DeviceAddress, RoomId)>,
    /// Devices whose prekeys are not handed out.
    pub(super) without_prekeys: BTreeSet<DeviceAddress>,
    /// Refuses the next post with this.
    pub(super) refuse_next: Option<ErrorCode>,
    /// Loses live frames of posts to these devices.
    pub(super) deaf: BTreeSet<DeviceAddress>,
    /// Loses what is distributed to these devices.
    pub(super) swallows: BTreeSet<DeviceAddress>,
    /// Shows no entry of the place's chain.
    pub(super) hides_entries: bool,
    pub(super) posts: u32,
    /// Pages of the room that were asked for.
    pub(super) pages: u32,
    /// Of each device.
    pub(super) distributed: BTreeMap<DeviceAddress, u32>,
}

pub(super) struct Sim {
    pub(super) now: Timestamp,
    pub(super) server: Server,
    pub(super) devices: Vec<Device>,
}

impl Device {
    fn new(address: DeviceAddress, seed: u64) -> Self {
        Self {
            address,
            engine: Engine::new(true),
            disk: Disk::default(),
            rng: ChaCha20Rng::seed_from_u64(seed),
            wake: None,
            connected: false,
            inbox: VecDeque::new(),
            gathers: false,
            commits: 0,
            looks: 0,
            warnings: Vec::new(),
        }
    }

    fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Request> {
        let effects = self.engine.handle(&self.disk, input, now, &mut self.rng).unwrap();
        self.commits += u32::from(!effects.changes.is_empty());
        let released = effects.commit(&mut self.disk).unwrap();
        for event in released.events {
            match event {
                Event::Warning { failure } => self.warnings.push(failure.code),
                Event::Timeline { .. } => self.looks += 1,
                _ => {}
            }
        }
        released.requests
    }

    /// What it handles next: one input, or the frames that wait for it.
    fn next_input(&mut self) -> Option<Input> {
        let mut frames = Vec::new();
        while let Some(Input::Frame(_)) = self.inbox.front().filter(|_| self.gathers) {
            if let Some(Input::Frame(frame)) = self.inbox.pop_front() {
                frames.push(frame);
            }
        }
        if frames.is_empty() {
            return self.inbox.pop_front();
        }
        Some(Input::Frames(frames))
    }

    /// What it still has to tell of what it stored and its person has seen.
    pub(super) fn owes_receipts(&self) -> bool {
        self.disk
            .records
            .keys()
            .any(|(table, _)| *table == Table::Receipts)
    }

    /// Handles an input, and says how long that took, storing aside.
    pub(super) fn timed(&mut self, input: Input, now: Timestamp) -> (Vec<Request>, Time) {
        let mut effects = None;
        let time = spent(|| {
            effects = Some(self.engine.handle(&self.disk, input, now, &mut self.rng).unwrap());
        });
        let effects = effects.unwrap();
        let released = effects.commit(&mut self.disk).unwrap();
        (released.requests, time)
    }

    /// Does something with the store in one handling.
    pub(super) fn with<T>(&mut self, now: Timestamp, act: impl FnOnce(&mut Engine, &mut Work<'_>) -> T) -> T {
        let mut work = Work::new(&self.disk, &mut self.rng, now);
        let done = act(&mut self.engine, &mut work);
        self.engine.keep_rolls(&mut work);
        let effects = work.finish();
        let _ = effects.commit(&mut self.disk).unwrap();
        done
    }

    /// What it shows of a room, in order: texts, and how many are missing before each.
    pub(super) fn timeline(&self, room: RoomId) -> Vec<&MessageRow> {
        let mut rows: Vec<_> = self
            .disk
            .messages
            .values()
            .filter(|row| row.room == room && !matches!(row.body, MessageBody::Notice(_)))
            .collect();
        rows.sort_by_key(|row| (row.sequence.unwrap_or(u64::MAX), row.ordinal));
        rows
    }

    pub(super) fn texts(&self, room: RoomId) -> Vec<String> {
        self.timeline(room).into_iter().map(words).collect()
    }
}

pub(super) fn words(row: &MessageRow) -> String {
    match &row.body {
        MessageBody::Text(text) => text.text.clone(),
        other => format!("{other:?}"),
    }
}

impl Sim {
    /// A group of accounts with so many devices each. The first one is the owner; the chain adds the others.
    pub(super) fn group(accounts: u8, devices: u32, policy: Policy) -> Self {
        let mut sim = Self {
            now: START,
            server: Server::default(),
            devices: Vec::new(),
        };
        for seed in 1..=accounts {
            let mut account = Account::new(seed);
            for _ in 1..devices {
                account.adds(0);
            }
            let id = account.id();
            sim.server.accounts.insert(id, account);
        }
        let ids: Vec<_> = (1..=accounts).map(|seed| sim.id(seed)).collect();
        let author = sim.author(1, 0);
        let body = RoomBody::Create {
            kind: PlaceKind::Group,
            nonce: [7; 16],
            everyone: Permissions::GROUP_DEFAULT,
            policy,
        };
        let signing = signing_key(1, 0);
        let entry = RoomEntry::create(author, sim.now, body).signed_with(|bytes| signing.sign(bytes));
        let (chain, _) = RoomChain::begin(&entry).unwrap();
        sim.server.entries.push(Bytes(entry.to_bytes()));
        sim.server.chain = Some(chain);
        for seed in 2..=accounts {
            sim.adds(1, seed);
        }
        for (at, id) in ids.iter().enumerate() {
            for device in 0..devices {
                let address = DeviceAddress {
                    account: *id,
                    device: DeviceId(device),
                };
                sim.arrives(u8::try_from(at).unwrap() + 1, address);
            }
        }
        sim
    }

    /// A device with its account's keys, which knows all accounts and the whole chain of the place.
    fn arrives(&mut self, seed: u8, address: DeviceAddress) {
        let mut device = Device::new(address, u64::from(seed) * 100 + u64::from(address.device.0));
        let own = self.server.accounts[&address.account].own(address.device.0);
        let now = self.now;
        device.with(now, |_, work| {
            work.put_own(&own);
            work.put_login(&OwnLogin {
                signed_in: true,
                ..OwnLogin::default()
            });
        });
        self.devices.push(device);
        let at = self.devices.len() - 1;
        self.learns(at, u32::MAX);
        self.connects(at);
    }

    /// Another device of an account, newly added.
    pub(super) fn adds_device(&mut self, seed: u8) -> usize {
        let id = self.id(seed);
        let device = self.server.accounts.get_mut(&id).unwrap().adds(0);
        self.arrives(seed, DeviceAddress { account: id, device });
        self.devices.len() - 1
    }

    /// Who read what when, as the whole chain says.
    pub(super) fn roll(&self) -> Roll {
        let mut roll = Roll::default();
        let mut chain: Option<RoomChain> = None;
        for bytes in &self.server.entries {
            let entry = RoomEntry::from_bytes(bytes.as_slice()).unwrap();
            let change = match &mut chain {
                None => {
                    let (begun, change) = RoomChain::begin(&entry).unwrap();
                    chain = Some(begun);
                    change
                }
                Some(chain) => chain.append(&entry).unwrap(),
            };
            roll.note(chain.as_ref().unwrap().state(), &change);
        }
        roll
    }

    /// A device that has lost its disk and was set up anew under the same name.
    pub(super) fn arrives_again(&mut self, seed: u8, address: DeviceAddress) {
        self.arrives(seed, address);
    }

    /// Somebody new with one device is added by somebody.
    pub(super) fn joins(&mut self, by: u8, seed: u8) -> usize {
        let account = Account::new(seed);
        let address = DeviceAddress {
            account: account.id(),
            device: DeviceId(0),
        };
        self.server.accounts.insert(account.id(), account);
        self.adds(by, seed);
        self.arrives(seed, address);
        self.devices.len() - 1
    }

    pub(super) fn id(&self, seed: u8) -> AccountId {
        Account::new(seed).id()
    }

    pub(super) fn room(&self) -> RoomId {
        RoomId::group(self.chain().place())
    }

    pub(super) fn chain(&self) -> &RoomChain {
        self.server.chain.as_ref().unwrap()
    }

    /// The devices of an account, as places in the list.
    pub(super) fn of(&self, seed: u8) -> Vec<usize> {
        let id = self.id(seed);
        (0..self.devices.len())
            .filter(|at| self.devices[*at].address.account == id)
            .collect()
    }

    fn author(&self, seed: u8, device: u32) -> RoomAuthor {
        let account = &self.server.accounts[&self.id(seed)];
        RoomAuthor {
            account: account.id(),
            device: DeviceId(device),
            head: head_of(account),
            key: signing_key(seed, device).public().to_bytes(),
        }
    }

    /// Somebody's first device says something in the place's chain.
    pub(super) fn says(&mut self, seed: u8, body: RoomBody) {
        let author = self.author(seed, 0);
        let signing = signing_key(seed, 0);
        let now = self.now;
        let chain = self.server.chain.as_mut().unwrap();
        let entry = chain
            .next_entry(author, now, body)
            .signed_with(|bytes| signing.sign(bytes));
        chain.append(&entry).unwrap();
        self.server.entries.push(Bytes(entry.to_bytes()));
    }

    /// The server forgets the newest entry of the place's chain, as one does that was set up from an old copy.
    pub(super) fn goes_back(&mut self) -> Bytes {
        let forgotten = self.server.entries.pop().unwrap();
        let entries = self.server.entries.iter();
        let mut entries = entries.map(|bytes| RoomEntry::from_bytes(bytes.as_slice()).unwrap());
        let (mut chain, _) = RoomChain::begin(&entries.next().unwrap()).unwrap();
        for entry in entries {
            chain.append(&entry).unwrap();
        }
        self.server.chain = Some(chain);
        forgotten
    }

    /// The server has an entry again that it had forgotten.
    pub(super) fn has_again(&mut self, entry: Bytes) {
        let read = RoomEntry::from_bytes(entry.as_slice()).unwrap();
        self.server.chain.as_mut().unwrap().append(&read).unwrap();
        self.server.entries.push(entry);
    }

    pub(super) fn adds(&mut self, by: u8, seed: u8) {
        let (account, head) = {
            let account = &self.server.accounts[&self.id(seed)];
            (account.id(), head_of(account))
        };
        self.says(
            by,
            RoomBody::Add {
                account,
                head,
                roles: Vec::new(),
            },
        );
    }

    /// Somebody is removed, with what the remover's first device has seen of them.
    pub(super) fn removes(&mut self, by: u8, seed: u8) {
        let account = self.id(seed);
        let at = self.of(by)[0];
        let (now, place) = (self.now, self.chain().place());
        let closings = self.devices[at].with(now, |engine, work| {
            engine.closings_of(work, place, account).unwrap()
        });
        self.says(
            by,
            RoomBody::Remove {
                account,
                reason: Vec::new(),
                closings,
            },
        );
    }

    /// A device learns the place's chain up to an entry.
    pub(super) fn learns(&mut self, at: usize, up_to: u32) {
        let entries: Vec<RoomEntry> = self
            .server
            .entries
            .iter()
            .map(|bytes| RoomEntry::from_bytes(bytes.as_slice()).unwrap())
            .collect();
        let now = self.now;
        let place = self.chain().place();
        let people: Vec<_> = self.server.accounts.values().map(Account::found).collect();
        self.devices[at].with(now, |engine, work| {
            let known = engine.place_chain(work, place).unwrap();
            let mut chain = known.map(|chain| (*chain).clone());
            let mut roll = match &chain {
                Some(chain) => engine.roll_of(work, chain).unwrap(),
                None => Roll::default(),
            };
            for entry in entries.iter().filter(|entry| entry.sequence <= up_to) {
                let change = match &mut chain {
                    None => {
                        let (begun, change) = RoomChain::begin(entry).unwrap();
                        chain = Some(begun);
                        change
                    }
                    Some(chain) if entry.sequence <= chain.head() => continue,
                    Some(chain) => chain.append(entry).unwrap(),
                };
                roll.note(chain.as_ref().unwrap().state(), &change);
            }
            let chain = chain.unwrap();
            super::keep_chain(engine, work, &chain);
            engine.take_roll(work, &chain, roll).unwrap();
            for found in people {
                let person = crate::people::Person::verify(found).unwrap();
                if person.chain.account() != work.own().unwrap().account {
                    engine.keep_person(work, person).unwrap();
                }
            }
        });
        if self.devices[at].connected {
            self.devices[at].inbox.push_back(Input::Tick);
        }
    }

    /// Everybody who is connected learns the whole chain, if they are in the place or were told why not.
    pub(super) fn all_learn(&mut self) {
        for at in 0..self.devices.len() {
            if self.devices[at].connected {
                self.learns(at, u32::MAX);
            }
        }
    }

    pub(super) fn connects(&mut self, at: usize) {
        let now = self.now;
        if !self.devices[at].connected {
            self.learns(at, u32::MAX);
        }
        let device = &mut self.devices[at];
        device.inbox.clear();
        device.connected = true;
        device.engine.take_access(
            now,
            &LoggedIn {
                account: device.address.account,
                device: device.address.device,
                username: "bob".parse().unwrap(),
                administrator: false,
                access_token: Token("access".into()),
                expires_in: FAR,
                refresh_token: None,
            },
        );
        device.engine.vault.stopped = true;
        device.engine.link = Link::Opening {
            ticket: Token("ticket".into()),
            since: now,
        };
        device.inbox.push_back(Input::Connected);
    }

    pub(super) fn disconnects(&mut self, at: usize) {
        let device = &mut self.devices[at];
        device.connected = false;
        device.inbox.clear();
        let now = self.now;
        let _ = device.handle(Input::Disconnected, now);
        device.engine.link = Link::Idle;
        device.wake = None;
    }

    /// The program ends and begins again from its disk.
    pub(super) fn restarts(&mut self, at: usize) {
        let device = &mut self.devices[at];
        device.engine = Engine::new(true);
        device.inbox.clear();
        device.connected = false;
        self.connects(at);
    }

    pub(super) fn sends(&mut self, at: usize, text: &str) {
        let room = self.room();
        let now = self.now;
        let device = &mut self.devices[at];
        let ordinal = device.disk.last_ordinal().unwrap() + 1;
        device.with(now, |engine, work| {
            let own = work.own().unwrap();
            let id = work.make_id().unwrap();
            work.put_message(MessageRow {
                id,
                room,
                sequence: None,
                ordinal,
                author: own.account,
                device: own.device,
                mine: true,
                sent_at: id.time(),
                counts: true,
                delivery: Delivery::Queued,
                missing_before: 0,
                body: MessageBody::Text(Text {
                    text: text.to_owned(),
                    ..Text::default()
                }),
            });
            engine.enqueue_message(work, id, room).unwrap();
        });
        if self.devices[at].connected {
            self.devices[at].inbox.push_back(Input::Tick);
        }
    }

    pub(super) fn reads(&mut self, at: usize, message: EnvelopeId) {
        let room = self.room();
        let intent = Intent::MarkRead { room, message };
        self.devices[at].inbox.push_back(Input::Intent { ask: 1, intent });
    }

    /// Everything that is on its way arrives, time passing by no more than this.
    pub(super) fn runs(&mut self, at_most: u64) {
        let until = self.now.plus(at_most);
        let mut handled = 0;
        loop {
            let mut quiet = true;
            for at in 0..self.devices.len() {
                let Some(input) = self.devices[at].next_input() else {
                    continue;
                };
                quiet = false;
                handled += 1;
                assert!(handled < 200_000, "it never comes to rest");
                let now = self.now;
                let requests = self.devices[at].handle(input, now);
                self.devices[at].wake = None;
                for request in requests {
                    self.requested(at, request);
                }
            }
            if !quiet {
                continue;
            }
            let next = self
                .devices
                .iter()
                .filter(|one| one.connected)
                .filter_map(|one| one.wake)
                .min();
            match next {
                Some(next) if next <= until => {
                    self.now = self.now.max(next);
                    for device in &mut self.devices {
                        if device.connected && device.wake.is_some_and(|wake| wake <= self.now) {
                            device.inbox.push_back(Input::Tick);
                        }
                    }
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
    }

    fn requested(&mut self, at: usize, request: Request) {
        match request {
            Request::Http(call) => {
                let outcome = self.answers(at, &call);
                self.devices[at]
                    .inbox
                    .push_back(Input::Http { id: call.id, outcome });
            }
            Request::Frame(bytes) => match ClientFrame::from_bytes(&bytes).unwrap() {
                ClientFrame::Hello(hello) => self.greets(at, &hello),
                ClientFrame::Post(post) => self.takes_post(at, &bytes, post),
                ClientFrame::Distribute(distribute) => self.takes_distribute(at, distribute, Item::Control),
                ClientFrame::Receipts(receipts) => self.takes_distribute(at, receipts, Item::Receipt),
                ClientFrame::Typing(_) | ClientFrame::Active(_) | ClientFrame::Watch(_) => {}
                ClientFrame::Ack(ack) => {
                    let address = self.devices[at].address;
                    if let Some(mailbox) = self.server.mailboxes.get_mut(&address) {
                        mailbox.retain(|deliver| deliver.mailbox > ack.mailbox);
                    }
                }
                ClientFrame::Restart(restart) => {
                    let address = self.devices[at].address;
                    self.server.halted.remove(&(address, restart.room));
                }
                ClientFrame::Ping(number) => self.tells(at, &ServerFrame::Pong(number)),
                ClientFrame::Send(_) => panic!("nobody chats directly here"),
            },
            Request::WakeAt(when) => self.devices[at].wake = Some(when),
            Request::Connect => {}
            Request::Disconnect => {
                self.devices[at].connected = false;
                self.devices[at].inbox.clear();
            }
        }
    }

    pub(super) fn tells(&mut self, at: usize, frame: &ServerFrame) {
        if self.devices[at].connected {
            self.devices[at].inbox.push_back(Input::Frame(frame.to_bytes()));
        }
    }

    fn greets(&mut self, at: usize, hello: &Hello) {
        let address = self.devices[at].address;
        self.server.halted.retain(|(device, _)| *device != address);
        let room = self.room();
        let stands = u64::try_from(self.server.envelopes.len()).unwrap();
        let known = hello.cursors.iter().find(|cursor| cursor.room == room);
        let reads = self.chain().state().is_reader(address.account, room);
        let further = reads && stands > known.map_or(0, |cursor| cursor.sequence);
        let moved = further.then_some(Cursor {
            room,
            sequence: stands,
        });
        let welcome = Welcome {
            time: self.now,
            moved: moved.into_iter().collect(),
            last_accepted: None,
            one_time_prekeys: 100,
            acknowledged: 0,
            head: None,
            restore: None,
            server_key: None,
        };
        self.tells(at, &ServerFrame::Welcome(welcome));
        for deliver in self.server.mailboxes.get(&address).cloned().unwrap_or_default() {
            self.tells(at, &ServerFrame::Deliver(deliver));
        }
        self.tells(at, &ServerFrame::Drained);
    }

    fn takes_distribute(&mut self, at: usize, distribute: Distribute, item: impl Fn(DeviceAddress) -> Item) {
        let from = self.devices[at].address;
        let key = (from, distribute.id);
        if let Some(answer) = self.server.answered.get(&key).cloned() {
            self.tells(at, &answer);
            return;
        }
        *self.server.distributed.entry(from).or_default() += 1;
        for pairwise in distribute.messages {
            if self.server.swallows.contains(&pairwise.to) {
                continue;
            }
            let given = self.server.given.entry(pairwise.to).or_default();
            *given += 1;
            let deliver = Deliver {
                mailbox: *given,
                id: distribute.id,
                pairwise: pairwise.bytes,
                item: item(from),
            };
            self.server
                .mailboxes
                .entry(pairwise.to)
                .or_default()
                .push(deliver.clone());
            if let Some(to) = self.devices.iter().position(|one| one.address == pairwise.to) {
                self.tells(to, &ServerFrame::Deliver(deliver));
            }
        }
        let answer = ServerFrame::Distributed(Distributed { id: distribute.id });
        self.server.answered.insert(key, answer.clone());
        self.tells(at, &answer);
    }

    fn takes_post(&mut self, at: usize, bytes: &[u8], post: Post) {
        let from = self.devices[at].address;
        let key = (from, post.id);
        if let Some(answer) = self.server.answered.get(&key).cloned() {
            self.tells(at, &answer);
            return;
        }
        assert!(bytes.len() < 64 * 1024);
        let state = self.chain().state();
        let code = if self.server.halted.contains(&(from, post.room)) {
            Some(ErrorCode::OutOfOrder)
        } else if let Some(code) = self.server.refuse_next {
            Some(code)
        } else if state.may_post(from.account, post.room, self.now).is_err() {
            Some(ErrorCode::PostRefused)
        } else if post.head > self.chain().head() {
            Some(ErrorCode::ChainMoved)
        } else if state.epoch(post.room) != Some(post.epoch) {
            Some(ErrorCode::EpochEnded)
        } else {
            None
        };
        if let Some(code) = code {
            self.server.refuse_next = None;
            self.server.halted.insert((from, post.room));
            let refused = Refused {
                id: post.id,
                code,
                retry_after: None,
            };
            self.tells(at, &ServerFrame::Refused(refused));
            return;
        }
        self.server.posts += 1;
        let sequence = self.stores(from, &post);
        let answer = ServerFrame::Accepted(Accepted {
            id: post.id,
            sequence,
            time: self.now,
        });
        self.server.answered.insert(key, answer.clone());
        self.tells(at, &answer);
        self.posted(sequence);
    }

    /// Keeps an envelope, whoever it is of.
    pub(super) fn stores(&mut self, from: DeviceAddress, post: &Post) -> u64 {
        let sequence = u64::try_from(self.server.envelopes.len()).unwrap() + 1;
        let expires_at = post
            .expires
            .map(|seconds| self.now.0 + u64::from(seconds) * 1_000);
        self.server.envelopes.push(StoredEnvelope {
            sequence,
            id: post.id,
            account: from.account,
            device: from.device,
            received_at: self.now.0,
            class: post.class,
            heads: None,
            epoch: Some(post.epoch),
            head: Some(post.head),
            target: post.target,
            thread: post.thread,
            expires_at,
            body: post.body.clone(),
        });
        sequence
    }

    /// Tells a stored envelope to everybody who reads.
    pub(super) fn posted(&mut self, sequence: u64) {
        let room = self.room();
        let envelope = self.server.envelopes[usize::try_from(sequence).unwrap() - 1].clone();
        let message = RoomMessage {
            room,
            sequence,
            id: envelope.id,
            sender: DeviceAddress {
                account: envelope.account,
                device: envelope.device,
            },
            time: Timestamp(envelope.received_at),
            class: envelope.class,
            epoch: envelope.epoch.unwrap(),
            head: envelope.head.unwrap(),
            target: envelope.target,
            thread: envelope.thread,
            expires: envelope.expires_at.map(Timestamp),
            body: envelope.body,
        };
        for at in 0..self.devices.len() {
            let address = self.devices[at].address;
            if self.chain().state().is_reader(address.account, room) && !self.server.deaf.contains(&address) {
                self.tells(at, &ServerFrame::Posted(message.clone()));
            }
        }
    }

    fn answers(&mut self, at: usize, call: &HttpCall) -> HttpOutcome {
        let address = self.devices[at].address;
        let path = call.path.strip_prefix("/api/v1/").unwrap().to_owned();
        let (path, query) = path.split_once('?').map_or((path.as_str(), ""), |both| both);
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["devices", "prekeys"] => {
                let body = call.body.as_ref().unwrap();
                let upload: PrekeysUpload = serde_json::from_slice(&body.0).unwrap();
                let kept = self.server.bundles.entry(address).or_default();
                kept.extend(upload.one_time.into_iter().map(|one| one.bundle));
                ok(&PrekeysLeft {
                    one_time: 100,
                    last_resort: true,
                })
            }
            ["accounts", account, "devices", device, "prekeys", "claim"] => {
                let wanted = DeviceAddress {
                    account: account.parse().unwrap(),
                    device: DeviceId(device.parse().unwrap()),
                };
                let bundles = self.server.bundles.entry(wanted).or_default();
                if self.server.without_prekeys.contains(&wanted) || bundles.is_empty() {
                    return problem(ErrorCode::NoPrekeys);
                }
                ok(&PrekeyClaimed {
                    bundle: bundles.remove(0),
                })
            }
            ["accounts", account] => match self.server.accounts.get(&account.parse().unwrap()) {
                Some(account) => ok(&account.found()),
                None => problem(ErrorCode::UnknownPerson),
            },
            ["accounts", account, "entries"] => {
                let account = &self.server.accounts[&account.parse().unwrap()];
                let after: usize = query.strip_prefix("after=").unwrap().parse().unwrap();
                let entries = account.entries.iter().skip(after + 1).cloned().collect();
                ok(&EntriesPage { entries, more: false })
            }
            ["places"] => {
                let found = PlaceFound {
                    place: self.chain().place(),
                    head: self.chain().head(),
                    member: true,
                };
                let is_member = self.chain().state().member(address.account).is_some();
                ok(&PlacesFound {
                    places: is_member.then_some(found).into_iter().collect(),
                    returned: Vec::new(),
                })
            }
            ["places", _, "entries"] if call.method == Method::Get => {
                if self.chain().state().member(address.account).is_none() {
                    return problem(ErrorCode::NotFound);
                }
                let after = query
                    .strip_prefix("after=")
                    .map(|after| after.parse::<usize>().unwrap());
                let hidden = self.server.hides_entries;
                let entries = self
                    .server
                    .entries
                    .iter()
                    .skip(after.map_or(0, |after| after + 1));
                ok(&PlaceEntriesPage {
                    entries: entries
                        .take(if hidden { 0 } else { usize::MAX })
                        .cloned()
                        .collect(),
                    head: self.chain().head(),
                })
            }
            ["rooms", room, "envelopes"] if room.parse() == Ok(self.room()) => {
                self.server.pages += 1;
                ok(&self.page(address.account, query))
            }
            _ => problem(ErrorCode::NotFound),
        }
    }

    fn page(&self, account: AccountId, query: &str) -> EnvelopesPage {
        let room = self.room();
        let state = self.chain().state();
        let value = |name: &str| {
            let found = query.split('&').find_map(|part| part.strip_prefix(name));
            found.map(|value| value.parse::<u64>().unwrap())
        };
        let from = state.history_from(account, room);
        let served = |one: &&StoredEnvelope| from.is_some_and(|from| one.head >= Some(from));
        let limit = usize::try_from(value("limit=").unwrap()).unwrap();
        let all: Vec<&StoredEnvelope> = self.server.envelopes.iter().filter(served).collect();
        let envelopes = match (value("after="), value("before=")) {
            (Some(after), _) => all
                .into_iter()
                .filter(|one| one.sequence > after)
                .take(limit)
                .cloned()
                .collect(),
            (_, before) => {
                let before = before.unwrap();
                let mut some: Vec<_> = all
                    .into_iter()
                    .rev()
                    .filter(|one| one.sequence < before)
                    .take(limit)
                    .cloned()
                    .collect();
                some.reverse();
                some
            }
        };
        EnvelopesPage {
            envelopes,
            head: u64::try_from(self.server.envelopes.len()).unwrap(),
        }
    }
}

fn head_of(account: &Account) -> AccountHead {
    AccountHead {
        sequence: account.chain.head(),
        hash: account.chain.head_hash(),
    }
}

pub(super) fn ok(body: &impl Serialize) -> HttpOutcome {
    HttpOutcome::Answered {
        status: 200,
        body: serde_json::to_vec(body).unwrap(),
    }
}

fn problem(code: ErrorCode) -> HttpOutcome {
    HttpOutcome::Answered {
        status: code.status(),
        body: serde_json::to_vec(&Problem::new(code)).unwrap(),
    }
}

/// How long something took.
#[derive(Clone, Copy, Default)]
pub(super) struct Time {
    /// On the wall.
    pub(super) real: Duration,
    /// On a processor, where the system tells it: other work on the machine does not count. Told in steps of some
    /// milliseconds, so it is right for sums only.
    pub(super) processor: Duration,
}

impl std::ops::AddAssign for Time {
    fn add_assign(&mut self, other: Self) {
        self.real += other.real;
        self.processor += other.processor;
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn spent(work: impl FnOnce()) -> Time {
    let processor = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    };
    let (begun, before) = (std::time::Instant::now(), processor());
    work();
    let real = begun.elapsed();
    let processor = match (before, processor()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => real,
    };
    Time { real, processor }
}
