//! Coming back to an account with its recovery key: this device is added by that key alone, and the password becomes
//! a new one.
//!
//! The device's keys are stored before the entry that names them leaves. A recovery whose answer was lost is found
//! again by signing in with them and the new password.
//!
//! On a device that is one of the account's already, only the password is lost. It stays the device that it is: the
//! one that the protocol makes the recovery key add is taken out again, and nothing here is touched.

use conclave_auth::client::ClientRegistration;
use conclave_auth::statements::{recovery_proof_statement, recovery_statement};
use conclave_crypto::{IdentityKey, RecoveryKey, SigningKey};
use conclave_protocol::limits::{DEVICES_MAX, ENTRY_CLOCK_SKEW_MS};
use conclave_protocol::logins::LoggedIn;
use conclave_protocol::recoveries::{
    RecoveryFinish, RecoveryProof, RecoveryProved, RecoveryStart, RecoveryStarted,
};
use conclave_protocol::{Bytes, DeviceId, ErrorCode, Timestamp, Username};
use conclave_sigchain::{AccountBody, AccountChain, Author, DeviceKeys};
use zeroize::Zeroizing;

use crate::accounts::failure_of;
use crate::calls::{Added, Call, Instead, LoginForm, RecoverForm, Refusal};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::password;
use crate::reads::ReadError;
use crate::vault::ways::password_secret;
use crate::work::Work;

/// Recoveries begun for one ask; each time but the last another device changed the log meanwhile.
const TRIES_MAX: u32 = 3;
/// Words of a recovery key: 256 bits and eight of their hash.
const WORDS: usize = 24;

/// The recovery key of these words, however they are spaced and whatever their case.
pub(crate) fn key_of(words: &str) -> Option<RecoveryKey> {
    let mut tidy = Zeroizing::new(String::with_capacity(words.len()));
    for word in words.split_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        // Letters of the list are all of one byte, so nothing is grown and left behind.
        for letter in word.chars() {
            tidy.push(letter.to_ascii_lowercase());
        }
    }
    if tidy.split(' ').count() != WORDS {
        return None;
    }
    let mnemonic = bip39::Mnemonic::parse_in_normalized(bip39::Language::English, &tidy).ok()?;
    let (bytes, length) = mnemonic.to_entropy_array();
    let bytes = Zeroizing::new(bytes);
    let key: &[u8; 32] = bytes.get(..length)?.try_into().ok()?;
    Some(RecoveryKey::from_bytes(key))
}

impl Engine {
    pub(crate) fn recover(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        username: &str,
        words: &str,
        password: Zeroizing<String>,
        strong: bool,
    ) -> Result<(), ReadError> {
        let Ok(username) = username.parse::<Username>() else {
            self.fail(work, ask, Failure::recovery_refused());
            return Ok(());
        };
        let Some(key) = key_of(words) else {
            self.fail(work, ask, Failure::words_invalid());
            return Ok(());
        };
        if let Err(failure) = password::check(&password, username.as_str(), &self.server) {
            self.fail(work, ask, failure);
            return Ok(());
        }
        if work.login()?.signed_in {
            self.fail(work, ask, Failure::signed_in());
            return Ok(());
        }
        if self.signing_in() {
            self.fail(work, ask, Failure::busy());
            return Ok(());
        }
        self.leave_joining(work)?;
        let key = Box::new(key);
        match work.find_own()? {
            Some(own) if own.registered && own.username != username.as_str() => {
                self.fail(work, ask, Failure::other_account());
            }
            Some(own) if !own.registered && own.username == username.as_str() => {
                // An earlier try may have arrived, its answer lost.
                let form = LoginForm {
                    username,
                    password,
                    code: None,
                    instead_of: Some(Instead::Recovery(key, strong)),
                    as_new: false,
                    then_revoke: None,
                };
                self.start_sign_in(work, ask, form);
            }
            _ => self.start_recovery(work, ask, RecoverForm::new(username, key, password, strong)),
        }
        Ok(())
    }

