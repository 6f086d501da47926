//! `linking.json`: a new device and a device of the account, both ways, and what of it is refused.

use conclave_crypto::linking::{
    AnswerMessage, AwaitingGrant, CommitmentMessage, GrantMessage, LinkAnswer, LinkCode, LinkDigits,
    LinkMessage, LinkOffer, LinkWay, NewDeviceKeys, RevealMessage, RevealedLink,
};
use conclave_crypto::{IdentityPublicKey, LinkError, VerifyingKey};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::file::{Counts, file, read};
use crate::hex::Alteration;
use crate::random::{Fixed, Script};
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "linking.json";

const ABOUT: &[&str] = &[
    "What both devices drew and said, and what travelled. The new device draws link id, X-Wing seed, nonce, and the \
     secret where a code is scanned; the account's device draws seed and nonce; each encapsulation draws 64 bytes, \
     ML-KEM's and then the X25519 ephemeral secret; each sealed message draws 16.",
    "Without a secret the digits that the new device shows are typed in on the other; with one the account's device \
     begins with the code's text. The payloads are those of the grant and of the messages behind it.",
    "A refused message is the one at that place (0 commitment, 1 answer, 2 reveal, 3 grant, then the others) with one \
     byte altered on its way; the devices go on until one of them refuses.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Linking {
    links: Vec<Link>,
    refused_messages: Vec<RefusedMessage>,
    refused_digits: Vec<RefusedDigits>,
    refused_codes: Vec<RefusedCode>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    drawn: Drawn,
    made: Made,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    signing_key: Hex,
    identity_key: Hex,
    link_id: Hex,
    new_seed: Hex,
    new_nonce: Hex,
    /// Present where a code is scanned.
    secret: Option<Hex>,
    old_seed: Hex,
    old_nonce: Hex,
    to_old_randomness: Hex,
    to_new_randomness: Hex,
    grant_payload: Hex,
    grant_random: Hex,
    messages: Vec<DrawnMessage>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DrawnMessage {
    is_to_new: bool,
    payload: Hex,
    random: Hex,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    code: Option<String>,
    commitment: Option<Hex>,
    answer: Option<Hex>,
    reveal: Option<Hex>,
    digits: Option<String>,
    grant: Option<Hex>,
    transcript_hash: Option<Hex>,
    messages: Vec<Hex>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedMessage {
    link: usize,
    place: usize,
    altered: Alteration,
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedDigits {
    link: usize,
    digits: String,
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedCode {
    why: String,
    code: String,
    reason: String,
}

/// Way to the new device or from it, and length of the payload, behind the grant.
const MESSAGES: [(bool, usize); 4] = [(false, 64), (true, 0), (true, 300), (false, 5)];

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("linking");
    let mut links = Vec::new();
    for (secret, payload) in [(false, 200), (true, 0), (false, 3_000), (true, 1_000)] {
        let drawn = draw(secret, payload, &mut rng);
        let made = play_all(&drawn)?;
        links.push(Link { drawn, made });
    }
    let mut vectors = Linking {
        links,
        refused_messages: Vec::new(),
        refused_digits: Vec::new(),
        refused_codes: Vec::new(),
    };
    for link in [0, 1] {
        for place in 0..8 {
            // Who scanned a code does not look at the first message.
            if (link, place) == (1, 0) {
                continue;
            }
            let length = vectors.message(link, place)?.0.len();
            for position in [26, 29, length / 2, length - 1] {
                let altered = Alteration {
                    position: position.min(length - 1),
                    xor: 1 << rng.below(8),
                };
                let reason = vectors
                    .try_message(link, place, altered)?
                    .expect_err("an altered message is refused");
                vectors.refused_messages.push(RefusedMessage {
                    link,
                    place,
                    altered,
                    reason,
                });
            }
        }
    }
    for digits in ["000000", "999999", "12345", "1234567", "12 456", "-12345", ""] {
        let reason = vectors
            .try_digits(0, digits)?
            .expect_err("other digits are refused");
        vectors.refused_digits.push(RefusedDigits {
            link: 0,
            digits: digits.into(),
            reason,
        });
    }
    let code = vectors.links[1]
        .made
        .code
        .clone()
        .ok_or_else(|| Refusal::new("no code"))?;
    let put = |place: usize, character: &str| {
        let mut other = code.clone();
        other.replace_range(place..=place, character);
        other
    };
    let last = code.len() - 1;
    vectors.refused_codes = [
        ("empty", String::new()),
        ("cut", code[..last].to_owned()),
        ("padded", format!("{code}==")),
        ("white space behind it", format!("{code}\n")),
        (
            "another label",
            put(5, if &code[5..6] == "A" { "B" } else { "A" }),
        ),
        ("the other alphabet", put(60, "+")),
        ("no character of the alphabet", put(60, "!")),
        // What stands there has these bits clear.
        ("bits behind the last byte", put(last, "_")),
        ("another version", put(30, "Z")),
    ]
    .into_iter()
    .map(|(why, code)| {
        let reason = try_code(&code).expect_err("these codes are refused");
        RefusedCode {
            why: why.into(),
            code,
            reason,
        }
    })
    .collect();
    Ok(file(NAME, ABOUT, vectors))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Linking = read(NAME, json)?;
    let mut counts = Counts::default();
    for link in &vectors.links {
        same("the link", &play_all(&link.drawn)?, &link.made)?;
    }
    counts.add("linking, link", vectors.links.len());
    for refusal in &vectors.refused_messages {
        refused(
            vectors.try_message(refusal.link, refusal.place, refusal.altered)?,
            &refusal.reason,
        )?;
    }
    counts.add("linking, altered message refused", vectors.refused_messages.len());
    for refusal in &vectors.refused_digits {
        refused(
            vectors.try_digits(refusal.link, &refusal.digits)?,
            &refusal.reason,
        )?;
    }
    counts.add("linking, digits refused", vectors.refused_digits.len());
    for refusal in &vectors.refused_codes {
        refused(try_code(&refusal.code), &refusal.reason).context(&refusal.why)?;
    }
    counts.add("linking, code refused", vectors.refused_codes.len());
    Ok(counts)
}

fn draw(is_scanned: bool, payload: usize, rng: &mut Fixed) -> Drawn {
    let device = Device::make(0, rng);
    Drawn {
        signing_key: device.signing_key,
        identity_key: device.identity_key,
        link_id: rng.bytes(16).into(),
        new_seed: rng.bytes(32).into(),
        new_nonce: rng.bytes(32).into(),
        secret: is_scanned.then(|| rng.bytes(16).into()),
        old_seed: rng.bytes(32).into(),
        old_nonce: rng.bytes(32).into(),
        to_old_randomness: rng.bytes(64).into(),
        to_new_randomness: rng.bytes(64).into(),
        grant_payload: rng.bytes(payload).into(),
        grant_random: rng.bytes(16).into(),
        messages: MESSAGES
            .iter()
            .map(|&(is_to_new, length)| DrawnMessage {
                is_to_new,
                payload: rng.bytes(length).into(),
                random: rng.bytes(16).into(),
            })
            .collect(),
    }
}

/// Every draw, in the order in which both devices take their turns.
fn draws(drawn: &Drawn) -> Vec<&Hex> {
    let mut all = vec![&drawn.link_id, &drawn.new_seed, &drawn.new_nonce];
    all.extend(&drawn.secret);
    all.extend([
        &drawn.old_seed,
        &drawn.old_nonce,
        &drawn.to_old_randomness,
        &drawn.to_new_randomness,
        &drawn.grant_random,
    ]);
    all.extend(drawn.messages.iter().map(|message| &message.random));
    all
}

fn play_all(drawn: &Drawn) -> Result<Made, Refusal> {
    let keys = keys(drawn)?;
    Script::play(draws(drawn), |rng| {
        play(drawn, keys, rng, &|_, message| message, &|digits| digits)
    })?
    .context("a link")
}

fn keys(drawn: &Drawn) -> Result<NewDeviceKeys, Refusal> {
    Ok(NewDeviceKeys {
        signing: VerifyingKey::from_bytes(&drawn.signing_key.array()?).context("the signing key")?,
        identity: IdentityPublicKey::from_bytes(&drawn.identity_key.array()?).context("the identity key")?,
    })
}

/// Both devices, with somebody between them who may alter messages, and a person who may mistype.
fn play(
    drawn: &Drawn,
    keys: NewDeviceKeys,
    rng: &mut impl CryptoRng,
    middle: &dyn Fn(usize, Vec<u8>) -> Vec<u8>,
    typed: &dyn Fn(String) -> String,
) -> Result<Made, LinkError> {
    let mut made = Made::default();
    let way = if drawn.secret.is_some() {
        LinkWay::Scan
    } else {
        LinkWay::Code
    };
    let offer = LinkOffer::new(way, keys, rng);
    let first = middle(0, offer.message().to_bytes());
    let first = CommitmentMessage::from_bytes(&first)?;
    made.commitment = Some(first.to_bytes().into());
    let answer = match offer.code() {
        None => LinkAnswer::to_commitment(&first, rng),
        Some(code) => {
            let text = code.to_text();
            made.code = Some(text.to_string());
            LinkAnswer::to_code(&LinkCode::from_text(&text)?, rng)
        }
    };
    let second = middle(1, answer.message().to_bytes());
    made.answer = Some(Hex::from(&second));
    let awaiting: AwaitingGrant = offer.answered(&AnswerMessage::from_bytes(&second)?, rng)?;
    let third = middle(2, awaiting.message().to_bytes());
    made.reveal = Some(Hex::from(&third));
    let confirmed = match answer.revealed(&RevealMessage::from_bytes(&third)?)? {
        RevealedLink::Confirmed(link) => link,
        RevealedLink::Unconfirmed(link) => {
            let shown = awaiting.digits().map(|digits| digits.to_string());
            made.digits.clone_from(&shown);
            link.confirm(LinkDigits::parse(&typed(shown.unwrap_or_default()))?)?
        }
    };
    let (mut old, grant) = confirmed.grant(&drawn.grant_payload.0, rng)?;
    let fourth = middle(3, grant.to_bytes());
    made.grant = Some(Hex::from(&fourth));
    let (mut new, payload) = awaiting.granted(&GrantMessage::from_bytes(&fourth)?)?;
    if *payload != drawn.grant_payload.0 || new.transcript() != old.transcript() {
        return Err(LinkError::NotAuthentic);
    }
    made.transcript_hash = Some(new.transcript().into());
    for (message, place) in drawn.messages.iter().zip(4..) {
        let (from, to) = if message.is_to_new {
            (&mut old, &mut new)
        } else {
            (&mut new, &mut old)
        };
        let sealed = middle(place, from.seal(&message.payload.0, rng)?.to_bytes());
        let opened = to.open(&LinkMessage::from_bytes(&sealed)?)?;
        if *opened != message.payload.0 {
            return Err(LinkError::NotAuthentic);
        }
        made.messages.push(sealed.into());
    }
    Ok(made)
}

impl Linking {
    fn link(&self, link: usize) -> Result<&Link, Refusal> {
        self.links.get(link).ok_or_else(|| Refusal::new("no such link"))
    }

    fn message(&self, link: usize, place: usize) -> Result<Hex, Refusal> {
        let made = &self.link(link)?.made;
        match place {
            0 => made.commitment.as_ref(),
            1 => made.answer.as_ref(),
            2 => made.reveal.as_ref(),
            3 => made.grant.as_ref(),
            _ => made.messages.get(place - 4),
        }
        .cloned()
        .ok_or_else(|| Refusal::new("no such message"))
    }

    fn try_message(
        &self,
        link: usize,
        place: usize,
        altered: Alteration,
    ) -> Result<Result<Made, String>, Refusal> {
        let wrong = self.message(link, place)?.altered(altered)?;
        let drawn = &self.link(link)?.drawn;
        let mut script = Script::new(draws(drawn));
        let outcome = play(
            drawn,
            keys(drawn)?,
            &mut script,
            &|number, message| {
                if number == place { wrong.clone() } else { message }
            },
            &|digits| digits,
        );
        Ok(outcome.map_err(|error| error.to_string()))
    }

    fn try_digits(&self, link: usize, typed: &str) -> Result<Result<Made, String>, Refusal> {
        let drawn = &self.link(link)?.drawn;
        let mut script = Script::new(draws(drawn));
        let outcome = play(drawn, keys(drawn)?, &mut script, &|_, message| message, &|_| {
            typed.to_owned()
        });
        Ok(outcome.map_err(|error| error.to_string()))
    }
}

fn try_code(text: &str) -> Result<(), String> {
    LinkCode::from_text(text)
        .map(drop)
        .map_err(|error| error.to_string())
}
