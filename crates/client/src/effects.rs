//! What follows from an input: first changes to store, then requests and events.

use conclave_protocol::{Timestamp, Token};

use crate::changes::Change;
use crate::views::Event;

/// Something the runtime does for the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// An HTTP request; its outcome comes back as [`crate::Input::Http`].
    Http(HttpCall),
    /// Open the live connection; [`crate::Input::Connected`] or [`crate::Input::Disconnected`] follows.
    Connect,
    /// Close the live connection; no input follows.
    Disconnect,
    /// Send this frame on the open connection.
    Frame(Vec<u8>),
    /// Call [`crate::Input::Tick`] at this time. Replaces the time asked for before.
    WakeAt(Timestamp),
}

/// Method of an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// DELETE
    Delete,
}

impl Method {
    /// As it stands in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One HTTP request to the server. Bodies are JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCall {
    /// Comes back with the outcome.
    pub id: u64,
    /// Method.
    pub method: Method,
    /// Path under the server's origin, beginning with `/api/`.
    pub path: String,
    /// JSON body.
    pub body: Option<HttpBody>,
    /// Bearer token.
    pub bearer: Option<Token>,
}

/// A JSON body; may hold tokens, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpBody(pub Vec<u8>);

impl std::fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpBody({})", self.0.len())
    }
}

/// What follows from one input.
#[derive(Debug, Default)]
#[must_use = "changes have to be stored and requests sent"]
pub struct Effects {
    pub(crate) changes: Vec<Change>,
    pub(crate) requests: Vec<Request>,
    pub(crate) events: Vec<Event>,
}

/// What may be done after the changes are durable.
#[derive(Debug, Default)]
#[must_use = "requests have to be sent"]
pub struct Released {
    /// In order.
    pub requests: Vec<Request>,
    /// In order.
    pub events: Vec<Event>,
}

/// A store that takes the engine's changes.
pub trait Applies {
    /// Why it could not.
    type Error;

    /// Stores all changes in one durable transaction, or none of them.
    fn apply(&mut self, changes: Vec<Change>) -> Result<(), Self::Error>;
}

impl Effects {
    /// Stores the changes and only then releases requests and events. On an error nothing may be sent; the
    /// same input may be handled again.
    pub fn commit<S: Applies>(self, store: &mut S) -> Result<Released, S::Error> {
        if !self.changes.is_empty() {
            store.apply(self.changes)?;
        }
        Ok(Released {
            requests: self.requests,
            events: self.events,
        })
    }
}
