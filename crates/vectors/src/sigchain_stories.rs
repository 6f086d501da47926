//! Account chains for `sigchain.json`: what their people say, in turn, and what of it is refused.

use conclave_crypto::{RecoveryKey, SigningKey};
use conclave_encoding::{hash, labels};
use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};
use conclave_sigchain::{
    AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, Vault, VaultSlotInForce,
    recovery_possession_bytes,
};

use crate::Refusal;
use crate::refusal::Context;

/// Seed of the first device of the document's example.
const FIRST: [u8; 32] = [7; 32];
const SECOND: [u8; 32] = [0x17; 32];
const THIRD: [u8; 32] = [0x27; 32];
const NEW_RECOVERY: [u8; 32] = [0x19; 32];

const DEVICE_0: Author = Author::Device(DeviceId(0));
const DEVICE_1: Author = Author::Device(DeviceId(1));

/// A chain with the secrets of those who wrote it.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) about: &'static str,
    pub(crate) chain: AccountChain,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) what: &'static str,
    pub(crate) seed: [u8; 32],
    /// Seed of a new key, and what it signs.
    pub(crate) possession: Option<([u8; 32], Vec<u8>)>,
    pub(crate) entry: AccountEntry,
}

type Said = (AccountBody, Option<([u8; 32], Vec<u8>)>);

impl Story {
    fn begin(about: &'static str, genesis: &[u8]) -> Result<Self, Refusal> {
        let entry = AccountEntry::from_bytes(genesis).context(about)?;
        let chain = AccountChain::begin(&entry).context(about)?;
        let steps = vec![Step {
            what: "genesis",
            seed: FIRST,
            possession: None,
            entry,
        }];
        Ok(Self { about, chain, steps })
    }

    fn entry(&self, author: Author, seed: [u8; 32], body: AccountBody) -> AccountEntry {
        let time = Timestamp(self.chain.time().0.saturating_add(1000));
        let entry = self.chain.next_entry(author, time, body);
        entry.signed_with(|bytes| SigningKey::from_bytes(&seed).sign(bytes))
    }

    fn say(&mut self, what: &'static str, author: Author, seed: [u8; 32], said: Said) -> Result<(), Refusal> {
        let (body, possession) = said;
        let entry = self.entry(author, seed, body);
        self.chain.append(&entry).context(what)?;
        self.steps.push(Step {
            what,
            seed,
            possession,
            entry,
        });
        Ok(())
    }

    fn account(&self) -> AccountId {
        self.chain.account()
    }
}

fn recovery_seed(key: [u8; 32]) -> [u8; 32] {
    *RecoveryKey::from_bytes(&key).signing_key().to_bytes()
}

fn keys(seed: [u8; 32]) -> DeviceKeys {
    DeviceKeys {
        signing: SigningKey::from_bytes(&seed).public().to_bytes(),
        identity: hash(labels::LOGIN, &seed),
    }
}

fn add(account: AccountId, seed: [u8; 32]) -> Said {
    let keys = keys(seed);
    let statement = keys.possession_bytes(account);
    let possession = SigningKey::from_bytes(&seed).sign(&statement);
    (
        AccountBody::AddDevice { keys, possession },
        Some((seed, statement)),
    )
}

fn revoke(id: u32) -> Said {
    let device = DeviceId(id);
    (AccountBody::RevokeDevice { device }, None)
}

fn rotate(account: AccountId, seed: [u8; 32], revoke_all: bool) -> Said {
    let key = SigningKey::from_bytes(&seed);
    let recovery = key.public().to_bytes();
    let statement = recovery_possession_bytes(account, &recovery);
    let body = AccountBody::RotateRecovery {
        recovery,
        possession: key.sign(&statement),
        revoke_all,
    };
    (body, Some((seed, statement)))
}

fn vault(generation: u32, slots: &[u8], records: u64, head: u8) -> Said {
    let slots = slots.iter().map(|number| VaultSlotInForce {
        slot: Hash([*number; 32]),
        wrapped: Hash([number ^ 0x80; 32]),
    });
    let body = AccountBody::Vault(Vault {
        generation,
        slots: slots.collect(),
        records,
        head: Hash([head; 32]),
    });
    (body, None)
}

