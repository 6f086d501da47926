//! One connection from its first frame to its end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use conclave_db::Login;
use conclave_encoding::{hash, labels};
use conclave_protocol::frames::{ClientFrame, Hello, ServerFrame, Welcome};
use conclave_protocol::limits::{CURSORS_MAX, FRAME_MAX, HEARTBEAT_MS, HELLO_WITHIN_MS, WATCHED_MAX};
use conclave_protocol::presence::Choices;
use conclave_protocol::{ErrorCode, Hash, PROTOCOL_VERSION};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::hub::Handle;
use super::outgoing::{self, End, Farewell, Outgoing};
use super::sending::{self, Job};
use super::{announcing, delivery, pace, typing};
use crate::error::code_of;
use crate::measuring;
use crate::places;
use crate::state::{App, token_hash};

/// A device that says nothing for this long is gone: it would have sent a heartbeat.
const SILENCE: Duration = Duration::from_millis(3 * HEARTBEAT_MS);
/// Time for the last frames to go out and for the other side to close. Short, because a revocation has to
/// have closed the socket within a second.
const FAREWELL: Duration = Duration::from_millis(800);

/// Serves a socket until it ends.
pub(crate) async fn run(app: Arc<App>, socket: WebSocket) {
    let (sink, mut stream) = socket.split();
    let (outgoing, frames) = outgoing::channel();
    let (say_end, end) = oneshot::channel();
    let patience = Duration::from_millis(app.config.limits.slow_reader_ms);
    let mut writing = tokio::spawn(outgoing::write(sink, frames, end, patience));

    let _connected = measuring::Connected::begin();
    // On the heap: it holds the states of all that a connection may wait for.
    let how = Box::pin(serve(&app, &mut stream, &outgoing)).await;
    let _ = say_end.send(how);
    if timeout(FAREWELL, &mut writing).await.is_err() {
        writing.abort();
    }
    // Reads on until the other side has closed: a socket that is dropped with unread bytes in it takes the
    // last frames that it sent down with it.
    let _ = timeout(FAREWELL, async { while let Some(Ok(_)) = stream.next().await {} }).await;
}

async fn serve(app: &App, stream: &mut SplitStream<WebSocket>, outgoing: &Outgoing) -> Farewell {
    let begun = tokio::select! {
        begun = begin(app, stream, outgoing) => begun,
        () = app.health.database_gone() => Err(Farewell::from(End::refused(ErrorCode::Unavailable))),
        () = app.stopping.cancelled() => Err(Farewell::from(End::STOPPING)),
    };
    let (registered, acknowledged) = match begun {
        Ok(begun) => begun,
        Err(end) => return end,
    };
    let handle = &*registered.handle;
    let device = handle.address;

    let (jobs, sends) = mpsc::channel(sending::UNDER_WAY_MAX);
    let (acks, acked) = watch::channel(acknowledged);
    let end = tokio::select! {
        biased;
        () = handle.closed.cancelled() => {
            // What a device was revoked by is the last that it is told.
            return Farewell {
                end: handle.closing().map_or(End::GONE, End::closed),
                last: handle.proof().map(ServerFrame::ChainMoved),
            };
        }
        () = app.stopping.cancelled() => End::STOPPING,
        () = outgoing.closed() => End::GONE,
        end = announcing::run(app, outgoing) => end,
        end = sending::run(app, device, sends, outgoing) => end,
        end = delivery::run(app, handle, acknowledged, acked, outgoing) => end,
        end = read(app, handle, stream, outgoing, &jobs, &acks) => end,
    };
    end.into()
}

/// A place in the hub that is given back however the connection ends.
struct Registered<'a> {
    app: &'a App,
    handle: Arc<Handle>,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.app.hub.unregister(&self.handle);
        let Handle { address, number, .. } = *self.handle;
        self.app.signals.disconnect(address, number);
    }
}

