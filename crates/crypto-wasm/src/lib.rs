//! The cryptography alone for JavaScript: what benchmarks measure and what the size of the crypto core is
//! weighed by.
//!
//! Each type is one party of a protocol, and each method one operation, with bytes in and bytes out, so that other
//! libraries can be measured by the same rows. It must never ship: the browser's engine is `crates/wasm`, and keys
//! do not cross into JavaScript there.
//!
//! One more row is one more method here and one more entry for each library in `benches/crypto/node`.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod content;
mod conversation;
mod device;
mod parts;
mod randomness;
mod rest;
mod room;

pub use content::Content;
pub use conversation::Conversation;
pub use device::{Device, Peer};
pub use parts::Parts;
pub use rest::{Vault, judge, link, safety_number, stored};
pub use room::Room;

/// The time at which everything happens.
const NOW: u64 = 1_750_000_000_000;

/// As long as what the engine binds to a content key: label, room, envelope, both device addresses.
const BOUND: [u8; 155] = [0x62; 155];
