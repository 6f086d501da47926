//! One type per key, so that the compiler tells them apart; the public ones are checked when they are read.
//!
//! Secrets have no derived `Debug`, `Clone`, `PartialEq` or serialization and are zeroized on drop. Nothing here
//! may hand out a secret other than by a `to_bytes` that zeroizes or a borrowed `as_bytes`.

mod content_key;
mod identity_key;
mod recovery_key;
mod signing_key;
mod verifying_key;
mod x25519;

pub use content_key::ContentKey;
pub use identity_key::{IdentityKey, IdentityPublicKey};
pub use recovery_key::RecoveryKey;
pub use signing_key::SigningKey;
pub use verifying_key::VerifyingKey;
pub(crate) use x25519::{X25519Public, X25519Secret};
