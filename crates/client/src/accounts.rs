//! Making an account, signing in and out, the recovery key, invites.
//!
//! The device's keys are stored before the registration that names them is sent. A registration whose answer
//! was lost is found again by signing in with the same keys.

use conclave_auth::AuthError;
use conclave_auth::client::{ClientLogin, ClientRegistration};
use conclave_auth::statements::{login_statement, registration_statement};
use conclave_crypto::{IdentityKey, RecoveryKey, SigningKey};
use conclave_protocol::accounts::{RegistrationFinish, RegistrationStart, RegistrationStarted};
use conclave_protocol::invites::InviteMade;
use conclave_protocol::limits::ENTRY_CLOCK_SKEW_MS;
use conclave_protocol::logins::{LoggedIn, LoginFinish, LoginStart, LoginStarted, PendingLogin};
use conclave_protocol::{AccountId, Bytes, ErrorCode, Timestamp, Token, Username};
use conclave_sigchain::{AccountEntry, DeviceKeys};
use zeroize::Zeroizing;

use crate::appending::{AfterAppend, OwnAct};
use crate::calls::{Call, Instead, LoginForm, RecoverForm, Refusal, RegisterForm};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::password;
use crate::reads::ReadError;
use crate::vault::ways::password_secret;
use crate::views::{Event, Outcome};
use crate::work::Work;

/// Stands in the place of an invite where registration is open to everybody. No token is as short.
const OPEN_DOOR: &str = "open";

impl Engine {
    pub(crate) fn register(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        username: &str,
        password: Zeroizing<String>,
        invite: &str,
    ) -> Result<(), ReadError> {
        let invite = if invite == OPEN_DOOR { "" } else { invite };
        let Ok(username) = username.parse::<Username>() else {
            self.fail(work, ask, Failure::server(ErrorCode::UsernameInvalid, None));
            return Ok(());
        };
        if let Err(failure) = password::check(&password, username.as_str(), &self.server) {
            self.fail(work, ask, failure);
            return Ok(());
        }
        if self.signing_in() {
            self.fail(work, ask, Failure::busy());
            return Ok(());
        }
        self.leave_joining(work)?;
        match work.find_own()? {
            Some(own) if own.registered => {
                let signed_in = work.login()?.signed_in;
                let failure = if signed_in {
                    Failure::signed_in()
                } else {
                    Failure::other_account()
                };
                self.fail(work, ask, failure);
            }
            Some(own) if own.username == username.as_str() => {
                // An earlier try may have arrived, its answer lost.
                let form = LoginForm {
                    username,
                    password,
                    code: None,
                    instead_of: Some(Instead::Registration(invite.to_owned())),
                    as_new: false,
                    then_revoke: None,
                };
                self.start_sign_in(work, ask, form);
            }
            _ => self.start_registration(
                work,
                ask,
                RegisterForm {
                    username,
                    password,
                    invite: invite.to_owned(),
                },
            ),
        }
        Ok(())
    }

    fn start_registration(&mut self, work: &mut Work<'_>, ask: u64, form: RegisterForm) {
        match ClientRegistration::start(form.password.as_bytes(), &mut work.rng) {
            Ok((state, request)) => {
                let body = RegistrationStart {
                    username: form.username.clone(),
                    invite: Token(form.invite.clone()),
                    opaque: Bytes(request),
                };
                let call = Call::RegisterStart {
                    ask,
                    form,
                    state: Box::new(state),
                };
                self.call_open(work, call, "/api/v1/accounts/registration/start", &body);
            }
            Err(error) => self.fail(work, ask, failure_of(error)),
        }
    }

