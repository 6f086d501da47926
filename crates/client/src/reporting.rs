//! Reports: what this device keeps so that a message can be reported, and what a report reveals.
//!
//! The seal of a message commits to its key, so that key alone proves what was said: it is kept for thirty days beside
//! the message of somebody else, and goes with it. In rooms of places the author's signed word on the chain of keys is
//! that of the seed by which the past is read. A report reveals the key of one message and nothing else.

use conclave_crypto::ContentKey;
use conclave_crypto::franking::FrankingProof;
use conclave_crypto::sender_keys::{MessageOpening, SenderKeySeed};
use conclave_protocol::reports::{Reason, ReportListed, ReportMessage};
use conclave_protocol::{Bytes, EnvelopeId, RoomId};
use minicbor::{Decode, Encode};
use serde::Serialize;

use crate::account_intents::Asked;
use crate::calls::{Call, json};
use crate::changes::Table;
use crate::codec::Secret32;
use crate::content::{Act, Body, ChainId, Content};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::rows::{MessageBody, MessageRow};
use crate::views::Outcome;
use crate::work::Work;

/// So long a message can be reported after it was sent. Whoever steals the store until then opens, with what the
/// server keeps, no more than what stands in the store beside it.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// What opens one message of somebody else.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Kept {
    #[n(0)]
    sequence: u64,
    #[n(1)]
    key: Secret32,
    /// In a room of a place, the chain of keys that it is of.
    #[n(2)]
    chain: Option<ChainId>,
}

fn name(room: RoomId, id: EnvelopeId) -> Vec<u8> {
    [&room.0[..], &id.0].concat()
}

impl Work<'_> {
    /// Keeps what opens a message of somebody else, so that it can be reported.
    pub(crate) fn keep_opening(
        &mut self,
        (room, sequence): (RoomId, u64),
        id: EnvelopeId,
        key: &[u8; 32],
        chain: Option<ChainId>,
    ) {
        let kept = Kept {
            sequence,
            key: Secret32(*key),
            chain,
        };
        self.put(Table::Openings, &name(room, id), &kept);
    }

    /// The message is gone here, and with it what opens it.
    pub(crate) fn forget_opening(&mut self, row: &MessageRow) {
        if matches!(row.body, MessageBody::Removed | MessageBody::Deleted(_)) && !row.mine {
            self.delete(Table::Openings, &name(row.room, row.id));
        }
    }

    /// The room was cleared up to a sequence.
    pub(crate) fn clear_openings(&mut self, room: RoomId, up_to: u64) -> Result<(), ReadError> {
        for (key, kept) in self.list_in::<Kept>(Table::Openings, &room.0)? {
            if kept.sequence <= up_to {
                self.delete(Table::Openings, &key);
            }
        }
        Ok(())
    }

    /// Part of the daily round: what is too old to be reported goes.
    pub(crate) fn forget_old_openings(&mut self) -> Result<(), ReadError> {
        for (key, _) in self.list_bytes(Table::Openings, &[], u32::MAX)? {
            let id = key.get(32..).and_then(|id| id.try_into().ok()).map(EnvelopeId);
            if id.is_none_or(|id| self.now.since(id.time()) > KEPT_MS) {
                self.delete(Table::Openings, &key);
            }
        }
        Ok(())
    }

    fn list_in<T: for<'b> Decode<'b, ()>>(
        &self,
        table: Table,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, T)>, ReadError> {
        let all = self.list_bytes(table, prefix, u32::MAX)?;
        let decoded = all.into_iter().map(|(key, bytes)| {
            let value = crate::codec::decode(&bytes, "kept opening")?;
            Ok((key, value))
        });
        decoded.collect()
    }

    /// Proof and statement of a message; none where this device has not got them.
    fn proof_of(&self, row: &MessageRow) -> Result<Option<(Bytes, Option<Bytes>)>, ReadError> {
        if row.mine || !row.body.is_content() {
            return Ok(None);
        }
        let Some(kept) = self.find::<Kept>(Table::Openings, &name(row.room, row.id))? else {
            return Ok(None);
        };
        let Some(chain) = kept.chain else {
            let proof = FrankingProof::direct(&ContentKey::from_bytes(&kept.key.0));
            return Ok(Some((Bytes(proof.to_bytes().to_vec()), None)));
        };
        let Some(seed) = self.seed(row.room, chain)? else {
            return Ok(None);
        };
        let Ok(seed) = SenderKeySeed::from_bytes(&seed.bytes.0) else {
            return Ok(None);
        };
        let proof = FrankingProof::room(&MessageOpening::from_bytes(&kept.key.0));
        let statement = Bytes(seed.statement().to_bytes());
        Ok(Some((Bytes(proof.to_bytes().to_vec()), Some(statement))))
    }
}

