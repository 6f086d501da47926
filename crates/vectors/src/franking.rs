//! `franking.json`: reports of messages, and how they are judged.

use conclave_crypto::franking::FrankingProof;
use conclave_crypto::sender_keys::{
    HistoryChain, MessageOpening, SenderKeyMessage, SenderKeySeed, SendingChain,
};
use conclave_crypto::sender_keys::{SenderKeyStatement, VerifiedStatement};
use conclave_crypto::{ContentKey, message_hash, seal_content};
use serde::{Deserialize, Serialize};

use crate::device::{Device, NOW};
use crate::file::{Counts, file, read};
use crate::random::Fixed;
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "franking.json";

const ABOUT: &[&str] = &[
    "A report: the tag is the message hash that the server kept, body and associated_data are what it has on record (for \
     a room message the caller's data), key and proof are what the reporter reveals.",
    "A refused report is one that was altered in one of these.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reports {
    direct: Vec<Direct>,
    room: Vec<Room>,
    refused_direct: Vec<Refused<Direct>>,
    refused_room: Vec<Refused<Room>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Direct {
    key: Hex,
    content: Hex,
    associated_data: Hex,
    body: Hex,
    tag: Hex,
    proof: Hex,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Room {
    author: Device,
    statement: Hex,
    key: Hex,
    content: Hex,
    associated_data: Hex,
    body: Hex,
    tag: Hex,
    proof: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused<T> {
    why: String,
    report: T,
    reason: String,
}

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("franking");
    let direct = (0..3)
        .map(|length| make_direct(&rng.array(), &rng.bytes(30), &rng.bytes(length * 50)))
        .collect::<Result<Vec<_>, _>>()?;
    let author = Device::make(1, &mut rng);
    let room = make_room(&author, &mut rng)?;
    let (one, other) = (&direct[1], &direct[2]);
    let mut refused_direct = Vec::new();
    for (why, report) in [
        (
            "another key",
            Direct {
                proof: other.proof.clone(),
                ..one.clone()
            },
        ),
        (
            "another tag",
            Direct {
                tag: other.tag.clone(),
                ..one.clone()
            },
        ),
        (
            "another body",
            Direct {
                body: other.body.clone(),
                ..one.clone()
            },
        ),
        (
            "another body with its tag",
            Direct {
                body: other.body.clone(),
                tag: other.tag.clone(),
                ..one.clone()
            },
        ),
        (
            "another place",
            Direct {
                associated_data: other.associated_data.clone(),
                ..one.clone()
            },
        ),
        (
            "the proof of a room message",
            Direct {
                proof: room[0].proof.clone(),
                ..one.clone()
            },
        ),
        (
            "a proof of an unknown kind",
            Direct {
                proof: flipped(&one.proof, 29),
                ..one.clone()
            },
        ),
        (
            "a proof of another version",
            Direct {
                proof: flipped(&one.proof, 28),
                ..one.clone()
            },
        ),
        (
            "a proof that is too long",
            Direct {
                proof: [&one.proof.0[..], &[0]].concat().into(),
                ..one.clone()
            },
        ),
    ] {
        let reason = judge_direct(&report)?.expect_err("these reports are refused");
        refused_direct.push(Refused {
            why: why.into(),
            report,
            reason,
        });
    }
    let (one, other) = (&room[0], &room[1]);
    let mut refused_room = Vec::new();
    for (why, report) in [
        (
            "another key of the same chain",
            Room {
                proof: other.proof.clone(),
                ..one.clone()
            },
        ),
        (
            "another tag",
            Room {
                tag: other.tag.clone(),
                ..one.clone()
            },
        ),
        (
            "another message",
            Room {
                body: other.body.clone(),
                ..one.clone()
            },
        ),
        (
            "another place",
            Room {
                associated_data: other.associated_data.clone(),
                ..one.clone()
            },
        ),
        (
            "another chain's statement",
            Room {
                statement: room[2].statement.clone(),
                ..one.clone()
            },
        ),
        (
            "the proof of a direct message",
            Room {
                proof: direct[0].proof.clone(),
                ..one.clone()
            },
        ),
        (
            "an altered signature",
            Room {
                body: flipped(&one.body, one.body.0.len() - 1),
                ..one.clone()
            },
        ),
        (
            "an altered seal",
            Room {
                body: flipped(&one.body, 60),
                ..one.clone()
            },
        ),
    ] {
        let reason = judge_room(&report)?.expect_err("these reports are refused");
        refused_room.push(Refused {
            why: why.into(),
            report,
            reason,
        });
    }
    Ok(file(
        NAME,
        ABOUT,
        Reports {
            direct,
            room,
            refused_direct,
            refused_room,
        },
    ))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Reports = read(NAME, json)?;
    let mut counts = Counts::default();
    for report in &vectors.direct {
        let again = make_direct(&report.key.array()?, &report.associated_data.0, &report.content.0)?;
        same("the body", again.body, report.body.clone())?;
        same("the tag", again.tag, report.tag.clone())?;
        same("the proof", again.proof, report.proof.clone())?;
        same(
            "the content",
            judge_direct(report)?.context("a report")?,
            report.content.clone(),
        )?;
    }
    counts.add("report of a direct message", vectors.direct.len());
    for report in &vectors.room {
        let opening = MessageOpening::from_bytes(&report.key.array()?);
        same(
            "the proof",
            FrankingProof::room(&opening).to_bytes().as_slice().into(),
            report.proof.clone(),
        )?;
        same(
            "the content",
            judge_room(report)?.context("a report")?,
            report.content.clone(),
        )?;
    }
    counts.add("report of a room message", vectors.room.len());
    for report in &vectors.refused_direct {
        refused(judge_direct(&report.report)?, &report.reason).context(&report.why)?;
    }
    for report in &vectors.refused_room {
        refused(judge_room(&report.report)?, &report.reason).context(&report.why)?;
    }
    counts.add(
        "report refused",
        vectors.refused_direct.len() + vectors.refused_room.len(),
    );
    Ok(counts)
}

fn make_direct(key: &[u8; 32], associated_data: &[u8], content: &[u8]) -> Result<Direct, Refusal> {
    let content_key = ContentKey::from_bytes(key);
    let body = seal_content(&content_key, associated_data, content).context("sealing")?;
    Ok(Direct {
        key: key.into(),
        content: content.into(),
        associated_data: associated_data.into(),
        tag: message_hash(&body, associated_data).into(),
        body: body.into(),
        proof: FrankingProof::direct(&content_key).to_bytes().as_slice().into(),
    })
}

/// Two messages of one chain, and one of another.
fn make_room(author: &Device, rng: &mut Fixed) -> Result<Vec<Room>, Refusal> {
    let end = author.end()?;
    let (device, room) = (end.remote(), rng.array());
    let mut reports = Vec::new();
    for messages in [2, 1] {
        let mut chain = SendingChain::begin(&room, 4, device.address(), &end.signing, NOW, rng);
        let history: HistoryChain = SenderKeySeed::from_bytes(&chain.seed())
            .context("a seed")?
            .verify(&device, &room, 4)
            .context("a seed")?;
        for _ in 0..messages {
            let (associated_data, content) = (rng.bytes(30), rng.bytes(100));
            let sealed = chain
                .seal(&associated_data, &content, NOW, rng)
                .context("sealing")?;
            let message = SenderKeyMessage::from_bytes(&sealed.bytes).context("a message")?;
            let opened = history.open(&message, &associated_data).context("opening")?;
            reports.push(Room {
                author: author.clone(),
                statement: chain.statement().to_bytes().into(),
                key: opened.opening.as_bytes().into(),
                content: content.into(),
                associated_data: associated_data.into(),
                body: sealed.bytes.clone().into(),
                tag: sealed.hash.into(),
                proof: FrankingProof::room(&opened.opening).to_bytes().as_slice().into(),
            });
        }
    }
    Ok(reports)
}

fn judge_direct(report: &Direct) -> Result<Result<Hex, String>, Refusal> {
    let tag = report.tag.array()?;
    Ok(FrankingProof::from_bytes(&report.proof.0)
        .and_then(|proof| proof.judge_direct(&tag, &report.body.0, &report.associated_data.0))
        .map(|content| content.as_slice().into())
        .map_err(|error| error.to_string()))
}

fn judge_room(report: &Room) -> Result<Result<Hex, String>, Refusal> {
    let (tag, author) = (report.tag.array()?, report.author.end()?.remote());
    let statement: VerifiedStatement = SenderKeyStatement::from_bytes(&report.statement.0)
        .context("a statement")?
        .verify(&author)
        .context("a statement")?;
    Ok(FrankingProof::from_bytes(&report.proof.0)
        .and_then(|proof| proof.judge_room(&tag, &report.body.0, &report.associated_data.0, &statement))
        .map(|content| content.as_slice().into())
        .map_err(|error| error.to_string()))
}

fn flipped(bytes: &Hex, position: usize) -> Hex {
    let mut altered = bytes.clone();
    altered.0[position] ^= 0x80;
    altered
}