    pub(crate) fn registration_started(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: RegisterForm,
        state: ClientRegistration,
        started: &RegistrationStarted,
    ) -> Result<(), ReadError> {
        let finished = match state.finish(form.password.as_bytes(), started.opaque.as_slice(), &mut work.rng)
        {
            Ok(finished) => finished,
            Err(error) => {
                self.fail(work, ask, failure_of(error));
                return Ok(());
            }
        };
        // A clock that is off must not keep anybody out: the server's is as good for a genesis entry.
        let server_time = Timestamp(started.time);
        let off = work.now.since(server_time).max(server_time.since(work.now));
        let time = if off > ENTRY_CLOCK_SKEW_MS / 2 {
            server_time
        } else {
            work.now
        };

        let signing = SigningKey::generate(&mut work.rng);
        let identity = IdentityKey::generate(&mut work.rng);
        let recovery = RecoveryKey::generate(&mut work.rng);
        let keys = DeviceKeys {
            signing: signing.public().to_bytes(),
            identity: identity.public().to_bytes(),
        };
        let mut genesis = AccountEntry::genesis(keys, recovery.signing_key().public().to_bytes(), time);
        genesis.signature = signing.sign(&genesis.signed_bytes());
        let account = AccountId(genesis.hash().0);
        let genesis = genesis.to_bytes();

        let own = OwnIdentity::new(
            &form.username,
            account,
            &signing,
            &identity,
            &recovery,
            genesis.clone(),
        );
        work.put_own(&own);
        self.people.clear();

        let statement = registration_statement(form.username.as_str(), &form.invite, &finished.message);
        let body = RegistrationFinish {
            username: form.username.clone(),
            invite: Token(form.invite.clone()),
            opaque: Bytes(finished.message),
            genesis: Bytes(genesis),
            signature: Bytes(signing.sign(&statement).to_vec()),
            native: self.native,
        };
        self.call_open(
            work,
            Call::RegisterFinish { ask, form },
            "/api/v1/accounts/registration/finish",
            &body,
        );
        Ok(())
    }

    pub(crate) fn registration_finished(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: RegisterForm,
        answer: Result<LoggedIn, Refusal>,
    ) -> Result<(), ReadError> {
        match answer {
            Ok(logged_in) => self.take_login(work, ask, &logged_in),
            Err(refusal) if refusal.is(ErrorCode::AlreadyRegistered) => {
                let form = LoginForm {
                    username: form.username,
                    password: form.password,
                    code: None,
                    instead_of: None,
                    as_new: false,
                    then_revoke: None,
                };
                self.start_sign_in(work, ask, form);
                Ok(())
            }
            Err(refusal) => self.ask_refused(work, ask, &refusal),
        }
    }

    pub(crate) fn sign_in(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        username: &str,
        password: Zeroizing<String>,
        code: Option<Zeroizing<String>>,
    ) -> Result<(), ReadError> {
        let Ok(username) = username.parse::<Username>() else {
            self.fail(work, ask, Failure::server(ErrorCode::WrongCredentials, None));
            return Ok(());
        };
        if work.login()?.signed_in {
            self.fail(work, ask, Failure::signed_in());
            return Ok(());
        }
        if self.signing_in() {
            self.fail(work, ask, Failure::busy());
            return Ok(());
        }
        if work
            .find_own()?
            .is_some_and(|own| own.registered && own.username != username.as_str())
        {
            self.fail(work, ask, Failure::other_account());
            return Ok(());
        }
        self.leave_joining(work)?;
        self.start_sign_in(
            work,
            ask,
            LoginForm {
                username,
                password,
                code,
                instead_of: None,
                as_new: false,
                then_revoke: None,
            },
        );
        Ok(())
    }

    pub(crate) fn signing_in(&self) -> bool {
        self.calls.values().any(|call| {
            matches!(
                call,
                Call::RegisterStart { .. }
                    | Call::RegisterFinish { .. }
                    | Call::LoginStart { .. }
                    | Call::LoginFinish { .. }
                    | Call::PendingLogin { .. }
                    | Call::OpenLink { .. }
                    | Call::RecoveryStart { .. }
                    | Call::RecoveryProof { .. }
                    | Call::RecoveryFinish { .. }
                    | Call::ResetKeys { .. }
                    | Call::ResetFinish { .. }
            )
        })
    }

    pub(crate) fn start_sign_in(&mut self, work: &mut Work<'_>, ask: u64, form: LoginForm) {
        match ClientLogin::start(form.password.as_bytes(), &mut work.rng) {
            Ok((state, request)) => {
                let body = LoginStart {
                    username: form.username.clone(),
                    opaque: Bytes(request),
                };
                let call = Call::LoginStart {
                    ask,
                    form,
                    state: Box::new(state),
                };
                self.call_open(work, call, "/api/v1/logins/start", &body);
            }
            Err(error) => self.fail(work, ask, failure_of(error)),
        }
    }

