//! The browser's clock and randomness; everything below gets them as arguments.

use conclave_protocol::Timestamp;
use getrandom::SysRng;
use rand_core::UnwrapErr;

/// Now.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole milliseconds since 1970; a clock before that counts as 1970"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp(js_sys::Date::now() as u64)
}

/// The browser's cryptographic source. It does not fail where the page could load at all.
pub(crate) fn randomness() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}
