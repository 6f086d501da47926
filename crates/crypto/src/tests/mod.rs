//! Tests that belong to no single module, and what all tests share.

mod formats;
mod harness;
mod redaction;
mod vectors;
mod wycheproof;

pub(crate) use harness::{AD, Device, NOW, rng};
pub(crate) use vectors::{bytes, unhex};
