//! Our current X25519 pair of the ratchet.

use rand_core::CryptoRng;

use crate::keys::{X25519Public, X25519Secret};
use crate::redacted::redacted;

/// The pair, its public half kept so that sealing costs no scalar multiplication.
pub(crate) struct RatchetKey {
    secret: X25519Secret,
    public: X25519Public,
}

redacted!(RatchetKey);

impl RatchetKey {
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        let secret = X25519Secret::generate(rng);
        let public = secret.public();
        Self { secret, public }
    }

    /// A stored pair. The store is trusted; a public half that does not belong only makes messages unreadable.
    pub(super) fn from_parts(secret: X25519Secret, public: X25519Public) -> Self {
        Self { secret, public }
    }

    pub(super) fn secret(&self) -> &X25519Secret {
        &self.secret
    }

    pub(super) fn public(&self) -> X25519Public {
        self.public
    }
}
