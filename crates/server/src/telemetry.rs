//! Logs without addresses, names, tokens or paths: the route's template says what was asked.

use std::io::IsTerminal as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use conclave_protocol::ErrorCode;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;
use tracing::Instrument;
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::error::StartError;
use crate::watch::{self, Refused};
use crate::{measuring, randomness};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Begins to log. Called once, by `main`.
pub fn begin(config: &Config) -> Result<(), StartError> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| StartError::Config(format!("log cannot be read: {error}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let begun = if config.log_json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
    begun.map_err(|error| StartError::Config(format!("the log cannot begin: {error}")))
}

/// Gives each request an id, by which a person can name it to an operator, and logs how it went.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    // The first half tells the starts of the server apart.
    static START: LazyLock<u32> = LazyLock::new(|| u32::from_be_bytes(randomness::bytes()));
    // What a client sends under this name is not taken over: it would be a way to write into the log.
    let id = format!("{:08x}-{}", *START, NUMBER.fetch_add(1, Ordering::Relaxed));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let began = Instant::now();

    let span = tracing::info_span!("request", id, %method, route);
    let mut response = next.run(request).instrument(span.clone()).await;

    let status = response.status().as_u16();
    let took = began.elapsed();
    measuring::request(&method, &route, status, took);
    let code = response.extensions().get::<ErrorCode>().copied();
    if let Some(refused) = code.and_then(|code| Refused::of(&route, code)) {
        watch::note(refused);
    }
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let _in_span = span.enter();
    if response.status().is_server_error() {
        tracing::warn!(status, took_ms, "failed");
    } else {
        tracing::debug!(status, took_ms, "answered");
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What an act writes into the log, for tests.
#[cfg(test)]
pub(crate) mod heard {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::DefaultGuard;

    /// Lines of the log, as they are written, without their times.
    #[derive(Clone, Default)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        /// Begins to listen to what this thread says, until the guard goes.
        pub(crate) fn listen() -> (Self, DefaultGuard) {
            let lines = Self::default();
            let into = lines.clone();
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::DEBUG)
                .with_ansi(false)
                .without_time()
                .with_writer(move || into.clone())
                .finish();
            (lines, tracing::subscriber::set_default(subscriber))
        }

        /// All of it so far.
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
