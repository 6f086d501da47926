//! The key of a store.

use std::fmt::{self, Write as _};

use zeroize::Zeroizing;

/// The key that a store is encrypted with: 256 random bits, used as they are, without stretching. Whoever keeps
/// it (a browser's key ring, a system's keychain, a sealed file) wraps it.
pub struct StoreKey(Zeroizing<[u8; 32]>);

impl StoreKey {
    /// A key from its bytes, which must come from a cryptographic source.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes, for whoever wraps it.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// In hexadecimal, as both ciphers take it.
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in self.0.iter() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed_and_is_written_as_hexadecimal() {
        let mut bytes = [0xAB; 32];
        bytes[0] = 0x01;
        let key = StoreKey::from_bytes(bytes);
        assert_eq!(format!("{key:?}"), "StoreKey(..)");
        assert_eq!(*key.to_hex(), format!("01{}", "ab".repeat(31)));
    }
}
