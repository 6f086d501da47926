//! What a device is opened with.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Clock;

/// Sees every frame and every HTTP body, as it is sent or received. For tests: it must be quick.
pub type Tap = Arc<dyn Fn(Direction, &[u8]) + Send + Sync>;

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From this device to the server.
    Sent,
    /// From the server to this device.
    Received,
}

/// What a device is opened with.
#[derive(Clone)]
pub struct Options {
    /// Where the server is, such as `https://chat.example.org`; see [`crate::ServerAddress`].
    pub server: String,
    /// The device's folder, made if it is not there. It holds one account of one server.
    pub data: PathBuf,
    /// Speak plain HTTP to other hosts than this machine. Content is sealed all the same; who writes to whom,
    /// and the tokens of the sign-in, are not.
    pub allow_plain_http: bool,
    /// Begin as after [`crate::Device::go_offline`].
    pub start_offline: bool,
    /// Sees what crosses the wire.
    pub tap: Option<Tap>,
    /// The clock; the system's if none is given.
    pub clock: Option<Clock>,
}

impl Options {
    /// A server and a folder, and for all else what is right outside of tests.
    pub fn new(server: impl Into<String>, data: impl Into<PathBuf>) -> Self {
        Self {
            server: server.into(),
            data: data.into(),
            allow_plain_http: false,
            start_offline: false,
            tap: None,
            clock: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("server", &self.server)
            .field("data", &self.data)
            .field("allow_plain_http", &self.allow_plain_http)
            .field("start_offline", &self.start_offline)
            .field("tap", &self.tap.is_some())
            .field("clock", &self.clock.is_some())
            .finish()
    }
}
