//! Stored records as CBOR with numbered fields, written and read in one place.

use minicbor::{Decode, Encode};
use zeroize::{Zeroize, Zeroizing};

use crate::reads::ReadError;

/// 32 secret bytes inside a record. No `Clone`; wiped on drop.
#[derive(Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Secret32(#[cbor(n(0), with = "minicbor::bytes")] pub(crate) [u8; 32]);

impl std::fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret32(..)")
    }
}

impl Drop for Secret32 {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Secret bytes of any length inside a record. No `Clone`; never printed; wiped on drop.
pub(crate) struct SecretBytes(pub(crate) Zeroizing<Vec<u8>>);

impl std::fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

impl<C> Encode<C> for SecretBytes {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for SecretBytes {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Ok(Self(Zeroizing::new(d.bytes()?.to_vec())))
    }
}

/// What carries a body's key to one device: content key ‖ message hash. No `Clone`; wiped on drop.
#[derive(Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct KeyAndHash(#[cbor(n(0), with = "minicbor::bytes")] [u8; 64]);

impl KeyAndHash {
    pub(crate) fn new(key: &[u8; 32], hash: &[u8; 32]) -> Self {
        let mut both = Self([0; 64]);
        let (key_half, hash_half) = both.0.split_at_mut(32);
        key_half.copy_from_slice(key);
        hash_half.copy_from_slice(hash);
        both
    }

    /// From exactly 64 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    pub(crate) fn key(&self) -> &[u8; 32] {
        let (key, _) = self.halves();
        key
    }

    pub(crate) fn hash(&self) -> &[u8; 32] {
        let (_, hash) = self.halves();
        hash
    }

    fn halves(&self) -> (&[u8; 32], &[u8; 32]) {
        // Invariant: 64 bytes have two halves of 32.
        let (key, rest) = self.0.split_first_chunk().unwrap_or((&[0; 32], &[]));
        (key, rest.first_chunk().unwrap_or(&[0; 32]))
    }
}

impl Drop for KeyAndHash {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for KeyAndHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyAndHash(..)")
    }
}

/// A record's bytes; they may hold secrets.
pub(crate) fn encode<T: Encode<()>>(value: &T) -> Zeroizing<Vec<u8>> {
    // Room enough that secrets are not left behind by growth; larger records hold no keys of their own.
    let mut out = Zeroizing::new(Vec::with_capacity(8192));
    // Invariant: encoding into a vector cannot fail.
    let _ = minicbor::encode(value, &mut *out);
    out
}

/// The record of these bytes.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8], what: &str) -> Result<T, ReadError> {
    minicbor::decode(bytes).map_err(|_| ReadError(format!("the record «{what}» is damaged")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_hash_stay_what_they_were_and_are_never_printed() {
        let both = KeyAndHash::new(&[1; 32], &[2; 32]);
        assert_eq!((both.key(), both.hash()), (&[1; 32], &[2; 32]));
        let again = KeyAndHash::from_slice(both.as_bytes()).unwrap();
        assert_eq!((again.key(), again.hash()), (&[1; 32], &[2; 32]));
        assert_eq!(format!("{both:?}"), "KeyAndHash(..)");
        for length in [0, 32, 63, 65] {
            assert!(
                KeyAndHash::from_slice(&vec![0; length]).is_none(),
                "{length} bytes"
            );
        }
    }
}