const fn close() -> Said {
    (AccountBody::Close {}, None)
}

/// The chains that are accepted.
pub(crate) fn all(genesis: &[u8]) -> Result<Vec<Story>, Refusal> {
    let recovery = recovery_seed([9; 32]);
    let new_recovery = recovery_seed(NEW_RECOVERY);

    let mut first = Story::begin("every body once, by devices and by the recovery key", genesis)?;
    let account = first.account();
    first.say("a device adds a device", DEVICE_0, FIRST, add(account, SECOND))?;
    first.say("a vault of one record", DEVICE_1, SECOND, vault(0, &[1, 2], 1, 5))?;
    first.say("a device revokes another", DEVICE_1, SECOND, revoke(0))?;
    first.say(
        "a new vault key without new records",
        DEVICE_1,
        SECOND,
        vault(1, &[1, 2], 1, 5),
    )?;
    let rotation = rotate(account, new_recovery, true);
    first.say(
        "a new recovery key and no device",
        Author::Recovery,
        recovery,
        rotation,
    )?;
    let added = add(account, THIRD);
    first.say(
        "the recovery key adds a device",
        Author::Recovery,
        new_recovery,
        added,
    )?;
    let last = Author::Device(DeviceId(first.chain.head()));
    first.say(
        "a vault of all slots, by the recovery key",
        Author::Recovery,
        new_recovery,
        vault(2, &[1, 2, 3, 4, 5, 6, 7, 8], 9, 6),
    )?;
    let open = Story {
        about: "an account that came back by its recovery key",
        ..first.clone()
    };
    first.say("a device ends the account", last, THIRD, close())?;

    let mut second = Story::begin(
        "the last device revoked, and the end, by the recovery key",
        genesis,
    )?;
    second.say("the last device", Author::Recovery, recovery, revoke(0))?;
    let rotation = rotate(account, new_recovery, false);
    second.say("a new recovery key", Author::Recovery, recovery, rotation)?;
    second.say("the end", Author::Recovery, new_recovery, close())?;

    let mut third = Story::begin("a device revokes itself", genesis)?;
    third.say("a device adds a device", DEVICE_0, FIRST, add(account, SECOND))?;
    third.say(
        "a vault without slots or records",
        DEVICE_0,
        FIRST,
        vault(0, &[], 0, 0),
    )?;
    third.say("a device revokes itself", DEVICE_0, FIRST, revoke(0))?;
    Ok(vec![first, open, second, third])
}

