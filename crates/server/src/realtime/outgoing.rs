//! Writes to the socket, and how a connection ends.

use std::time::Duration;

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use conclave_protocol::ErrorCode;
use conclave_protocol::frames::{Closing, ServerFrame};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Frames that wait to be written at most. What they hold is bounded by the delivery window; the rest are
/// answers of a few bytes.
pub(super) const QUEUE_MAX: usize = 256;

/// Where a connection's frames go in. Full, it makes whoever has something to say wait.
pub(super) type Outgoing = mpsc::Sender<ServerFrame>;

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
    pub(super) const GONE: Self = Self { closing: None, code: code::GOING_AWAY, rest: false };
    /// A frame or its place was wrong.
    pub(super) const MALFORMED: Self = Self::told(ErrorCode::Malformed, code::POLICY);
    /// A frame was too large.
    pub(super) const TOO_LARGE: Self = Self::told(ErrorCode::TooLarge, code::TOO_LARGE);
    /// The reader is too slow; what waits for it is kept in its mailbox.
    pub(super) const SLOW: Self =
        Self { rest: false, ..Self::told(ErrorCode::Overloaded, code::TRY_LATER) };

    const fn told(code: ErrorCode, close: u16) -> Self {
        Self { closing: Some(Closing { code, retry_after: None }), code: close, rest: true }
    }

    /// The connection was refused at its beginning.
    pub(super) fn refused(code: ErrorCode) -> Self {
        let again = matches!(code, ErrorCode::Overloaded | ErrorCode::Unavailable | ErrorCode::Internal);
        let mut end = Self::told(code, if again { code::TRY_LATER } else { code::POLICY });
        if let Some(closing) = end.closing.as_mut().filter(|_| again) {
            closing.retry_after = Some(2_000);
        }
        end
    }

    /// Somebody else ended it: a sign-out, a newer connection, the end of the server.
    pub(super) fn closed(closing: Closing) -> Self {
        let (code, rest) = match closing.code {
            ErrorCode::Unavailable => (code::RESTART, true),
            ErrorCode::Overloaded => (code::REPLACED, true),
            _ => (code::SIGNED_OUT, false),
        };
        Self { closing: Some(closing), code, rest }
    }
}

/// Writes frames until told how to end. One write may take `patience`; longer means that the reader does not
/// keep up, and then the connection ends rather than hold more for it.
pub(super) async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut frames: mpsc::Receiver<ServerFrame>,
    mut end: oneshot::Receiver<End>,
    patience: Duration,
) {
    let end = loop {
        tokio::select! {
            biased;
            end = &mut end => break end.unwrap_or(End::GONE),
            frame = frames.recv() => {
                let Some(frame) = frame else { break (&mut end).await.unwrap_or(End::GONE) };
                match timeout(patience, write_all(&mut sink, frame, &mut frames)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => break End::SLOW,
                }
            }
        }
    };
    let _ = timeout(patience, write_end(&mut sink, frames, end)).await;
}

/// One frame and whatever waits behind it, then one flush.
async fn write_all(
    sink: &mut SplitSink<WebSocket, Message>,
    first: ServerFrame,
    frames: &mut mpsc::Receiver<ServerFrame>,
) -> Result<(), Error> {
    let mut next = Some(first);
    while let Some(frame) = next {
        sink.feed(Message::Binary(frame.to_bytes().into())).await?;
        next = frames.try_recv().ok();
    }
    sink.flush().await
}

async fn write_end(
    sink: &mut SplitSink<WebSocket, Message>,
    mut frames: mpsc::Receiver<ServerFrame>,
    end: End,
) -> Result<(), Error> {
    while let Some(frame) = frames.try_recv().ok().filter(|_| end.rest) {
        sink.feed(Message::Binary(frame.to_bytes().into())).await?;
    }
    if let Some(closing) = end.closing {
        sink.feed(Message::Binary(ServerFrame::Closing(closing).to_bytes().into())).await?;
    }
    let reason = end.closing.map_or("", |closing| closing.code.as_str());
    sink.send(Message::Close(Some(CloseFrame { code: end.code, reason: reason.into() }))).await
}
