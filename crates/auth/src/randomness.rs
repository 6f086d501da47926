//! Lends the caller's randomness to opaque-ke, which speaks an older generation of the traits.

use opaque_ke::rand;
use rand_core::CryptoRng;

pub(crate) struct Lent<'a, R>(pub(crate) &'a mut R);

impl<R: CryptoRng> rand::RngCore for Lent<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand::Error> {
        self.0.fill_bytes(out);
        Ok(())
    }
}

impl<R: CryptoRng> rand::CryptoRng for Lent<'_, R> {}
