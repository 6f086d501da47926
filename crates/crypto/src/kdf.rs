//! HKDF-SHA-256, HMAC-SHA-256 and drawing of secret bytes: the one place that calls those crates.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// HKDF-SHA-256 with `info` given in parts (they are joined without lengths: at most one part may vary in
/// length, so that no two inputs meet).
#[cfg_attr(
    not(test),
    expect(clippy::expect_used, reason = "the length is checked when this is compiled")
)]
pub(crate) fn hkdf<const N: usize>(salt: &[u8], ikm: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32) };
    let mut okm = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand_multi_info(info, okm.as_mut_slice())
        .expect("HKDF gives up to 255 blocks");
    okm
}

/// The second half of HKDF alone, for input that is uniformly random already. `info` as in [`hkdf`].
#[cfg_attr(
    not(test),
    expect(
        clippy::expect_used,
        reason = "both lengths are checked when this is compiled"
    )
)]
pub(crate) fn expand<const N: usize>(prk: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32) };
    let mut okm = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::from_prk(prk)
        .expect("a PRK has the length of the hash")
        .expand_multi_info(info, okm.as_mut_slice())
        .expect("HKDF gives up to 255 blocks");
    okm
}

/// HMAC-SHA-256 of one byte, as the symmetric chain uses it.
#[inline]
pub(crate) fn hmac(key: &[u8; 32], byte: u8) -> Zeroizing<[u8; 32]> {
    hmac_of(key, &[byte])
}

/// HMAC-SHA-256 of bytes of any length.
pub(crate) fn hmac_of(key: &[u8; 32], bytes: &[u8]) -> Zeroizing<[u8; 32]> {
    // A key shorter than the block is filled with zeros by definition; done here, the call cannot fail.
    let mut block = Zeroizing::new([0; 64]);
    let filled: &mut [u8; 64] = &mut block;
    filled[..32].copy_from_slice(key);
    let mac = Hmac::<Sha256>::new((&*block).into())
        .chain_update(bytes)
        .finalize();
    Zeroizing::new(mac.into_bytes().into())
}

/// `N` secret random bytes.
pub(crate) fn random<const N: usize>(rng: &mut impl CryptoRng) -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    rng.fill_bytes(bytes.as_mut_slice());
    bytes
}
