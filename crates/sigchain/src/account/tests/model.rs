//! Random acts of devices, of the recovery key and of strangers, judged by a small second set of rules.
//!
//! `CONCLAVE_TEST_CHAIN_SEQUENCES` says how many sequences are tried, up to a million and more.

use std::sync::LazyLock;

use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};
use ed25519_dalek::{Signer, SigningKey};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::harness::{self, FIRST, NOW, RECOVERY, Story};
use crate::account::{
    AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, Vault, VaultSlotInForce,
    recovery_possession_bytes,
};
use crate::head::HeadComparison;

const SEQUENCES: u32 = 200;
const ACTS: usize = 14;
/// Numbers from which keys are taken: few, so that they come again.
const POOL: u8 = 20;

struct Pair {
    secret: SigningKey,
    public: [u8; 32],
}

/// Numbers below [`POOL`] and the first recovery key: making keys takes longer than all the rest.
static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    (0..=RECOVERY)
        .map(|number| Pair {
            secret: harness::key(number),
            public: harness::public(number),
        })
        .collect()
});

fn pair(number: u8) -> &'static Pair {
    &PAIRS[usize::from(number)]
}

fn sign(number: u8, bytes: &[u8]) -> [u8; 64] {
    pair(number).secret.sign(bytes).to_bytes()
}

#[derive(Clone, Copy, Debug)]
enum Speaker {
    /// The n-th device that ever was, counted around.
    Device(usize),
    /// A device id that nobody has.
    NoDevice,
    Recovery,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Genesis,
    /// Signing key, identity key (beyond the pool: the signing key of a number), and who signs for it.
    Add(u8, u8, Option<u8>),
    Revoke(usize),
    RevokeNobody,
    Rotate(u8, Option<u8>, bool),
    /// Differences to the vault before: generation, records; head; slots.
    Vault(i8, i8, u8, u8),
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Another key signs.
    Signer(u8),
    Sequence,
    Previous,
    Account,
    NoAccount,
    TimeBack,
    FlippedSignature(u16),
}

#[derive(Clone, Copy, Debug)]
struct Act {
    speaker: Speaker,
    what: What,
    fault: Fault,
    later: u8,
}

fn acts() -> impl Strategy<Value = Act> {
    let speaker = prop_oneof![
        8 => (0..16_usize).prop_map(Speaker::Device),
        1 => Just(Speaker::NoDevice),
        5 => Just(Speaker::Recovery),
    ];
    let signer = prop_oneof![9 => Just(None), 1 => (0..POOL).prop_map(Some)];
    let slots = prop_oneof![6 => Just(1_u8), 4 => 0..10_u8];
    let what = prop_oneof![
        1 => Just(What::Genesis),
        24 => (0..POOL, 0..POOL * 2, signer.clone()).prop_map(|(a, b, c)| {
            // Mostly the identity key that belongs to the signing key.
            What::Add(a, if b < POOL || b % 4 != 0 { a } else { b }, c)
        }),
        10 => (0..16_usize).prop_map(What::Revoke),
        1 => Just(What::RevokeNobody),
        5 => (0..POOL, signer, any::<bool>()).prop_map(|(a, b, c)| What::Rotate(a, b, c)),
        10 => (-1..3_i8, -1..3_i8, 0..3_u8, slots).prop_map(|(a, b, c, d)| What::Vault(a, b, c, d)),
        1 => Just(What::Close),
    ];
    let fault = prop_oneof![
        20 => Just(Fault::None),
        1 => (0..POOL).prop_map(Fault::Signer),
        1 => Just(Fault::Sequence),
        1 => Just(Fault::Previous),
        1 => Just(Fault::Account),
        1 => Just(Fault::NoAccount),
        1 => Just(Fault::TimeBack),
        1 => (0..512_u16).prop_map(Fault::FlippedSignature),
    ];
    (speaker, what, fault, 0..3_u8).prop_map(|(speaker, what, fault, later)| Act {
        speaker,
        what,
        fault,
        later,
    })
}

