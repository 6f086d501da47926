//! The own password while signed in: showing it once more, and replacing it.
//!
//! Invariant: the vault's password slot opens with the export key of the password in force and no other. Where there is
//! such a slot, a password is replaced only with the recovery key at hand, which alone may say which slots there are.

use conclave_auth::client::{ClientLogin, ClientRegistration};
use conclave_auth::statements::registration_statement;
use conclave_crypto::RecoveryKey;
use conclave_crypto::vault::SlotSecret;
use conclave_protocol::accounts::{PasswordChangeFinish, PasswordChangeStart, PasswordChangeStarted};
use conclave_protocol::logins::{LoginStart, LoginStarted, LoginsEnded, PasswordProof};
use conclave_protocol::{Bytes, Username};
use zeroize::Zeroizing;

use crate::account_intents::Asked;
use crate::accounts::failure_of;
use crate::calls::{Call, Refusal, json};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::password;
use crate::reads::ReadError;
use crate::vault::ways::{password_secret, recovery_of};
use crate::views::Outcome;
use crate::work::Work;

/// What stands in the place of an invite in the statement that the device signs.
const PURPOSE: &str = "password change";

/// What a person filled in to show the password once more.
pub(crate) struct ProofForm {
    password: Zeroizing<String>,
    code: Option<Zeroizing<String>>,
}

/// What a person filled in to replace the password.
pub(crate) struct PasswordForm {
    password: Zeroizing<String>,
    strong: bool,
    /// The recovery key in force, where it is at hand.
    recovery: Option<Box<RecoveryKey>>,
    end_others: bool,
    /// The secret of the slot that a strong one gets.
    secret: Option<Box<SlotSecret>>,
}

impl Engine {
    /// Begins a sign-in whose end makes no login: it shows the password for the login that there is.
    pub(crate) fn prove(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        password: Zeroizing<String>,
        code: Option<Zeroizing<String>>,
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        let Ok(username) = own.username.parse::<Username>() else {
            self.fail(work, ask, Failure::storage());
            return Ok(());
        };
        match ClientLogin::start(password.as_bytes(), &mut work.rng) {
            Ok((state, request)) => {
                let body = LoginStart {
                    username,
                    opaque: Bytes(request),
                };
                let call = Call::ProofStart {
                    ask,
                    form: ProofForm { password, code },
                    state: Box::new(state),
                };
                self.call_open(work, call, "/api/v1/logins/start", &body);
            }
            Err(error) => self.fail(work, ask, failure_of(error)),
        }
        Ok(())
    }

    /// The server did its part; what the password gives goes back.
    pub(crate) fn proof_started(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: &ProofForm,
        state: ClientLogin,
        started: LoginStarted,
    ) {
        let finished = state.finish(form.password.as_bytes(), started.opaque.as_slice(), &mut work.rng);
        match finished {
            Ok(finished) => {
                let body = PasswordProof {
                    attempt: started.attempt,
                    opaque: Bytes(finished.message),
                    code: form.code.as_ref().map(|code| code.as_str().to_owned()),
                };
                let call = Call::Asked {
                    ask,
                    asked: Asked::Nothing,
                };
                let path = "/api/v1/logins/prove".to_owned();
                self.call(work, call, Method::Post, path, Some(json(&body)));
            }
            Err(error) => self.fail(work, ask, failure_of(error)),
        }
    }

    /// Begins to replace the password.
    pub(crate) fn change_password(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        password: Zeroizing<String>,
        strong: bool,
        words: Option<&str>,
        end_others: bool,
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        if let Err(failure) = password::check(&password, &own.username, &self.server) {
            self.fail(work, ask, failure);
            return Ok(());
        }
        let ways = work.ways_view()?;
        let recovery = match recovery_of(&own, words)? {
            Ok(recovery) => Some(Box::new(recovery)),
            Err(failure) if words.is_some() || ways.password || ways.changing => {
                self.fail(work, ask, failure);
                return Ok(());
            }
            Err(_) => None,
        };
        match ClientRegistration::start(password.as_bytes(), &mut work.rng) {
            Ok((state, request)) => {
                let body = PasswordChangeStart {
                    opaque: Bytes(request),
                };
                let form = PasswordForm {
                    password,
                    strong,
                    recovery,
                    end_others,
                    secret: None,
                };
                let call = Call::PasswordStart {
                    ask,
                    form,
                    state: Box::new(state),
                };
                let path = "/api/v1/account/password/start".to_owned();
                self.call(work, call, Method::Post, path, Some(json(&body)));
            }
            Err(error) => self.fail(work, ask, failure_of(error)),
        }
        Ok(())
    }

    /// The server did its part; the new record goes to it, signed by this device.
    pub(crate) fn password_started(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        mut form: PasswordForm,
        state: ClientRegistration,
        started: &PasswordChangeStarted,
    ) -> Result<(), ReadError> {
        let finished = state.finish(form.password.as_bytes(), started.opaque.as_slice(), &mut work.rng);
        let finished = match finished {
            Ok(finished) => finished,
            Err(error) => {
                self.fail(work, ask, failure_of(error));
                return Ok(());
            }
        };
        if form.strong {
            form.secret = password_secret(&finished.export_key).map(Box::new);
        }
        let own = work.own()?;
        let statement = registration_statement(&own.username, PURPOSE, &finished.message);
        let body = PasswordChangeFinish {
            opaque: Bytes(finished.message),
            signature: Bytes(own.signing_key().sign(&statement).to_vec()),
            end_others: form.end_others,
        };
        let path = "/api/v1/account/password/finish".to_owned();
        let call = Call::PasswordFinish { ask, form };
        self.call(work, call, Method::Post, path, Some(json(&body)));
        Ok(())
    }

    /// The password is replaced, or not. Where the answer was lost the old slot stays until the password is set once
    /// more, and opens nothing that the recovery key does not.
    pub(crate) fn password_finished(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: &PasswordForm,
        answer: Result<LoginsEnded, Refusal>,
    ) -> Result<(), ReadError> {
        let ended = match answer {
            Ok(ended) => ended,
            Err(refusal) => return self.ask_refused(work, ask, &refusal),
        };
        if let Some(recovery) = &form.recovery {
            let own = work.own()?;
            work.replace_password_way(own.account.0, recovery, form.secret.as_deref());
            self.vault_soon(work.now);
        }
        self.answer(work, ask, Outcome::Ended { count: ended.ended });
        Ok(())
    }
}
