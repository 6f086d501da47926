//! The prekey that lives for a week and takes part in every handshake of that week. It doubles as the responder's
//! first ratchet key.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::StateError;
use crate::keys::{X25519Public, X25519Secret};
use crate::redacted::redacted;
use crate::state::{self, Record};

/// Secret half of a signed prekey.
pub struct SignedPrekey {
    id: u32,
    created_at: u64,
    secret: X25519Secret,
}

redacted!(SignedPrekey);

impl SignedPrekey {
    /// A new key. Ids must not repeat while an older secret with the same id is kept.
    pub fn generate(id: u32, now: u64, rng: &mut impl CryptoRng) -> Self {
        Self {
            id,
            created_at: now,
            secret: X25519Secret::generate(rng),
        }
    }

    /// The key's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// When it was made, for rotation.
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// The secret's stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let state = state::write(Record::SignedPrekey, 44)
            .u32(self.id)
            .u64(self.created_at)
            .fixed(self.secret.as_bytes());
        Zeroizing::new(state.finish())
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::SignedPrekey, bytes)?;
        let id = reader.u32()?;
        let created_at = reader.u64()?;
        let secret = X25519Secret::from_bytes(&Zeroizing::new(reader.fixed()?));
        reader.finish()?;
        Ok(Self {
            id,
            created_at,
            secret,
        })
    }

    pub(crate) fn secret(&self) -> &X25519Secret {
        &self.secret
    }

    pub(crate) fn public(&self) -> X25519Public {
        self.secret.public()
    }
}
