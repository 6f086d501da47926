//! What a device publishes so that others can write to it while it is away.
//!
//! Secrets ([`SignedPrekey`], [`PrekeySecret`]) stay in the device's store; the signed [`PrekeyBundle`] goes to the
//! directory. One signature covers a whole bundle, so a directory can neither mix halves nor leave out the
//! one-time key. When to rotate and refill is the engine's decision; nothing here looks at a clock.

mod bundle;
mod kem;
mod prekey_secret;
mod signed_prekey;
#[cfg(test)]
mod tests;

pub use bundle::{PrekeyBundle, VerifiedBundle};
#[cfg(test)]
pub(crate) use kem::SEED_LENGTH;
pub(crate) use kem::{
    CIPHERTEXT_LENGTH, KemCiphertext, KemKeyPair, KemPublicKey, KemSeed, PUBLIC_KEY_LENGTH, encapsulate,
    encapsulate_with,
};
pub use prekey_secret::PrekeySecret;
pub use signed_prekey::SignedPrekey;

/// Whether a prekey serves one handshake or every one for which no other is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrekeyKind {
    /// Served once and deleted after the first message opened; carries a one-time X25519 key.
    OneTime,
    /// Served when all others are gone, until it is rotated.
    LastResort,
}

impl PrekeyKind {
    pub(crate) const fn to_u8(self) -> u8 {
        match self {
            Self::OneTime => 0,
            Self::LastResort => 1,
        }
    }

    pub(crate) const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::OneTime),
            1 => Some(Self::LastResort),
            _ => None,
        }
    }
}
