//! Writes to the socket, and how a connection ends.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message};
use bytes::Bytes;
use conclave_protocol::ErrorCode;
use conclave_protocol::frames::{Closing, ServerFrame};
use futures_util::{Sink, SinkExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::measuring;

/// Frames that wait to be written at most. What they hold is bounded by the delivery window; the rest are
/// answers of a few bytes.
const QUEUE_MAX: usize = 256;
/// Bytes of frames shared with other connections that wait to be written at most.
const SHARED_MAX: usize = 128 * 1024;

/// When clients are told to come back after the server stopped.
const RETURN_MS: u32 = 1_000;
/// When clients are told to come back after a refusal that passes.
const AGAIN_MS: u32 = 2_000;

/// Where a connection's frames go in. Full, it makes whoever has something to say wait.
pub(super) struct Outgoing {
    frames: mpsc::Sender<Queued>,
    shared: Arc<Semaphore>,
}

/// A frame that waits to be written.
pub(super) enum Queued {
    /// One for this connection.
    Own(ServerFrame),
    /// One that other connections have, too, and its share of [`SHARED_MAX`].
    Shared(
        Bytes,
        #[expect(dead_code, reason = "given back when it is dropped")] OwnedSemaphorePermit,
    ),
}

/// The connection has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// The way of a connection's frames from who has something to say to who writes.
pub(super) fn channel() -> (Outgoing, mpsc::Receiver<Queued>) {
    let (frames, written) = mpsc::channel(QUEUE_MAX);
    let shared = Arc::new(Semaphore::new(SHARED_MAX));
    (Outgoing { frames, shared }, written)
}

impl Outgoing {
    /// Queues a frame.
    pub(super) async fn send(&self, frame: ServerFrame) -> Result<(), Gone> {
        self.frames.send(Queued::Own(frame)).await.map_err(|_| Gone)
    }

    /// Queues an encoded frame without copying it.
    pub(super) async fn send_shared(&self, frame: Bytes) -> Result<(), Gone> {
        let size = u32::try_from(frame.len().min(SHARED_MAX)).map_err(|_| Gone)?;
        let room = Arc::clone(&self.shared)
            .acquire_many_owned(size)
            .await
            .map_err(|_| Gone)?;
        self.frames
            .send(Queued::Shared(frame, room))
            .await
            .map_err(|_| Gone)
    }

    /// Whether the device keeps up: then there is room for what may be dropped.
    pub(super) fn has_room(&self) -> bool {
        self.frames.capacity() >= QUEUE_MAX / 2
    }

    /// Done when nobody writes any more.
    pub(super) async fn closed(&self) {
        self.frames.closed().await;
    }
}

impl Queued {
    #[cfg(test)]
    pub(super) fn frame(self) -> ServerFrame {
        match self {
            Self::Own(frame) => frame,
            Self::Shared(bytes, _) => ServerFrame::from_bytes(&bytes).unwrap(),
        }
    }

    fn into_message(self) -> Message {
        Message::Binary(match self {
            Self::Own(frame) => frame.to_bytes().into(),
            Self::Shared(frame, _) => frame,
        })
    }
}

/// Close codes (RFC 6455; from 4000 on our own).
mod code {
    pub(super) const GOING_AWAY: u16 = 1001;
    pub(super) const POLICY: u16 = 1008;
    pub(super) const TOO_LARGE: u16 = 1009;
    pub(super) const RESTART: u16 = 1012;
    pub(super) const TRY_LATER: u16 = 1013;
    /// A newer connection of the same device took over; the client must not come back by itself.
    pub(super) const REPLACED: u16 = 4001;
    /// The login has ended.
    pub(super) const SIGNED_OUT: u16 = 4002;
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    closing: Option<Closing>,
    code: u16,
    /// What was queued before is still written.
    rest: bool,
}

impl End {
    /// The device is gone or silent.
    pub(super) const GONE: Self = Self {
        closing: None,
        code: code::GOING_AWAY,
        rest: false,
    };
    /// A frame or its place was wrong.
    pub(super) const MALFORMED: Self = Self::told(ErrorCode::Malformed, code::POLICY);
    /// A frame was too large.
    pub(super) const TOO_LARGE: Self = Self::told(ErrorCode::TooLarge, code::TOO_LARGE);
    /// The reader is too slow; what waits for it is kept in its mailbox.
    pub(super) const SLOW: Self = Self {
        rest: false,
        ..Self::told(ErrorCode::Overloaded, code::TRY_LATER)
    };

    /// The server stops; its connections come back to the next one.
    pub(super) const STOPPING: Self = Self {
        closing: Some(Closing {
            code: ErrorCode::Unavailable,
            retry_after: Some(RETURN_MS),
        }),
        code: code::RESTART,
        rest: true,
    };

    const fn told(code: ErrorCode, close: u16) -> Self {
        Self {
            closing: Some(Closing {
                code,
                retry_after: None,
            }),
            code: close,
            rest: true,
        }
    }

    /// The connection was refused at its beginning.
    pub(super) fn refused(code: ErrorCode) -> Self {
        let again = matches!(
            code,
            ErrorCode::Overloaded | ErrorCode::Unavailable | ErrorCode::Internal
        );
        let mut end = Self::told(code, if again { code::TRY_LATER } else { code::POLICY });
        if let Some(closing) = end.closing.as_mut().filter(|_| again) {
            closing.retry_after = Some(AGAIN_MS);
        }
        end
    }

    /// Somebody else ended it: a sign-out, a newer connection.
    pub(super) fn closed(closing: Closing) -> Self {
        let (code, rest) = match closing.code {
            ErrorCode::Replaced => (code::REPLACED, true),
            _ => (code::SIGNED_OUT, false),
        };
        Self {
            closing: Some(closing),
            code,
            rest,
        }
    }
}

/// How a connection ends, and what its device is told before.
#[derive(Debug)]
pub(super) struct Farewell {
    pub(super) end: End,
    /// Written before the reason, also where nothing else that was queued is.
    pub(super) last: Option<ServerFrame>,
}

impl From<End> for Farewell {
    fn from(end: End) -> Self {
        Self { end, last: None }
    }
}

/// Writes frames until told how to end. One write may take `patience`; longer means that the reader does not
/// keep up, and then the connection ends rather than hold more for it.
pub(super) async fn write<S: Sink<Message> + Unpin>(
    mut sink: S,
    mut frames: mpsc::Receiver<Queued>,
    mut end: oneshot::Receiver<Farewell>,
    patience: Duration,
) {
    let end = loop {
        tokio::select! {
            biased;
            end = &mut end => break end.unwrap_or(End::GONE.into()),
            frame = frames.recv() => {
                let Some(frame) = frame else { break (&mut end).await.unwrap_or(End::GONE.into()) };
                match timeout(patience, write_all(&mut sink, frame, &mut frames)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => break End::SLOW.into(),
                }
            }
        }
    };
    let _ = timeout(patience, write_end(&mut sink, frames, end)).await;
}

/// One frame and whatever waits behind it, then one flush.
async fn write_all<S: Sink<Message> + Unpin>(
    sink: &mut S,
    first: Queued,
    frames: &mut mpsc::Receiver<Queued>,
) -> Result<(), S::Error> {
    let mut next = Some(first);
    while let Some(frame) = next {
        sink.feed(frame.into_message()).await?;
        measuring::frame_sent();
        next = frames.try_recv().ok();
    }
    sink.flush().await
}

async fn write_end<S: Sink<Message> + Unpin>(
    sink: &mut S,
    mut frames: mpsc::Receiver<Queued>,
    Farewell { end, last }: Farewell,
) -> Result<(), S::Error> {
    while let Some(frame) = frames.try_recv().ok().filter(|_| end.rest) {
        sink.feed(frame.into_message()).await?;
    }
    if let Some(frame) = last {
        sink.feed(Message::Binary(frame.to_bytes().into())).await?;
    }
    if let Some(closing) = end.closing {
        sink.feed(Message::Binary(ServerFrame::Closing(closing).to_bytes().into()))
            .await?;
    }
    let reason = end.closing.map_or("", |closing| closing.code.as_str());
    sink.send(Message::Close(Some(CloseFrame {
        code: end.code,
        reason: reason.into(),
    })))
    .await
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use tokio::time::{Instant, Sleep, sleep};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Takes nothing for a while.
    struct Reader {
        until: Pin<Box<Sleep>>,
        taken: Arc<Mutex<Vec<Message>>>,
    }

    impl Sink<Message> for Reader {
        type Error = Infallible;

        fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.until.as_mut().poll(context).map(Ok)
        }

        fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Infallible> {
            self.taken.lock().unwrap().push(message);
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.poll_ready(context)
        }

        fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.poll_ready(context)
        }
    }

    /// What a reader that is stuck for `stuck` takes of three frames, and when it is given up or done.
    async fn taken(stuck: Duration, end: Option<End>) -> (Vec<Message>, Duration) {
        let taken = Arc::default();
        let reader = Reader {
            until: Box::pin(sleep(stuck)),
            taken: Arc::clone(&taken),
        };
        let (outgoing, frames) = channel();
        let (say_end, ended) = oneshot::channel();
        for number in 0..3 {
            outgoing.send(ServerFrame::Pong(number)).await.unwrap();
        }
        let began = Instant::now();
        // Without an end the other half stays, as it does while a connection lives.
        let kept = match end {
            Some(end) => say_end.send(end.into()).map(|()| None).unwrap(),
            None => Some(say_end),
        };
        let _ = timeout(10 * PATIENCE, write(reader, frames, ended, PATIENCE)).await;
        drop(kept);
        let messages = std::mem::take(&mut *taken.lock().unwrap());
        (messages, began.elapsed())
    }

    fn close_code(message: Option<&Message>) -> Option<u16> {
        match message {
            Some(Message::Close(Some(close))) => Some(close.code),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_reader_is_given_up_after_a_bounded_time() {
        let (messages, took) = taken(Duration::MAX, None).await;
        assert_eq!((messages.len(), took.as_secs()), (0, 2 * PATIENCE.as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_comes_back_late_hears_1013() {
        let (messages, _) = taken(PATIENCE + PATIENCE / 2, None).await;
        assert_eq!(close_code(messages.last()), Some(1013));
        assert_eq!(
            messages.len(),
            2,
            "the reason, the close, and nothing that was queued"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_queued_goes_out_before_an_end_and_not_after_a_sign_out() {
        let (messages, _) = taken(Duration::ZERO, Some(End::STOPPING)).await;
        assert_eq!((messages.len(), close_code(messages.last())), (5, Some(1012)));
        let signed_out = Closing {
            code: ErrorCode::SignInNeeded,
            retry_after: None,
        };
        let (messages, _) = taken(Duration::ZERO, Some(End::closed(signed_out))).await;
        assert_eq!((messages.len(), close_code(messages.last())), (2, Some(4002)));
    }
}