/// What was done wrong, and the chain that is refused for it.
pub(crate) type RefusedChain = (&'static str, Vec<Vec<u8>>);

/// Chains whose last entry breaks a rule.
pub(crate) fn refused(genesis: &[u8]) -> Result<Vec<RefusedChain>, Refusal> {
    let recovery = recovery_seed([9; 32]);
    let new_recovery = recovery_seed(NEW_RECOVERY);
    let mut story = Story::begin("a chain of two devices and a vault", genesis)?;
    let account = story.account();
    story.say("add", DEVICE_0, FIRST, add(account, SECOND))?;
    story.say("vault", DEVICE_0, FIRST, vault(1, &[1], 3, 5))?;
    let mut alone = Story::begin("a chain of one device", genesis)?;
    alone.say("add", DEVICE_0, FIRST, add(account, SECOND))?;
    alone.say("revoke", DEVICE_0, FIRST, revoke(1))?;
    let mut closed = story.clone();
    closed.say("close", DEVICE_0, FIRST, close())?;

    let mut forged = add(account, THIRD);
    if let AccountBody::AddDevice { possession, .. } = &mut forged.0 {
        *possession = SigningKey::from_bytes(&FIRST).sign(&keys(THIRD).possession_bytes(account));
    }
    let elsewhere = add(AccountId([1; 32]), THIRD);
    let mut empty = add(account, THIRD);
    if let AccountBody::AddDevice { keys, .. } = &mut empty.0 {
        keys.identity = [0; 32];
    }
    let mut taken = add(account, THIRD);
    if let AccountBody::AddDevice {
        keys: named,
        possession,
    } = &mut taken.0
    {
        named.identity = keys(SECOND).identity;
        *possession = SigningKey::from_bytes(&THIRD).sign(&named.possession_bytes(account));
    }
    let mut borrowed = rotate(account, new_recovery, false);
    if let AccountBody::RotateRecovery {
        recovery: key,
        possession,
        ..
    } = &mut borrowed.0
    {
        *possession = SigningKey::from_bytes(&recovery).sign(&recovery_possession_bytes(account, key));
    }

    let offers: Vec<(&'static str, &Story, Author, [u8; 32], Said)> = vec![
        (
            "a device in the recovery key's name",
            &story,
            Author::Recovery,
            FIRST,
            revoke(1),
        ),
        ("a device in another's name", &story, DEVICE_0, SECOND, revoke(1)),
        ("a device that was revoked", &alone, DEVICE_1, SECOND, revoke(0)),
        ("a device without its own word", &story, DEVICE_0, FIRST, forged),
        (
            "a device's word for another account",
            &story,
            DEVICE_0,
            FIRST,
            elsewhere,
        ),
        (
            "a device with an identity key of zeros",
            &story,
            DEVICE_0,
            FIRST,
            empty,
        ),
        (
            "a device with another's identity key",
            &story,
            DEVICE_0,
            FIRST,
            taken,
        ),
        (
            "a device that was revoked comes back",
            &alone,
            DEVICE_0,
            FIRST,
            add(account, SECOND),
        ),
        (
            "the recovery key as a device",
            &story,
            DEVICE_0,
            FIRST,
            add(account, recovery),
        ),
        (
            "a device that nobody knows is revoked",
            &story,
            DEVICE_0,
            FIRST,
            revoke(2),
        ),
        ("a device is revoked twice", &alone, DEVICE_0, FIRST, revoke(1)),
        (
            "the last device revokes itself",
            &alone,
            DEVICE_0,
            FIRST,
            revoke(0),
        ),
        (
            "a device changes the recovery key",
            &story,
            DEVICE_0,
            FIRST,
            rotate(account, new_recovery, false),
        ),
        (
            "a recovery key without its own word",
            &story,
            Author::Recovery,
            recovery,
            borrowed,
        ),
        (
            "the same recovery key again",
            &story,
            Author::Recovery,
            recovery,
            rotate(account, recovery, false),
        ),
        (
            "a device's key for recovery",
            &story,
            Author::Recovery,
            recovery,
            rotate(account, SECOND, false),
        ),
        (
            "slots out of order",
            &story,
            DEVICE_0,
            FIRST,
            vault(1, &[2, 1], 3, 5),
        ),
        ("a slot twice", &story, DEVICE_0, FIRST, vault(1, &[1, 1], 3, 5)),
        (
            "one more slot, by a device",
            &story,
            DEVICE_0,
            FIRST,
            vault(2, &[1, 2], 4, 6),
        ),
        (
            "no slot any more, by a device",
            &story,
            DEVICE_0,
            FIRST,
            vault(2, &[], 4, 6),
        ),
        (
            "one more slot without a new vault key",
            &story,
            Author::Recovery,
            recovery,
            vault(1, &[1, 2], 4, 6),
        ),
        (
            "nine slots",
            &story,
            DEVICE_0,
            FIRST,
            vault(1, &[1, 2, 3, 4, 5, 6, 7, 8, 9], 3, 5),
        ),
        (
            "an older vault key",
            &story,
            DEVICE_0,
            FIRST,
            vault(0, &[1], 3, 5),
        ),
        ("fewer records", &story, DEVICE_0, FIRST, vault(2, &[1], 2, 5)),
        (
            "as many records, but others",
            &story,
            DEVICE_0,
            FIRST,
            vault(2, &[1], 3, 6),
        ),
        (
            "no record, but a head",
            &alone,
            DEVICE_0,
            FIRST,
            vault(0, &[], 0, 6),
        ),
        (
            "a word after the end",
            &closed,
            Author::Recovery,
            recovery,
            revoke(0),
        ),
    ];
    Ok(offers
        .into_iter()
        .map(|(why, story, author, seed, (body, _))| {
            let last = story.entry(author, seed, body).to_bytes();
            let before = story.steps.iter().map(|step| step.entry.to_bytes());
            (why, before.chain([last]).collect())
        })
        .collect())
}
