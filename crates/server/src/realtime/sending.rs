//! What a device sends: checked, stored, answered.
//!
//! Invariant: within a room a send is handed to the writer only after the one before it was answered, and
//! after a refusal nothing more is taken for that room until the device restarts it. So a message never
//! overtakes one that its sender put before it, and the chain of message hashes stays whole.

use std::collections::HashSet;

use conclave_db::{Append, Appended, DirectRoom, NewDistribution, NewEnvelope};
use conclave_protocol::frames::{Accepted, Distribute, Distributed, Post, Refused, Send, ServerFrame, Side};
use conclave_protocol::limits::{BODY_MAX, CURSORS_MAX, DEVICES_MAX, DISTRIBUTE_MAX, PAIRWISE_MAX};
use conclave_protocol::{DeviceAddress, EnvelopeId, ErrorCode, Hash, RoomId};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot};

use super::outgoing::{End, Outgoing};
use super::posting;
use super::writer::Outcome;
use crate::blobs;
use crate::error::code_of;
use crate::state::App;

/// Sends that one connection has under way or waiting; beyond it, reading waits.
pub(super) const UNDER_WAY_MAX: usize = 32;
/// Milliseconds after which to try again when the disk is full: somebody has to make room first.
const FULL_RETRY_MS: u32 = 10_000;
/// Milliseconds after which to try again when the database is away.
const AWAY_RETRY_MS: u32 = 1_000;

/// What the reader hands over, in the order in which it came.
pub(super) enum Job {
    /// A message to a room, and the digest of its frame.
    Send(Box<Send>, Hash),
    /// A message to a place's room, and the digest of its frame.
    Post(Box<Post>, Hash),
    /// Pairwise messages, the digest of their frame, and whether they are receipts.
    Distribute(Distribute, Hash, bool),
    /// The device begins a room's sends anew.
    Restart(RoomId),
}

impl Job {
    fn room(&self) -> Option<RoomId> {
        match self {
            Self::Send(send, _) => Some(send.room),
            Self::Post(post, _) => Some(post.room),
            Self::Distribute(..) => None,
            Self::Restart(room) => Some(*room),
        }
    }
}

/// One append that the writer has.
pub(super) struct UnderWay {
    pub(super) id: EnvelopeId,
    pub(super) room: Option<RoomId>,
    pub(super) outcome: Outcome,
}

struct Sending<'a> {
    app: &'a App,
    sender: DeviceAddress,
    outgoing: &'a Outgoing,
    /// Rooms with a refused send.
    refused: HashSet<RoomId>,
    /// Rooms with a send under way.
    busy: HashSet<RoomId>,
}

/// Stores what a connection sends, until it ends.
pub(super) async fn run(
    app: &App,
    sender: DeviceAddress,
    mut jobs: mpsc::Receiver<Job>,
    outgoing: &Outgoing,
) -> End {
    let (refused, busy) = (HashSet::new(), HashSet::new());
    let mut sending = Sending {
        app,
        sender,
        outgoing,
        refused,
        busy,
    };
    let mut under_way = FuturesUnordered::new();
    loop {
        let job = tokio::select! {
            Some(done) = under_way.next() => {
                sending.settle(done).await;
                continue;
            }
            job = jobs.recv(), if under_way.len() < UNDER_WAY_MAX => job,
        };
        let Some(job) = job else { return End::GONE };
        while job.room().is_some_and(|room| sending.busy.contains(&room)) {
            let Some(done) = under_way.next().await else { break };
            sending.settle(done).await;
        }
        under_way.extend(sending.begin(job).await);
        if sending.refused.len() > CURSORS_MAX {
            return End::MALFORMED;
        }
    }
}

async fn arrival(id: EnvelopeId, room: Option<RoomId>, outcome: oneshot::Receiver<Outcome>) -> UnderWay {
    // A dropped answer means that the writer has stopped: the server is ending.
    UnderWay {
        id,
        room,
        outcome: outcome.await.unwrap_or(Err(ErrorCode::Unavailable)),
    }
}

