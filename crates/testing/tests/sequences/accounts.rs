//! People with the keys of several devices and their chains, and random entries of one chain.

use std::sync::LazyLock;

use conclave_client::fuzzing::follow_account;
use conclave_protocol::{AccountId, Bytes, DeviceId, Hash, Timestamp};
use conclave_server::fuzzing::judge_account;
use conclave_sigchain::{
    AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, Vault, VaultSlotInForce,
    recovery_possession_bytes,
};
use ed25519_dalek::{Signer as _, SigningKey};

use super::chance::Chance;
use super::desk::READS_WHOLE;
use super::laws;

/// When everything begins; the server's clock stands here.
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);
const ACTS: usize = 12;
/// Keys to choose from: few, so that they come again.
const POOL: usize = 10;

/// A key and its public half: making one takes longer than all the rest.
struct Pair {
    secret: SigningKey,
    public: [u8; 32],
}

static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let numbers = (0_u8..200).map(|number| {
        let secret = SigningKey::from_bytes(&[number.wrapping_add(40); 32]);
        let public = secret.verifying_key().to_bytes();
        Pair { secret, public }
    });
    numbers.collect()
});

pub(crate) fn public(number: usize) -> [u8; 32] {
    PAIRS[number].public
}

pub(crate) fn sign(number: usize, bytes: &[u8]) -> [u8; 64] {
    PAIRS[number].secret.sign(bytes).to_bytes()
}

fn keys(number: usize) -> DeviceKeys {
    let mut identity = public(number);
    identity[0] ^= 0x55;
    DeviceKeys {
        signing: public(number),
        identity,
    }
}

/// An account with the numbers of its keys.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) chain: AccountChain,
    pub(crate) entries: Vec<Bytes>,
    /// Each device that ever was, and the number of its key.
    pub(crate) devices: Vec<(DeviceId, usize)>,
    recovery: usize,
}

/// Whoever speaks in an account's chain.
#[derive(Clone, Copy)]
pub(crate) enum Speaker {
    Device(DeviceId, usize),
    Recovery,
}

impl Account {
    /// An account of one device; its keys begin at this number.
    pub(crate) fn new(number: usize) -> Self {
        let entry = AccountEntry::genesis(keys(number), public(number + 1), Timestamp(NOW.0 - 1000))
            .signed_with(|bytes| sign(number, bytes));
        Self {
            chain: AccountChain::begin(&entry).expect("a genesis"),
            entries: vec![Bytes(entry.to_bytes())],
            devices: vec![(DeviceId(0), number)],
            recovery: number + 1,
        }
    }

    pub(crate) fn id(&self) -> AccountId {
        self.chain.account()
    }

    pub(crate) fn entry(&self, by: Speaker, time: Timestamp, body: AccountBody) -> AccountEntry {
        let (author, number) = match by {
            Speaker::Device(id, number) => (Author::Device(id), number),
            Speaker::Recovery => (Author::Recovery, self.recovery),
        };
        let entry = self.chain.next_entry(author, time, body);
        entry.signed_with(|bytes| sign(number, bytes))
    }

    pub(crate) fn added(&self, number: usize) -> AccountBody {
        let keys = keys(number);
        let possession = sign(number, &keys.possession_bytes(self.id()));
        AccountBody::AddDevice { keys, possession }
    }

    /// The chain goes on, and its keys are remembered.
    pub(crate) fn takes(&mut self, chain: AccountChain, entry: &AccountEntry, number: Option<usize>) {
        match (&entry.body, number) {
            (AccountBody::AddDevice { .. }, Some(number)) => {
                self.devices.push((DeviceId(entry.sequence), number));
            }
            (AccountBody::RotateRecovery { .. }, Some(number)) => self.recovery = number,
            _ => {}
        }
        self.chain = chain;
        self.entries.push(Bytes(entry.to_bytes()));
    }

    /// Adds or revokes a device, as it should be.
    pub(crate) fn changes(&mut self, chance: &mut Chance, free: usize) {
        let body = match chance.of_these(&self.devices) {
            Some((id, _)) if chance.one_in(2) => AccountBody::RevokeDevice { device: id },
            _ => self.added(free),
        };
        let entry = self.entry(Speaker::Recovery, NOW, body);
        if let Ok(chain) = judge_account(&self.chain, &entry, NOW) {
            self.takes(chain, &entry, Some(free));
        }
    }
}

