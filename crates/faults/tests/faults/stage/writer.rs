//! A device that writes, as a client does: what was not acknowledged it sends again in the same order, and it keeps a
//! book of what was.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_protocol::frames::{ClientFrame, Post, Restart, ServerFrame};
use conclave_protocol::{EnvelopeId, ErrorCode, RoomId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::door::Door;
use super::people::{Device, Group};
use super::socket::{NotYet, Socket};

/// Messages under way at a time, of one that writes as fast as it can.
const AHEAD: usize = 4;
/// Bytes of a message, where nothing else is said.
const SIZE: usize = 300;

/// What those at work do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Write,
    /// Nothing new; what is under way is still brought to its end.
    Finish,
    /// Nobody writes any more.
    Written,
    /// No further step.
    Halt,
}

/// A message that the server said it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) id: EnvelopeId,
    pub(crate) sequence: u64,
}

pub(crate) struct Writer {
    pub(crate) number: u32,
    pub(crate) device: Device,
    pub(crate) group: Group,
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Refusals that were met on the way.
    pub(crate) refusals: Vec<ErrorCode>,
    /// When messages were sent, and how long after that their answers came.
    pub(crate) waits: Vec<(Instant, Duration)>,
    waiting: VecDeque<(Post, Instant)>,
    next: u32,
    /// A pause between messages, where it writes like a person and not as fast as it can.
    pace: Duration,
    /// Messages under way at a time.
    ahead: usize,
    /// Bytes of its messages.
    size: usize,
}

impl Writer {
    pub(crate) fn new(number: u32, device: Device, group: Group) -> Self {
        Self {
            number,
            device,
            group,
            acknowledged: Vec::new(),
            refusals: Vec::new(),
            waits: Vec::new(),
            waiting: VecDeque::new(),
            next: 0,
            pace: Duration::ZERO,
            ahead: AHEAD,
            size: SIZE,
        }
    }

    pub(crate) fn at_a_pace_of(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// With one message under way at a time, so that what it waits for is the server alone and not its own pace.
    pub(crate) fn one_at_a_time(mut self) -> Self {
        self.ahead = 1;
        self
    }

    pub(crate) fn with_messages_of(mut self, size: usize) -> Self {
        self.size = size;
        self
    }

    pub(crate) fn room(&self) -> RoomId {
        self.group.room
    }

    /// Writes to the server behind `door`, over `way`.
    pub(crate) async fn run(mut self, door: Door, way: Door, mut phase: watch::Receiver<Phase>) -> Self {
        loop {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Halt => return self,
                Phase::Finish | Phase::Written if self.waiting.is_empty() => return self,
                _ => {}
            }
            match Socket::try_open(door, way, &self.device.access, Vec::new()).await {
                Ok((socket, _)) => self.over(socket, &mut phase).await,
                Err(NotYet::Away) => sleep(Duration::from_millis(50)).await,
                Err(NotYet::Later(after)) => sleep(after).await,
                Err(NotYet::Refused(why)) => panic!("writer {} is refused: {why}", self.number),
            }
        }
    }

    /// Writes over one connection until it ends, or until there is nothing more to do.
    async fn over(&mut self, mut socket: Socket, phase: &mut watch::Receiver<Phase>) {
        // What was under way when the connection before ended goes first, in order.
        let mut sent = 0;
        let mut refused = false;
        loop {
            let now = *phase.borrow_and_update();
            if now == Phase::Halt {
                // What is on its way to us was acknowledged.
                while let Ok(Ok(frame)) = tokio::time::timeout(Duration::from_millis(20), socket.hear()).await
                {
                    self.take(frame, &mut sent);
                }
                return;
            }
            if now != Phase::Write && self.waiting.is_empty() {
                return;
            }
            while !refused && sent < self.ahead {
                if sent == self.waiting.len() {
                    if now != Phase::Write {
                        break;
                    }
                    self.compose();
                    sleep(self.pace).await;
                }
                self.waiting[sent].1 = Instant::now();
                let post = ClientFrame::Post(self.waiting[sent].0.clone());
                if socket.say(&post).await.is_err() {
                    return;
                }
                sent += 1;
            }
            if refused && sent == 0 {
                // Everything under way was answered: begin the room anew.
                sleep(Duration::from_millis(200)).await;
                let restart = ClientFrame::Restart(Restart { room: self.room() });
                if socket.say(&restart).await.is_err() {
                    return;
                }
                refused = false;
                continue;
            }
            tokio::select! {
                frame = socket.hear() => match frame {
                    Ok(frame) => refused |= self.take(frame, &mut sent),
                    Err(_) => return,
                },
                _ = phase.changed() => {}
            }
        }
    }

    /// Notes what a frame says; true for a refusal.
    fn take(&mut self, frame: ServerFrame, sent: &mut usize) -> bool {
        match frame {
            ServerFrame::Accepted(accepted) => {
                let (post, at) = self.waiting.pop_front().expect("something is under way");
                assert_eq!(post.id, accepted.id, "answers come in the order of the sends");
                self.waits.push((at, at.elapsed()));
                self.acknowledged.push(Acknowledged {
                    id: accepted.id,
                    sequence: accepted.sequence,
                });
                *sent -= 1;
                false
            }
            ServerFrame::Refused(said) => {
                assert!(
                    self.waiting.iter().any(|(post, _)| post.id == said.id),
                    "a refusal of what was never sent"
                );
                if said.code != ErrorCode::OutOfOrder {
                    self.refusals.push(said.code);
                }
                *sent -= 1;
                true
            }
            _ => false,
        }
    }

    fn compose(&mut self) {
        let mut body = vec![0; self.size];
        body[..4].copy_from_slice(&self.number.to_be_bytes());
        body[4..8].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        self.waiting.push_back((self.group.post(body), Instant::now()));
    }
}

/// Which writer wrote a body, and as its how many-th.
pub(crate) fn written_by(body: &[u8]) -> (u32, u32) {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    (number(&body[..4]), number(&body[4..8]))
}
