//! Devices of one account and a server that keeps their vault, or does not.

use conclave_crypto::vault::{SlotSecret, VaultKey, VaultLog, VaultRecord, VaultSlot, WrappedVaultKey};
use conclave_crypto::{IdentityKey, RecoveryKey, SigningKey};
use conclave_encoding::labels;
use conclave_protocol::vault::{AppendVaultRecords, VaultCount, VaultKeyBytes, VaultKeys, VaultRecordsPage};
use conclave_protocol::{
    AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, ErrorCode, Problem, RoomId, Timestamp, Username,
};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, VaultSlotInForce};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::journal::rank;
use super::keys::opened_by;
use super::*;
use crate::calls::NeedState;
use crate::codec::KeyAndHash;
use crate::work::testing::{EmptyStore, rng};

const START: Timestamp = Timestamp(1_800_000_000_000);
const PEER: AccountId = AccountId([9; 32]);

/// What the server has of the account.
#[derive(Default)]
struct Server {
    entries: Vec<Bytes>,
    records: Vec<Bytes>,
    keys: Vec<VaultKeyBytes>,
}

/// A device. All it does is one long handling of nobody's store, so what it keeps is what it changed.
struct Device {
    engine: Engine,
    work: Work<'static>,
    warnings: usize,
}

fn bytes<T: Serialize>(answer: &T) -> Result<Vec<u8>, Refusal> {
    Ok(serde_json::to_vec(answer).unwrap())
}

fn number(path: &str, name: &str) -> u64 {
    let (_, rest) = path.split_once(&format!("{name}=")).unwrap();
    rest.split('&').next().unwrap().parse().unwrap()
}

impl Server {
    fn chain(&self) -> AccountChain {
        let genesis = AccountEntry::from_bytes(self.entries[0].as_slice()).unwrap();
        let account = AccountChain::begin(&genesis).unwrap().account();
        AccountChain::verify(account, self.entries.iter().map(Bytes::as_slice)).unwrap()
    }

    fn append(&mut self, author: Author, signing: &SigningKey, body: AccountBody) -> bool {
        let mut chain = self.chain();
        let entry = chain
            .next_entry(author, START, body)
            .signed_with(|bytes| signing.sign(bytes));
        let taken = chain.append(&entry).is_ok();
        if taken {
            self.entries.push(Bytes(entry.to_bytes()));
        }
        taken
    }

    fn answer(&mut self, method: Method, path: &str, body: Option<HttpBody>) -> Result<Vec<u8>, Refusal> {
        fn read<T: DeserializeOwned>(body: Option<HttpBody>) -> T {
            serde_json::from_slice(&body.unwrap().0).unwrap()
        }
        let count = || self.records.len() as u64;
        match (method, path.split('?').next().unwrap()) {
            (Method::Put, "/api/v1/vault/keys") => {
                self.keys.extend(read::<VaultKeys>(body).keys);
                Ok(Vec::new())
            }
            (Method::Get, "/api/v1/vault/keys") => bytes(&VaultKeys {
                keys: self.keys.clone(),
            }),
            (Method::Get, "/api/v1/vault") => bytes(&VaultCount { records: count() }),
            (Method::Post, "/api/v1/vault/records") => {
                let asked: AppendVaultRecords = read(body);
                if asked.first != count() {
                    return Err(Refusal::Problem(Problem::new(ErrorCode::ChainMoved)));
                }
                self.records.extend(asked.records);
                bytes(&VaultCount {
                    records: self.records.len() as u64,
                })
            }
            (Method::Get, "/api/v1/vault/records") => {
                let first = number(path, "first");
                let limit = usize::try_from(number(path, "limit")).unwrap();
                let skip = usize::try_from(first).unwrap();
                let records = self.records.iter().skip(skip).take(limit).cloned();
                bytes(&VaultRecordsPage {
                    first,
                    records: records.collect(),
                })
            }
            _ => Err(Refusal::Unreachable),
        }
    }
}

impl Device {
    fn new(own: &OwnIdentity) -> Self {
        let rng = Box::leak(Box::new(rng()));
        let mut work = Work::new(&EmptyStore, rng, START);
        // Devices of different numbers draw different numbers.
        for _ in 0..own.device.0 {
            work.random::<64>();
        }
        work.put_own(own);
        let mut device = Self {
            engine: Engine::new(true),
            work,
            warnings: 0,
        };
        device.restarts();
        device
    }

    /// Whatever the engine remembered is gone.
    fn restarts(&mut self) {
        self.engine = Engine::new(true);
        self.engine.link = Link::Online;
    }

