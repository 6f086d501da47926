//! The OPAQUE suite that server and clients share (RFC 9807), what a device signs to register and sign in, and how a
//! report is judged.
//!
//! The server never receives a password. This crate holds no state and must never log or keep a secret.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]
#![forbid(unsafe_code)]

pub mod client;
pub mod franking;
mod randomness;
pub mod server;
pub mod statements;
mod suite;

use thiserror::Error;

/// Why a step of OPAQUE failed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AuthError {
    /// The other side's bytes are not of their form.
    #[error("the sign-in message cannot be read")]
    Malformed,
    /// Name or password is wrong, or the server is not the one that was registered with.
    #[error("name or password is wrong")]
    WrongCredentials,
    /// The stretching parameters lie below the floor or cannot be met on this device.
    #[error("the password could not be stretched on this device")]
    Stretching,
}