    pub(crate) fn login_started(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: LoginForm,
        state: ClientLogin,
        started: LoginStarted,
    ) -> Result<(), ReadError> {
        let password = form.password.as_bytes();
        let finished = match state.finish(password, started.opaque.as_slice(), &mut work.rng) {
            Ok(finished) => finished,
            Err(AuthError::WrongCredentials)
                if matches!(
                    form.instead_of,
                    Some(Instead::Registration(_) | Instead::Recovery(..))
                ) =>
            {
                self.begin_after_all(work, ask, form);
                return Ok(());
            }
            Err(error) => {
                self.fail(work, ask, failure_of(error));
                return Ok(());
            }
        };
        // The password is right. Without keys of the account this device asks one that has them for approval.
        let own = work.find_own()?;
        let Some(own) = own.filter(|own| !form.as_new && own.username == form.username.as_str()) else {
            let mut form = form;
            if let Some(Instead::Reset(secret)) = &mut form.instead_of {
                *secret = password_secret(&finished.export_key).map(Box::new);
            }
            let body = PendingLogin {
                attempt: started.attempt,
                opaque: Bytes(finished.message),
                code: form.code.as_ref().map(|code| code.as_str().to_owned()),
            };
            let call = Call::PendingLogin { ask, form };
            self.call_open(work, call, "/api/v1/logins/pending", &body);
            return Ok(());
        };
        let statement = login_statement(&own.account.0, own.device.0, started.attempt.as_str());
        let body = LoginFinish {
            attempt: started.attempt,
            opaque: Bytes(finished.message),
            device: own.device,
            signature: Bytes(own.signing_key().sign(&statement).to_vec()),
            code: form.code.as_ref().map(|code| code.as_str().to_owned()),
            native: self.native,
        };
        self.call_open(
            work,
            Call::LoginFinish { ask, form },
            "/api/v1/logins/finish",
            &body,
        );
        Ok(())
    }

    pub(crate) fn login_finished(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: LoginForm,
        answer: Result<LoggedIn, Refusal>,
    ) -> Result<(), ReadError> {
        match answer {
            Ok(logged_in) => {
                if let Some(Instead::Recovery(key, _)) = &form.instead_of {
                    self.keep_recovery_key(work)?;
                    // Of the answer that was lost, the new password's slot was lost, too; the old one's goes.
                    work.replace_password_way(logged_in.account.0, key, None);
                }
                self.take_login(work, ask, &logged_in)?;
                match form.then_revoke {
                    Some(device) => self.append_own(work, OwnAct::RevokeDevice(device), AfterAppend::Nobody),
                    None => Ok(()),
                }
            }
            Err(refusal) if refusal.is(ErrorCode::WrongCredentials) && form.instead_of.is_some() => {
                self.begin_after_all(work, ask, form);
                Ok(())
            }
            // The recovery key needs no second step: what was tried with it begins anew.
            Err(refusal)
                if refusal.is(ErrorCode::SecondStepNeeded)
                    && matches!(form.instead_of, Some(Instead::Recovery(..))) =>
            {
                self.begin_after_all(work, ask, form);
                Ok(())
            }
            Err(refusal) if refusal.is(ErrorCode::DeviceRevoked) => {
                // So the server says. The account's log, which the password opens, proves it.
                let form = LoginForm { as_new: true, ..form };
                self.start_sign_in(work, ask, form);
                Ok(())
            }
            Err(refusal)
                if refusal.is(ErrorCode::WrongCredentials)
                    && work.find_own()?.is_some_and(|own| !own.registered) =>
            {
                // The password is right, so it is the keys: they were made for an account that never was. This
                // device is none of the account's.
                let form = LoginForm { as_new: true, ..form };
                self.start_sign_in(work, ask, form);
                Ok(())
            }
            Err(refusal) => self.ask_refused(work, ask, &refusal),
        }
    }

