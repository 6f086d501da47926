//! How fast the cryptography is, against a peer and against the sum of its primitives.
//!
//! The benchmarks are in `benches/crypto` (native) and `node` (WASM, in Node); `cargo xtask bench crypto` runs
//! both. This library is empty, so that tests build nothing of it. It must never hold code that ships.
