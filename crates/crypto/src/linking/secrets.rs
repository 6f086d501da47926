//! Secrets of one link. Each lives as long as the state that holds it.

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::kdf::random;
use crate::redacted::redacted;
use crate::vault::x_wing::{XWingPublic, XWingSecret};

/// Seed of a side's X-Wing key pair.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct LinkSeed([u8; 32]);

/// What only the code on the new device's screen holds.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct LinkSecret([u8; 16]);

/// A shared secret, or the key of one direction.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct LinkKey([u8; 32]);

redacted!(LinkSeed, LinkSecret, LinkKey);

impl LinkSeed {
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(*random(rng))
    }

    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn expand(&self) -> XWingSecret {
        XWingSecret::expand(&self.0)
    }

    pub(super) fn public(&self) -> XWingPublic {
        self.expand().public()
    }
}

impl LinkSecret {
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(*random(rng))
    }

    pub(crate) fn from_bytes(bytes: &[u8; 16]) -> Self {
        Self(*bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// A second copy, for the state that a scanned code begins or the code that a state shows.
    pub(super) fn copy(&self) -> Self {
        Self(self.0)
    }
}

impl LinkKey {
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
