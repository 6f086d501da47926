//! What the rows stand on: the program as a process of its own, the database below it, people with devices, and
//! writers and readers who keep their own books.

pub(crate) mod database;
pub(crate) mod door;
pub(crate) mod image;
pub(crate) mod keeper;
pub(crate) mod ledger;
pub(crate) mod people;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod reader;
pub(crate) mod scene;
pub(crate) mod socket;
pub(crate) mod writer;

use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}

/// A number from `low` up to and without `high`.
pub(crate) fn between(low: u64, high: u64) -> u64 {
    low + u64::from_be_bytes(random()) % (high - low)
}
