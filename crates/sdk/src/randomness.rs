//! The one place that opens the system's source of randomness.

use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use zeroize::Zeroizing;

/// The system's randomness. A system without any cannot run a client, so a failure ends the thread.
pub(crate) fn system() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// A fresh key.
pub(crate) fn key() -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    system().fill_bytes(&mut *key);
    key
}