    pub(crate) fn start_recovery(&mut self, work: &mut Work<'_>, ask: u64, form: RecoverForm) {
        let body = RecoveryStart {
            username: form.username.clone(),
        };
        self.call_open(
            work,
            Call::RecoveryStart { ask, form },
            "/api/v1/recoveries/start",
            &body,
        );
    }

    pub(crate) fn recovery_started(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: RecoverForm,
        started: &RecoveryStarted,
    ) {
        match ClientRegistration::start(form.password.as_bytes(), &mut work.rng) {
            Ok((state, request)) => {
                let statement = recovery_proof_statement(form.username.as_str(), started.attempt.as_str());
                let body = RecoveryProof {
                    attempt: started.attempt.clone(),
                    signature: Bytes(form.key.signing_key().sign(&statement).to_vec()),
                    opaque: Bytes(request),
                };
                let call = Call::RecoveryProof {
                    ask,
                    form,
                    state: Box::new(state),
                    time: Timestamp(started.time),
                };
                self.call_open(work, call, "/api/v1/recoveries/prove", &body);
            }
            Err(error) => self.fail(work, ask, failure_of(error)),
        }
    }

    pub(crate) fn recovery_proved(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        mut form: RecoverForm,
        state: ClientRegistration,
        server_time: Timestamp,
        answer: Result<RecoveryProved, Refusal>,
    ) -> Result<(), ReadError> {
        let proved = match answer {
            Ok(proved) => proved,
            Err(refusal) if refusal.is(ErrorCode::WrongCredentials) => {
                self.fail(work, ask, Failure::recovery_refused());
                return Ok(());
            }
            Err(refusal) => return self.ask_refused(work, ask, &refusal),
        };
        let upload = match state.finish(form.password.as_bytes(), proved.opaque.as_slice(), &mut work.rng) {
            Ok(finished) => {
                let secret = password_secret(&finished.export_key).map(Box::new);
                form.secret = secret.filter(|_| form.strong);
                finished.message
            }
            Err(error) => {
                self.fail(work, ask, failure_of(error));
                return Ok(());
            }
        };
        let recovery = form.key.signing_key();
        let chain = match AccountChain::verify(proved.account, proved.entries.iter().map(Bytes::as_slice)) {
            // A log that names another key is not the one that this key may add to.
            Ok(chain) if *chain.recovery() == recovery.public().to_bytes() => chain,
            _ => {
                self.fail(work, ask, Failure::chain_invalid());
                return Ok(());
            }
        };
        let in_the_way = if chain.is_closed() {
            Some(ErrorCode::AccountClosed)
        } else if chain.devices().count() >= DEVICES_MAX {
            Some(ErrorCode::DevicesFull)
        } else {
            None
        };
        if let Some(code) = in_the_way {
            self.fail(work, ask, Failure::server(code, None));
            return Ok(());
        }

        let signing = SigningKey::generate(&mut work.rng);
        let identity = IdentityKey::generate(&mut work.rng);
        let keys = DeviceKeys {
            signing: signing.public().to_bytes(),
            identity: identity.public().to_bytes(),
        };
        let possession = signing.sign(&keys.possession_bytes(proved.account));
        let body = AccountBody::AddDevice { keys, possession };
        let entry = chain
            .next_entry(Author::Recovery, entry_time(work.now, server_time), body)
            .signed_with(|bytes| recovery.sign(bytes));
        let device = DeviceId(entry.sequence);
        let entry = entry.to_bytes();
        let mut entries = proved.entries;
        entries.push(Bytes(entry.clone()));
        match work.find_own()?.filter(|own| own.registered) {
            Some(own) if own.account != proved.account => {
                self.fail(work, ask, Failure::other_account());
                return Ok(());
            }
            // The server shows less than this device has seen, or something else.
            Some(own) if !entries.starts_with(&own.entries) => {
                self.fail(work, ask, Failure::chain_invalid());
                return Ok(());
            }
            Some(own) if chain.device(own.device).is_some() => {
                form.instead = Some(Added { device, entries });
            }
            known => {
                if known.is_some() {
                    // The account's log proves that this device is out of it, so nothing of it may stay.
                    work.wipe();
                }
                let own = OwnIdentity::joined(
                    &form.username,
                    proved.account,
                    device,
                    &signing,
                    &identity,
                    entries,
                )
                .with_recovery(&form.key);
                work.put_joined(&own);
                self.people.clear();
            }
        }

        let statement = recovery_statement(proved.token.as_str(), &entry, &upload);
        let body = RecoveryFinish {
            token: proved.token,
            entry: Bytes(entry),
            opaque: Bytes(upload),
            signature: Bytes(signing.sign(&statement).to_vec()),
            native: self.native,
        };
        self.call_open(
            work,
            Call::RecoveryFinish { ask, form },
            "/api/v1/recoveries/finish",
            &body,
        );
        Ok(())
    }

