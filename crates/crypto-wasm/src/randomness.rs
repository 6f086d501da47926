//! The JavaScript engine's cryptographic source, asked for several draws at once.
//!
//! Each call out of WASM costs a microsecond or two however little it fetches, as much as sealing a short message.
//! What was fetched waits in memory, is given out once and is cleared as it is.

use std::cell::RefCell;
use std::convert::Infallible;

use getrandom::SysRng;
use rand_core::{Rng as _, TryCryptoRng, TryRng, UnwrapErr};
use zeroize::{Zeroize, Zeroizing};

/// Bytes fetched at once: the random parts of 64 messages, so that fetching costs each a fiftieth of its time.
const FETCHED: usize = 1024;

/// Random bytes that wait.
struct Waiting {
    bytes: Zeroizing<[u8; FETCHED]>,
    /// How many of them, at the front, were not given out.
    left: usize,
}

thread_local! {
    static WAITING: RefCell<Waiting> = RefCell::new(Waiting {
        bytes: Zeroizing::new([0; FETCHED]),
        left: 0,
    });
}

impl Waiting {
    fn fill(&mut self, out: &mut [u8]) {
        if out.len() > FETCHED {
            UnwrapErr(SysRng).fill_bytes(out);
            return;
        }
        if self.left < out.len() {
            UnwrapErr(SysRng).fill_bytes(self.bytes.as_mut_slice());
            self.left = FETCHED;
        }
        let rest = self.left - out.len();
        let given = &mut self.bytes[rest..self.left];
        out.copy_from_slice(given);
        given.zeroize();
        self.left = rest;
    }
}

/// The one source of this module.
pub(crate) struct Randomness;

impl TryRng for Randomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        WAITING.with_borrow_mut(|waiting| waiting.fill(out));
        Ok(())
    }
}

impl TryCryptoRng for Randomness {}
