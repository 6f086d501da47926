//! The secret half of one directory entry.

use conclave_encoding::DecodeError;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::PrekeyKind;
use super::kem::{KemKeyPair, KemSeed, SEED_LENGTH};
use crate::StateError;
use crate::keys::{X25519Public, X25519Secret};
use crate::redacted::redacted;
use crate::state::{self, Record};

/// An X25519 one-time secret (one-time prekeys only) and an ML-KEM seed.
pub struct PrekeySecret {
    id: u32,
    created_at: u64,
    // Invariant: present exactly in a one-time prekey; so this is the kind.
    one_time: Option<X25519Secret>,
    kem: KemSeed,
}

redacted!(PrekeySecret);

impl PrekeySecret {
    /// A new secret. Ids must not repeat while an older secret with the same id is kept.
    pub fn generate(kind: PrekeyKind, id: u32, now: u64, rng: &mut impl CryptoRng) -> Self {
        let one_time = match kind {
            PrekeyKind::OneTime => Some(X25519Secret::generate(rng)),
            PrekeyKind::LastResort => None,
        };
        Self {
            id,
            created_at: now,
            one_time,
            kem: KemSeed::generate(rng),
        }
    }

    /// The entry's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether it serves once or as a last resort.
    pub fn kind(&self) -> PrekeyKind {
        if self.one_time.is_some() {
            PrekeyKind::OneTime
        } else {
            PrekeyKind::LastResort
        }
    }

    /// When it was made, for rotation.
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// The secret's stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let state = state::write(Record::PrekeySecret, 45 + SEED_LENGTH)
            .u32(self.id)
            .u64(self.created_at)
            .option_fixed(self.one_time.as_ref().map(X25519Secret::as_bytes))
            .fixed(self.kem.as_bytes());
        Zeroizing::new(state.finish())
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::PrekeySecret, bytes)?;
        let id = reader.u32()?;
        let created_at = reader.u64()?;
        let one_time = match reader.u8()? {
            0 => None,
            1 => Some(X25519Secret::from_bytes(&Zeroizing::new(reader.fixed()?))),
            _ => return Err(DecodeError::InvalidValue.into()),
        };
        let kem = KemSeed::from_bytes(&Zeroizing::new(reader.fixed()?));
        reader.finish()?;
        Ok(Self {
            id,
            created_at,
            one_time,
            kem,
        })
    }

    pub(crate) fn one_time(&self) -> Option<&X25519Secret> {
        self.one_time.as_ref()
    }

    pub(crate) fn one_time_public(&self) -> Option<X25519Public> {
        self.one_time.as_ref().map(X25519Secret::public)
    }

    pub(crate) fn expand_kem(&self) -> KemKeyPair {
        self.kem.expand()
    }
}
