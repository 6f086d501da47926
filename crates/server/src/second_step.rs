//! The second step of sign-in: codes by time (RFC 6238, as every authenticator app makes them) and backup codes.
//!
//! Invariant: secrets and backup codes stand in the database sealed and hashed under keys that follow from the OPAQUE
//! seed, a file of its own; whoever has the database alone can make no code and guess none. A code is asked for behind
//! the password, so a stranger uses up nobody's tries.

use std::fmt::Write as _;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use conclave_auth::server::ServerSetup;
use conclave_db::Account;
use conclave_protocol::limits::BACKUP_CODES;
use conclave_protocol::{AccountId, ErrorCode, Hash, Timestamp};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::error::ApiError;
use crate::randomness;
use crate::state::App;

/// What the two keys are expanded with.
const LABEL: &[u8] = b"conclave second step 1";
/// Bytes of a nonce in front of a sealed secret.
const NONCE: usize = 12;
/// Letters of backup codes: no two that look alike (Crockford's base32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters of one backup code: 120 bits, so that who has the database and the key of its hashes finds none, either.
const LETTERS_OF_CODE: usize = 24;
/// Letters between two strokes, as one reads them off.
const LETTERS_OF_GROUP: usize = 6;

/// The keys to sealed secrets and hashed codes.
pub(crate) struct SecondStepKeys {
    sealing: ChaCha20Poly1305,
    hashing: Zeroizing<[u8; 32]>,
}

impl SecondStepKeys {
    /// The keys that follow from the OPAQUE seed. It is replaced never, and backed up with every password.
    pub(crate) fn of(opaque: &ServerSetup) -> Self {
        let seed = opaque.to_bytes();
        let mut keys = Zeroizing::new([0; 64]);
        Hkdf::<Sha256>::new(None, &seed)
            .expand(LABEL, keys.as_mut_slice())
            .expect("HKDF gives 64 bytes");
        let (sealing, hashing) = keys.split_at(32);
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(hashing);
        Self {
            sealing: ChaCha20Poly1305::new_from_slice(sealing).expect("the key has 32 bytes"),
            hashing: key,
        }
    }

    /// Seals an account's secret.
    fn seal(&self, account: AccountId, secret: &[u8; 20]) -> Result<Vec<u8>, ApiError> {
        let nonce: [u8; NONCE] = randomness::bytes();
        let payload = Payload {
            msg: secret,
            aad: &account.0,
        };
        let sealed = self.sealing.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| ErrorCode::Internal)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] made; none where it was made under other keys, or for another account.
    fn open(&self, account: AccountId, sealed: &[u8]) -> Option<Zeroizing<[u8; 20]>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let payload = Payload {
            msg: sealed,
            aad: &account.0,
        };
        let opened = Zeroizing::new(self.sealing.decrypt(&Nonce::from(nonce), payload).ok()?);
        let mut secret = Zeroizing::new([0; 20]);
        (opened.len() == secret.len()).then(|| secret.copy_from_slice(&opened))?;
        Some(secret)
    }

    /// What the database holds of a backup code. It does not name the account, because the code goes with the name
    /// when somebody starts again; the row does.
    fn hash_code(&self, code: &str) -> Hash {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.hashing.as_slice()).expect("HMAC takes any key");
        mac.update(code.as_bytes());
        Hash(mac.finalize().into_bytes().into())
    }
}

/// A secret that was begun.
pub(crate) struct Begun {
    /// As the database keeps it.
    pub(crate) sealed: Vec<u8>,
    /// As a person types it: base32.
    pub(crate) text: String,
}

/// Makes a secret for an account.
pub(crate) fn begin(keys: &SecondStepKeys, account: AccountId) -> Result<Begun, ApiError> {
    let secret = Zeroizing::new(randomness::bytes::<20>());
    Ok(Begun {
        sealed: keys.seal(account, &secret)?,
        text: Secret::new_stack(*secret).to_base32(),
    })
}