    pub(crate) fn recovery_finished(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        mut form: RecoverForm,
        answer: Result<LoggedIn, Refusal>,
    ) -> Result<(), ReadError> {
        match answer {
            Ok(logged_in) => match form.instead {
                None => {
                    self.keep_recovery_key(work)?;
                    let own = work.own()?;
                    work.replace_password_way(own.account.0, &form.key, form.secret.as_deref());
                    self.take_login(work, ask, &logged_in)
                }
                Some(Added { device, entries }) => {
                    self.keep_recovery_key(work)?;
                    let own = work.own()?;
                    work.replace_password_way(own.account.0, &form.key, form.secret.as_deref());
                    let more = entries.get(own.entries.len()..).unwrap_or_default();
                    self.take_entries(work, own.account, more)?;
                    let form = LoginForm {
                        username: form.username,
                        password: form.password,
                        code: None,
                        instead_of: None,
                        as_new: false,
                        then_revoke: Some(device),
                    };
                    self.start_sign_in(work, ask, form);
                    Ok(())
                }
            },
            Err(refusal) if refusal.is(ErrorCode::ChainMoved) && form.tries < TRIES_MAX => {
                form.tries = form.tries.saturating_add(1);
                form.instead = None;
                self.start_recovery(work, ask, form);
                Ok(())
            }
            Err(refusal) => self.ask_refused(work, ask, &refusal),
        }
    }

    /// Whoever typed the recovery key has it.
    pub(crate) fn keep_recovery_key(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let mut login = work.login()?;
        login.recovery_kept = true;
        work.put_login(&login);
        Ok(())
    }
}

/// A clock that is off must not keep anybody out: the server's is as good for this entry.
fn entry_time(now: Timestamp, server: Timestamp) -> Timestamp {
    let off = now.since(server).max(server.since(now));
    if off > ENTRY_CLOCK_SKEW_MS / 2 {
        server
    } else {
        now
    }
}

impl RecoverForm {
    pub(crate) fn new(
        username: Username,
        key: Box<RecoveryKey>,
        password: Zeroizing<String>,
        strong: bool,
    ) -> Self {
        Self {
            username,
            key,
            password,
            strong,
            secret: None,
            tries: 1,
            instead: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> (RecoveryKey, Vec<String>) {
        let key = RecoveryKey::from_bytes(&[7; 32]);
        let mnemonic = bip39::Mnemonic::from_entropy(&*key.to_bytes()).unwrap();
        (key, mnemonic.words().map(str::to_owned).collect())
    }

    #[test]
    fn the_words_of_a_recovery_key_are_read_however_they_are_spaced_and_whatever_their_case() {
        let (key, words) = words();
        let shouted = words.join("  \n\t").to_uppercase();
        for typed in [words.join(" "), format!("  {shouted}\n")] {
            assert_eq!(key_of(&typed).unwrap().to_bytes(), key.to_bytes());
        }
    }

    #[test]
    fn a_missing_a_misspelled_and_a_misplaced_word_are_noticed() {
        let (_, mut words) = words();
        assert!(key_of(&words[1..].join(" ")).is_none());
        assert!(key_of("").is_none());
        words.swap(3, 23);
        assert!(key_of(&words.join(" ")).is_none());
        words.swap(3, 23);
        words[5].push('x');
        assert!(key_of(&words.join(" ")).is_none());
    }
}
