//! Tests that belong to no single module, and what all tests share.

mod counts;
#[cfg(not(target_family = "wasm"))]
mod differential;
mod formats;
mod harness;
mod redaction;
mod vectors;
mod wycheproof;

pub(crate) use counts::{cases, for_all, refused_by_type, vectors, wanted};
pub(crate) use harness::{AD, Device, Fixed, NOW, rng};
pub(crate) use vectors::{bytes, unhex};
