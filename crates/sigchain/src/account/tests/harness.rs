//! People with keys, and chains that they write.

use conclave_encoding::{hash, labels};
use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};
use ed25519_dalek::{Signer, SigningKey};

use crate::account::{
    AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, Vault, VaultSlotInForce,
    recovery_possession_bytes,
};
use crate::error::ChainError;

pub(super) const NOW: Timestamp = Timestamp(1000);
/// Number of the recovery key of the chains made here.
pub(super) const RECOVERY: u8 = 100;
/// Device 0 of the chains made here has this number.
pub(super) const FIRST: u8 = 0;

/// An Ed25519 key of that number.
pub(super) fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&hash(labels::LOGIN, &[number]))
}

pub(super) fn public(number: u8) -> [u8; 32] {
    key(number).verifying_key().to_bytes()
}

pub(super) fn identity(number: u8) -> [u8; 32] {
    hash(labels::REGISTRATION, &[number])
}

/// The keys of the device with that number.
pub(super) fn keys(number: u8) -> DeviceKeys {
    DeviceKeys {
        signing: public(number),
        identity: identity(number),
    }
}

pub(super) fn device(id: u32) -> Author {
    Author::Device(DeviceId(id))
}

pub(super) fn signed(entry: AccountEntry, number: u8) -> AccountEntry {
    entry.signed_with(|bytes| key(number).sign(bytes).to_bytes())
}

pub(super) fn genesis() -> AccountEntry {
    signed(AccountEntry::genesis(keys(FIRST), public(RECOVERY), NOW), FIRST)
}

/// The device of that number joins, as it should.
pub(super) fn add(account: AccountId, number: u8) -> AccountBody {
    let keys = keys(number);
    let possession = key(number).sign(&keys.possession_bytes(account)).to_bytes();
    AccountBody::AddDevice { keys, possession }
}

pub(super) fn revoke(id: u32) -> AccountBody {
    AccountBody::RevokeDevice { device: DeviceId(id) }
}

/// The recovery key of that number takes over, as it should.
pub(super) fn rotate(account: AccountId, number: u8, revoke_all: bool) -> AccountBody {
    let recovery = public(number);
    let statement = recovery_possession_bytes(account, &recovery);
    AccountBody::RotateRecovery {
        recovery,
        possession: key(number).sign(&statement).to_bytes(),
        revoke_all,
    }
}

/// A vault with a slot of each of these numbers.
pub(super) fn vault(generation: u32, slots: &[u8], records: u64, head: u8) -> AccountBody {
    let slots = slots.iter().map(|number| VaultSlotInForce {
        slot: Hash([*number; 32]),
        wrapped: Hash([number.wrapping_add(1); 32]),
    });
    AccountBody::Vault(Vault {
        generation,
        slots: slots.collect(),
        records,
        head: Hash([head; 32]),
    })
}

/// A chain that its people write in turn, and its entries.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) chain: AccountChain,
    pub(super) entries: Vec<AccountEntry>,
}

impl Story {
    pub(super) fn new() -> Self {
        let genesis = genesis();
        Self {
            chain: AccountChain::begin(&genesis).unwrap(),
            entries: vec![genesis],
        }
    }

    pub(super) fn account(&self) -> AccountId {
        self.chain.account()
    }

    pub(super) fn next(&self, author: Author, number: u8, body: AccountBody) -> AccountEntry {
        signed(self.chain.next_entry(author, NOW, body), number)
    }

    /// What the chain says to an entry. A refusal must leave no trace.
    pub(super) fn offer(&mut self, entry: AccountEntry) -> Result<(), ChainError> {
        let before = self.chain.clone();
        let verdict = self.chain.append(&entry);
        match verdict {
            Ok(()) => self.entries.push(entry),
            Err(_) => assert_eq!(self.chain, before, "a refusal changed the chain"),
        }
        verdict
    }

    /// The author whose key has that number says this.
    pub(super) fn say(&mut self, author: Author, number: u8, body: AccountBody) -> Result<(), ChainError> {
        let entry = self.next(author, number, body);
        self.offer(entry)
    }

    /// The first device says this.
    pub(super) fn first(&mut self, body: AccountBody) -> Result<(), ChainError> {
        self.say(device(0), FIRST, body)
    }

    /// The recovery key of the genesis says this.
    pub(super) fn recovery(&mut self, body: AccountBody) -> Result<(), ChainError> {
        self.say(Author::Recovery, RECOVERY, body)
    }

    /// The first device adds the one of that number, whose id this gives.
    pub(super) fn add(&mut self, number: u8) -> u32 {
        self.first(add(self.account(), number)).unwrap();
        self.chain.head()
    }

    pub(super) fn active(&self) -> Vec<u32> {
        self.chain.devices().map(|(id, _)| id.0).collect()
    }

    pub(super) fn bytes(&self) -> Vec<Vec<u8>> {
        self.entries.iter().map(AccountEntry::to_bytes).collect()
    }

    /// A chain in which every body stands.
    pub(super) fn of_every_body() -> Self {
        let mut story = Self::new();
        story.add(1);
        story.first(vault(0, &[1, 2], 3, 7)).unwrap();
        story.say(device(1), 1, revoke(0)).unwrap();
        let body = rotate(story.account(), 101, true);
        story.recovery(body).unwrap();
        let body = add(story.account(), 2);
        story.say(Author::Recovery, 101, body).unwrap();
        let id = story.chain.head();
        story.say(device(id), 2, vault(1, &[1, 2], 4, 8)).unwrap();
        story.say(device(id), 2, AccountBody::Close {}).unwrap();
        story
    }
}

/// The chain of these bytes.
pub(super) fn verify(account: AccountId, entries: &[Vec<u8>]) -> Result<AccountChain, ChainError> {
    AccountChain::verify(account, entries.iter().map(Vec::as_slice))
}
