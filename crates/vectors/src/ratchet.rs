//! `ratchet.json`: whole conversations with turns, losses and reordering, step by step.

use serde::{Deserialize, Serialize};

use crate::device::{Device, End, Prekeys, PurposeName, SealedMessage};
use crate::file::{Counts, file, read};
use crate::handshake::begin;
use crate::random::{Fixed, Script};
use crate::refusal::{Context, same};
use crate::{Hex, Refusal};
use conclave_crypto::{PrekeyKind, PrekeySecret, SignedPrekey};

pub(crate) const NAME: &str = "ratchet.json";

const ABOUT: &[&str] = &[
    "Each conversation begins with a handshake as in handshake.json. A step seals one message, opens one, or offers one \
     that must be refused and change nothing. Messages that no step opens were lost; `lost` names them.",
    "state is SHA-256 of what the device stores after the step. That form is its own affair: an implementation needs \
     it only to see that what was refused changed nothing.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversations {
    conversations: Vec<Conversation>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    name: String,
    initiator: Device,
    responder: Device,
    prekeys: Prekeys,
    bundle: Hex,
    ephemeral_secret: Hex,
    encapsulation_randomness: Hex,
    steps: Vec<Step>,
    lost: Vec<usize>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step", deny_unknown_fields)]
enum Step {
    /// Messages are numbered as they are sealed, from 0.
    Seal {
        by: Side,
        number: usize,
        sealed: SealedMessage,
        state: Hex,
    },
    Open {
        by: Side,
        number: usize,
        state: Hex,
    },
    Refuse {
        by: Side,
        number: usize,
        reason: String,
        state: Hex,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Side {
    Initiator,
    Responder,
}

/// How hostile the mailbox of a conversation is: chances in a hundred.
struct Weather {
    name: &'static str,
    /// That the other side writes next.
    turn: u32,
    /// That one message is delivered after each that was sealed, and another after that.
    deliver: u32,
    /// That a delivered message is the oldest one waiting rather than any.
    in_order: u32,
    lose: u32,
    repeat: u32,
}

const WEATHERS: [Weather; 6] = [
    Weather {
        name: "in order, in turns",
        turn: 50,
        deliver: 100,
        in_order: 100,
        lose: 0,
        repeat: 0,
    },
    Weather {
        name: "in order, ping-pong",
        turn: 100,
        deliver: 100,
        in_order: 100,
        lose: 0,
        repeat: 10,
    },
    Weather {
        name: "long runs, reordered",
        turn: 12,
        deliver: 55,
        in_order: 20,
        lose: 0,
        repeat: 10,
    },
    Weather {
        name: "turns with losses",
        turn: 40,
        deliver: 80,
        in_order: 90,
        lose: 25,
        repeat: 0,
    },
    Weather {
        name: "turns, reordered far",
        turn: 45,
        deliver: 50,
        in_order: 10,
        lose: 5,
        repeat: 20,
    },
    Weather {
        name: "everything at once",
        turn: 33,
        deliver: 55,
        in_order: 35,
        lose: 20,
        repeat: 30,
    },
];

const MESSAGES: usize = 50;

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("ratchet");
    let conversations = WEATHERS
        .iter()
        .enumerate()
        .map(|(index, weather)| {
            let kind = if index % 2 == 0 {
                PrekeyKind::OneTime
            } else {
                PrekeyKind::LastResort
            };
            talk(weather, kind, &mut rng).context(weather.name)
        })
        .collect::<Result<_, _>>()?;
    Ok(file(NAME, ABOUT, Conversations { conversations }))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Conversations = read(NAME, json)?;
    let mut counts = Counts::default();
    for conversation in &vectors.conversations {
        replay(conversation, &mut counts).context(&conversation.name)?;
        counts.add("ratchet, conversation", 1);
    }
    Ok(counts)
}

/// The two ends and what the responder opens first messages with.
struct Ends {
    initiator: End,
    responder: End,
    signed: SignedPrekey,
    secret: PrekeySecret,
}

impl Ends {
    fn of(&mut self, side: Side) -> &mut End {
        match side {
            Side::Initiator => &mut self.initiator,
            Side::Responder => &mut self.responder,
        }
    }

    fn open(&mut self, by: Side, sealed: &SealedMessage) -> Result<Vec<u8>, String> {
        let (to, from, prekeys) = match by {
            Side::Initiator => (&mut self.initiator, self.responder.remote(), None),
            Side::Responder => {
                let prekeys = Some((&self.signed, &self.secret));
                (&mut self.responder, self.initiator.remote(), prekeys)
            }
        };
        to.open(
            &from,
            prekeys,
            sealed.purpose.into(),
            &sealed.bound.0,
            &sealed.message.0,
        )
    }
}

/// What was sealed and by whom, by number.
type Sealed = Vec<(Side, SealedMessage)>;

fn talk(weather: &Weather, kind: PrekeyKind, rng: &mut Fixed) -> Result<Conversation, Refusal> {
    let (initiator, responder) = (Device::make(0, rng), Device::make(5, rng));
    let prekeys = Prekeys::make(kind, 3, 8, rng);
    let begun = begin(&initiator, &responder, &prekeys, rng)?;
    let (signed, secret) = prekeys.secrets()?;
    let mut ends = Ends {
        initiator: begun.initiator,
        responder: begun.responder,
        signed,
        secret,
    };
    let mut steps = Vec::new();
    let mut sealed = Sealed::new();
    let mut waiting: Vec<usize> = Vec::new();
    let mut lost = Vec::new();
    let mut writer = Side::Initiator;
    while sealed.len() < MESSAGES {
        if rng.below(100) < weather.turn && !ends.of(writer.other()).sessions.is_empty() {
            writer = writer.other();
        }
        let number = sealed.len();
        let purpose = if number.is_multiple_of(3) {
            PurposeName::Control
        } else {
            PurposeName::MessageKey
        };
        let (bound, text) = (format!("message {number}"), format!("text of message {number}"));
        let message = SealedMessage::make(ends.of(writer), purpose, bound.as_bytes(), text.as_bytes(), rng)?;
        sealed.push((writer, message.clone()));
        steps.push(Step::Seal {
            by: writer,
            number,
            sealed: message,
            state: ends.of(writer).state(),
        });
        if rng.below(100) < weather.lose {
            lost.push(number);
        } else {
            waiting.push(number);
        }
        while !waiting.is_empty() && rng.below(100) < weather.deliver {
            deliver(weather, &mut ends, &sealed, &mut waiting, &mut steps, rng)?;
        }
    }
    while !waiting.is_empty() {
        deliver(weather, &mut ends, &sealed, &mut waiting, &mut steps, rng)?;
    }
    Ok(Conversation {
        name: weather.name.into(),
        initiator,
        responder,
        prekeys,
        bundle: begun.bundle.into(),
        ephemeral_secret: begun.ephemeral_secret,
        encapsulation_randomness: begun.encapsulation_randomness,
        steps,
        lost,
    })
}

fn deliver(
    weather: &Weather,
    ends: &mut Ends,
    sealed: &Sealed,
    waiting: &mut Vec<usize>,
    steps: &mut Vec<Step>,
    rng: &mut Fixed,
) -> Result<(), Refusal> {
    let count = u32::try_from(waiting.len()).expect("at most fifty wait");
    let place = if rng.below(100) < weather.in_order {
        0
    } else {
        rng.below(count)
    };
    let number = waiting.remove(place as usize);
    let (writer, message) = &sealed[number];
    let by = writer.other();
    let opened = ends.open(by, message).context("opening")?;
    same("the text", Hex(opened), message.plaintext.clone())?;
    steps.push(Step::Open {
        by,
        number,
        state: ends.of(by).state(),
    });
    if rng.below(100) < weather.repeat {
        let state = ends.of(by).state();
        let reason = ends.open(by, message).expect_err("a repeated message is refused");
        same("the state after a refusal", ends.of(by).state(), state.clone())?;
        steps.push(Step::Refuse {
            by,
            number,
            reason,
            state,
        });
    }
    Ok(())
}

fn replay(conversation: &Conversation, counts: &mut Counts) -> Result<(), Refusal> {
    let (mut initiator, responder) = (conversation.initiator.end()?, conversation.responder.end()?);
    let (signed, secret) = conversation.prekeys.secrets()?;
    let bundle = responder
        .bundle(&signed, &secret, conversation.prekeys.expires)
        .to_bytes();
    same("the bundle", Hex(bundle), conversation.bundle.clone())?;
    let draws = [
        &conversation.ephemeral_secret,
        &conversation.encapsulation_randomness,
    ];
    Script::play(draws, |rng| {
        initiator.begin(&responder.remote(), &conversation.bundle.0, rng)
    })??;
    let mut ends = Ends {
        initiator,
        responder,
        signed,
        secret,
    };
    let mut sealed = Sealed::new();
    let mut opened = Vec::new();
    for (place, step) in conversation.steps.iter().enumerate() {
        replay_step(step, &mut ends, &mut sealed, &mut opened, counts).context(format!("step {place}"))?;
    }
    for lost in &conversation.lost {
        if opened.contains(lost) {
            return Err(Refusal::new(format!("message {lost} was lost and opened")));
        }
    }
    same(
        "the number of messages",
        opened.len() + conversation.lost.len(),
        sealed.len(),
    )?;
    counts.add("ratchet, message lost", conversation.lost.len());
    Ok(())
}

fn replay_step(
    step: &Step,
    ends: &mut Ends,
    sealed: &mut Sealed,
    opened: &mut Vec<usize>,
    counts: &mut Counts,
) -> Result<(), Refusal> {
    let message = |sealed: &Sealed, by: Side, number: usize| {
        let (writer, message) = sealed
            .get(number)
            .ok_or_else(|| Refusal::new("no such message"))?;
        same("the writer", *writer, by.other())?;
        Ok::<_, Refusal>(message.clone())
    };
    let (by, state) = match step {
        Step::Seal {
            by,
            number,
            sealed: message,
            state,
        } => {
            same("the number", *number, sealed.len())?;
            message.check(ends.of(*by))?;
            sealed.push((*by, message.clone()));
            counts.add("ratchet, message sealed", 1);
            (*by, state)
        }
        Step::Open { by, number, state } => {
            let message = message(sealed, *by, *number)?;
            let text = ends.open(*by, &message).context("opening")?;
            same("the text", Hex(text), message.plaintext)?;
            opened.push(*number);
            counts.add("ratchet, message opened", 1);
            (*by, state)
        }
        Step::Refuse {
            by,
            number,
            reason,
            state,
        } => {
            let message = message(sealed, *by, *number)?;
            let before = ends.of(*by).state();
            crate::refusal::refused(ends.open(*by, &message), reason)?;
            same("the state after a refusal", ends.of(*by).state(), before)?;
            counts.add("ratchet, repetition refused", 1);
            (*by, state)
        }
    };
    same("the state", ends.of(by).state(), state.clone())
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}
