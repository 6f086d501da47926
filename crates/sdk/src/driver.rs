//! The thread that owns the engine and its store and takes one input at a time.
//!
//! Invariant: the thread never waits for the network. Everything that does is a task of its own, which sends
//! what came of it into the inbox; so a slow server slows down nothing but itself, and a full inbox slows down
//! the server.

use std::collections::{HashMap, VecDeque};

use conclave_client::views::{ConnectionState, Event, Outcome};
use conclave_client::{Engine, Failure, HttpCall, HttpOutcome, Input, Intent, Released, Request};
use conclave_protocol::Timestamp;
use conclave_store::Store;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};

use crate::folder::Folder;
use crate::http::HttpDoor;
use crate::socket::{SocketDoor, SocketEvent};
use crate::{Clock, randomness};

/// Messages that wait for the thread. With frames of the largest size they hold 16 MiB.
pub(crate) const INBOX: usize = 64;
/// Frames that wait to be written. The engine has fewer than this unanswered, so a connection with more is dead.
const OUTBOX: usize = 1_024;

/// Looks at engine and store between two inputs.
pub(crate) type Look = Box<dyn FnOnce(&Engine, &Store) + Send>;

/// What the thread is told.
pub(crate) enum Message {
    Intent {
        intent: Intent,
        answer: oneshot::Sender<Outcome>,
    },
    Look(Look),
    Http {
        id: u64,
        outcome: HttpOutcome,
    },
    Socket {
        generation: u64,
        event: SocketEvent,
    },
    Tick,
    Offline(oneshot::Sender<()>),
    Online(oneshot::Sender<()>),
    Close(oneshot::Sender<Option<JoinHandle<()>>>),
}

/// What the thread tells.
pub(crate) struct Shown {
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) state: watch::Sender<ConnectionState>,
    pub(crate) calls: watch::Sender<usize>,
    pub(crate) wake: watch::Sender<Option<Timestamp>>,
}

/// Everything that the thread owns.
pub(crate) struct Driver {
    engine: Engine,
    store: Store,
    folder: Folder,
    clock: Clock,
    http: HttpDoor,
    socket: SocketDoor,
    runtime: Handle,
    inbox: mpsc::WeakSender<Message>,
    shown: Shown,
    offline: bool,
    link: Option<Link>,
    last_generation: u64,
    calls: HashMap<u64, AbortHandle>,
    asks: HashMap<u64, oneshot::Sender<Outcome>>,
    last_ask: u64,
    inputs: VecDeque<Input>,
}

/// A connection, from the request for it on.
struct Link {
    generation: u64,
    frames: mpsc::Sender<Vec<u8>>,
    task: JoinHandle<()>,
}

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) folder: Folder,
    pub(crate) host: String,
    pub(crate) clock: Clock,
    pub(crate) http: HttpDoor,
    pub(crate) socket: SocketDoor,
    pub(crate) runtime: Handle,
    pub(crate) inbox: mpsc::WeakSender<Message>,
    pub(crate) shown: Shown,
    pub(crate) offline: bool,
}

