//! The one place that opens the system's source of randomness.

use conclave_protocol::Token;
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};

/// The system's randomness. A system without any cannot run a server, so a failure ends the process's task.
pub(crate) fn system() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Fresh random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    system().fill_bytes(&mut bytes);
    bytes
}

/// A fresh secret of 256 bits.
pub(crate) fn token() -> Token {
    Token::from_random(bytes())
}
