//! A device's live connection, which may end at any moment.

use std::time::Duration;

use conclave_protocol::frames::{ClientFrame, Closing, Cursor, Hello, ServerFrame, Welcome};
use conclave_protocol::logins::Ticket;
use conclave_protocol::{PROTOCOL_VERSION, Token};
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::door::{Door, PATIENCE};

/// The connection has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What the server said about it.
    pub(crate) closing: Option<Closing>,
    /// The close code, where one came.
    pub(crate) code: Option<u16>,
}

pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

/// Why there is no connection yet.
#[derive(Debug)]
pub(crate) enum NotYet {
    /// Nobody answers, or the connection broke off.
    Away,
    /// The server says to come back.
    Later(Duration),
    /// The server says something that it should not say here.
    Refused(String),
}

impl Socket {
    /// An upgraded connection over a stream that has not said anything.
    pub(crate) async fn silent_over(door: Door, stream: TcpStream) -> Option<Self> {
        let request = format!("ws://{}/api/v1/ws", door.0).into_client_request().ok()?;
        let (socket, _) = client_async(request, stream).await.ok()?;
        Some(Self(socket))
    }

    pub(crate) async fn silent(door: Door) -> Option<Self> {
        let stream = TcpStream::connect(door.0).await.ok()?;
        stream.set_nodelay(true).ok()?;
        Self::silent_over(door, stream).await
    }

    /// A connection of the device with this access token; over `way` where it is another than to `door` itself.
    pub(crate) async fn try_open(
        door: Door,
        way: Door,
        access: &Token,
        cursors: Vec<Cursor>,
    ) -> Result<(Self, Welcome), NotYet> {
        let ticket = ticket(door, access).await?;
        let opened = async {
            let mut socket = Self::silent(way).await.ok_or(NotYet::Away)?;
            socket
                .say(&hello(ticket, cursors))
                .await
                .map_err(|_| NotYet::Away)?;
            match socket.hear().await {
                Ok(ServerFrame::Welcome(welcome)) => Ok((socket, welcome)),
                Ok(ServerFrame::Closing(Closing {
                    retry_after: Some(after),
                    ..
                })) => Err(NotYet::Later(Duration::from_millis(u64::from(after)))),
                Ok(other) => Err(NotYet::Refused(format!("{other:?}"))),
                Err(_) => Err(NotYet::Away),
            }
        };
        timeout(PATIENCE, opened).await.unwrap_or(Err(NotYet::Away))
    }

    /// As [`Self::try_open`], of a server that is there.
    pub(crate) async fn open(door: Door, access: &Token) -> (Self, Welcome) {
        let opened = Self::try_open(door, door, access, Vec::new()).await;
        opened.expect("a connection")
    }

    /// Tries until it is connected; comes back when it is told to.
    pub(crate) async fn persist(
        door: Door,
        way: Door,
        access: &Token,
        cursors: &[Cursor],
    ) -> Result<(Self, Welcome), String> {
        loop {
            match Self::try_open(door, way, access, cursors.to_vec()).await {
                Ok(opened) => return Ok(opened),
                Err(NotYet::Away) => sleep(Duration::from_millis(50)).await,
                Err(NotYet::Later(after)) => sleep(after).await,
                Err(NotYet::Refused(why)) => return Err(why),
            }
        }
    }

    pub(crate) async fn say(&mut self, frame: &ClientFrame) -> Result<(), Ended> {
        let message = Message::Binary(frame.to_bytes().into());
        self.0.send(message).await.map_err(|_| Ended {
            closing: None,
            code: None,
        })
    }

    /// The next frame.
    pub(crate) async fn hear(&mut self) -> Result<ServerFrame, Ended> {
        let mut closing = None;
        loop {
            match self.0.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    match ServerFrame::from_bytes(&bytes).expect("a frame of the protocol") {
                        ServerFrame::Closing(said) => closing = Some(said),
                        frame => return Ok(frame),
                    }
                }
                Some(Ok(Message::Close(close))) => {
                    let code = close.map(|close| close.code.into());
                    return Err(Ended { closing, code });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Ended { closing, code: None }),
            }
        }
    }

    /// Reads on to the end.
    pub(crate) async fn end(mut self) -> Ended {
        let ended = async {
            loop {
                if let Err(ended) = self.hear().await {
                    return ended;
                }
            }
        };
        timeout(PATIENCE, ended).await.expect("the connection ends")
    }
}

/// A ticket for a connection.
pub(crate) async fn ticket(door: Door, access: &Token) -> Result<Token, NotYet> {
    let answer = door.try_post("/api/v1/ws/ticket", Some(access), &()).await;
    let Some(answer) = answer else {
        return Err(NotYet::Away);
    };
    match (answer.status, answer.retry_after()) {
        (status, _) if status.is_success() => Ok(answer.json::<Ticket>().ticket),
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE, Some(seconds)) => {
            Err(NotYet::Later(Duration::from_secs(seconds)))
        }
        _ => Err(NotYet::Refused(format!("{answer:?}"))),
    }
}

pub(crate) fn hello(ticket: Token, cursors: Vec<Cursor>) -> ClientFrame {
    ClientFrame::Hello(Hello {
        version: PROTOCOL_VERSION,
        ticket,
        cursors,
    })
}
