//! `content.json`: padding, sealed contents, and a whole direct message.

use conclave_crypto::{ContentKey, message_hash, open_content, pad, padded_length, seal_content, unpad};
use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, RoomId};
use serde::{Deserialize, Serialize};

use crate::file::{Counts, file, read};
use crate::hex::Alteration;
use crate::random::Fixed;
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "content.json";

const ABOUT: &[&str] = &[
    "A direct message is the CBOR content of counter, previous and text, sealed with the associated data of its fields; \
     carried is what goes to each reader through a session, bound is the caller's data there.",
    "Refusals name a sealed content by its place and one byte of it that was altered.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    padded_lengths: Vec<Lengths>,
    paddings: Vec<Padding>,
    refused_paddings: Vec<RefusedPadding>,
    contents: Vec<Sealed>,
    refused_contents: Vec<RefusedContent>,
    direct_messages: Vec<DirectMessage>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lengths {
    content: usize,
    padded: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Padding {
    content: Hex,
    padded: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedPadding {
    why: String,
    padded: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    key: Hex,
    associated_data: Hex,
    content: Hex,
    sealed: Hex,
    message_hash: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedContent {
    content: usize,
    altered: Alteration,
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectMessage {
    room: Hex,
    low: Head,
    high: Head,
    sender: Address,
    receiver: Address,
    envelope: Hex,
    class: u8,
    target: Option<Hex>,
    counter: u32,
    previous: Hex,
    text: String,
    content: Hex,
    associated_data: Hex,
    key: Hex,
    sealed: Hex,
    message_hash: Hex,
    carried: Hex,
    bound: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    account: Hex,
    sequence: u32,
    hash: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    account: Hex,
    device: u32,
}

const LENGTHS: [usize; 24] = [
    0, 1, 62, 63, 64, 71, 72, 100, 127, 128, 142, 143, 144, 255, 256, 1_000, 1_023, 4_095, 4_096, 5_000,
    16_384, 20_000, 28_671, 28_672,
];

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("content");
    let padded_lengths = LENGTHS
        .iter()
        .map(|&content| Lengths {
            content,
            padded: padded_length(content),
        })
        .collect();
    let paddings: Vec<Padding> = [
        &b""[..],
        b"hello",
        &[0; 10],
        &[0x80; 63],
        &[0x80; 64],
        &[0x80, 0, 0],
        &[7; 200],
    ]
    .into_iter()
    .map(|content| Padding {
        content: content.into(),
        padded: pad(content).as_slice().into(),
    })
    .collect();
    let refused_paddings = [
        ("empty", Vec::new()),
        ("no marker", vec![0; 64]),
        ("another marker", [&b"abc\x81"[..], &[0; 60]].concat()),
        ("shorter than the floor", pad(b"abc")[..63].to_vec()),
        (
            "longer than its content wants",
            [&pad(b"abc")[..], &[0; 8]].concat(),
        ),
        ("no room for the marker", vec![7; 64]),
    ]
    .into_iter()
    .map(|(why, padded)| RefusedPadding {
        why: why.into(),
        padded: padded.into(),
    })
    .collect();
    let mut contents = Vec::new();
    for length in [0, 5, 63, 64, 142, 300] {
        let (key, bound, content) = (rng.array::<32>(), rng.bytes(40), rng.bytes(length));
        contents.push(seal(&key, &bound, &content)?);
    }
    let mut refused_contents = Vec::new();
    for position in (0..contents[1].sealed.0.len()).step_by(3) {
        let altered = Alteration {
            position,
            xor: 1 << (position % 8),
        };
        let reason = open_altered(&contents[1], altered)?.expect_err("an altered content is refused");
        refused_contents.push(RefusedContent {
            content: 1,
            altered,
            reason,
        });
    }
    let direct_messages = direct_messages(&mut rng)?;
    let vectors = Contents {
        padded_lengths,
        paddings,
        refused_paddings,
        contents,
        refused_contents,
        direct_messages,
    };
    Ok(file(NAME, ABOUT, vectors))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Contents = read(NAME, json)?;
    let mut counts = Counts::default();
    for lengths in &vectors.padded_lengths {
        same(
            "the padded length",
            padded_length(lengths.content),
            lengths.padded,
        )?;
    }
    counts.add("padding, length", vectors.padded_lengths.len());
    for padding in &vectors.paddings {
        same(
            "the padded content",
            Hex::from(&*pad(&padding.content.0)),
            padding.padded.clone(),
        )?;
        let content = unpad(&padding.padded.0).context("taking padding off")?;
        same("the content", Hex::from(content), padding.content.clone())?;
    }
    counts.add("padding", vectors.paddings.len());
    for padding in &vectors.refused_paddings {
        refused(unpad(&padding.padded.0), "the padding is not valid").context(&padding.why)?;
    }
    counts.add("padding refused", vectors.refused_paddings.len());
    for vector in &vectors.contents {
        verify(vector)?;
    }
    counts.add("content", vectors.contents.len());
    for refusal in &vectors.refused_contents {
        let vector = vectors
            .contents
            .get(refusal.content)
            .ok_or_else(|| Refusal::new("a refusal names no content"))?;
        refused(open_altered(vector, refusal.altered)?, &refusal.reason)?;
    }
    counts.add("content, altered refused", vectors.refused_contents.len());
    for message in &vectors.direct_messages {
        verify_direct(message).context("a direct message")?;
    }
    counts.add("direct message", vectors.direct_messages.len());
    Ok(counts)
}

fn seal(key: &[u8; 32], associated_data: &[u8], content: &[u8]) -> Result<Sealed, Refusal> {
    let sealed = seal_content(&ContentKey::from_bytes(key), associated_data, content).context("sealing")?;
    Ok(Sealed {
        key: key.into(),
        associated_data: associated_data.into(),
        content: content.into(),
        message_hash: message_hash(&sealed, associated_data).into(),
        sealed: sealed.into(),
    })
}

fn verify(vector: &Sealed) -> Result<(), Refusal> {
    let again = seal(&vector.key.array()?, &vector.associated_data.0, &vector.content.0)?;
    same("the sealed content", again.sealed, vector.sealed.clone())?;
    same(
        "the message hash",
        again.message_hash,
        vector.message_hash.clone(),
    )?;
    let key = ContentKey::from_bytes(&vector.key.array()?);
    let opened = open_content(&key, &vector.associated_data.0, &vector.sealed.0).context("opening")?;
    same("the content", Hex::from(&*opened), vector.content.clone())
}

fn open_altered(vector: &Sealed, altered: Alteration) -> Result<Result<(), String>, Refusal> {
    let key = ContentKey::from_bytes(&vector.key.array()?);
    let sealed = vector.sealed.altered(altered)?;
    Ok(open_content(&key, &vector.associated_data.0, &sealed)
        .map(|_| ())
        .map_err(|error| error.to_string()))
}

/// The worked example of the document, and two that follow each other.
fn direct_messages(rng: &mut Fixed) -> Result<Vec<DirectMessage>, Refusal> {
    let head = |account: [u8; 32], sequence, hash: [u8; 32]| Head {
        account: account.into(),
        sequence,
        hash: hash.into(),
    };
    let envelope: [u8; 16] = [
        0x01, 0xa3, 0x18, 0x5c, 0x50, 0x00, 0x79, 0x09, 0x89, 0x09, 0x09, 0x09, 0x09, 0x09, 0x09, 0x09,
    ];
    let mut messages = vec![direct_message(
        (head([1; 32], 0, [1; 32]), head([2; 32], 0, [2; 32])),
        (0, 0),
        envelope,
        (0, None),
        (0, [0; 32], "hello"),
        [3; 32],
    )?];
    let (low, high) = ([0x11; 32], [0xee; 32]);
    let (low_head, high_head) = (rng.array(), rng.array());
    let mut previous = [0; 32];
    for (counter, text) in [
        (0, "Grüße, 世界"),
        (
            1,
            "and a longer one, so that the padding has something to do: 0123456789",
        ),
    ] {
        let message = direct_message(
            (head(low, 4, low_head), head(high, 70_000, high_head)),
            (2, 300),
            rng.array(),
            (u8::from(counter == 1), (counter == 1).then(|| rng.array())),
            (counter, previous, text),
            rng.array(),
        )?;
        previous = message.message_hash.array()?;
        messages.push(message);
    }
    Ok(messages)
}

fn direct_message(
    (low, high): (Head, Head),
    (sending, receiving): (u32, u32),
    envelope: [u8; 16],
    (class, target): (u8, Option<[u8; 16]>),
    (counter, previous, text): (u32, [u8; 32], &str),
    key: [u8; 32],
) -> Result<DirectMessage, Refusal> {
    let sender = Address {
        account: low.account.clone(),
        device: sending,
    };
    let receiver = Address {
        account: high.account.clone(),
        device: receiving,
    };
    let mut message = DirectMessage {
        room: Hex::default(),
        low,
        high,
        sender,
        receiver,
        envelope: envelope.into(),
        class,
        target: target.map(Hex::from),
        counter,
        previous: previous.into(),
        text: text.into(),
        content: Hex::default(),
        associated_data: Hex::default(),
        key: key.into(),
        sealed: Hex::default(),
        message_hash: Hex::default(),
        carried: Hex::default(),
        bound: Hex::default(),
    };
    (
        message.room,
        message.content,
        message.associated_data,
        message.bound,
    ) = derived(&message)?;
    let sealed = seal(&key, &message.associated_data.0, &message.content.0)?;
    message.carried = [message.key.0.as_slice(), &sealed.message_hash.0].concat().into();
    message.sealed = sealed.sealed;
    message.message_hash = sealed.message_hash;
    Ok(message)
}

fn verify_direct(message: &DirectMessage) -> Result<(), Refusal> {
    let (room, content, associated_data, bound) = derived(message)?;
    same("the room", room, message.room.clone())?;
    same("the content", content, message.content.clone())?;
    same(
        "the associated data",
        associated_data,
        message.associated_data.clone(),
    )?;
    same("the caller's data", bound, message.bound.clone())?;
    verify(&Sealed {
        key: message.key.clone(),
        associated_data: message.associated_data.clone(),
        content: message.content.clone(),
        sealed: message.sealed.clone(),
        message_hash: message.message_hash.clone(),
    })?;
    let carried = [message.key.0.as_slice(), &message.message_hash.0].concat();
    same("what travels to a reader", Hex(carried), message.carried.clone())
}

/// Room, content, associated data and the caller's data of a direct message, from its fields.
fn derived(message: &DirectMessage) -> Result<(Hex, Hex, Hex, Hex), Refusal> {
    let (low, high) = (
        message.low.account.array::<32>()?,
        message.high.account.array::<32>()?,
    );
    let room = RoomId::direct(AccountId(low), AccountId(high)).0;
    let envelope = message.envelope.array::<16>()?;
    let target = message.target.as_ref().map(Hex::array::<16>).transpose()?;
    let associated_data = Writer::new(labels::DIRECT_MESSAGE)
        .u8(1)
        .fixed(&room)
        .u32(message.low.sequence)
        .fixed(&message.low.hash.array::<32>()?)
        .u32(message.high.sequence)
        .fixed(&message.high.hash.array::<32>()?)
        .fixed(&message.sender.account.array::<32>()?)
        .u32(message.sender.device)
        .fixed(&envelope)
        .u8(message.class)
        .option_fixed(target.as_ref())
        .finish();
    let bound = Writer::new(labels::PAIRWISE_MESSAGE_KEY)
        .fixed(&room)
        .fixed(&envelope)
        .fixed(&message.sender.account.array::<32>()?)
        .u32(message.sender.device)
        .fixed(&message.receiver.account.array::<32>()?)
        .u32(message.receiver.device)
        .finish();
    Ok((
        room.into(),
        cbor(message)?.into(),
        associated_data.into(),
        bound.into(),
    ))
}

/// `[counter, previous, [0, text]]`, for the small counters and texts of these vectors.
fn cbor(message: &DirectMessage) -> Result<Vec<u8>, Refusal> {
    let text = message.text.as_bytes();
    let counter = u8::try_from(message.counter).ok().filter(|counter| *counter < 24);
    let length = u8::try_from(text.len()).ok();
    let (Some(counter), Some(length)) = (counter, length) else {
        return Err(Refusal::new(
            "the counter or the text is too long for these vectors",
        ));
    };
    let mut bytes = vec![0x83, counter, 0x58, 32];
    bytes.extend_from_slice(&message.previous.array::<32>()?);
    bytes.extend_from_slice(&[0x82, 0x00]);
    if length < 24 {
        bytes.push(0x60 | length);
    } else {
        bytes.extend_from_slice(&[0x78, length]);
    }
    bytes.extend_from_slice(text);
    Ok(bytes)
}
