//! The cryptography of Conclave: first contact, Double Ratchet, sealing of content, and the keys for them.
//!
//! | module | owns |
//! |---|---|
//! | [`keys`] | one type per secret and per public key, checked when they are read |
//! | [`prekeys`] | what a device publishes so that others can write to it while it is away |
//! | `handshake` | X3DH with ML-KEM-768: two devices agree on a root key |
//! | `ratchet` | the Double Ratchet: a new key for each message |
//! | [`session`] | the list of ratchets with one peer device, and which of them sends |
//! | [`message`] | what travels: pairwise messages and the sealed body of a direct message |
//! | [`sender_keys`] | messages of rooms: one chain per device, room and epoch |
//! | [`attachments`] | files, sealed in chunks |
//! | [`vault`] | what a new device needs to read the past: slots, wrapped keys, records |
//! | [`linking`] | how a new device and one of the account agree on a key |
//! | [`safety_numbers`] | what two people compare |
//! | [`franking`] | reports of messages, and how they are judged |
//! | [`limits`] | every bound, with its reason |
//! | [`manual`] | the attacks met here, what meets each, and the test that shows it |
//!
//! This crate does no I/O, writes no logs, and asks nobody for time or randomness: both are arguments
//! (`u64` Unix milliseconds, [`rand_core::CryptoRng`]). It must never depend on another crate of the workspace
//! than `conclave-encoding`, and no input from outside may make it panic.
//!
//! To add a secret: a file in `keys` or beside its owner, a newtype that zeroizes on drop, a line in
//! `redacted!`, and a line in the test `no_secret_shows_in_debug_output`.
//!
//! ```
//! # use conclave_crypto::*;
//! # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! # let mut rng = ChaCha20Rng::from_seed([7; 32]);
//! let key = ContentKey::generate(&mut rng);
//! let sealed = seal_content(&key, b"room and sender", b"hello")?;
//! assert_eq!(*open_content(&key, b"room and sender", &sealed)?, b"hello");
//! assert!(open_content(&key, b"another room", &sealed).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
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

mod aead;
pub mod attachments;
mod error;
pub mod franking;
mod handshake;
mod kdf;
pub mod keys;
pub mod limits;
pub mod linking;
pub mod manual;
pub mod message;
mod padding;
mod participants;
mod place_values;
pub mod prekeys;
mod ratchet;
mod redacted;
pub mod safety_numbers;
pub mod sender_keys;
pub mod session;
mod skipped;
mod state;
mod suite;
#[cfg(test)]
mod tests;
pub mod vault;

pub use error::{
    AttachmentError, FrankingError, HandshakeError, KeyError, LinkError, OpenError, PaddingError, ParseError,
    SafetyCodeError, SealError, SenderKeyError, SignatureError, StateError, VaultError,
};
pub use keys::{ContentKey, IdentityKey, IdentityPublicKey, RecoveryKey, SigningKey, VerifyingKey};
pub use message::{
    PairwiseMessage, PrekeyMessage, Purpose, RatchetMessage, hashes_equal, message_hash, open_content,
    seal_content,
};
pub use padding::{pad, padded_length, unpad};
pub use participants::{DeviceAddress, LocalDevice, RemoteDevice};
pub use place_values::{PlaceKey, PlaceKeyId, place_key_of};
pub use prekeys::{PrekeyBundle, PrekeyKind, PrekeySecret, SignedPrekey, VerifiedBundle};
pub use session::Sessions;
