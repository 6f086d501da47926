//! How long it takes to write in a large group. Run by `cargo xtask bench engine`.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_crypto::{IdentityKey, PrekeyBundle, PrekeyKind, PrekeySecret, SignedPrekey, SigningKey};
use conclave_protocol::accounts::AccountFound;
use conclave_protocol::frames::{Accepted, ClientFrame, Distributed, ServerFrame};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, Timestamp};
use conclave_sigchain::room::{AccountHead, Policy, RoomBody, RoomChain, RoomEntry};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author, DeviceKeys};

use super::sim::{Sim, Time, ok};
use crate::effects::Request;
use crate::people::Person;
use crate::posting::Roll;
use crate::{HttpOutcome, Input};
use conclave_protocol::prekeys::PrekeyClaimed;

const PEOPLE: u32 = 999;
const FIRST_GOAL: Duration = Duration::from_secs(if cfg!(target_family = "wasm") { 3 } else { 1 });
const LATER_GOAL: Duration = Duration::from_millis(1);

/// Somebody with two devices, who never answers.
struct Silent {
    chain: AccountChain,
    entries: Vec<Bytes>,
    devices: Vec<(SigningKey, IdentityKey)>,
}

impl Silent {
    fn new(number: u32) -> Self {
        let keys = |device: u8| {
            let mut seed = [device; 32];
            seed[1..5].copy_from_slice(&number.to_be_bytes());
            let mut other = seed;
            other[31] = 99;
            (SigningKey::from_bytes(&seed), IdentityKey::from_bytes(&other))
        };
        let public = |(signing, identity): &(SigningKey, IdentityKey)| DeviceKeys {
            signing: signing.public().to_bytes(),
            identity: identity.public().to_bytes(),
        };
        let devices = vec![keys(1), keys(2)];
        let mut recovery = [3; 32];
        recovery[1..5].copy_from_slice(&number.to_be_bytes());
        let recovery = SigningKey::from_bytes(&recovery).public().to_bytes();
        let genesis = AccountEntry::genesis(public(&devices[0]), recovery, Timestamp(1_000))
            .signed_with(|bytes| devices[0].0.sign(bytes));
        let mut chain = AccountChain::begin(&genesis).unwrap();
        let second = public(&devices[1]);
        let possession = devices[1].0.sign(&second.possession_bytes(chain.account()));
        let body = AccountBody::AddDevice {
            keys: second,
            possession,
        };
        let entry = chain
            .next_entry(Author::Device(DeviceId(0)), Timestamp(2_000), body)
            .signed_with(|bytes| devices[0].0.sign(bytes));
        chain.append(&entry).unwrap();
        Self {
            chain,
            entries: vec![Bytes(genesis.to_bytes()), Bytes(entry.to_bytes())],
            devices,
        }
    }

    fn bundle(&self, device: u32, rng: &mut rand_chacha::ChaCha20Rng) -> Bytes {
        let (signing, _) = &self.devices[usize::try_from(device).unwrap()];
        let signed = SignedPrekey::generate(1, super::sim::START.0, rng);
        let secret = PrekeySecret::generate(PrekeyKind::LastResort, 2, super::sim::START.0, rng);
        let (account, expires) = (self.chain.account().0, super::sim::START.plus(1_000_000_000).0);
        Bytes(PrekeyBundle::sign(&account, device, signing, &signed, &secret, expires).to_bytes())
    }
}