    /// Does the next thing. False where there was nothing to do. With `answered` false the server does its part and
    /// the answer is lost with the engine.
    fn step(&mut self, server: &mut Server, answered: bool) -> bool {
        self.work.now = self.work.now.plus(10_000);
        let mut own = self.work.own().unwrap();
        if own.entries != server.entries {
            own.entries.clone_from(&server.entries);
            self.work.put_own(&own);
            self.engine.people.clear();
        }
        self.engine.vault_soon(self.work.now);
        self.engine.drive_vault(&mut self.work).unwrap();
        if let Some(append) = self.engine.appends.pop_front() {
            self.engine.appends.clear();
            self.engine.calls.clear();
            let OwnAct::Vault(vault) = append.act else {
                panic!("nothing else is said here")
            };
            let changes = ways::changes_ways(&server.chain(), &vault);
            let (author, signing) = match self.work.ways_key().unwrap().filter(|_| changes) {
                Some(key) => (Author::Recovery, key),
                None => (Author::Device(own.device), own.signing_key()),
            };
            server.append(author, &signing, AccountBody::Vault(vault));
            if !answered {
                self.restarts();
            }
            return true;
        }
        let next = self.engine.needs.iter().find_map(|(need, state)| match need {
            Need::Vault(need) if *state == NeedState::Running => Some(*need),
            _ => None,
        });
        let Some(need) = next else {
            self.engine.needs.clear();
            return false;
        };
        self.engine.needs.clear();
        let request = self.engine.vault_request(&mut self.work, need).unwrap();
        let (method, path, body) = request.unwrap();
        let answer = server.answer(method, &path, body);
        if answered {
            let _ = self.engine.vault_answer(&mut self.work, need, answer).unwrap();
        } else {
            self.restarts();
        }
        true
    }

    /// Does all there is to do.
    fn settles(&mut self, server: &mut Server) {
        for _ in 0..500 {
            let rests = !self.engine.vault.behind || self.engine.vault.stopped;
            if !self.step(server, true) && rests {
                self.warnings = self.work.warnings().len();
                return;
            }
        }
        panic!("it never ends");
    }

    fn records(&mut self, n: u64) {
        let id = message_id(n);
        let from = DeviceAddress {
            account: PEER,
            device: DeviceId(0),
        };
        let key = KeyAndHash::new(&[3; 32], &[4; 32]);
        let work = &mut self.work;
        self.engine
            .record_message(work, (room(), n), (from, id), &key)
            .unwrap();
        // Whose turn it is does not matter here.
        work.now = work.now.plus(20 * 60 * 1000);
    }

    /// Sequences of messages whose keys were found.
    fn found(&self) -> Vec<u64> {
        let all = self.work.list_bytes(Table::History, &room().0, u32::MAX).unwrap();
        let down = |key: &[u8]| u64::from_be_bytes(key[32..].try_into().unwrap());
        all.iter().map(|(key, _)| u64::MAX - down(key)).collect()
    }

    fn waiting(&self) -> usize {
        self.work
            .list_bytes(Table::VaultQueue, &[], u32::MAX)
            .unwrap()
            .len()
    }
}

fn room() -> RoomId {
    RoomId([7; 32])
}

fn message_id(n: u64) -> EnvelopeId {
    EnvelopeId::new(START.plus(n), [u8::try_from(n % 251).unwrap(); 10])
}

