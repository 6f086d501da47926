//! The only place of xtask that asks for the time.

use std::time::Instant;

/// Now, to measure how long a step takes.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask measures its own steps; nothing here decides by time"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