    /// The server does not know the device of the lost answer: what was tried begins anew, with new keys.
    fn begin_after_all(&mut self, work: &mut Work<'_>, ask: u64, form: LoginForm) {
        let LoginForm {
            username,
            password,
            code,
            ..
        } = form;
        match form.instead_of {
            Some(Instead::Recovery(key, strong)) => {
                self.start_recovery(work, ask, RecoverForm::new(username, key, password, strong));
            }
            Some(Instead::Registration(invite)) => self.start_registration(
                work,
                ask,
                RegisterForm {
                    username,
                    password,
                    invite,
                },
            ),
            Some(Instead::Reset(_)) => self.start_reset(work, ask, username, password, code),
            None => self.fail(work, ask, Failure::server(ErrorCode::WrongCredentials, None)),
        }
    }

    pub(crate) fn take_login(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        logged_in: &LoggedIn,
    ) -> Result<(), ReadError> {
        if self.enter(work, logged_in)? {
            self.answer(work, ask, Outcome::Done);
        } else {
            self.fail(work, ask, Failure::answer_unreadable());
        }
        Ok(())
    }

    /// Signed in. False where the server speaks of another device than the one whose keys signed.
    pub(crate) fn enter(&mut self, work: &mut Work<'_>, logged_in: &LoggedIn) -> Result<bool, ReadError> {
        let mut own = work.own()?;
        if logged_in.account != own.account || logged_in.device != own.device {
            return Ok(false);
        }
        if !own.registered {
            own.registered = true;
            work.put_own(&own);
        }
        let mut login = work.login()?;
        login.signed_in = true;
        login.sign_out_pending = false;
        login.administrator = logged_in.administrator;
        login.refresh_token.clone_from(&logged_in.refresh_token);
        login.refresh_attempt = None;
        work.put_login(&login);
        self.take_access(work.now, logged_in);
        self.failed_connects = 0;
        work.show(Event::Account);
        Ok(true)
    }

    pub(crate) fn sign_out(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        self.leave_approvals(work)?;
        self.tell_sign_out(work)?;
        let mut login = work.login()?;
        login.signed_in = false;
        login.sign_out_pending = true;
        work.put_login(&login);
        self.access = None;
        self.fail_held(work, &Failure::signed_out())?;
        work.show(Event::Account);
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    pub(crate) fn make_invite(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        if work.login()?.administrator {
            self.call(
                work,
                Call::Invite { ask },
                Method::Post,
                "/api/v1/invites".to_owned(),
                None,
            );
        } else {
            self.fail(work, ask, Failure::server(ErrorCode::Forbidden, None));
        }
        Ok(())
    }

    pub(crate) fn invite_made(&mut self, work: &mut Work<'_>, ask: u64, made: &InviteMade) {
        let token = made.token.as_str().to_owned();
        self.answer(
            work,
            ask,
            Outcome::Invite {
                token,
                expires: made.expires,
            },
        );
    }

    pub(crate) fn show_recovery_key(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        let own = work.own()?;
        // One that was replaced opens nothing any more.
        let in_force = *own.chain()?.recovery();
        let is_in_force = |key: &RecoveryKey| key.signing_key().public().to_bytes() == in_force;
        let Some(key) = own.recovery_key().filter(is_in_force) else {
            self.fail(work, ask, Failure::recovery_key_elsewhere());
            return Ok(());
        };
        let key = key.to_bytes();
        // 256 bits with BIP-39's checksum of 8: 24 words.
        match bip39::Mnemonic::from_entropy(&*key) {
            Ok(mnemonic) => {
                let words = mnemonic.words().map(str::to_owned).collect();
                self.answer(work, ask, Outcome::RecoveryWords { words });
            }
            Err(_) => self.fail(work, ask, Failure::storage()),
        }
        Ok(())
    }

    pub(crate) fn recovery_key_kept(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        let mut login = work.login()?;
        login.recovery_kept = true;
        work.put_login(&login);
        work.show(Event::Account);
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }
}

pub(crate) fn failure_of(error: AuthError) -> Failure {
    match error {
        AuthError::WrongCredentials => Failure::server(ErrorCode::WrongCredentials, None),
        AuthError::Malformed => Failure::answer_unreadable(),
        AuthError::Stretching => Failure::stretching(),
    }
}
