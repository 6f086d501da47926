//! Other people's implementations of the same constructions must say the same.
//!
//! The Double Ratchet is compared in `ratchet/tests/olm`, where its insides are in reach.

mod ml_kem;