/// A key as the model knows it: a number, and whether it signs or agrees.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Name {
    Signing(u8),
    Identity(u8),
}

/// The rules once more, in another shape: over numbers, without bytes.
#[derive(Clone, Debug)]
struct Model {
    length: u32,
    /// Id, number of its key, whether it is active.
    devices: Vec<(u32, u8, bool)>,
    recovery: u8,
    used: Vec<Name>,
    /// Generation, records, head.
    vault: Option<(i64, i64, u8)>,
    /// Its ways in, by their number.
    slots: u8,
    closed: bool,
}

impl Model {
    fn new() -> Self {
        Self {
            length: 1,
            devices: vec![(0, FIRST, true)],
            recovery: RECOVERY,
            used: vec![
                Name::Signing(FIRST),
                Name::Identity(FIRST),
                Name::Signing(RECOVERY),
            ],
            vault: None,
            slots: 0,
            closed: false,
        }
    }

    fn device(&self, place: usize) -> (u32, u8, bool) {
        self.devices[place % self.devices.len()]
    }

    fn active(&self) -> usize {
        self.devices.iter().filter(|device| device.2).count()
    }

    fn identity_name(number: u8) -> Name {
        if number < POOL {
            Name::Identity(number)
        } else {
            Name::Signing(number - POOL)
        }
    }

    /// Whether the act is allowed; then it has happened.
    fn judge(&mut self, act: &Act, vault: (i64, i64, u8), slots: u8) -> bool {
        let is_recovery = matches!(act.speaker, Speaker::Recovery);
        let speaks = match act.speaker {
            Speaker::Recovery => true,
            Speaker::Device(place) => self.device(place).2,
            Speaker::NoDevice => false,
        };
        let right_signer = match act.speaker {
            Speaker::Device(place) => self.device(place).1,
            _ => self.recovery,
        };
        let sound = match act.fault {
            Fault::None => true,
            Fault::Signer(number) => number == right_signer,
            _ => false,
        };
        if self.closed || !speaks || !sound {
            return false;
        }
        match act.what {
            What::Genesis | What::RevokeNobody => return false,
            What::Add(number, identity, signer) => {
                let names = [Name::Signing(number), Self::identity_name(identity)];
                let is_new = names.iter().all(|name| !self.used.contains(name)) && names[0] != names[1];
                if !is_new || self.active() == 16 || signer.is_some_and(|signer| signer != number) {
                    return false;
                }
                self.used.extend(names);
                self.devices.push((self.length, number, true));
            }
            What::Revoke(place) => {
                let place = place % self.devices.len();
                if !self.devices[place].2 || (!is_recovery && self.active() == 1) {
                    return false;
                }
                self.devices[place].2 = false;
            }
            What::Rotate(number, signer, all) => {
                let name = Name::Signing(number);
                if !is_recovery || self.used.contains(&name) || signer.is_some_and(|signer| signer != number)
                {
                    return false;
                }
                self.used.push(name);
                self.recovery = number;
                if all {
                    self.devices.iter_mut().for_each(|device| device.2 = false);
                }
            }
            What::Vault(..) => {
                let (generation, records, head) = vault;
                let goes_on = self
                    .vault
                    .is_none_or(|(g, r, h)| generation >= g && (records > r || (records == r && head == h)));
                let ways_stay = self
                    .vault
                    .is_none_or(|(g, ..)| slots == self.slots || is_recovery && generation > g);
                let slots_are_sound = !matches!(slots, 5 | 9);
                if !goes_on || (records == 0 && head != 0) || !slots_are_sound || !ways_stay {
                    return false;
                }
                self.vault = Some(vault);
                self.slots = slots;
            }
            What::Close => {
                self.closed = true;
                self.devices.iter_mut().for_each(|device| device.2 = false);
            }
        }
        self.length += 1;
        true
    }

