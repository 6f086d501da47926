//! `sender_keys.json`: what one device says in a room, over several chains, and what another makes of it.

use conclave_crypto::sender_keys::{
    ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SenderKeySeed, SendingChain,
};
use conclave_crypto::{DeviceAddress, RemoteDevice, SigningKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::device::{Device, NOW};
use crate::file::{Counts, file, read};
use crate::hex::Alteration;
use crate::random::{Fixed, Script};
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "sender_keys.json";

const ABOUT: &[&str] = &[
    "A device begins chains, hands them to one receiver, and seals; chains and messages are numbered as they come. \
     Beginning a chain draws the seed of its signature key, its id and its chain key; sealing draws the 16 random bytes.",
    "A step `history` verifies a seed and opens messages with it, any number of times and without a state. `close` ends a \
     chain behind its last accepted iteration.",
    "state is SHA-256 of what the receiver stores after the step, in a form of its own; what is refused leaves it as it \
     was. Messages that no step opens were lost.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rooms {
    rooms: Vec<Room>,
    refused_messages: Vec<RefusedMessage>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Room {
    name: String,
    room: Hex,
    sender: Device,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step", deny_unknown_fields)]
enum Step {
    Begin {
        chain: usize,
        epoch: u32,
        signature_seed: Hex,
        chain_id: Hex,
        chain_key: Hex,
        statement: Hex,
    },
    Distribute {
        chain: usize,
        head_sequence: u32,
        head_hash: Hex,
        distribution: Hex,
        state: Hex,
    },
    Seal {
        chain: usize,
        number: usize,
        bound: Hex,
        content: Hex,
        random: Hex,
        message: Hex,
        message_hash: Hex,
    },
    Open {
        number: usize,
        message_key: Hex,
        state: Hex,
    },
    Refuse {
        number: usize,
        reason: String,
        state: Hex,
    },
    Close {
        chain: usize,
        last_iteration: Option<u32>,
        state: Hex,
    },
    History {
        chain: usize,
        seed: Hex,
        opens: Vec<usize>,
        refuses: Vec<usize>,
    },
}

/// A message of a room of this file, altered, offered with the seed that opens it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedMessage {
    room: usize,
    number: usize,
    seed: Hex,
    altered: Alteration,
    reason: String,
}

/// How many of a hundred messages are lost, held back, or come twice.
struct Weather {
    name: &'static str,
    lose: u32,
    hold: u32,
    repeat: u32,
}

const WEATHERS: [Weather; 3] = [
    Weather {
        name: "in order",
        lose: 0,
        hold: 0,
        repeat: 10,
    },
    Weather {
        name: "losses and reordering",
        lose: 15,
        hold: 40,
        repeat: 20,
    },
    Weather {
        name: "hardly anything in order",
        lose: 5,
        hold: 80,
        repeat: 30,
    },
];

/// Epoch and number of messages of each chain; within an epoch a device may begin anew.
const CHAINS: [(u32, usize); 3] = [(0, 14), (0, 6), (7, 12)];

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("sender keys");
    let rooms = WEATHERS
        .iter()
        .map(|weather| talk(weather, &mut rng).context(weather.name))
        .collect::<Result<Vec<_>, _>>()?;
    let refused_messages = refusals(&rooms[0])?;
    Ok(file(
        NAME,
        ABOUT,
        Rooms {
            rooms,
            refused_messages,
        },
    ))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Rooms = read(NAME, json)?;
    let mut counts = Counts::default();
    for room in &vectors.rooms {
        let mut replay = Replay::new(room)?;
        for (place, step) in room.steps.iter().enumerate() {
            replay
                .step(step, &mut counts)
                .context(format!("{}, step {place}", room.name))?;
        }
        counts.add("room", 1);
    }
    for refusal in &vectors.refused_messages {
        let room = vectors
            .rooms
            .get(refusal.room)
            .ok_or_else(|| Refusal::new("a refusal names no room"))?;
        refused(open_altered(room, refusal)?, &refusal.reason).context("an altered message")?;
        counts.add("room, altered message refused", 1);
    }
    Ok(counts)
}

/// Both sides of a room.
struct Ends {
    room: [u8; 32],
    author: RemoteDevice,
    address: DeviceAddress,
    signing: SigningKey,
    sending: Vec<(u32, SendingChain)>,
    receiving: ReceivingChains,
}

impl Ends {
    fn new(room: &Hex, sender: &Device) -> Result<Self, Refusal> {
        let (room, end) = (room.array()?, sender.end()?);
        let author = end.remote();
        Ok(Self {
            room,
            author,
            address: author.address(),
            signing: end.signing,
            sending: Vec::new(),
            receiving: ReceivingChains::new(&room, author.address()),
        })
    }

    fn chain(&mut self, chain: usize) -> Result<&mut (u32, SendingChain), Refusal> {
        self.sending
            .get_mut(chain)
            .ok_or_else(|| Refusal::new("no such chain"))
    }

    fn state(&self) -> Hex {
        Sha256::digest(&*self.receiving.to_bytes()).into()
    }

    fn accept(&mut self, distribution: &[u8], epoch: u32) -> Result<(), Refusal> {
        let distribution = SenderKeyDistribution::from_bytes(distribution).context("a distribution")?;
        self.receiving
            .accept(&distribution, &self.author, epoch, NOW)
            .map(|_| ())
            .context("a distribution")
    }

    /// Content, message hash and message key; the receiver's words where it refuses.
    fn open(&mut self, message: &[u8], bound: &[u8]) -> Result<(Hex, Hex, Hex), String> {
        let message = SenderKeyMessage::from_bytes(message).map_err(|error| error.to_string())?;
        self.receiving
            .open(&message, bound, NOW)
            .map(|opened| {
                let content = opened.content.as_slice().into();
                (content, opened.hash.into(), opened.opening.as_bytes().into())
            })
            .map_err(|error| error.to_string())
    }
}

/// A sealed message: content, caller's data, bytes and hash.
#[derive(Clone)]
struct Sealed {
    content: Hex,
    bound: Hex,
    message: Hex,
    hash: Hex,
}

fn talk(weather: &Weather, rng: &mut Fixed) -> Result<Room, Refusal> {
    let room: Hex = rng.array::<32>().into();
    let sender = Device::make(3, rng);
    let mut ends = Ends::new(&room, &sender)?;
    let mut steps = Vec::new();
    let mut sealed: Vec<Sealed> = Vec::new();
    let mut held: Vec<usize> = Vec::new();
    for (chain, (epoch, messages)) in CHAINS.into_iter().enumerate() {
        let (begun, drawn) =
            rng.record(|rng| SendingChain::begin(&ends.room, epoch, ends.address, &ends.signing, NOW, rng));
        let [signature_seed, chain_id, chain_key] =
            <[Hex; 3]>::try_from(drawn).map_err(|_| Refusal::new("a chain draws three times"))?;
        let statement = begun.statement().to_bytes().into();
        let seed: Hex = begun.seed().as_slice().into();
        ends.sending.push((epoch, begun));
        steps.push(Step::Begin {
            chain,
            epoch,
            signature_seed,
            chain_id,
            chain_key,
            statement,
        });
        distribute(&mut ends, chain, &mut steps, rng)?;
        let first = sealed.len();
        for _ in 0..messages {
            let number = sealed.len();
            let (bound, content) = (format!("place {number}"), format!("message {number} to the room"));
            let (result, mut drawn) = rng.record(|rng| {
                ends.sending[chain]
                    .1
                    .seal(bound.as_bytes(), content.as_bytes(), NOW, rng)
            });
            let message = result.context("sealing")?;
            let random = drawn.pop().ok_or_else(|| Refusal::new("sealing draws once"))?;
            let vector = Sealed {
                content: content.into(),
                bound: bound.into(),
                message: message.bytes.into(),
                hash: message.hash.into(),
            };
            sealed.push(vector.clone());
            steps.push(Step::Seal {
                chain,
                number,
                bound: vector.bound,
                content: vector.content,
                random,
                message: vector.message,
                message_hash: vector.hash,
            });
            match rng.below(100) {
                chance if chance < weather.lose => {}
                chance if chance < weather.lose + weather.hold => held.push(number),
                _ => deliver(weather, number, &mut ends, &sealed, &mut steps, rng)?,
            }
            // Some of what was held back comes late, of this chain or of the one before.
            if !held.is_empty() && rng.below(100) < 30 {
                let count = u32::try_from(held.len()).expect("few are held back");
                let number = held.remove(rng.below(count) as usize);
                deliver(weather, number, &mut ends, &sealed, &mut steps, rng)?;
            }
        }
        // The chain is known already, and stays as it is.
        distribute(&mut ends, chain, &mut steps, rng)?;
        history(&mut ends, chain, seed, &sealed, (first, first), &mut steps)?;
        let later: Hex = ends.sending[chain].1.seed().as_slice().into();
        history(
            &mut ends,
            chain,
            later,
            &sealed,
            (first, sealed.len()),
            &mut steps,
        )?;
    }
    while let Some(number) = held.pop() {
        deliver(weather, number, &mut ends, &sealed, &mut steps, rng)?;
    }
    close(&mut ends, sealed.len(), &mut steps, rng)?;
    Ok(Room {
        name: weather.name.into(),
        room,
        sender,
        steps,
    })
}

fn distribute(ends: &mut Ends, chain: usize, steps: &mut Vec<Step>, rng: &mut Fixed) -> Result<(), Refusal> {
    let (head_sequence, head_hash) = (rng.below(1000), rng.array::<32>());
    let epoch = ends.sending[chain].0;
    let distribution: Hex = ends.sending[chain]
        .1
        .distribution(head_sequence, &head_hash)
        .as_slice()
        .into();
    ends.accept(&distribution.0, epoch)?;
    let state = ends.state();
    steps.push(Step::Distribute {
        chain,
        head_sequence,
        head_hash: head_hash.into(),
        distribution,
        state,
    });
    Ok(())
}

fn deliver(
    weather: &Weather,
    number: usize,
    ends: &mut Ends,
    sealed: &[Sealed],
    steps: &mut Vec<Step>,
    rng: &mut Fixed,
) -> Result<(), Refusal> {
    let message = &sealed[number];
    let (content, hash, message_key) = ends
        .open(&message.message.0, &message.bound.0)
        .context("opening")?;
    same("the content", content, message.content.clone())?;
    same("the hash", hash, message.hash.clone())?;
    steps.push(Step::Open {
        number,
        message_key,
        state: ends.state(),
    });
    if rng.below(100) < weather.repeat {
        let reason = ends
            .open(&message.message.0, &message.bound.0)
            .expect_err("a repeated message is refused");
        steps.push(Step::Refuse {
            number,
            reason,
            state: ends.state(),
        });
    }
    Ok(())
}

/// The messages of a chain, from `first` on, of which a seed opens those from `opens_from` on.
fn history(
    ends: &mut Ends,
    chain: usize,
    seed: Hex,
    sealed: &[Sealed],
    (first, opens_from): (usize, usize),
    steps: &mut Vec<Step>,
) -> Result<(), Refusal> {
    let step = Step::History {
        chain,
        seed,
        opens: (opens_from..sealed.len()).collect(),
        refuses: (first..opens_from).collect(),
    };
    let Step::History {
        seed, opens, refuses, ..
    } = &step
    else {
        return Ok(());
    };
    read_history(ends, chain, &seed.0, opens, refuses, sealed)?;
    steps.push(step);
    Ok(())
}

fn read_history(
    ends: &mut Ends,
    chain: usize,
    seed: &[u8],
    opens: &[usize],
    refuses: &[usize],
    sealed: &[Sealed],
) -> Result<(), Refusal> {
    let epoch = ends.chain(chain)?.0;
    let seed = SenderKeySeed::from_bytes(seed).context("a seed")?;
    let history = seed.verify(&ends.author, &ends.room, epoch).context("a seed")?;
    let open = |number: usize| {
        let message = sealed
            .get(number)
            .ok_or_else(|| Refusal::new("no such message"))?;
        let parsed = SenderKeyMessage::from_bytes(&message.message.0).context("a message")?;
        Ok::<_, Refusal>((history.open(&parsed, &message.bound.0), message))
    };
    for &number in opens {
        let (opened, message) = open(number)?;
        let opened = opened.context("a message of the past")?;
        same(
            "the content",
            Hex::from(opened.content.as_slice()),
            message.content.clone(),
        )?;
        same("the hash", opened.hash.into(), message.hash.clone())?;
    }
    for &number in refuses {
        if open(number)?.0.is_ok() {
            return Err(Refusal::new("a seed opens what lies before it"));
        }
    }
    Ok(())
}

/// A last chain that is closed behind its second message.
fn close(ends: &mut Ends, number: usize, steps: &mut Vec<Step>, rng: &mut Fixed) -> Result<(), Refusal> {
    let (chain, epoch) = (ends.sending.len(), 8);
    let (begun, drawn) =
        rng.record(|rng| SendingChain::begin(&ends.room, epoch, ends.address, &ends.signing, NOW, rng));
    let [signature_seed, chain_id, chain_key] =
        <[Hex; 3]>::try_from(drawn).map_err(|_| Refusal::new("a chain draws three times"))?;
    let statement = begun.statement();
    steps.push(Step::Begin {
        chain,
        epoch,
        signature_seed,
        chain_id,
        chain_key,
        statement: statement.to_bytes().into(),
    });
    ends.sending.push((epoch, begun));
    distribute(ends, chain, steps, rng)?;
    let mut sealed = Vec::new();
    for place in 0..4 {
        let (result, mut drawn) =
            rng.record(|rng| ends.sending[chain].1.seal(b"place", b"a last word", NOW, rng));
        let message = result.context("sealing")?;
        let random = drawn.pop().ok_or_else(|| Refusal::new("sealing draws once"))?;
        steps.push(Step::Seal {
            chain,
            number: number + place,
            bound: b"place".into(),
            content: b"a last word".into(),
            random,
            message: message.bytes.clone().into(),
            message_hash: message.hash.into(),
        });
        sealed.push(message.bytes);
    }
    offer(ends, number, &sealed[0], steps);
    offer(ends, number + 2, &sealed[2], steps);
    let last_iteration = Some(1);
    ends.receiving.close(statement.chain_id(), last_iteration);
    steps.push(Step::Close {
        chain,
        last_iteration,
        state: ends.state(),
    });
    // What was accepted before the end may still come; what lies beyond it may not.
    offer(ends, number + 1, &sealed[1], steps);
    offer(ends, number + 3, &sealed[3], steps);
    Ok(())
}

fn offer(ends: &mut Ends, number: usize, message: &[u8], steps: &mut Vec<Step>) {
    steps.push(match ends.open(message, b"place") {
        Ok((_, _, message_key)) => Step::Open {
            number,
            message_key,
            state: ends.state(),
        },
        Err(reason) => Step::Refuse {
            number,
            reason,
            state: ends.state(),
        },
    });
}

/// Replays the steps of a room.
struct Replay {
    ends: Ends,
    sealed: Vec<Sealed>,
}

impl Replay {
    fn new(room: &Room) -> Result<Self, Refusal> {
        Ok(Self {
            ends: Ends::new(&room.room, &room.sender)?,
            sealed: Vec::new(),
        })
    }

    fn step(&mut self, step: &Step, counts: &mut Counts) -> Result<(), Refusal> {
        let ends = &mut self.ends;
        match step {
            Step::Begin {
                chain,
                epoch,
                signature_seed,
                chain_id,
                chain_key,
                statement,
            } => {
                same("the chain", *chain, ends.sending.len())?;
                let begun = Script::play([signature_seed, chain_id, chain_key], |rng| {
                    SendingChain::begin(&ends.room, *epoch, ends.address, &ends.signing, NOW, rng)
                })?;
                same(
                    "the statement",
                    begun.statement().to_bytes().into(),
                    statement.clone(),
                )?;
                begun.statement().verify(&ends.author).context("the statement")?;
                ends.sending.push((*epoch, begun));
                counts.add("room, chain and statement", 1);
            }
            Step::Distribute {
                chain,
                head_sequence,
                head_hash,
                distribution,
                state,
            } => {
                let (epoch, sending) = ends.chain(*chain)?;
                let (epoch, made) = (*epoch, sending.distribution(*head_sequence, &head_hash.array()?));
                same("the distribution", made.as_slice().into(), distribution.clone())?;
                ends.accept(&distribution.0, epoch)?;
                same("the state", ends.state(), state.clone())?;
                counts.add("room, distribution", 1);
            }
            Step::Seal {
                chain,
                number,
                bound,
                content,
                random,
                message,
                message_hash,
            } => {
                same("the number", *number, self.sealed.len())?;
                let (_, sending) = ends.chain(*chain)?;
                let made = Script::play([random], |rng| sending.seal(&bound.0, &content.0, NOW, rng))?
                    .context("sealing")?;
                same("the message", made.bytes.into(), message.clone())?;
                same("the hash", made.hash.into(), message_hash.clone())?;
                self.sealed.push(Sealed {
                    content: content.clone(),
                    bound: bound.clone(),
                    message: message.clone(),
                    hash: message_hash.clone(),
                });
                counts.add("room, message sealed", 1);
            }
            Step::Open {
                number,
                message_key,
                state,
            } => {
                let message = message(&self.sealed, *number)?;
                let (content, hash, key) = ends
                    .open(&message.message.0, &message.bound.0)
                    .context("opening")?;
                same("the content", content, message.content.clone())?;
                same("the hash", hash, message.hash.clone())?;
                same("the message key", key, message_key.clone())?;
                same("the state", ends.state(), state.clone())?;
                counts.add("room, message opened", 1);
            }
            Step::Refuse {
                number,
                reason,
                state,
            } => {
                let message = message(&self.sealed, *number)?;
                refused(ends.open(&message.message.0, &message.bound.0), reason)?;
                same("the state", ends.state(), state.clone())?;
                counts.add("room, message refused", 1);
            }
            Step::Close {
                chain,
                last_iteration,
                state,
            } => {
                let chain_id = *ends.chain(*chain)?.1.statement().chain_id();
                ends.receiving.close(&chain_id, *last_iteration);
                same("the state", ends.state(), state.clone())?;
                counts.add("room, chain closed", 1);
            }
            Step::History {
                chain,
                seed,
                opens,
                refuses,
            } => {
                read_history(ends, *chain, &seed.0, opens, refuses, &self.sealed)?;
                counts.add("room, seed", 1);
                counts.add("room, message of the past opened", opens.len());
            }
        }
        Ok(())
    }
}

fn message(sealed: &[Sealed], number: usize) -> Result<&Sealed, Refusal> {
    sealed.get(number).ok_or_else(|| Refusal::new("no such message"))
}

/// The first message, altered at many places, and offered with the chain's first seed.
fn refusals(room: &Room) -> Result<Vec<RefusedMessage>, Refusal> {
    let seed = room
        .steps
        .iter()
        .find_map(|step| match step {
            Step::History { seed, .. } => Some(seed.clone()),
            _ => None,
        })
        .ok_or_else(|| Refusal::new("no seed"))?;
    let length = sealed_message(room, 1)?.message.0.len();
    (0..length)
        .step_by(4)
        .map(|position| {
            let altered = Alteration {
                position,
                xor: 1 << (position % 8),
            };
            let mut refusal = RefusedMessage {
                room: 0,
                number: 1,
                seed: seed.clone(),
                altered,
                reason: String::new(),
            };
            refusal.reason = open_altered(room, &refusal)?.expect_err("an altered message is refused");
            Ok(refusal)
        })
        .collect()
}

fn open_altered(room: &Room, refusal: &RefusedMessage) -> Result<Result<(), String>, Refusal> {
    let ends = Ends::new(&room.room, &room.sender)?;
    let message = sealed_message(room, refusal.number)?;
    let seed = SenderKeySeed::from_bytes(&refusal.seed.0).context("a seed")?;
    let history = seed
        .verify(&ends.author, &ends.room, seed.statement().epoch())
        .context("a seed")?;
    let bytes = message.message.altered(refusal.altered)?;
    Ok(SenderKeyMessage::from_bytes(&bytes)
        .map_err(|error| error.to_string())
        .and_then(|parsed| {
            history
                .open(&parsed, &message.bound.0)
                .map(|_| ())
                .map_err(|error| error.to_string())
        }))
}

fn sealed_message(room: &Room, wanted: usize) -> Result<Sealed, Refusal> {
    room.steps
        .iter()
        .find_map(|step| match step {
            Step::Seal {
                number,
                bound,
                content,
                message,
                message_hash,
                ..
            } if *number == wanted => Some(Sealed {
                content: content.clone(),
                bound: bound.clone(),
                message: message.clone(),
                hash: message_hash.clone(),
            }),
            _ => None,
        })
        .ok_or_else(|| Refusal::new("no such message"))
}
