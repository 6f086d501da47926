//! X25519 with the checks that RFC 7748 leaves to the caller.
//!
//! Each use (identity, signed prekey, one-time prekey, ephemeral, ratchet) wraps these in its own type or field;
//! this file must never know what a key is for.

use std::sync::OnceLock;

use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::KeyError;
use crate::kdf::random;
use crate::redacted::redacted;

/// A secret scalar. The library zeroizes it on drop.
pub(crate) struct X25519Secret {
    scalar: StaticSecret,
    /// Made when it is first asked for: an identity or a signed prekey takes part in many handshakes.
    public: OnceLock<X25519Public>,
}

/// A public point: canonical and not of small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct X25519Public([u8; 32]);

redacted!(X25519Secret);

impl X25519Secret {
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_bytes(&random(rng))
    }

    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self {
            scalar: StaticSecret::from(*bytes),
            public: OnceLock::new(),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.scalar.as_bytes()
    }

    pub(crate) fn public(&self) -> X25519Public {
        // Invariant: a clamped scalar times the base point has large order and is encoded canonically.
        *self
            .public
            .get_or_init(|| X25519Public(PublicKey::from(&self.scalar).to_bytes()))
    }

    /// The shared secret; refused when the other side fixed it to zero.
    pub(crate) fn agree(&self, other: &X25519Public) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let shared = self.scalar.diffie_hellman(&PublicKey::from(other.0));
        if !shared.was_contributory() {
            return Err(KeyError::NotContributory);
        }
        Ok(Zeroizing::new(shared.to_bytes()))
    }
}

impl X25519Public {
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_canonical(bytes) {
            return Err(KeyError::NonCanonical);
        }
        if SMALL_ORDER.contains(bytes) {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self(*bytes))
    }

    pub(crate) fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Whether the little-endian number is below the field's prime `2^255 - 19` (so the high bit is clear, too).
fn is_canonical(bytes: &[u8; 32]) -> bool {
    bytes.iter().rev().lt(PRIME.iter().rev())
}

const PRIME: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

/// The canonical u-coordinates of small order on the curve and its twist: 0, 1, p - 1, and two of order 8.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = PRIME;
        minus_one[0] = 0xec;
        minus_one
    },
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_point_of_small_order_is_one_and_is_refused() {
        let secret = X25519Secret::from_bytes(&[9; 32]);
        for bytes in SMALL_ORDER {
            assert_eq!(X25519Public::from_bytes(&bytes), Err(KeyError::SmallOrder));
            assert_eq!(
                secret.agree(&X25519Public(bytes)).err(),
                Some(KeyError::NotContributory)
            );
        }
    }

    #[test]
    fn points_with_the_high_bit_or_over_the_prime_are_refused() {
        let mut high_bit = X25519Secret::from_bytes(&[9; 32]).public().to_bytes();
        high_bit[31] |= 0x80;
        let mut above = PRIME;
        above[0] = 0xef;
        for bytes in [high_bit, PRIME, above, [0xff; 32]] {
            assert_eq!(X25519Public::from_bytes(&bytes), Err(KeyError::NonCanonical));
        }
        let mut largest = PRIME;
        largest[0] = 0xeb;
        assert!(X25519Public::from_bytes(&largest).is_ok());
    }
}