impl Driver {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            store,
            folder,
            host,
            clock,
            http,
            socket,
            runtime,
            inbox,
            shown,
            offline,
        } = parts;
        Self {
            engine: Engine::new(true).of_server(&host),
            store,
            folder,
            clock,
            http,
            socket,
            runtime,
            inbox,
            shown,
            offline,
            link: None,
            last_generation: 0,
            calls: HashMap::new(),
            asks: HashMap::new(),
            last_ask: 0,
            inputs: VecDeque::new(),
        }
    }

    /// Runs until the device is closed or nobody holds it any more.
    pub(crate) fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        self.input(Input::Start);
        let mut next = None;
        let closed = loop {
            match next.take().or_else(|| messages.blocking_recv()) {
                Some(Message::Close(closed)) => break Some(closed),
                Some(Message::Socket {
                    generation,
                    event: SocketEvent::Frame(frame),
                }) => {
                    let frames;
                    (frames, next) = gather(&mut messages, generation, frame);
                    self.take_frames(generation, frames);
                }
                Some(message) => self.take(message),
                None => break None,
            }
        };
        for (_, call) in self.calls.drain() {
            call.abort();
        }
        // The frames that the engine has released already may still leave.
        let last = self.link.take().map(|link| link.task);
        if let Err(error) = self.store.close() {
            tracing::error!(%error, "the store could not be closed");
        }
        drop(self.folder);
        if let Some(closed) = closed {
            let _ = closed.send(last);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Intent { intent, answer } => {
                self.last_ask += 1;
                self.asks.insert(self.last_ask, answer);
                self.input(Input::Intent {
                    ask: self.last_ask,
                    intent,
                });
            }
            Message::Look(look) => look(&self.engine, &self.store),
            Message::Http { id, outcome } => {
                if self.calls.remove(&id).is_some() {
                    self.input(Input::Http { id, outcome });
                }
            }
            Message::Socket { generation, event } => {
                if !self.is_linked(generation) {
                    return;
                }
                match event {
                    SocketEvent::Frame(frame) => self.take_frames(generation, vec![frame]),
                    SocketEvent::Opened => self.input(Input::Connected),
                    SocketEvent::Closed => {
                        self.link = None;
                        self.input(Input::Disconnected);
                    }
                }
            }
            Message::Tick => {
                self.shown.wake.send_replace(None);
                self.input(Input::Tick);
            }
            Message::Offline(done) => {
                self.go_offline();
                let _ = done.send(());
            }
            Message::Online(done) => {
                self.offline = false;
                self.input(Input::Start);
                let _ = done.send(());
            }
            // The loop takes it.
            Message::Close(_) => {}
        }
    }

    /// What arrived while the last input was handled is stored, answered and shown together.
    fn take_frames(&mut self, generation: u64, frames: Vec<Vec<u8>>) {
        if self.is_linked(generation) {
            tracing::trace!(frames = frames.len(), "frames arrived");
            self.input(Input::Frames(frames));
        }
    }

    /// False for a connection that was given up.
    fn is_linked(&self, generation: u64) -> bool {
        self.link
            .as_ref()
            .is_some_and(|link| link.generation == generation)
    }

    fn input(&mut self, input: Input) {
        self.inputs.push_back(input);
        self.take_inputs();
    }

    /// Takes every input that waits, and those that follow from them.
    fn take_inputs(&mut self) {
        while let Some(input) = self.inputs.pop_front() {
            let released = self.handle(input);
            for request in released.requests {
                self.carry_out(request);
            }
            // Before the state, so that whoever sees that it is online also sees what goes on behind it.
            let calls = self.calls.len();
            self.shown
                .calls
                .send_if_modified(|shown| std::mem::replace(shown, calls) != calls);
            let state = self.engine.connection();
            self.shown
                .state
                .send_if_modified(|shown| std::mem::replace(shown, state) != state);
            for event in released.events {
                self.show(event);
            }
        }
    }

    fn handle(&mut self, input: Input) -> Released {
        let now = (self.clock)();
        let effects = self
            .engine
            .handle(&self.store, input, now, &mut randomness::system());
        let reason = match effects {
            Ok(effects) => match effects.commit(&mut self.store) {
                Ok(released) => return released,
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        tracing::error!(reason, "the store failed; the engine begins anew");
        self.engine.storage_failed(&Failure::storage(), now)
    }

    fn carry_out(&mut self, request: Request) {
        match request {
            Request::Http(call) => self.call(call),
            Request::Connect => self.connect(),
            Request::Disconnect => self.disconnect(),
            Request::Frame(frame) => self.send(frame),
            Request::WakeAt(at) => {
                self.shown
                    .wake
                    .send_if_modified(|wake| wake.replace(at) != Some(at));
            }
        }
    }

    fn show(&mut self, event: Event) {
        if let Event::Answer { ask, outcome } = event {
            if let Some(answer) = self.asks.remove(&ask) {
                // Whoever asked may have gone.
                let _ = answer.send(outcome);
            }
            return;
        }
        // Nobody may be listening.
        let _ = self.shown.events.send(event);
    }

    fn call(&mut self, call: HttpCall) {
        let id = call.id;
        if self.offline {
            self.inputs.push_back(Input::Http {
                id,
                outcome: HttpOutcome::Unreachable,
            });
            return;
        }
        let (http, inbox) = (self.http.clone(), self.inbox.clone());
        let task = self.runtime.spawn(async move {
            let outcome = http.call(call).await;
            if let Some(inbox) = inbox.upgrade() {
                let _ = inbox.send(Message::Http { id, outcome }).await;
            }
        });
        self.calls.insert(id, task.abort_handle());
    }

    fn connect(&mut self) {
        self.disconnect();
        if self.offline {
            self.inputs.push_back(Input::Disconnected);
            return;
        }
        self.last_generation += 1;
        let generation = self.last_generation;
        let (frames, to_write) = mpsc::channel(OUTBOX);
        let task = self
            .runtime
            .spawn(self.socket.clone().run(generation, to_write, self.inbox.clone()));
        self.link = Some(Link {
            generation,
            frames,
            task,
        });
    }

    /// What was released before is still written, in the little time that a goodbye may take.
    fn disconnect(&mut self) {
        if let Some(Link { frames, mut task, .. }) = self.link.take() {
            drop(frames);
            self.runtime.spawn(async move {
                if tokio::time::timeout(crate::socket::CLOSE_WITHIN, &mut task)
                    .await
                    .is_err()
                {
                    task.abort();
                }
            });
        }
    }

    fn send(&mut self, frame: Vec<u8>) {
        tracing::trace!(
            bytes = frame.len(),
            connected = self.link.is_some(),
            "a frame leaves"
        );
        let Some(link) = &self.link else { return };
        match link.frames.try_send(frame) {
            // A connection that is gone says so by itself, behind the last frames that it read.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => {
                tracing::debug!("the server takes nothing any more");
                self.drop_link();
            }
        }
    }

    /// The connection is gone, and the engine is told so.
    fn drop_link(&mut self) {
        if let Some(link) = self.link.take() {
            link.task.abort();
            self.inputs.push_back(Input::Disconnected);
        }
    }

    fn go_offline(&mut self) {
        self.offline = true;
        self.drop_link();
        for (id, call) in self.calls.drain() {
            call.abort();
            self.inputs.push_back(Input::Http {
                id,
                outcome: HttpOutcome::Unreachable,
            });
        }
        self.take_inputs();
    }
}

/// The frames of a connection that wait behind one another, and what stands behind them.
fn gather(
    messages: &mut mpsc::Receiver<Message>,
    generation: u64,
    first: Vec<u8>,
) -> (Vec<Vec<u8>>, Option<Message>) {
    let mut frames = vec![first];
    while frames.len() < INBOX {
        match messages.try_recv() {
            Ok(Message::Socket {
                generation: of,
                event: SocketEvent::Frame(frame),
            }) if of == generation => frames.push(frame),
            Ok(other) => return (frames, Some(other)),
            Err(_) => break,
        }
    }
    (frames, None)
}