fn signing(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn keys_of(n: u8) -> DeviceKeys {
    DeviceKeys {
        signing: signing(n).public().to_bytes(),
        identity: IdentityKey::from_bytes(&[n + 100; 32]).public().to_bytes(),
    }
}

fn recovery() -> RecoveryKey {
    RecoveryKey::from_bytes(&[200; 32])
}

/// A new account's first device.
fn first_device() -> (Server, Device) {
    let mut genesis = AccountEntry::genesis(
        keys_of(1),
        recovery().signing_key().public().to_bytes(),
        Timestamp(START.0 - 1),
    );
    genesis.signature = signing(1).sign(&genesis.signed_bytes());
    let own = OwnIdentity::new(
        &"bob".parse::<Username>().unwrap(),
        AccountId(genesis.hash().0),
        &signing(1),
        &IdentityKey::from_bytes(&[101; 32]),
        &recovery(),
        genesis.to_bytes(),
    );
    let server = Server {
        entries: vec![Bytes(genesis.to_bytes())],
        ..Server::default()
    };
    (server, Device::new(&own))
}

/// One more device, added by the first. It knows no vault key.
fn adds_device(server: &mut Server, n: u8) -> (Device, DeviceId) {
    let account = server.chain().account();
    let keys = keys_of(n);
    let body = AccountBody::AddDevice {
        keys,
        possession: signing(n).sign(&keys.possession_bytes(account)),
    };
    assert!(server.append(Author::Device(DeviceId(0)), &signing(1), body));
    let id = DeviceId(server.chain().head());
    let own = OwnIdentity::joined(
        &"bob".parse::<Username>().unwrap(),
        account,
        id,
        &signing(n),
        &IdentityKey::from_bytes(&[n + 100; 32]),
        server.entries.clone(),
    );
    (Device::new(&own), id)
}

/// Tells a device what another one knows: what comes with linking, or in a control payload.
fn tells_key(from: &Device, to: &mut Device) {
    let mut from_work = from.work.vault_for_newcomer().unwrap().unwrap();
    to.engine
        .take_vault_key(&mut to.work, from_work.generation, &from_work.key.0)
        .unwrap();
    from_work.key.0.fill(0);
}

/// An account with a vault of so many records, of a message each, and its first device.
fn vault_of(records: u64) -> (Server, Device) {
    let (mut server, mut first) = first_device();
    first.settles(&mut server);
    for n in 1..=records {
        first.records(n);
        first.settles(&mut server);
    }
    assert_eq!(server.records.len() as u64, records);
    (server, first)
}

/// The chain names where the vault stands.
fn names_head(server: &mut Server) {
    let mut vault = server.chain().vault().unwrap().clone();
    let last = VaultRecord::from_bytes(server.records.last().unwrap().as_slice()).unwrap();
    vault.records = server.records.len() as u64;
    vault.head = Hash(last.hash());
    assert!(server.append(
        Author::Device(DeviceId(0)),
        &signing(1),
        AccountBody::Vault(vault)
    ));
}

/// A new device that is told the key by the first reads what the server shows.
fn reads(server: &mut Server, first: &Device) -> Device {
    let (mut second, _) = adds_device(server, 2);
    tells_key(first, &mut second);
    second.settles(server);
    second
}

#[test]
fn the_first_device_makes_a_vault_and_the_recovery_key_opens_it() {
    let (mut server, first) = vault_of(3);
    let named = server.chain().vault().unwrap().clone();
    assert_eq!((named.generation, named.slots.len(), named.records), (0, 1, 0));
    let (second, id) = adds_device(&mut server, 2);
    let own = second.work.own().unwrap().with_recovery(&recovery());
    let mut second = Device::new(&own);
    second.settles(&mut server);
    assert_eq!((second.found(), second.warnings), (vec![3, 2, 1], 0), "{id:?}");
    let known = |device: &Device| {
        let all = device.work.vault_keys(0).unwrap();
        all.iter().map(|key| *key.as_bytes()).collect::<Vec<_>>()
    };
    assert_eq!(known(&second), known(&first));
}

#[test]
fn a_device_without_the_recovery_key_makes_no_vault() {
    let (mut server, _) = first_device();
    let (mut second, _) = adds_device(&mut server, 2);
    second.settles(&mut server);
    assert!(server.keys.is_empty() && server.chain().vault().is_none());
}

#[test]
fn a_device_that_is_stopped_between_any_two_steps_goes_on_with_one_key_and_records_everything() {
    for lost in 0..12 {
        let (mut server, mut first) = first_device();
        let mut steps = 0;
        for round in 1..=3 {
            for n in [2 * round, 2 * round + 1] {
                first.records(n);
            }
            for _ in 0..20 {
                first.step(&mut server, steps != lost);
                steps += 1;
            }
            first.settles(&mut server);
        }
        assert_eq!((first.waiting(), first.warnings), (0, 0), "{lost}");
        let named = server.chain().vault().unwrap().clone();
        assert_eq!(named.slots.len(), 1, "{lost}");
        let mut second = reads(&mut server, &first);
        assert_eq!(second.found(), [7, 6, 5, 4, 3, 2], "{lost}");
        assert_eq!(second.warnings, 0);
        second.restarts();
        second.settles(&mut server);
        assert_eq!(second.warnings, 0, "nothing is read twice");
    }
}

#[test]
fn a_new_device_reads_the_newest_records_first_and_goes_on_after_a_restart() {
    let (mut server, first) = vault_of(150);
    let (mut second, _) = adds_device(&mut server, 2);
    tells_key(&first, &mut second);
    // Count and first page.
    for _ in 0..2 {
        assert!(second.step(&mut server, true));
    }
    assert_eq!(second.found(), (119..=150).rev().collect::<Vec<_>>());
    second.restarts();
    second.settles(&mut server);
    assert_eq!(second.found(), (1..=150).rev().collect::<Vec<_>>());
    assert_eq!(second.warnings, 0);
}

#[test]
fn a_vault_that_was_cut_below_the_head_that_the_chain_names_is_noticed_and_nothing_is_read() {
    let (mut server, first) = vault_of(10);
    names_head(&mut server);
    server.records.truncate(9);
    let second = reads(&mut server, &first);
    assert_eq!((second.found(), second.warnings), (vec![], 1));
}

#[test]
fn a_vault_that_a_device_saw_longer_is_a_rollback() {
    let (mut server, mut first) = vault_of(10);
    server.records.truncate(9);
    first.restarts();
    first.settles(&mut server);
    assert_eq!(first.warnings, 1);
    first.records(11);
    first.settles(&mut server);
    assert_eq!(server.records.len(), 9, "nothing is written behind it");
}

/// What a server does to the record of this number.
type Trick<'a> = &'a dyn Fn(&mut Server, usize);

#[test]
fn swapped_foreign_planted_and_altered_records_are_noticed_and_what_lies_below_is_not_believed() {
    let other_account = {
        let (server, _) = vault_of(8);
        server.records
    };
    let planted = |server: &Server, at: usize| {
        // In its place, but sealed with a key that nobody of the account has.
        let account = server.chain().account();
        let mut log = VaultLog::new(account.0);
        for record in &server.records[..at] {
            log.append(&VaultRecord::from_bytes(record.as_slice()).unwrap())
                .unwrap();
        }
        let name = *VaultRecord::from_bytes(server.records[at].as_slice())
            .unwrap()
            .name();
        let key = VaultKey::from_parts(0, &[77; 32]);
        let mut rng = rng();
        Bytes(
            key.seal_record(&log, &name, b"\x80", &mut rng)
                .unwrap()
                .to_bytes(),
        )
    };
    let tricks: [(&str, Trick<'_>); 5] = [
        ("swapped", &|server, at| server.records.swap(at, at - 1)),
        ("of another account", &|server, at| {
            // The accounts of these tests are the same; the name of the account in the record is not.
            let mut bytes = other_account[at].0.clone();
            bytes[40] ^= 1;
            server.records[at] = Bytes(bytes);
        }),
        ("planted", &|server, at| server.records[at] = planted(server, at)),
        ("repeated", &|server, at| {
            server.records[at] = server.records[at - 1].clone();
        }),
        ("altered", &|server, at| {
            let last = server.records[at].0.len() - 1;
            server.records[at].0[last] ^= 1;
        }),
    ];
    for (name, trick) in tricks {
        for at in 1..8 {
            let (mut server, first) = vault_of(8);
            trick(&mut server, at);
            let second = reads(&mut server, &first);
            let above: Vec<u64> = (at as u64 + 2..=8).rev().collect();
            assert_eq!(second.warnings, 1, "{name} at {at}");
            assert_eq!(second.found(), above, "{name} at {at}");
        }
    }
}

#[test]
fn a_server_that_shows_two_devices_two_vaults_is_noticed_when_the_chain_names_one_of_them() {
    let (mut server, mut first) = vault_of(3);
    let mut second = reads(&mut server, &first);
    let mut forked = Server {
        entries: server.entries.clone(),
        records: server.records.clone(),
        keys: server.keys.clone(),
    };
    for n in 4..8 {
        first.records(n);
        first.settles(&mut server);
        second.records(n);
        second.settles(&mut forked);
    }
    assert_eq!((first.warnings, second.warnings), (0, 0));
    second.records(8);
    second.settles(&mut forked);
    names_head(&mut server);
    forked.entries.clone_from(&server.entries);
    second.settles(&mut forked);
    assert_eq!(second.warnings, 1);
    first.settles(&mut server);
    assert_eq!(first.warnings, 0);
}

#[test]
fn the_chain_names_the_head_after_five_hundred_records() {
    let (mut server, mut first) = vault_of(2);
    // As if it had many more.
    let before = usize::try_from(NAME_AFTER_RECORDS).unwrap() - 2;
    server.records.resize(before, Bytes(Vec::new()));
    let mut state = first.work.log_state().unwrap().unwrap();
    state.count = before as u64;
    first.work.put_log_state(&state);
    first.records(3);
    first.settles(&mut server);
    assert_eq!(server.chain().vault().unwrap().records, 0);
    first.records(4);
    first.settles(&mut server);
    let named = server.chain().vault().unwrap().clone();
    assert_eq!(named.records, NAME_AFTER_RECORDS);
    let last = VaultRecord::from_bytes(server.records.last().unwrap().as_slice()).unwrap();
    assert_eq!((named.head.0, first.warnings), (last.hash(), 0));
    let kept = first.work.list_bytes(Table::Vault, b"at/", 10).unwrap();
    assert_eq!(kept.len(), 1, "what lies before it needs no hash any more");
}

#[test]
fn two_devices_that_record_at_once_lose_nothing() {
    let (mut server, mut first) = vault_of(1);
    let mut second = reads(&mut server, &first);
    for n in 2..30 {
        let device = if n % 3 == 0 { &mut first } else { &mut second };
        device.records(n);
    }
    for _ in 0..60 {
        first.step(&mut server, true);
        second.step(&mut server, true);
    }
    first.settles(&mut server);
    second.settles(&mut server);
    assert_eq!((first.waiting(), second.waiting()), (0, 0));
    assert_eq!((first.warnings, second.warnings), (0, 0));
    let (mut third, _) = adds_device(&mut server, 3);
    tells_key(&second, &mut third);
    third.settles(&mut server);
    assert_eq!(third.found(), (1..30).rev().collect::<Vec<_>>());
}

#[test]
fn what_another_device_recorded_is_not_recorded_again() {
    let (mut server, mut first) = vault_of(1);
    let mut second = reads(&mut server, &first);
    first.records(2);
    second.records(2);
    first.settles(&mut server);
    second.settles(&mut server);
    assert_eq!((server.records.len(), second.waiting()), (2, 0));
}

#[test]
fn messages_that_follow_one_another_are_recorded_together() {
    let (mut server, mut first) = vault_of(1);
    let began = first.work.now;
    for n in 2..=6 {
        first.records(n);
        first.work.now = began.plus((n - 1) * 500);
    }
    // The first of them has waited long enough, the others have not yet.
    first.work.now = Timestamp(began.0 + 3_100 - 10_000);
    first.settles(&mut server);
    assert_eq!((server.records.len(), first.waiting()), (2, 0));
}

/// The second device is revoked by the first; the vault gets a new key.
fn revoked_second() -> (Server, Device, Device, DeviceId) {
    let (mut server, mut first) = vault_of(2);
    let (mut second, id) = adds_device(&mut server, 2);
    tells_key(&first, &mut second);
    second.settles(&mut server);
    let body = AccountBody::RevokeDevice { device: id };
    assert!(server.append(Author::Device(DeviceId(0)), &signing(1), body));
    first.settles(&mut server);
    (server, first, second, id)
}

#[test]
fn a_revocation_brings_a_new_key_and_a_newcomer_with_that_one_reads_everything() {
    let (mut server, mut first, _, _) = revoked_second();
    let named = server.chain().vault().unwrap().clone();
    assert_eq!((named.generation, named.records, named.slots.len()), (1, 3, 1));
    assert!(!server.chain().vault_is_stale());
    first.records(3);
    first.settles(&mut server);
    let (mut third, _) = adds_device(&mut server, 3);
    tells_key(&first, &mut third);
    assert!(third.work.vault_keys(0).unwrap().is_empty());
    third.settles(&mut server);
    assert_eq!((third.found(), third.warnings), (vec![3, 2, 1], 0));
    third.records(4);
    third.settles(&mut server);
    first.settles(&mut server);
    assert_eq!((server.records.len(), first.warnings), (5, 0));
}

#[test]
fn a_new_key_is_one_key_wherever_its_maker_is_stopped() {
    for lost in 0..8 {
        let (mut server, mut first) = vault_of(2);
        let (_, id) = adds_device(&mut server, 2);
        let body = AccountBody::RevokeDevice { device: id };
        assert!(server.append(Author::Device(DeviceId(0)), &signing(1), body));
        for step in 0..12 {
            first.step(&mut server, step != lost);
        }
        first.settles(&mut server);
        let named = server.chain().vault().unwrap().clone();
        assert_eq!((named.generation, named.records), (1, 3), "{lost}");
        let (mut third, _) = adds_device(&mut server, 3);
        tells_key(&first, &mut third);
        third.settles(&mut server);
        assert_eq!((third.found(), third.warnings), (vec![2, 1], 0), "{lost}");
        assert_eq!(first.warnings, 0, "{lost}");
    }
}

#[test]
fn a_device_that_is_revoked_while_a_new_key_is_made_does_not_know_the_one_in_force() {
    // However far the first key was when the second device was revoked, too.
    for done in 0..8 {
        let (mut server, mut first) = vault_of(2);
        let (_, second) = adds_device(&mut server, 2);
        let (_, third) = adds_device(&mut server, 3);
        first.settles(&mut server);
        let revoke = |device| AccountBody::RevokeDevice { device };
        assert!(server.append(Author::Device(DeviceId(0)), &signing(1), revoke(second)));
        for _ in 0..done {
            first.step(&mut server, true);
        }
        // Every key that was made until now may have been told to the third device.
        let told = first.work.vault_keys(1).unwrap();
        assert!(server.append(Author::Device(DeviceId(0)), &signing(1), revoke(third)));
        first.settles(&mut server);
        let named = server.chain().vault().unwrap().clone();
        assert!(!server.chain().vault_is_stale(), "{done}");
        let in_force = first.work.sealing_key(named.generation).unwrap().unwrap();
        let knew = told.iter().any(|key| key.as_bytes() == in_force.as_bytes());
        assert!(!knew, "{done}");
        first.records(3);
        first.settles(&mut server);
        let (mut fourth, _) = adds_device(&mut server, 4);
        tells_key(&first, &mut fourth);
        fourth.settles(&mut server);
        assert_eq!((fourth.found(), fourth.warnings), (vec![3, 2, 1], 0), "{done}");
    }
}

#[test]
fn where_the_maker_of_a_new_key_is_gone_before_the_chain_names_it_another_device_makes_one() {
    let (mut server, mut first) = vault_of(2);
    let (mut second, _) = adds_device(&mut server, 2);
    tells_key(&first, &mut second);
    second.settles(&mut server);
    let (_, third) = adds_device(&mut server, 3);
    let body = AccountBody::RevokeDevice { device: third };
    assert!(server.append(Author::Device(DeviceId(0)), &signing(1), body));
    while server.records.len() < 3 {
        first.step(&mut server, true);
    }
    // The first record of the new key is there, the chain does not name it, and its maker never comes back.
    tells_key(&first, &mut second);
    second.settles(&mut server);
    assert!(server.chain().vault_is_stale(), "its maker has time to name it");
    second.work.now = second.work.now.plus(60 * 60 * 1000);
    // It learns that a key is due, and waits once more.
    second.settles(&mut server);
    second.work.now = second.work.now.plus(60 * 60 * 1000);
    second.settles(&mut server);
    assert!(!server.chain().vault_is_stale());
    assert_eq!(server.chain().vault().unwrap().generation, 2);
    second.records(3);
    second.settles(&mut server);
    assert_eq!((second.waiting(), second.warnings), (0, 0));
}

#[test]
fn a_record_that_speaks_of_the_own_chain_hinders_nothing() {
    let (mut server, mut first) = vault_of(2);
    let account = server.chain().account();
    let junk = super::items::to_bytes(&[super::items::Item::Head(account, 0, Hash([9; 32]))]);
    first.engine.take_items(&mut first.work, &junk).unwrap();
    assert_eq!(first.work.warnings().len(), 0);
    first.records(3);
    first.settles(&mut server);
    assert_eq!((server.records.len(), first.warnings), (3, 0));
}

#[test]
fn what_a_revoked_device_writes_with_the_old_key_is_not_believed() {
    let (mut server, mut first, second, _) = revoked_second();
    // The server takes it back to where the revoked device stood, and beyond.
    let account = server.chain().account();
    let mut log = VaultLog::new(account.0);
    for record in &server.records {
        log.append(&VaultRecord::from_bytes(record.as_slice()).unwrap())
            .unwrap();
    }
    let head = log.head();
    let forged_log = VaultLog::resume(account.0, head, 0, log.versions().collect::<Vec<_>>()).unwrap();
    let [old] = &second.work.vault_keys(0).unwrap()[..] else {
        panic!("one key")
    };
    let name = *VaultRecord::from_bytes(server.records[0].as_slice())
        .unwrap()
        .name();
    let mut rng = rng();
    let forged = old.seal_record(&forged_log, &name, b"\x80", &mut rng).unwrap();
    server.records.push(Bytes(forged.to_bytes()));
    first.restarts();
    first.settles(&mut server);
    assert_eq!(first.warnings, 1);
    let (mut third, _) = adds_device(&mut server, 3);
    tells_key(&first, &mut third);
    third.settles(&mut server);
    assert_eq!((third.found(), third.warnings), (vec![], 1));
}

#[test]
fn a_record_of_a_key_that_never_comes_is_waited_for_and_then_said_to_be_none() {
    let (mut server, mut first) = vault_of(2);
    let mut planted = server.records[1].0.clone();
    let mut log = VaultLog::new(server.chain().account().0);
    for record in &server.records {
        log.append(&VaultRecord::from_bytes(record.as_slice()).unwrap())
            .unwrap();
    }
    let key = VaultKey::from_parts(1, &[77; 32]);
    let name = *VaultRecord::from_bytes(&planted).unwrap().name();
    planted = key
        .seal_record(&log, &name, b"\x80", &mut rng())
        .unwrap()
        .to_bytes();
    server.records.push(Bytes(planted));
    first.restarts();
    first.settles(&mut server);
    assert_eq!(first.warnings, 1);
    let second = reads(&mut server, &first);
    assert_eq!((second.found(), second.warnings), (vec![], 1));
}

#[test]
fn of_two_devices_that_make_a_first_key_at_once_one_counts() {
    let (mut server, mut first) = first_device();
    let (second, _) = adds_device(&mut server, 2);
    let mut second = Device::new(&second.work.own().unwrap().with_recovery(&recovery()));
    for _ in 0..10 {
        first.step(&mut server, true);
        second.step(&mut server, true);
    }
    first.settles(&mut server);
    second.settles(&mut server);
    let known = |device: &Device| {
        let all = device.work.vault_keys(0).unwrap();
        all.iter().map(|key| *key.as_bytes()).collect::<Vec<_>>()
    };
    assert_eq!(known(&first).len(), 1);
    assert_eq!(known(&first), known(&second));
    first.records(1);
    second.records(2);
    first.settles(&mut server);
    second.settles(&mut server);
    assert_eq!((first.warnings, second.warnings, server.records.len()), (0, 0, 2));
}

#[test]
fn a_slot_that_the_server_planted_opens_nothing() {
    let (mut server, _) = vault_of(2);
    for key in &mut server.keys {
        let last = key.bytes.0.len() - 1;
        key.bytes.0[last] ^= 1;
    }
    let (second, _) = adds_device(&mut server, 2);
    let mut second = Device::new(&second.work.own().unwrap().with_recovery(&recovery()));
    second.settles(&mut server);
    assert_eq!((second.found(), second.warnings), (vec![], 1));
}

#[test]
fn exactly_one_device_records_a_message_at_once_and_the_sender_its_own() {
    let (mut server, _) = first_device();
    let mut devices = vec![DeviceId(0)];
    for n in 2..5 {
        devices.push(adds_device(&mut server, n).1);
    }
    let chain = server.chain();
    let address = |device| DeviceAddress {
        account: chain.account(),
        device,
    };
    let stranger = DeviceAddress {
        account: PEER,
        device: DeviceId(0),
    };
    for n in 0..50 {
        let ranks = |from| {
            let mut ranks: Vec<u64> = devices
                .iter()
                .map(|device| rank(address(*device), &chain, from, message_id(n)))
                .collect();
            let first = devices[ranks.iter().position(|rank| *rank == 0).unwrap()];
            ranks.sort_unstable();
            assert_eq!(ranks, [0, 1, 2, 3]);
            first
        };
        ranks(stranger);
        for device in &devices {
            assert_eq!(ranks(address(*device)), *device);
        }
    }
}

/// The device's person wants the password to open the history, or with none no longer.
fn wants_password(device: &mut Device, secret: Option<&SlotSecret>) {
    let account = device.work.own().unwrap().account;
    device.work.want_ways(account.0, &recovery(), secret, false);
}

fn password_opens(server: &Server, secret: &SlotSecret) -> Option<u32> {
    let keys = VaultKeys {
        keys: server.keys.clone(),
    };
    opened_by(&server.chain(), &keys, secret).map(|key| key.generation())
}

fn slots(server: &Server) -> (u32, usize) {
    let named = server.chain().vault().unwrap().clone();
    (named.generation, named.slots.len())
}

#[test]
fn a_password_slot_opens_the_vault_until_it_is_taken_out_and_each_change_brings_a_new_key() {
    let (mut server, mut first) = vault_of(2);
    let secret = SlotSecret::from_export_key(&[5; 64]);
    assert_eq!(password_opens(&server, &secret), None);
    wants_password(&mut first, Some(&secret));
    first.settles(&mut server);
    assert_eq!(slots(&server), (1, 2));
    assert_eq!(password_opens(&server, &secret), Some(1));
    let other = SlotSecret::from_export_key(&[6; 64]);
    assert_eq!(
        password_opens(&server, &other),
        None,
        "another password opens nothing"
    );
    first.records(3);
    first.settles(&mut server);

    wants_password(&mut first, None);
    first.settles(&mut server);
    assert_eq!(slots(&server), (2, 1));
    assert_eq!(password_opens(&server, &secret), None);
    assert!(
        first.work.ways_key().unwrap().is_none(),
        "the recovery key is not kept for it"
    );
    let own = adds_device(&mut server, 2).0.work.own().unwrap();
    let mut second = Device::new(&own.with_recovery(&recovery()));
    second.settles(&mut server);
    assert_eq!(
        (second.found(), second.warnings, first.warnings),
        (vec![3, 2, 1], 0, 0)
    );
}

#[test]
fn a_change_of_what_opens_the_vault_is_one_change_wherever_its_device_is_stopped() {
    for lost in 0..8 {
        let (mut server, mut first) = vault_of(2);
        let secret = SlotSecret::from_export_key(&[5; 64]);
        wants_password(&mut first, Some(&secret));
        for step in 0..12 {
            first.step(&mut server, step != lost);
        }
        first.settles(&mut server);
        assert_eq!(slots(&server), (1, 2), "{lost}");
        assert_eq!(password_opens(&server, &secret), Some(1), "{lost}");
        assert_eq!((server.records.len(), first.warnings), (3, 0), "{lost}");
    }
}

#[test]
fn a_password_slot_outlives_a_revocation_and_opens_the_key_that_follows() {
    let (mut server, mut first) = vault_of(2);
    let secret = SlotSecret::from_export_key(&[5; 64]);
    wants_password(&mut first, Some(&secret));
    first.settles(&mut server);
    let (_, id) = adds_device(&mut server, 2);
    let body = AccountBody::RevokeDevice { device: id };
    assert!(server.append(Author::Device(DeviceId(0)), &signing(1), body));
    first.settles(&mut server);
    assert_eq!(slots(&server), (2, 2));
    assert_eq!(password_opens(&server, &secret), Some(2));
}

#[test]
fn a_replaced_password_gets_a_slot_only_where_the_old_one_had_one() {
    let (mut server, mut first) = vault_of(1);
    let (old, new) = (
        SlotSecret::from_export_key(&[5; 64]),
        SlotSecret::from_export_key(&[6; 64]),
    );
    let account = server.chain().account().0;
    first.work.replace_password_way(account, &recovery(), Some(&new));
    first.settles(&mut server);
    assert_eq!(slots(&server), (0, 1));
    assert!(first.work.ways_key().unwrap().is_none());

    wants_password(&mut first, Some(&old));
    first.settles(&mut server);
    first.work.replace_password_way(account, &recovery(), Some(&new));
    first.settles(&mut server);
    assert_eq!(
        (password_opens(&server, &old), password_opens(&server, &new)),
        (None, Some(2))
    );
    // One that is not strong takes the place of none.
    first.work.replace_password_way(account, &recovery(), None);
    first.settles(&mut server);
    assert_eq!((slots(&server), password_opens(&server, &new)), ((3, 1), None));
}

#[test]
fn a_password_slot_that_the_recovery_key_did_not_sign_opens_nothing() {
    let (mut server, first) = first_device();
    let own = first.work.own().unwrap();
    let address = conclave_crypto::DeviceAddress {
        account: own.account.0,
        device: 0,
    };
    // The first entry about a vault may come from a device; whoever has its key names a slot of their own there.
    let secret = SlotSecret::from_export_key(&[5; 64]);
    let slot = VaultSlot::sign(address, &signing(1), &secret, START.0);
    let chain = server.chain();
    let device = chain.known_device(DeviceId(0)).unwrap();
    let side = crate::people::side_of(&chain, DeviceId(0), device).unwrap();
    let verified = slot.verify(&side).unwrap();
    let key = VaultKey::from_parts(0, &[7; 32]);
    let wrapped = WrappedVaultKey::wrap(&key, &verified, address, &signing(1), &mut rng()).unwrap();
    let (slot, wrapped) = (slot.to_bytes(), wrapped.to_bytes());
    let hash = |label, bytes: &[u8]| Hash(conclave_encoding::hash(label, bytes));
    let named = VaultSlotInForce {
        slot: hash(labels::VAULT_SLOT, &slot),
        wrapped: hash(labels::VAULT_WRAPPED_KEY, &wrapped),
    };
    let vault = Vault {
        generation: 0,
        slots: vec![named],
        records: 0,
        head: Hash([0; 32]),
    };
    assert!(server.append(
        Author::Device(DeviceId(0)),
        &signing(1),
        AccountBody::Vault(vault)
    ));
    server.keys = [(named.slot, slot), (named.wrapped, wrapped)]
        .map(|(hash, bytes)| VaultKeyBytes {
            hash,
            bytes: Bytes(bytes),
        })
        .into();
    assert_eq!(password_opens(&server, &secret), None);
}