#[test]
#[ignore = "a benchmark: cargo xtask bench engine"]
#[expect(clippy::print_stdout, reason = "its result is to be read")]
fn first_and_later_messages_to_a_thousand_members() {
    let mut rng = crate::work::testing::rng();
    let mut sim = Sim::group(1, 2, Policy::default());
    sim.runs(1_000);
    let people: BTreeMap<AccountId, Silent> = (0..PEOPLE)
        .map(Silent::new)
        .map(|one| (one.chain.account(), one))
        .collect();
    for (account, silent) in &people {
        let head = AccountHead {
            sequence: silent.chain.head(),
            hash: silent.chain.head_hash(),
        };
        sim.says(
            1,
            RoomBody::Add {
                account: *account,
                head,
                roles: Vec::new(),
            },
        );
    }
    // It knows the chain and everybody in it.
    let mut roll = Roll::default();
    let mut chain: Option<RoomChain> = None;
    for bytes in &sim.server.entries {
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
    let chain = chain.unwrap();
    let now = sim.now;
    let device = &mut sim.devices[0];
    device.with(now, |engine, work| {
        super::keep_chain(engine, work, &chain);
        engine.take_roll(work, &chain, roll).unwrap();
        for silent in people.values() {
            let found = AccountFound {
                account: silent.chain.account(),
                username: "mia".parse().unwrap(),
                entries: silent.entries.clone(),
            };
            engine.keep_person(work, Person::verify(found).unwrap()).unwrap();
        }
    });
    let bundles: BTreeMap<DeviceAddress, Bytes> = people
        .iter()
        .flat_map(|(account, silent)| [(*account, silent, 0), (*account, silent, 1)])
        .map(|(account, silent, device)| {
            let address = DeviceAddress {
                account,
                device: DeviceId(device),
            };
            (address, silent.bundle(device, &mut rng))
        })
        .collect();

    let first = takes(&mut sim, &bundles, "the first one");
    let whole = first.beginning.processor + first.sealing.processor;
    println!(
        "first message to {} members, 2 devices each, prekeys claimed: {whole:?} ({} % of the goal {FIRST_GOAL:?}), {:?} \
         for each member; sessions begun in {:?}, keys handed out and sealed in {:?}",
        PEOPLE + 1,
        whole.as_millis() * 100 / FIRST_GOAL.as_millis(),
        whole / (PEOPLE + 1),
        first.beginning.processor,
        first.sealing.processor
    );
    let mut all: Vec<Duration> = (0..20)
        .map(|n| takes(&mut sim, &bundles, &format!("one more, {n}")).sealing.real)
        .collect();
    all.sort_unstable();
    println!(
        "a later message: {:?} (median of 20; {} % of the goal {LATER_GOAL:?})",
        all[10],
        all[10].as_micros() * 100 / LATER_GOAL.as_micros()
    );
}

/// What the engine's time went into until a message left.
struct Took {
    beginning: Time,
    sealing: Time,
}

fn takes(sim: &mut Sim, bundles: &BTreeMap<DeviceAddress, Bytes>, text: &str) -> Took {
    let mut took = Took {
        beginning: Time::default(),
        sealing: Time::default(),
    };
    sim.sends(0, text);
    let now = sim.now;
    let mut inputs = vec![Input::Tick];
    while let Some(input) = inputs.pop() {
        let is_bundle = matches!(input, Input::Http { .. });
        let (requests, time) = sim.devices[0].timed(input, now);
        if is_bundle {
            took.beginning += time;
        } else {
            took.sealing += time;
        }
        for request in requests {
            match request {
                Request::Http(call) => {
                    let outcome = match claimed(&call.path).and_then(|address| bundles.get(&address)) {
                        Some(bundle) => ok(&PrekeyClaimed {
                            bundle: bundle.clone(),
                        }),
                        None => HttpOutcome::Unreachable,
                    };
                    inputs.push(Input::Http { id: call.id, outcome });
                }
                Request::Frame(bytes) => match ClientFrame::from_bytes(&bytes).unwrap() {
                    ClientFrame::Distribute(distribute) => {
                        let answer = ServerFrame::Distributed(Distributed { id: distribute.id });
                        inputs.insert(0, Input::Frame(answer.to_bytes()));
                    }
                    ClientFrame::Post(post) => {
                        let sequence = sim.stores(sim.devices[0].address, &post);
                        let answer = ServerFrame::Accepted(Accepted {
                            id: post.id,
                            sequence,
                            time: now,
                        });
                        let _ = sim.devices[0].timed(Input::Frame(answer.to_bytes()), now);
                        return took;
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }
    panic!("the message never left");
}

fn claimed(path: &str) -> Option<DeviceAddress> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [.., "accounts", account, "devices", device, "prekeys", "claim"] => Some(DeviceAddress {
            account: account.parse().ok()?,
            device: DeviceId(device.parse().ok()?),
        }),
        _ => None,
    }
}
