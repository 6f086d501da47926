//! A source that has none, for paths that only read.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// Gives zeros. Invariant: used only where nothing is made; the paths that make something take the caller's.
pub(crate) struct NoRandomness;

impl TryRng for NoRandomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill(0);
        Ok(())
    }
}

impl TryCryptoRng for NoRandomness {}