    /// Compares everything that can be asked with the chain.
    fn check(&self, chain: &AccountChain) {
        assert_eq!(chain.head() + 1, self.length);
        assert_eq!(chain.is_closed(), self.closed);
        assert_eq!(chain.recovery(), &pair(self.recovery).public);
        let active: Vec<_> = self.devices.iter().filter(|device| device.2).collect();
        assert_eq!(chain.devices().count(), active.len());
        assert_eq!(chain.known_devices().count(), self.devices.len());
        for (id, number, is_active) in &self.devices {
            let known = chain.known_device(DeviceId(*id)).unwrap();
            assert_eq!(known.keys.signing, pair(*number).public);
            assert_eq!(known.is_active(), *is_active);
            assert_eq!(chain.device(DeviceId(*id)).is_some(), *is_active);
            assert_eq!(chain.device_at(DeviceId(*id), chain.head()).is_some(), *is_active);
        }
        let vault = chain.vault().map(|vault| {
            (
                i64::from(vault.generation),
                i64::try_from(vault.records).unwrap(),
                vault.head.0[0],
            )
        });
        assert_eq!(vault, self.vault);
    }
}

/// The bytes of what an act says.
fn body(what: What, account: AccountId, model: &Model, vault: (i64, i64, u8)) -> AccountBody {
    match what {
        What::Genesis => AccountBody::Genesis {
            device: DeviceKeys {
                signing: pair(1).public,
                identity: harness::identity(1),
            },
            recovery: pair(2).public,
        },
        What::Add(number, identity, signer) => {
            let keys = DeviceKeys {
                signing: pair(number).public,
                identity: if identity < POOL {
                    harness::identity(identity)
                } else {
                    pair(identity - POOL).public
                },
            };
            let possession = sign(signer.unwrap_or(number), &keys.possession_bytes(account));
            AccountBody::AddDevice { keys, possession }
        }
        What::Revoke(place) => AccountBody::RevokeDevice {
            device: DeviceId(model.device(place).0),
        },
        What::RevokeNobody => AccountBody::RevokeDevice {
            device: DeviceId(model.length + 5),
        },
        What::Rotate(number, signer, revoke_all) => {
            let recovery = pair(number).public;
            let statement = recovery_possession_bytes(account, &recovery);
            AccountBody::RotateRecovery {
                recovery,
                possession: sign(signer.unwrap_or(number), &statement),
                revoke_all,
            }
        }
        What::Vault(_, _, _, slots) => AccountBody::Vault(Vault {
            generation: u32::try_from(vault.0).unwrap(),
            slots: (0..slots)
                .map(|slot| VaultSlotInForce {
                    // The third of five stands where the second does.
                    slot: Hash([if slots == 5 && slot == 2 { 1 } else { slot }; 32]),
                    wrapped: Hash([slot; 32]),
                })
                .collect(),
            records: u64::try_from(vault.1).unwrap(),
            head: Hash([vault.2; 32]),
        }),
        What::Close => AccountBody::Close {},
    }
}

/// The entry of an act, with its fault.
fn entry(act: &Act, chain: &AccountChain, model: &Model, vault: (i64, i64, u8)) -> AccountEntry {
    let (author, number) = match act.speaker {
        Speaker::Recovery => (Author::Recovery, model.recovery),
        Speaker::NoDevice => (harness::device(model.length + 9), FIRST),
        Speaker::Device(place) => {
            let (id, number, _) = model.device(place);
            (harness::device(id), number)
        }
    };
    let body = body(act.what, chain.account(), model, vault);
    let time = Timestamp(chain.time().0 + u64::from(act.later));
    let mut entry = chain.next_entry(author, time, body);
    match act.fault {
        Fault::Sequence => entry.sequence += 1,
        Fault::Previous => entry.previous = Some(Hash([4; 32])),
        Fault::Account => entry.account = Some(AccountId([4; 32])),
        Fault::NoAccount => entry.account = None,
        Fault::TimeBack => entry.time = Timestamp(chain.time().0 - 1),
        _ => {}
    }
    let signer = match act.fault {
        Fault::Signer(number) => number,
        _ => number,
    };
    entry.signature = sign(signer, &entry.signed_bytes());
    if let Fault::FlippedSignature(bit) = act.fault {
        entry.signature[usize::from(bit) / 8] ^= 1 << (bit % 8);
    }
    entry
}

