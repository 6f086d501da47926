//! The live connection: one task from the engine's request to connect until the connection is gone.

use std::future::poll_fn;
use std::time::Duration;

use conclave_protocol::limits::FRAME_MAX;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message as SocketMessage};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tower::Service as _;

use crate::driver::Message;
use crate::tls::{Connector, with_causes};
use crate::{Direction, ServerAddress, Tap};

/// Time to open TCP, TLS and the socket.
const OPEN_WITHIN: Duration = Duration::from_secs(30);
/// Time to say goodbye.
pub(crate) const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// What a connection reports.
pub(crate) enum SocketEvent {
    /// It is open.
    Opened,
    /// A frame arrived.
    Frame(Vec<u8>),
    /// It is gone, or could not be opened.
    Closed,
}

/// Opens connections to one server.
#[derive(Clone)]
pub(crate) struct SocketDoor {
    connector: Connector,
    address: ServerAddress,
    tap: Option<Tap>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl SocketDoor {
    pub(crate) fn new(connector: Connector, address: ServerAddress, tap: Option<Tap>) -> Self {
        Self {
            connector,
            address,
            tap,
        }
    }

    /// Lives as long as the connection, which ends when `frames` does.
    pub(crate) async fn run(
        self,
        generation: u64,
        frames: mpsc::Receiver<Vec<u8>>,
        inbox: mpsc::WeakSender<Message>,
    ) {
        match timeout(OPEN_WITHIN, self.open()).await {
            Ok(Ok(socket)) => {
                let report = Report {
                    generation,
                    inbox: inbox.clone(),
                };
                if report.send(SocketEvent::Opened).await {
                    let (sink, stream) = socket.split();
                    tokio::select! {
                        () = self.write(sink, frames) => {}
                        () = self.read(stream, report) => {}
                    }
                }
            }
            Ok(Err(error)) => {
                let reason = with_causes(error.as_ref());
                tracing::debug!(reason, "the live connection could not be opened");
            }
            Err(_) => tracing::debug!("the live connection took too long to open"),
        }
        Report { generation, inbox }.send(SocketEvent::Closed).await;
    }

    async fn open(&self) -> Result<WebSocketStream<impl AsyncRead + AsyncWrite + Unpin + use<>>, Failure> {
        const PATH: &str = "/api/v1/ws";
        let (Some(origin), Some(socket)) = (self.address.http(PATH), self.address.socket(PATH)) else {
            return Err("the address has no form".into());
        };
        let mut connector = self.connector.clone();
        poll_fn(|context| connector.poll_ready(context)).await?;
        let stream = connector.call(origin).await?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(FRAME_MAX))
            .max_frame_size(Some(FRAME_MAX));
        let request = socket.into_client_request()?;
        let (socket, _) = client_async_with_config(request, TokioIo::new(stream), Some(config)).await?;
        Ok(socket)
    }

    async fn write<S>(
        &self,
        mut sink: SplitSink<WebSocketStream<S>, SocketMessage>,
        mut frames: mpsc::Receiver<Vec<u8>>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while let Some(frame) = frames.recv().await {
            self.seen(Direction::Sent, &frame);
            let mut sent = sink.feed(SocketMessage::binary(frame)).await;
            // What was requested together leaves together.
            while let (Ok(()), Ok(frame)) = (&sent, frames.try_recv()) {
                self.seen(Direction::Sent, &frame);
                sent = sink.feed(SocketMessage::binary(frame)).await;
            }
            if let Err(reason) = sent.and(sink.flush().await) {
                tracing::debug!(%reason, "the live connection broke while it was written");
                // The server may have said why before it went.
                sleep(CLOSE_WITHIN).await;
                return;
            }
        }
        let _ = timeout(CLOSE_WITHIN, sink.close()).await;
    }

    async fn read<S>(&self, mut stream: SplitStream<WebSocketStream<S>>, report: Report)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            match stream.next().await {
                Some(Ok(SocketMessage::Binary(frame))) => {
                    self.seen(Direction::Received, &frame);
                    if !report.send(SocketEvent::Frame(frame.into())).await {
                        return;
                    }
                }
                Some(Ok(SocketMessage::Ping(_) | SocketMessage::Pong(_) | SocketMessage::Frame(_))) => {}
                Some(Ok(SocketMessage::Text(_))) => {
                    tracing::debug!("the server said something that is no frame");
                    return;
                }
                None | Some(Ok(SocketMessage::Close(_)) | Err(Error::ConnectionClosed)) => return,
                Some(Err(reason)) => {
                    tracing::debug!(%reason, "the live connection broke while it was read");
                    return;
                }
            }
        }
    }

    fn seen(&self, direction: Direction, frame: &[u8]) {
        if let Some(tap) = &self.tap {
            tap(direction, frame);
        }
    }
}

/// Where a connection reports to. A device that nobody holds any more takes no reports.
struct Report {
    generation: u64,
    inbox: mpsc::WeakSender<Message>,
}

impl Report {
    async fn send(&self, event: SocketEvent) -> bool {
        let Some(inbox) = self.inbox.upgrade() else {
            return false;
        };
        inbox
            .send(Message::Socket {
                generation: self.generation,
                event,
            })
            .await
            .is_ok()
    }
}