/// Plays one sequence; gives how many entries were accepted and refused.
pub(crate) fn play(sequence: u64) -> (u64, u64) {
    static BEGINNING: LazyLock<Account> = LazyLock::new(|| Account::new(POOL));
    let mut chance = Chance::of(sequence);
    let mut account = BEGINNING.clone();
    // One device follows each entry; another one by pages, and begins again from its disk in between.
    let mut follows = account.chain.clone();
    let mut lags = account.chain.clone();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..=chance.below(ACTS) {
        let (entry, number) = entry(&account, &mut chance);
        let by_server = judge_account(&account.chain, &entry, NOW);
        let by_device = follow_account(&follows, &[Bytes(entry.to_bytes())]);
        // The server's clock is its own.
        let is_near = entry.time.since(NOW).max(NOW.since(entry.time)) <= 120_000;
        let stands = account.chain.hash_at(entry.sequence) == Some(entry.hash());
        assert_eq!(
            by_server.is_ok(),
            by_device.is_ok() && (is_near || stands),
            "{entry:?}: {by_server:?}, {by_device:?}"
        );
        match by_server {
            Ok(chain) if stands => assert_eq!(chain, account.chain, "an entry that stands"),
            Ok(chain) => {
                laws::account(&account.chain, &chain, &entry);
                follows = by_device.expect("it was accepted");
                assert_eq!(follows, chain, "one chain at server and device");
                account.takes(chain, &entry, number);
                accepted += 1;
            }
            Err(_) => refused += 1,
        }
        if chance.one_in(6) {
            lags = catches_up(&account, &lags, chance.below(3));
        }
    }
    lags = catches_up(&account, &lags, 1);
    if chance.one_in(READS_WHOLE) {
        let whole = AccountChain::verify(account.id(), account.entries.iter().map(Bytes::as_slice));
        assert_eq!(whole.as_ref(), Ok(&account.chain), "the whole chain");
    }
    assert_eq!(lags, account.chain, "a device that lagged");
    (accepted, refused)
}

/// A device asks for what lies behind, with some that it has; what it keeps are the entries.
fn catches_up(account: &Account, chain: &AccountChain, again: usize) -> AccountChain {
    let known = usize::try_from(chain.head()).expect("a short chain") + 1;
    let page = &account.entries[known.saturating_sub(again)..];
    let chain = follow_account(chain, page).expect("what the server took");
    if again > 0 {
        return chain;
    }
    let kept = &account.entries[..=usize::try_from(chain.head()).expect("a short chain")];
    AccountChain::verify(account.id(), kept.iter().map(Bytes::as_slice)).expect("from the disk")
}

/// Something that somebody might say, often wrong; the number of a new key with it.
fn entry(account: &Account, chance: &mut Chance) -> (AccountEntry, Option<usize>) {
    let device = chance
        .of_these(&account.devices)
        .expect("there was a first device");
    let by = if chance.one_in(3) {
        Speaker::Recovery
    } else {
        Speaker::Device(device.0, device.1)
    };
    let number = chance.below(POOL);
    let victim = chance
        .of_these(&account.devices)
        .expect("there was a first device")
        .0;
    let time = Timestamp(NOW.0 + chance.next() % 3);
    let mut body = match chance.below(20) {
        0..8 => account.added(number),
        8..12 => AccountBody::RevokeDevice { device: victim },
        12..14 => {
            let recovery = public(number);
            AccountBody::RotateRecovery {
                recovery,
                possession: sign(number, &recovery_possession_bytes(account.id(), &recovery)),
                revoke_all: chance.one_in(3),
            }
        }
        14..18 => {
            let before = account.chain.vault();
            let generation = before.map_or(0, |vault| vault.generation) + u32::from(chance.one_in(3));
            let records = before.map_or(1, |vault| vault.records) + chance.next() % 2;
            AccountBody::Vault(Vault {
                generation: generation.saturating_sub(u32::from(chance.one_in(9))),
                slots: vec![VaultSlotInForce {
                    slot: Hash([1; 32]),
                    wrapped: Hash([u8::try_from(generation).unwrap_or(0); 32]),
                }],
                records,
                head: Hash([u8::try_from(records).unwrap_or(0); 32]),
            })
        }
        18 if chance.one_in(3) => AccountBody::Close {},
        _ => AccountBody::RevokeDevice { device: DeviceId(77) },
    };
    if chance.one_in(30)
        && let AccountBody::AddDevice { possession, .. } | AccountBody::RotateRecovery { possession, .. } =
            &mut body
    {
        possession[9] ^= 1;
    }
    let mut entry = account.entry(by, time, body);
    match chance.below(24) {
        0 => entry.sequence = entry.sequence.saturating_sub(1),
        1 => entry.previous = Some(Hash([7; 32])),
        2 => entry.account = Some(AccountId([7; 32])),
        3 => entry.time = Timestamp(NOW.0 - 5000),
        4 => entry.time = Timestamp(NOW.0 + 1_000_000),
        5 => entry.author = Author::Device(DeviceId(99)),
        6 => entry.signature[20] ^= 4,
        // An answer was lost, and the newest entry is offered once more.
        7 => {
            let newest = account.entries.last().expect("there is a genesis");
            let newest = AccountEntry::from_bytes(newest.as_slice()).expect("an entry");
            return (newest, None);
        }
        _ => return (entry, Some(number)),
    }
    if !chance.one_in(3) && entry.signature != [0; 64] {
        let signer = match by {
            Speaker::Device(_, number) => number,
            Speaker::Recovery => account.recovery,
        };
        // Wrong in one thing, and signed as such.
        entry = entry.signed_with(|bytes| sign(signer, bytes));
    }
    (entry, Some(number))
}
