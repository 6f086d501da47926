//! Randomness that is not random: made from a name, and remembered; or read back from a vector.

use core::convert::Infallible;
use std::collections::VecDeque;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use crate::{Hex, Refusal};

/// Bytes that follow from a name: block n is SHA-256("conclave vectors" ‖ name ‖ n as `u64`). Each draw begins a new
/// block and is remembered.
pub(crate) struct Fixed {
    name: &'static str,
    next: u64,
    drawn: Vec<Hex>,
}

impl Fixed {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            next: 0,
            drawn: Vec::new(),
        }
    }

    /// Draws that go into a vector by themselves.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.fill(&mut bytes);
        bytes
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number below `bound`, for choosing what happens; its tiny bias matters to nobody.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        u32::from_be_bytes(self.array()) % bound
    }

    /// What a function drew, and its result.
    pub(crate) fn record<T>(&mut self, function: impl FnOnce(&mut Self) -> T) -> (T, Vec<Hex>) {
        self.drawn.clear();
        let result = function(self);
        (result, core::mem::take(&mut self.drawn))
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let block = Sha256::new()
                .chain_update("conclave vectors")
                .chain_update(self.name)
                .chain_update(self.next.to_be_bytes())
                .finalize();
            part.copy_from_slice(&block[..part.len()]);
            self.next += 1;
        }
    }
}

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        self.drawn.push(Hex::from(bytes));
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

/// The draws of a vector, given out in order. A draw of another length than the next one, or of more than there
/// are, shows in [`Script::finish`].
pub(crate) struct Script {
    draws: VecDeque<Vec<u8>>,
    is_followed: bool,
}

impl Script {
    pub(crate) fn new<'a>(draws: impl IntoIterator<Item = &'a Hex>) -> Self {
        Self {
            draws: draws.into_iter().map(|draw| draw.0.clone()).collect(),
            is_followed: true,
        }
    }

    /// Gives the script to a function and checks that it drew all of it.
    pub(crate) fn play<'a, T>(
        draws: impl IntoIterator<Item = &'a Hex>,
        function: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Refusal> {
        let mut script = Self::new(draws);
        let result = function(&mut script);
        if script.is_followed && script.draws.is_empty() {
            Ok(result)
        } else {
            Err(Refusal::new("other randomness was drawn than the vector holds"))
        }
    }
}

impl TryRng for Script {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        match self.draws.pop_front() {
            Some(draw) if draw.len() == bytes.len() => bytes.copy_from_slice(&draw),
            _ => {
                self.is_followed = false;
                bytes.fill(0);
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Script {}
