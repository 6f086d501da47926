//! The server's key for Web Push, and the token by which a push service knows it (RFC 8292).

use std::sync::{Mutex, PoisonError};

use conclave_protocol::{Bytes, Timestamp};
use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

use crate::randomness;

/// A token is good for so long. A day is the most that a push service takes.
const TOKEN_LIFE_MS: u64 = 12 * 60 * 60 * 1000;
/// It is used for so long: push services ask not to be shown a new one each time.
const TOKEN_USED_MS: u64 = 60 * 60 * 1000;
/// Push services whose token is remembered.
const REMEMBERED_MAX: usize = 32;

/// The key pair that subscriptions of this server are bound to.
pub(crate) struct PushKey {
    signing: SigningKey,
    public: [u8; 65],
    tokens: Mutex<Vec<Kept>>,
}

struct Kept {
    audience: String,
    token: String,
    made: Timestamp,
}

impl PushKey {
    /// A new secret.
    pub(crate) fn generate() -> [u8; 32] {
        loop {
            let bytes = randomness::bytes();
            if Self::from_bytes(&bytes).is_some() {
                return bytes;
            }
        }
    }

    /// From its secret; none where it is no scalar of the curve.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let secret = SecretKey::from_slice(bytes).ok()?;
        let public = secret.public_key().to_sec1_bytes();
        Some(Self {
            signing: SigningKey::from(&secret),
            public: public.as_ref().try_into().ok()?,
            tokens: Mutex::default(),
        })
    }

    /// The public key, a point without compression.
    pub(crate) fn public(&self) -> &[u8; 65] {
        &self.public
    }

    /// What an `Authorization` header says to the push service at `audience`.
    pub(super) fn authorization(&self, audience: &str, contact: &str, now: Timestamp) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back makes every token one of the future; it is made anew then.
        tokens.retain(|kept| now >= kept.made && now.since(kept.made) < TOKEN_USED_MS);
        let kept = tokens.iter().find(|kept| kept.audience == audience);
        let token = if let Some(kept) = kept {
            kept.token.clone()
        } else {
            let token = self.token(audience, contact, now);
            if tokens.len() >= REMEMBERED_MAX {
                tokens.clear();
            }
            tokens.push(Kept {
                audience: audience.to_owned(),
                token: token.clone(),
                made: now,
            });
            token
        };
        format!("vapid t={token}, k={}", text(&self.public))
    }

    fn token(&self, audience: &str, contact: &str, now: Timestamp) -> String {
        let header = text(br#"{"typ":"JWT","alg":"ES256"}"#);
        let expires = now.plus(TOKEN_LIFE_MS).0 / 1000;
        let claims = serde_json::json!({ "aud": audience, "exp": expires, "sub": contact });
        let signed = format!("{header}.{}", text(claims.to_string().as_bytes()));
        let signature: Signature = self.signing.sign(signed.as_bytes());
        format!("{signed}.{}", text(&signature.to_bytes()))
    }
}

fn text(bytes: &[u8]) -> String {
    Bytes(bytes.to_vec()).to_text()
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier as _;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn bytes(text: &str) -> Vec<u8> {
        Bytes::from_text(text).unwrap().0
    }

    /// The example of RFC 8292, section 2.4: its key verifies its token, so what it verifies of ours is of that form.
    #[test]
    fn the_example_of_rfc_8292_verifies_as_ours_do() {
        let key = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
        let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
        assert_eq!(
            verify(token, &bytes(key)),
            ("https://push.example.net".to_owned(), 1_453_523_768)
        );
        let ours = PushKey::from_bytes(&[7; 32]).unwrap();
        let header = ours.authorization("https://push.example.net", "mailto:push@example.com", NOW);
        let (token, key) = header
            .strip_prefix("vapid t=")
            .and_then(|rest| rest.split_once(", k="))
            .unwrap();
        assert_eq!(bytes(key), ours.public());
        let expected = (NOW.0 + TOKEN_LIFE_MS) / 1000;
        assert_eq!(
            verify(token, ours.public()),
            ("https://push.example.net".to_owned(), expected)
        );
    }

    /// Whom a token that this key signed is for, and until when.
    fn verify(token: &str, key: &[u8]) -> (String, u64) {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = VerifyingKey::from_sec1_bytes(key).unwrap();
        let signature = Signature::from_slice(&bytes(signature)).unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        assert_eq!(bytes(header), br#"{"typ":"JWT","alg":"ES256"}"#);
        let claims: serde_json::Value = serde_json::from_slice(&bytes(claims)).unwrap();
        assert_eq!(claims["sub"].as_str().map(|sub| &sub[..7]), Some("mailto:"));
        (
            claims["aud"].as_str().unwrap().to_owned(),
            claims["exp"].as_u64().unwrap(),
        )
    }

    #[test]
    fn a_token_is_shown_for_an_hour_and_to_its_push_service_alone() {
        let key = PushKey::from_bytes(&[7; 32]).unwrap();
        let shown = |audience, now| key.authorization(audience, "https://chat.example.org", now);
        let first = shown("https://a.example", NOW);
        assert_eq!(shown("https://a.example", NOW.plus(TOKEN_USED_MS - 1)), first);
        assert_ne!(shown("https://b.example", NOW), first);
        assert_ne!(shown("https://a.example", NOW.plus(TOKEN_USED_MS)), first);
    }

    #[test]
    fn a_secret_that_is_no_scalar_is_refused() {
        assert!(PushKey::from_bytes(&[0; 32]).is_none());
        assert!(PushKey::from_bytes(&[0xFF; 32]).is_none());
        assert!(PushKey::from_bytes(&PushKey::generate()).is_some());
    }
}
