//! HKDF-SHA-256, HMAC-SHA-256 and drawing of secret bytes: the one place that calls those crates.

use std::sync::LazyLock;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// HMAC keyed with HKDF's default salt, 32 zero bytes (RFC 5869, 2.2). Every expansion without a salt begins with
/// it, and hashing its two blocks once saves a tenth of what a short message costs.
static UNSALTED: LazyLock<Hmac<Sha256>> = LazyLock::new(|| Hmac::new(&[0; 64].into()));

/// HKDF-SHA-256 with `info` given in parts (they are joined without lengths: at most one part may vary in
/// length, so that no two inputs meet).
#[cfg_attr(
    not(test),
    expect(clippy::expect_used, reason = "the length is checked when this is compiled")
)]
pub(crate) fn hkdf<const N: usize>(salt: &[u8], ikm: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32) };
    let mut okm = Zeroizing::new([0; N]);
    let extractor = if salt.is_empty() {
        UNSALTED.clone()
    } else {
        Hmac::new_from_slice(salt).expect("HMAC takes keys of any length")
    };
    // The library's own extraction leaves this key behind on the stack.
    let prk: Zeroizing<[u8; 32]> = Zeroizing::new(extractor.chain_update(ikm).finalize().into_bytes().into());
    Hkdf::<Sha256>::from_prk(prk.as_slice())
        .expect("a hash is as long as a hash")
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
#[cfg(test)]
pub(crate) fn hmac(key: &[u8; 32], byte: u8) -> Zeroizing<[u8; 32]> {
    hmac_of(key, &[byte])
}

/// HMAC-SHA-256 of bytes of any length.
pub(crate) fn hmac_of(key: &[u8; 32], bytes: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(keyed(key).chain_update(bytes).finalize().into_bytes().into())
}

/// HMAC-SHA-256 of single bytes, each alone, under one key that is scheduled once.
pub(crate) fn hmac_each<const N: usize>(key: &[u8; 32], inputs: [u8; N]) -> Zeroizing<[[u8; 32]; N]> {
    let keyed = keyed(key);
    Zeroizing::new(inputs.map(|input| keyed.clone().chain_update([input]).finalize().into_bytes().into()))
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key shorter than the block is filled with zeros by definition; done here, the call cannot fail.
    let mut block = Zeroizing::new([0; 64]);
    let filled: &mut [u8; 64] = &mut block;
    filled[..32].copy_from_slice(key);
    Hmac::<Sha256>::new((&*block).into())
}

/// `N` secret random bytes.
pub(crate) fn random<const N: usize>(rng: &mut impl CryptoRng) -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    rng.fill_bytes(bytes.as_mut_slice());
    bytes
}
