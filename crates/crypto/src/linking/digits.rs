//! Six digits: what a person can carry from one screen to the other without an error.

use core::fmt;

use conclave_encoding::{hash, labels};

use crate::LinkError;

const MODULUS: u64 = 1_000_000;

/// The digits of a link. They are no secret: once the new device has revealed its share, the server can compute them.
/// What counts is that both devices come to the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkDigits(u32);

impl LinkDigits {
    /// Reads what was typed: exactly six of `0` to `9`.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(LinkError::NotDigits);
        }
        text.parse().map(Self).map_err(|_| LinkError::NotDigits)
    }

    /// 64 bits of a hash modulo a million: one of them is likelier than another by less than one in 10^13.
    pub(super) fn of(agreement: &[u8]) -> Self {
        let digest = hash(labels::LINK_DIGITS, agreement);
        let bits = digest.first_chunk().map_or(0, |bits| u64::from_be_bytes(*bits));
        Self(u32::try_from(bits % MODULUS).unwrap_or_default())
    }
}

impl fmt::Display for LinkDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}
