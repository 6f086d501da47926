//! Seals what is pushed for one browser: RFC 8291 over RFC 8188, one record. The push service carries it and cannot
//! read it.

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use hkdf::Hkdf;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::keys::PushKey;
use crate::randomness;

/// The record size that is announced; all that is sent fits one record.
const RECORD: u32 = 4096;
/// Ends the one record, which is the last.
const LAST: u8 = 2;

/// A browser's public key; none where it is no point of the curve.
pub(super) fn public_key(bytes: &[u8]) -> Option<PublicKey> {
    // Without compression, which is the one form that browsers give.
    (bytes.len() == 65)
        .then(|| PublicKey::from_sec1_bytes(bytes).ok())
        .flatten()
}

/// Seals under a fresh key pair and salt; none where the browser's key is none.
pub(super) fn seal(plaintext: &[u8], key: &[u8; 65], secret: &[u8; 16]) -> Option<Vec<u8>> {
    let own = Zeroizing::new(PushKey::generate());
    seal_with(plaintext, key, secret, &own, &randomness::bytes())
}

fn seal_with(
    plaintext: &[u8],
    key: &[u8; 65],
    secret: &[u8; 16],
    own: &[u8; 32],
    salt: &[u8; 16],
) -> Option<Vec<u8>> {
    let theirs = public_key(key)?;
    let own = SecretKey::from_slice(own).ok()?;
    let own_public = own.public_key().to_sec1_bytes();
    let shared = own.diffie_hellman(&theirs);

    let info = [b"WebPush: info\0".as_slice(), key, &own_public].concat();
    let input = Zeroizing::new(expand::<32>(secret, shared.raw_secret_bytes(), &info)?);
    let content_key = Zeroizing::new(expand::<16>(
        salt,
        input.as_slice(),
        b"Content-Encoding: aes128gcm\0",
    )?);
    let nonce = expand::<12>(salt, input.as_slice(), b"Content-Encoding: nonce\0")?;

    let cipher = Aes128Gcm::new_from_slice(content_key.as_slice()).ok()?;
    let mut record = plaintext.to_vec();
    record.push(LAST);
    let sealed = cipher.encrypt(&nonce.into(), record.as_slice()).ok()?;

    let mut body = salt.to_vec();
    body.extend(RECORD.to_be_bytes());
    body.push(u8::try_from(own_public.len()).ok()?);
    body.extend_from_slice(&own_public);
    body.extend(sealed);
    Some(body)
}

fn expand<const N: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    Hkdf::<Sha256>::new(Some(salt), input)
        .expand(info, &mut bytes)
        .ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use conclave_protocol::Bytes;
    use conclave_protocol::push::PushPayload;

    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        Bytes::from_text(text).unwrap().0.try_into().unwrap()
    }

    /// RFC 8291, section 5 and Appendix A.
    #[test]
    fn the_example_of_rfc_8291_comes_out_byte_for_byte() {
        let plaintext = "When I grow up, I want to be a watermelon";
        let sealed = seal_with(
            plaintext.as_bytes(),
            &bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
            &bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
            &bytes("DGv6ra1nlYgDCS1FRnbzlw"),
        )
        .unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(Bytes(sealed).to_text(), expected);
    }

    #[test]
    fn what_is_pushed_is_always_as_long_and_never_the_same() {
        let key =
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let seal = |softly| {
            let payload = PushPayload { softly, room: None };
            seal(&payload.to_bytes(), &key, &[1; 16]).unwrap()
        };
        let (one, other) = (seal(true), seal(false));
        assert_eq!((one.len(), other.len()), (167, 167));
        assert_ne!(one[..86], other[..86]);
    }

    #[test]
    fn what_is_no_point_of_the_curve_is_no_key() {
        let mut key: [u8; 65] =
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        assert!(public_key(&key).is_some());
        assert!(public_key(&key[..64]).is_none());
        key[64] ^= 1;
        assert!(public_key(&key).is_none());
        assert!(public_key(&[0; 65]).is_none());
        assert_eq!(seal(b"", &[4; 65], &[1; 16]), None);
    }
}
