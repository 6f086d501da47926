//! A device's X25519 identity: it proves who takes part in a handshake, and never signs.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{X25519Public, X25519Secret};
use crate::KeyError;
use crate::redacted::redacted;

/// X25519 identity secret.
pub struct IdentityKey(X25519Secret);

/// The public half, named in the account's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityPublicKey(X25519Public);

redacted!(IdentityKey);

impl IdentityKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(X25519Secret::generate(rng))
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(X25519Secret::from_bytes(bytes))
    }

    /// The key's bytes, for storing.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.0.as_bytes())
    }

    /// The public half.
    pub fn public(&self) -> IdentityPublicKey {
        IdentityPublicKey(self.0.public())
    }

    pub(crate) fn secret(&self) -> &X25519Secret {
        &self.0
    }
}

impl IdentityPublicKey {
    /// Reads and checks a key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        X25519Public::from_bytes(bytes).map(Self)
    }

    /// The key's bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(crate) fn point(&self) -> &X25519Public {
        &self.0
    }
}