/// The first frame, and the answer to it.
async fn begin<'a>(
    app: &'a App,
    stream: &mut SplitStream<WebSocket>,
    outgoing: &Outgoing,
) -> Result<(Registered<'a>, u64), Farewell> {
    let hello = timeout(Duration::from_millis(HELLO_WITHIN_MS), next(stream)).await;
    let (frame, _) = hello.unwrap_or_else(|_| Err(End::refused(ErrorCode::TimedOut)))?;
    let ClientFrame::Hello(hello) = frame else {
        return Err(End::MALFORMED.into());
    };
    let login = check(app, &hello).await.map_err(End::refused)?;

    let handle = app.hub.register(login.address, login.id).map_err(End::refused)?;
    handle.hear(app.now());
    let registered = Registered { app, handle };
    // Invariant: a login that ends is put among the revoked before its connection is looked for, so one of the
    // two sees the other.
    if let Some(why) = app.revocations.why(&login.id) {
        let code = match why {
            ErrorCode::SignInNeeded => ErrorCode::LoginRevoked,
            why => why,
        };
        return Err(Farewell::from(End::refused(code)));
    }
    app.signals.connect(login.address, registered.handle.number);
    let failed = |error| Farewell::from(End::refused(code_of(&error)));
    let state = app.db.device_state(login.address).await.map_err(failed)?;
    // Behind the registration: a chain that grows from here on is told as news.
    let head = app.db.find_head(login.address.account).await.map_err(failed)?;
    let account = login.address.account;
    let mut moved = app.db.list_moved(account, &hello.cursors).await.map_err(failed)?;
    moved.extend(
        places::list_moved(app, account, &hello.cursors)
            .await
            .map_err(failed)?,
    );
    // The device comes back for the others with the cursors of these.
    moved.truncate(CURSORS_MAX);
    let welcome = ServerFrame::Welcome(Welcome {
        time: app.now(),
        moved,
        last_accepted: state.last_accepted,
        one_time_prekeys: state.one_time_prekeys,
        acknowledged: state.acknowledged,
        head: head.map(|(sequence, _)| sequence),
        restore: app.restore.map(|restore| restore.epoch),
        server_key: Some(app.announcements.key()),
    });
    outgoing
        .send(welcome)
        .await
        .map_err(|_| Farewell::from(End::GONE))?;
    let found = app.db.find_choices(account).await.map_err(failed)?;
    let choices = app.signals.learn(account, found);
    if choices != Choices::default() {
        let told = outgoing.send(ServerFrame::Choices(choices)).await;
        told.map_err(|_| Farewell::from(End::GONE))?;
    }
    Ok((registered, state.acknowledged))
}

async fn check(app: &App, hello: &Hello) -> Result<Login, ErrorCode> {
    if hello.version != PROTOCOL_VERSION {
        return Err(ErrorCode::VersionUnsupported);
    }
    if hello.cursors.len() > CURSORS_MAX {
        return Err(ErrorCode::TooLarge);
    }
    let login = app.db.claim_ticket(token_hash(&hello.ticket), app.now()).await;
    login
        .map_err(|error| code_of(&error))?
        .ok_or(ErrorCode::TicketInvalid)
}

/// Reads frames as fast as the limit allows and hands each to whom it concerns.
async fn read(
    app: &App,
    handle: &Handle,
    stream: &mut SplitStream<WebSocket>,
    outgoing: &Outgoing,
    jobs: &mpsc::Sender<Job>,
    acks: &watch::Sender<u64>,
) -> End {
    let device = handle.address;
    let limits = &app.config.limits;
    let mut pace = pace::Reader::new(limits.frames);
    let mut signals = pace::Reader::new(limits.signals);
    let mut lists = pace::Reader::new(limits.watch_lists);
    loop {
        pace.ready().await;
        let frame = tokio::select! {
            frame = next(stream) => frame,
            () = sleep(SILENCE) => return End::GONE,
        };
        let (frame, digest) = match frame {
            Ok(frame) => frame,
            Err(end) => return end,
        };
        measuring::frame_received();
        handle.hear(app.now());
        let job = match frame {
            ClientFrame::Send(send) => Job::Send(Box::new(send), digest()),
            ClientFrame::Distribute(distribute) => Job::Distribute(distribute, digest(), false),
            ClientFrame::Receipts(receipts) => Job::Distribute(receipts, digest(), true),
            ClientFrame::Restart(restart) => Job::Restart(restart.room),
            ClientFrame::Ack(ack) => {
                app.acknowledgements.add(device, ack.mailbox);
                acks.send_replace(ack.mailbox);
                continue;
            }
            ClientFrame::Ping(number) => {
                if outgoing.send(ServerFrame::Pong(number)).await.is_err() {
                    return End::GONE;
                }
                continue;
            }
            // Signals are answered by nothing, and more of them than is sensible are dropped.
            ClientFrame::Typing(typing) => {
                if signals.allows() {
                    typing::tell(app, device, typing).await;
                }
                continue;
            }
            ClientFrame::Active(active) => {
                app.signals.set_active(device, active);
                continue;
            }
            ClientFrame::Watch(list) if list.len() > WATCHED_MAX => return End::TOO_LARGE,
            ClientFrame::Watch(list) => {
                // Waits like every frame does that must not be lost.
                lists.ready().await;
                handle.tell_presence(&app.signals.watch(device, &list, app.now()));
                continue;
            }
            ClientFrame::Post(post) => Job::Post(Box::new(post), digest()),
            ClientFrame::Hello(_) => return End::MALFORMED,
        };
        if jobs.send(job).await.is_err() {
            return End::GONE;
        }
    }
}

/// The next frame, and what makes its digest.
async fn next(stream: &mut SplitStream<WebSocket>) -> Result<(ClientFrame, impl Fn() -> Hash), End> {
    loop {
        let bytes = match stream.next().await {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Text(_))) => return Err(End::MALFORMED),
            Some(Ok(Message::Close(_))) | None => return Err(End::GONE),
            // Over the socket's hard limit, or no frame at all; where the socket itself is broken, nobody
            // hears this answer.
            Some(Err(_)) => return Err(End::TOO_LARGE),
        };
        if bytes.len() > FRAME_MAX {
            return Err(End::TOO_LARGE);
        }
        let frame = ClientFrame::from_bytes(&bytes).map_err(|_| End::MALFORMED)?;
        return Ok((frame, move || Hash(hash(labels::SEND_DIGEST, &bytes))));
    }
}
