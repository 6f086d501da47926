//! The one task that appends: it commits together what queued up while the commit before was running.
//!
//! There is no timer. Alone, a message is committed at once; under load the batches grow by themselves, and
//! with them what one commit carries.

use std::sync::Arc;

use conclave_db::{Append, Appended, Db, DbError, NewPost};
use conclave_protocol::{DeviceAddress, ErrorCode};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::telling::Posted;
use crate::bus::Bus;
use crate::clock::Clock;
use crate::error::{code_of, kind_of};
use crate::health::Health;
use crate::measuring;

/// Appends in one commit at most.
const BATCH_MAX: usize = 256;
/// Appends that wait at most; connections beyond wait with reading.
const QUEUE_MAX: usize = 1024;

/// Hands appends to the writer task.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    health: Health,
    committed: Arc<Notify>,
}

/// Devices for which something was committed, and what was posted in places' rooms. Only the writer makes one, and only after the commit.
pub(crate) struct Committed {
    devices: Vec<DeviceAddress>,
    posts: Vec<Posted>,
}

impl Committed {
    pub(crate) fn into_parts(self) -> (Vec<DeviceAddress>, Vec<Posted>) {
        (self.devices, self.posts)
    }
}

/// What became of an append, or why the whole commit failed.
pub(super) type Outcome = Result<Appended, ErrorCode>;

struct Job {
    append: Append,
    answer: oneshot::Sender<Outcome>,
}

/// The task behind [`Writer`].
pub(crate) struct WriterTask {
    jobs: mpsc::Receiver<Job>,
    db: Db,
    bus: Arc<Bus>,
    clock: Clock,
    health: Health,
    committed: Arc<Notify>,
}

impl Writer {
    pub(crate) fn new(db: Db, bus: Arc<Bus>, clock: Clock) -> (Self, WriterTask) {
        let (sender, jobs) = mpsc::channel(QUEUE_MAX);
        let health = Health::default();
        let committed = Arc::new(Notify::new());
        let writer = Self {
            jobs: sender,
            health: health.clone(),
            committed: Arc::clone(&committed),
        };
        let task = WriterTask {
            jobs,
            db,
            bus,
            clock,
            health,
            committed,
        };
        (writer, task)
    }

    /// What writing was like last.
    pub(crate) fn health(&self) -> Health {
        self.health.clone()
    }

    /// Waits until something more was committed: for who looks behind the commits.
    pub(crate) async fn committed(&self) {
        self.committed.notified().await;
    }

    /// Appends that wait.
    pub(crate) fn queue(&self) -> usize {
        self.jobs.max_capacity().saturating_sub(self.jobs.capacity())
    }

    /// Whether the task still takes appends.
    pub(crate) fn is_open(&self) -> bool {
        !self.jobs.is_closed()
    }

    /// Queues an append; appends are committed in the order in which they were queued.
    pub(super) async fn submit(&self, append: Append) -> Result<oneshot::Receiver<Outcome>, ErrorCode> {
        let (answer, outcome) = oneshot::channel();
        self.jobs
            .send(Job { append, answer })
            .await
            .map_err(|_| ErrorCode::Unavailable)?;
        Ok(outcome)
    }
}

impl WriterTask {
    /// Runs until `stop`; what is queued by then is still committed.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                taken = self.jobs.recv_many(&mut batch, BATCH_MAX) => {
                    if taken == 0 {
                        return;
                    }
                    self.commit(std::mem::take(&mut batch)).await;
                }
                () = stop.cancelled(), if !self.jobs.is_closed() => self.jobs.close(),
            }
        }
    }

    async fn commit(&self, batch: Vec<Job>) {
        let (appends, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|job| (job.append, job.answer)).unzip();
        let concerned: Vec<_> = appends.iter().map(concerned).collect();
        // Kept for the case below; bodies are large, so a batch of one, the usual case at rest, is not copied.
        let copies = if appends.len() > 1 {
            appends.clone()
        } else {
            Vec::new()
        };
        let (count, began) = (appends.len(), Instant::now());
        let appended = self.db.append(appends, self.clock.now()).await;
        measuring::commit(count, began.elapsed(), appended.is_ok());
        self.health.wrote(appended.as_ref().err().map(kind_of));
        let outcomes = match appended {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            // One append that the database chokes on must not take the others down.
            Err(DbError::Internal(_)) if !copies.is_empty() => self.one_by_one(copies).await,
            Err(error) => {
                let code = code_of(&error);
                answers.iter().map(|_| Err(code)).collect::<Vec<Outcome>>()
            }
        };
        let (mut woken, mut posts) = (Vec::new(), Vec::new());
        for ((outcome, answer), concerned) in outcomes.into_iter().zip(answers).zip(concerned) {
            match (&outcome, concerned) {
                (Ok(Appended::Envelope { .. } | Appended::Distribution), Concerned::Devices(devices)) => {
                    woken.extend(devices);
                }
                (
                    Ok(Appended::Envelope {
                        sequence,
                        time,
                        repeat: false,
                    }),
                    Concerned::Readers(post),
                ) => posts.push(Posted {
                    post,
                    sequence: *sequence,
                    time: *time,
                }),
                _ => {}
            }
            // A connection that has ended meanwhile hears nothing; its device asks again.
            let _ = answer.send(outcome);
        }
        woken.sort_unstable();
        woken.dedup();
        self.bus.wake(Committed {
            devices: woken,
            posts,
        });
        self.committed.notify_one();
    }

    async fn one_by_one(&self, appends: Vec<Append>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(appends.len());
        for append in appends {
            let appended = self.db.append(vec![append], self.clock.now()).await;
            outcomes.push(match appended {
                Ok(mut appended) => appended.pop().ok_or(ErrorCode::Internal),
                Err(error) => Err(code_of(&error)),
            });
        }
        outcomes
    }
}

/// Who has to know of an append.
enum Concerned {
    Devices(Vec<DeviceAddress>),
    /// The readers of the post's room.
    Readers(Arc<NewPost>),
}

fn concerned(append: &Append) -> Concerned {
    let messages = match append {
        Append::Envelope(envelope) => &envelope.keys,
        Append::Distribution(distribution) => &distribution.messages,
        Append::Post(post) => return Concerned::Readers(Arc::clone(post)),
    };
    Concerned::Devices(messages.iter().map(|(device, _)| *device).collect())
}
