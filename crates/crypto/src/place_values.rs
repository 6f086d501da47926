//! Names, topics, nicknames and reasons in the chain of a group or community: sealed values that every member opens
//! and the server does not.
//!
//! A place has one key at a time, and another one after somebody who could read no longer may. A value names its
//! key, so whoever has several finds the right one. Several people hold a key, so the seal commits to it.

use conclave_encoding::{hash, labels};
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::aead::NoncedKey;
use crate::padding::{pad, unpad};
use crate::redacted::redacted;
use crate::{OpenError, SealError};

/// Form of a sealed value.
const VERSION: u8 = 1;
const ID_LENGTH: usize = 8;
const NONCE_LENGTH: usize = 24;
/// The longest value: what an entry takes at most.
const MAX_VALUE: usize = 4 * 1024;

/// Names a place key. Two keys of one place have one name by accident in one of 2^64 cases; then a value does not
/// open, and nothing worse.
pub type PlaceKeyId = [u8; ID_LENGTH];

/// Seals the names of a place while nobody who has it leaves.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PlaceKey {
    bytes: [u8; 32],
}

redacted!(PlaceKey);

impl PlaceKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Self { bytes: [0; 32] };
        rng.fill_bytes(&mut key.bytes);
        key
    }

    /// The key of these bytes.
    pub const fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self { bytes: *bytes }
    }

    /// Its bytes, for the device's own store and for what goes to members sealed.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Its name: the first bytes of a hash of it.
    pub fn id(&self) -> PlaceKeyId {
        let mut id = [0; ID_LENGTH];
        for (to, from) in id.iter_mut().zip(hash(labels::PLACE_KEY_ID, &self.bytes)) {
            *to = from;
        }
        id
    }

    /// Pads and seals a value.
    pub fn seal(
        &self,
        associated_data: &[u8],
        value: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        if value.len() > MAX_VALUE {
            return Err(SealError::TooLong);
        }
        let mut nonce = [0; NONCE_LENGTH];
        rng.fill_bytes(&mut nonce);
        let body = self.nonced(nonce).seal(associated_data, &pad(value))?;
        Ok([&[VERSION][..], &self.id(), &nonce, &body].concat())
    }

    /// Opens a value and takes its padding off.
    pub fn open(&self, associated_data: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (id, rest) = parts(sealed).ok_or(OpenError::NotAuthentic)?;
        let (nonce, body) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or(OpenError::NotAuthentic)?;
        if *id != self.id() {
            return Err(OpenError::NotAuthentic);
        }
        let mut padded = self.nonced(*nonce).open(associated_data, body)?;
        let length = unpad(&padded)?.len();
        padded.truncate(length);
        Ok(padded)
    }

    fn nonced(&self, nonce: [u8; NONCE_LENGTH]) -> NoncedKey {
        NoncedKey::derive(&self.bytes, labels::PLACE_KEY.as_bytes(), nonce)
    }
}

/// The name of the key that a sealed value asks for; none for what has another form.
pub fn place_key_of(sealed: &[u8]) -> Option<PlaceKeyId> {
    parts(sealed).map(|(id, _)| *id)
}

fn parts(sealed: &[u8]) -> Option<(&PlaceKeyId, &[u8])> {
    let (version, rest) = sealed.split_first()?;
    (*version == VERSION).then(|| rest.split_first_chunk())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    fn key(byte: u8) -> PlaceKey {
        PlaceKey::from_bytes(&[byte; 32])
    }

    fn sealed(value: &[u8]) -> Vec<u8> {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        key(1).seal(b"name of a place", value, &mut rng).unwrap()
    }

    #[test]
    fn a_value_comes_back_and_names_its_key() {
        for length in [0, 1, 63, 64, 1_000, MAX_VALUE] {
            let value = vec![0x80; length];
            let sealed = sealed(&value);
            assert_eq!(place_key_of(&sealed), Some(key(1).id()));
            assert_eq!(*key(1).open(b"name of a place", &sealed).unwrap(), value);
        }
    }

    #[test]
    fn another_key_another_place_and_every_changed_byte_are_refused() {
        let sealed = sealed(b"Friends");
        assert_eq!(
            key(2).open(b"name of a place", &sealed),
            Err(OpenError::NotAuthentic)
        );
        assert_eq!(key(1).open(b"another", &sealed), Err(OpenError::NotAuthentic));
        for position in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            assert_eq!(
                key(1).open(b"name of a place", &altered),
                Err(OpenError::NotAuthentic),
                "{position}"
            );
        }
        for length in 0..sealed.len() {
            assert!(
                key(1).open(b"name of a place", &sealed[..length]).is_err(),
                "{length}"
            );
        }
    }

    #[test]
    fn short_names_are_of_one_length_and_a_value_over_the_limit_is_refused() {
        assert_eq!(
            sealed(b"a").len(),
            sealed(b"a rather long name for a group").len()
        );
        assert_eq!(sealed(b"a").len(), 1 + 8 + 24 + 32 + 64 + 16);
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let refused = key(1).seal(b"", &vec![0; MAX_VALUE + 1], &mut rng);
        assert_eq!(refused, Err(SealError::TooLong));
    }

    #[test]
    fn one_value_sealed_twice_is_not_the_same_twice() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let seal = |rng: &mut ChaCha20Rng| key(1).seal(b"", b"Friends", rng).unwrap();
        assert_ne!(seal(&mut rng), seal(&mut rng));
    }
}