impl Engine {
    /// What a report of a message would reveal.
    pub(crate) fn preview_report(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
    ) -> Result<(), ReadError> {
        let row = work.find_message(message)?.filter(|row| !row.mine);
        let Some(row) = row else {
            self.fail(work, ask, Failure::unknown_message());
            return Ok(());
        };
        let preview = ReportPreviewView {
            username: work.username_of(row.author)?.unwrap_or_default(),
            sent_at: row.sent_at.0,
            // As it was sent: what was changed later are messages of their own.
            words: words_of_row(&row.body),
            provable: work.proof_of(&row)?.is_some(),
        };
        self.answer(work, ask, Outcome::ReportPreview { preview });
        Ok(())
    }

    /// Reveals a message to the administrators.
    pub(crate) fn report(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        message: EnvelopeId,
        reason: Reason,
        note: String,
    ) -> Result<(), ReadError> {
        let row = work.find_message(message)?;
        let Some((row, sequence)) = row.and_then(|row| row.sequence.map(|sequence| (row, sequence))) else {
            self.fail(work, ask, Failure::unknown_message());
            return Ok(());
        };
        let Some((proof, statement)) = work.proof_of(&row)? else {
            self.fail(work, ask, Failure::report_unprovable());
            return Ok(());
        };
        let report = ReportMessage {
            room: row.room,
            sequence,
            message,
            proof,
            statement,
            reason,
            note,
        };
        let call = Call::Asked {
            ask,
            asked: Asked::Reported,
        };
        let path = "/api/v1/reports".to_owned();
        self.call(work, call, Method::Post, path, Some(json(&report)));
        Ok(())
    }
}

fn words_of_row(body: &MessageBody) -> String {
    match body {
        MessageBody::Text(text) => text.text.clone(),
        MessageBody::Poll(poll) => words_of_poll(&poll.question, &poll.options),
        _ => String::new(),
    }
}

fn words_of_poll(question: &str, options: &[String]) -> String {
    let options = options.iter().map(|option| format!("\n– {option}"));
    std::iter::once(question.to_owned()).chain(options).collect()
}

/// What a report would reveal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ReportPreviewView {
    /// Who is reported.
    pub username: String,
    /// When the message was sent, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub sent_at: u64,
    /// The message as it was sent first.
    pub words: String,
    /// This device holds what proves it. Without that there is no report.
    pub provable: bool,
}

/// A page of reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ReportsView {
    /// The newest first.
    pub reports: Vec<ReportView>,
    /// More follow.
    pub more: bool,
    /// How many are open.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub open: u64,
}

/// A report as administrators see it. Everything but `note` was proven to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ReportView {
    /// Names it.
    pub id: String,
    /// Who reported it.
    pub reporter: String,
    /// Account of who sent the message.
    pub accused: String,
    /// Their handle.
    pub accused_name: String,
    /// They are kept out already.
    pub suspended: bool,
    /// The message was written in a group or community; else in a chat of two.
    pub in_place: bool,
    /// When the server took the message, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub sent_at: u64,
    /// When it was reported, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub reported_at: u64,
    /// Why.
    #[cfg_attr(feature = "ts", ts(type = "'spam' | 'abuse' | 'illegal' | 'other'"))]
    pub reason: String,
    /// What the reporter says to it.
    pub note: String,
    /// What the message says; none where this version does not know its kind.
    pub words: Option<String>,
    /// When it was closed, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub closed_at: Option<u64>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
}

impl ReportView {
    pub(crate) fn of(listed: &ReportListed) -> Self {
        Self {
            id: listed.report.to_string(),
            reporter: listed.reporter_name.to_string(),
            accused: listed.accused.to_string(),
            accused_name: listed.accused_name.to_string(),
            suspended: listed.suspended,
            in_place: listed.place.is_some(),
            sent_at: listed.sent_at,
            reported_at: listed.reported_at,
            reason: listed.reason.to_string(),
            note: listed.note.clone(),
            words: words_of_content(listed.content.as_slice()),
            closed_at: listed.closed_at,
            closed_by: listed.closed_by.as_ref().map(ToString::to_string),
            outcome: listed.outcome.clone(),
        }
    }
}

fn words_of_content(content: &[u8]) -> Option<String> {
    match Content::from_bytes(content).ok()?.body {
        Body::Text(text) => Some(text.text),
        Body::Poll(poll) => Some(words_of_poll(&poll.question, &poll.options)),
        Body::Annotation(annotation) => match annotation.act {
            Act::Edit(text) => Some(text.text),
            Act::React(emoji, _) => Some(emoji),
            _ => None,
        },
        Body::Timer { .. } | Body::Unsupported => None,
    }
}
