//! Access tokens: compact EdDSA JWS (RFC 7515, RFC 8037) of one fixed shape.
//!
//! One algorithm, one header, byte for byte; nothing in a token chooses how it is checked. A library for every
//! shape of token would bring exactly the choices that attacks live on.

use conclave_protocol::bytes::{from_base64, to_base64};
use conclave_protocol::limits::ACCESS_TOKEN_LIFE_MS;
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, Timestamp, Token};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// base64url of `{"alg":"EdDSA","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9";
/// Longer texts are not looked at.
const TOKEN_MAX: usize = 1024;

/// Names a login: 16 random bytes.
pub(crate) type LoginId = [u8; 16];

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) address: DeviceAddress,
    pub(crate) login: LoginId,
    pub(crate) administrator: bool,
}

/// The key that signs access tokens and the one before it.
pub(crate) struct AccessKeys {
    current: SigningKey,
    verifying: Vec<VerifyingKey>,
}

/// The token's claims; times in seconds, as RFC 7519 wants them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    sub: AccountId,
    device: DeviceId,
    login: Bytes,
    administrator: bool,
    iat: u64,
    exp: u64,
}

impl AccessKeys {
    /// The keys of these seeds.
    pub(crate) fn new(current: &[u8; 32], previous: Option<&[u8; 32]>) -> Self {
        let current = SigningKey::from_bytes(current);
        let before = previous.map(|seed| SigningKey::from_bytes(seed).verifying_key());
        Self {
            verifying: std::iter::once(current.verifying_key()).chain(before).collect(),
            current,
        }
    }

    /// A token for its holder.
    pub(crate) fn issue(&self, holder: &Holder, now: Timestamp) -> Token {
        let claims = Claims {
            sub: holder.address.account,
            device: holder.address.device,
            login: Bytes(holder.login.to_vec()),
            administrator: holder.administrator,
            iat: now.0 / 1000,
            exp: now.plus(ACCESS_TOKEN_LIFE_MS).0 / 1000,
        };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{HEADER}.{}", to_base64(&claims));
        let signature = to_base64(&self.current.sign(signed.as_bytes()).to_bytes());
        Token(format!("{signed}.{signature}"))
    }

    /// The holder of a token that this server signed and that has not ended.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Holder> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let signature = Signature::from_bytes(&from_base64(signature)?.try_into().ok()?);
        let fits = |key: &VerifyingKey| key.verify_strict(signed.as_bytes(), &signature).is_ok();
        if !self.verifying.iter().any(fits) {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&from_base64(claims)?).ok()?;
        if now.0 / 1000 >= claims.exp {
            return None;
        }
        Some(Holder {
            address: DeviceAddress {
                account: claims.sub,
                device: claims.device,
            },
            login: claims.login.0.try_into().ok()?,
            administrator: claims.administrator,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn holder() -> Holder {
        let address = DeviceAddress {
            account: AccountId([1; 32]),
            device: DeviceId(2),
        };
        Holder {
            address,
            login: [3; 16],
            administrator: true,
        }
    }

    #[test]
    fn a_token_names_its_holder_for_fifteen_minutes() {
        let keys = AccessKeys::new(&[7; 32], None);
        let token = keys.issue(&holder(), NOW);
        assert_eq!(keys.verify(token.as_str(), NOW), Some(holder()));
        assert_eq!(
            keys.verify(token.as_str(), NOW.plus(ACCESS_TOKEN_LIFE_MS - 1000)),
            Some(holder())
        );
        assert_eq!(keys.verify(token.as_str(), NOW.plus(ACCESS_TOKEN_LIFE_MS)), None);
    }

    #[test]
    fn no_letter_of_a_token_can_be_changed() {
        let keys = AccessKeys::new(&[7; 32], None);
        let token = keys.issue(&holder(), NOW).0;
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                keys.verify(std::str::from_utf8(&changed).unwrap(), NOW),
                None,
                "letter {index}"
            );
        }
    }

    #[test]
    fn a_token_of_another_algorithm_or_without_signature_is_refused() {
        let keys = AccessKeys::new(&[7; 32], None);
        let token = keys.issue(&holder(), NOW).0;
        let claims = token.split('.').nth(1).unwrap();
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS256","typ":"JWT"}"#,
            r#"{"typ":"JWT","alg":"EdDSA"}"#,
        ] {
            let signed = format!("{}.{claims}", to_base64(header.as_bytes()));
            let signature = SigningKey::from_bytes(&[7; 32])
                .sign(signed.as_bytes())
                .to_bytes();
            assert_eq!(
                keys.verify(&format!("{signed}.{}", to_base64(&signature)), NOW),
                None
            );
            assert_eq!(keys.verify(&format!("{signed}."), NOW), None);
        }
    }

    #[test]
    fn the_key_before_is_accepted_and_a_strangers_is_not() {
        let token = AccessKeys::new(&[7; 32], None).issue(&holder(), NOW).0;
        assert_eq!(
            AccessKeys::new(&[8; 32], Some(&[7; 32])).verify(&token, NOW),
            Some(holder())
        );
        assert_eq!(AccessKeys::new(&[8; 32], None).verify(&token, NOW), None);
    }

    #[test]
    fn the_header_says_what_it_should() {
        assert_eq!(from_base64(HEADER).unwrap(), br#"{"alg":"EdDSA","typ":"JWT"}"#);
    }
}