/// Plays the acts; gives how many were accepted and how many refused.
fn play(acts: &[Act]) -> (usize, usize) {
    static STORY: LazyLock<Story> = LazyLock::new(Story::new);
    let mut story = STORY.clone();
    let mut model = Model::new();
    let mut refused = 0;
    let mut other: Option<AccountChain> = None;
    for (place, act) in acts.iter().enumerate() {
        let (generation, records, head) = model.vault.unwrap_or((0, 0, 0));
        let vault = match act.what {
            What::Vault(g, r, h, _) => {
                let records = (records + i64::from(r)).max(0);
                let head = if h == 2 { head } else { h };
                ((generation + i64::from(g)).max(0), records, head)
            }
            _ => (0, 0, 0),
        };
        let slots = match act.what {
            What::Vault(.., slots) => slots,
            _ => 0,
        };
        let entry = entry(act, &story.chain, &model, vault);
        if place == acts.len() / 2 {
            // From here on a second version, which the recovery key writes.
            let body = harness::vault(9, &[], 99, 9);
            let mut entry = story.chain.next_entry(Author::Recovery, NOW, body);
            entry.signature = sign(model.recovery, &entry.signed_bytes());
            let mut version = story.chain.clone();
            if version.append(&entry).is_ok() {
                other = Some(version);
            }
        }
        let expected = model.judge(act, vault, slots);
        let verdict = story.offer(entry);
        assert_eq!(
            verdict.is_ok(),
            expected,
            "act {place}: {act:?} gives {verdict:?}"
        );
        refused += usize::from(verdict.is_err());
        model.check(&story.chain);
    }
    let verified = harness::verify(story.account(), &story.bytes()).unwrap();
    assert_eq!(verified, story.chain);
    for (sequence, entry) in (0..).zip(&story.entries) {
        let comparison = story.chain.compare(sequence, entry.hash());
        let is_head = sequence == story.chain.head();
        assert_eq!(comparison == HeadComparison::Same, is_head);
        assert_eq!(comparison == HeadComparison::Behind, !is_head);
    }
    if let Some(other) = other {
        tell_apart(&story.chain, &other);
    }
    (story.entries.len() - 1, refused)
}

/// `other` has one entry of its own behind a prefix of `chain`.
fn tell_apart(chain: &AccountChain, other: &AccountChain) {
    let comparison = chain.compare(other.head(), other.head_hash());
    if chain.head() < other.head() {
        assert_eq!(comparison, HeadComparison::Ahead);
        let known = other.compare(chain.head(), chain.head_hash());
        assert_eq!(known, HeadComparison::Behind);
        assert_eq!(chain.parts_from(other), None);
    } else {
        assert_eq!(comparison, HeadComparison::Fork);
        assert_eq!(chain.parts_from(other), Some(other.head()));
    }
}

#[test]
fn whatever_devices_recovery_and_strangers_say_the_chain_judges_as_its_rules_do() {
    let wanted = std::env::var("CONCLAVE_TEST_CHAIN_SEQUENCES").ok();
    let most = std::env::var("PROPTEST_CASES").ok();
    let number = |text: Option<String>| text.and_then(|text| text.parse::<u32>().ok());
    let count = number(wanted).unwrap_or_else(|| number(most).map_or(SEQUENCES, |most| most.min(SEQUENCES)));
    let totals = std::cell::Cell::new((0, 0));
    let mut runner = TestRunner::new(Config {
        cases: count,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&vec(acts(), 0..ACTS * 2), |acts| {
        let (accepted, refused) = play(&acts);
        let (before, before_refused) = totals.get();
        totals.set((before + accepted, before_refused + refused));
        Ok(())
    });
    outcome.unwrap_or_else(|refuted| panic!("{refuted}"));
    let (accepted, refused) = totals.get();
    println!("cases: account chain sequences {count}");
    println!("{accepted} entries were accepted, {refused} refused");
    assert!(count < 100 || (accepted > 0 && refused > 0));
}