/// The link that authenticator apps read, for a QR code.
pub(crate) fn link(server: &str, username: &str, secret: &str) -> String {
    let issuer = percent_encoded(server);
    format!(
        "otpauth://totp/{issuer}:{username}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

/// The time step of a code by a sealed secret, where it is one of now, or of one step before or behind.
pub(crate) fn step_of(
    keys: &SecondStepKeys,
    account: AccountId,
    sealed: &[u8],
    code: &str,
    now: Timestamp,
) -> Result<Option<u64>, ApiError> {
    let Some(secret) = keys.open(account, sealed) else {
        tracing::error!("a second step was sealed under another OPAQUE seed");
        return Err(ErrorCode::Internal.into());
    };
    Ok(totp(&secret)?.check(&tidy(code), now.0 / 1000))
}

/// Fresh backup codes and what the database keeps of them.
pub(crate) fn backup_codes(keys: &SecondStepKeys) -> (Vec<String>, Vec<Hash>) {
    let codes: Vec<String> = (0..BACKUP_CODES)
        .map(|_| {
            let random: [u8; LETTERS_OF_CODE] = randomness::bytes();
            let group = |bytes: &[u8]| -> String {
                let letters = bytes.iter().map(|byte| {
                    let letter = LETTERS.get(usize::from(byte & 31)).copied();
                    char::from(letter.unwrap_or(b'0'))
                });
                letters.collect()
            };
            let groups: Vec<String> = random.chunks(LETTERS_OF_GROUP).map(group).collect();
            groups.join("-")
        })
        .collect();
    let hashes = codes.iter().map(|code| keys.hash_code(&tidy(code))).collect();
    (codes, hashes)
}

/// Asks for the second step, where the account has one, and uses the code up. To be called behind a right password.
pub(crate) async fn check(app: &App, account: &Account, code: Option<&str>) -> Result<(), ApiError> {
    let found = app.db.find_second_step(account.id).await?;
    let Some(step) = found.filter(|step| step.on_since.is_some()) else {
        return Ok(());
    };
    let code = code.ok_or(ErrorCode::SecondStepNeeded)?;
    app.limits.second_step(account.id)?;
    let keys = &app.second_steps;
    let taken = if let Some(step) = step_of(keys, account.id, &step.secret, code, app.now())? {
        app.db.take_step(account.id, step).await?
    } else {
        let hash = keys.hash_code(&tidy(code));
        app.db.take_backup_code(account.id, hash).await?
    };
    taken
        .then_some(())
        .ok_or_else(|| ErrorCode::SecondStepWrong.into())
}

fn totp(secret: &[u8; 20]) -> Result<Totp, ApiError> {
    let built = Builder::new().with_secret(Secret::new_stack(*secret)).build();
    built.map_err(|_| ErrorCode::Internal.into())
}

/// A code as it is compared: without what people put between its parts, in small letters.
fn tidy(code: &str) -> String {
    let kept = code.chars().filter(char::is_ascii_alphanumeric);
    kept.take(32)
        .map(|letter| match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            letter => letter,
        })
        .collect()
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIA: AccountId = AccountId([1; 32]);

    fn keys() -> SecondStepKeys {
        SecondStepKeys::of(&ServerSetup::generate(&mut randomness::system()))
    }

    /// RFC 6238, appendix B, SHA-1, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let keys = keys();
        let sealed = keys.seal(MIA, b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp(seconds * 1000);
            let step = step_of(&keys, MIA, &sealed, code, now).unwrap();
            assert_eq!(step, Some(seconds / 30), "{code}");
            let later = now.plus(90_000);
            assert_eq!(step_of(&keys, MIA, &sealed, code, later).unwrap(), None);
        }
    }

    #[test]
    fn a_secret_opens_for_its_account_under_its_keys_only() {
        let keys = keys();
        let sealed = keys.seal(MIA, &[7; 20]).unwrap();
        assert_eq!(*keys.open(MIA, &sealed).unwrap(), [7; 20]);
        assert!(keys.open(AccountId([2; 32]), &sealed).is_none());
        assert!(super::tests::keys().open(MIA, &sealed).is_none());
        assert!(keys.open(MIA, &sealed[..20]).is_none());
    }

    #[test]
    fn backup_codes_are_ten_different_ones_that_are_read_in_any_spelling() {
        let keys = keys();
        let (codes, hashes) = backup_codes(&keys);
        assert_eq!((codes.len(), hashes.len()), (BACKUP_CODES, BACKUP_CODES));
        let typed = codes[0].to_uppercase().replace('-', " ").replace('0', "O");
        assert_eq!(keys.hash_code(&tidy(&typed)), hashes[0]);
        assert_ne!(hashes[0], hashes[1]);
    }

    #[test]
    fn a_backup_code_has_more_than_112_bits_and_each_letter_of_it_counts() {
        let keys = keys();
        let code = tidy(&backup_codes(&keys).0[0]);
        assert!(code.len() * 5 >= 112 && code.bytes().all(|letter| LETTERS.contains(&letter)));
        let hash = keys.hash_code(&code);
        for at in 0..code.len() {
            let mut other = code.clone().into_bytes();
            other[at] = if other[at] == b'7' { b'8' } else { b'7' };
            let other = String::from_utf8(other).unwrap();
            assert_ne!(keys.hash_code(&tidy(&other)), hash, "{at}");
        }
        assert_ne!(keys.hash_code(&code[..10]), hash);
    }

    #[test]
    fn the_link_names_server_and_person() {
        let link = link("Elm & Oak", "mia", "ABC");
        assert!(link.starts_with("otpauth://totp/Elm%20%26%20Oak:mia?secret=ABC&issuer=Elm%20%26%20Oak&"));
    }
}