impl<'a> Sending<'a> {
    /// Hands a job to the writer, or answers it at once.
    async fn begin(&mut self, job: Job) -> Option<BoxFuture<'a, UnderWay>> {
        let digest = match &job {
            Job::Send(_, digest) => Some(*digest),
            _ => None,
        };
        let (id, room, append) = match job {
            Job::Restart(room) => {
                self.refused.remove(&room);
                return None;
            }
            Job::Send(send, digest) => {
                let (id, room) = (send.id, send.room);
                let append = if self.refused.contains(&room) {
                    Err(ErrorCode::OutOfOrder)
                } else {
                    self.envelope(*send, digest).await.map(Append::Envelope)
                };
                (id, Some(room), append)
            }
            Job::Post(post, _) if self.refused.contains(&post.room) => {
                (post.id, Some(post.room), Err(ErrorCode::OutOfOrder))
            }
            Job::Post(post, digest) => {
                self.busy.insert(post.room);
                return Some(posting::store(self.app, self.sender, post, digest).boxed());
            }
            Job::Distribute(distribute, digest, receipts) => (
                distribute.id,
                None,
                self.distribution(distribute, digest, receipts)
                    .map(Append::Distribution),
            ),
        };
        if let (Err(ErrorCode::BlobMissing), Some(digest)) = (&append, digest)
            && let Ok(Some(before)) = self.app.db.find_send(id, self.sender, digest).await
        {
            // A repeat of what was stored gets its answer again, whatever became of its blobs.
            let outcome = Ok(before);
            self.settle(UnderWay { id, room, outcome }).await;
            return None;
        }
        let submitted = match append {
            Ok(append) => self.app.writer.submit(append).await,
            Err(code) => Err(code),
        };
        match submitted {
            Ok(outcome) => {
                self.busy.extend(room);
                Some(arrival(id, room, outcome).boxed())
            }
            Err(code) => {
                self.refuse(id, room, code, None).await;
                None
            }
        }
    }

    async fn settle(&mut self, done: UnderWay) {
        if let Some(room) = done.room {
            self.busy.remove(&room);
        }
        let code = match done.outcome {
            Ok(Appended::Envelope { sequence, time, .. }) => {
                return self
                    .say(ServerFrame::Accepted(Accepted {
                        id: done.id,
                        sequence,
                        time,
                    }))
                    .await;
            }
            Ok(Appended::Distribution) => {
                return self
                    .say(ServerFrame::Distributed(Distributed { id: done.id }))
                    .await;
            }
            Ok(Appended::IdReused) => ErrorCode::IdReused,
            Ok(Appended::ReceiptsOff) => ErrorCode::ReceiptsOff,
            Ok(Appended::StaleDevices) => ErrorCode::StaleDevices,
            Ok(Appended::UnknownRoom) => ErrorCode::NotFound,
            Ok(Appended::Deserted) => ErrorCode::RecipientGone,
            Ok(Appended::TooFast(wait)) => {
                let wait = u32::try_from(wait).unwrap_or(u32::MAX);
                return self
                    .refuse(done.id, done.room, ErrorCode::TooFast, Some(wait))
                    .await;
            }
            // Judged anew as often as is sensible.
            Ok(Appended::Outdated) => ErrorCode::Unavailable,
            Ok(Appended::BlobMissing) => ErrorCode::BlobMissing,
            Err(code) => code,
        };
        self.refuse(done.id, done.room, code, None).await;
    }

    async fn refuse(
        &mut self,
        id: EnvelopeId,
        room: Option<RoomId>,
        code: ErrorCode,
        retry_after: Option<u32>,
    ) {
        self.refused.extend(room);
        let retry_after = match code {
            _ if retry_after.is_some() => retry_after,
            ErrorCode::StorageFull => Some(FULL_RETRY_MS),
            ErrorCode::Unavailable | ErrorCode::Internal => Some(AWAY_RETRY_MS),
            _ => None,
        };
        self.say(ServerFrame::Refused(Refused {
            id,
            code,
            retry_after,
        }))
        .await;
    }

    async fn say(&self, frame: ServerFrame) {
        // The socket is gone: then so is soon this loop.
        let _ = self.outgoing.send(frame).await;
    }

    async fn envelope(&self, send: Send, digest: Hash) -> Result<NewEnvelope, ErrorCode> {
        let too_large = send.body.as_slice().len() > BODY_MAX
            || send.keys.len() > 2 * DEVICES_MAX
            || send
                .keys
                .iter()
                .any(|key| key.pairwise.as_slice().len() > PAIRWISE_MAX);
        if too_large {
            return Err(ErrorCode::TooLarge);
        }
        let room = self.room(send.room).await?;
        for (account, sequence) in [(room.low, send.heads.low), (room.high, send.heads.high)] {
            // Only a head that the chain has not reached is refused here. One that it has left behind cannot
            // be: a repeat of a stored message names the heads of its time and has to get its answer again.
            let reached = self.app.membership.reaches(&self.app.db, account, sequence).await;
            if !reached.map_err(|error| code_of(&error))? {
                return Err(ErrorCode::StaleDevices);
            }
        }
        let account = |side| match side {
            Side::Low => room.low,
            Side::High => room.high,
        };
        let keys: Vec<_> = send
            .keys
            .into_iter()
            .map(|key| {
                (
                    DeviceAddress {
                        account: account(key.side),
                        device: key.device,
                    },
                    key.pairwise.0,
                )
            })
            .collect();
        self.check_addressed(&keys)?;
        let blobs = blobs::claimable(self.app, self.sender.account, send.blobs).await?;
        Ok(NewEnvelope {
            id: send.id,
            room,
            sender: self.sender,
            class: send.class,
            heads: send.heads,
            target: send.target,
            body: send.body.0,
            keys,
            blobs,
            digest,
        })
    }

    fn distribution(
        &self,
        distribute: Distribute,
        digest: Hash,
        receipts: bool,
    ) -> Result<NewDistribution, ErrorCode> {
        let too_large = distribute.messages.len() > DISTRIBUTE_MAX
            || distribute
                .messages
                .iter()
                .any(|message| message.bytes.as_slice().len() > PAIRWISE_MAX);
        if too_large {
            return Err(ErrorCode::TooLarge);
        }
        let messages: Vec<_> = distribute
            .messages
            .into_iter()
            .map(|message| (message.to, message.bytes.0))
            .collect();
        self.check_addressed(&messages)?;
        Ok(NewDistribution {
            id: distribute.id,
            sender: self.sender,
            messages,
            receipts,
            digest,
        })
    }

    /// The room, when the sender is one of its two; for others there is none.
    async fn room(&self, id: RoomId) -> Result<DirectRoom, ErrorCode> {
        let room = self
            .app
            .membership
            .room(&self.app.db, id)
            .await
            .map_err(|error| code_of(&error))?;
        let own = self.sender.account;
        room.filter(|room| room.low == own || room.high == own)
            .ok_or(ErrorCode::NotFound)
    }

    /// No device twice, and never the sending one.
    fn check_addressed(&self, messages: &[(DeviceAddress, Vec<u8>)]) -> Result<(), ErrorCode> {
        let mut seen = HashSet::with_capacity(messages.len());
        let sound = messages
            .iter()
            .all(|(device, _)| *device != self.sender && seen.insert(*device));
        if sound { Ok(()) } else { Err(ErrorCode::Malformed) }
    }
}
