//! Starting again under one's name: every device and the recovery key are lost, the password is not.
//!
//! Where the old account's vault has a password slot, its history is opened first, and read on by the new account.
//!
//! A new account is made here, whose genesis entry takes the name. Its keys are stored before the entry leaves; where
//! the answer is lost, signing in with them finds it again.

use conclave_auth::statements::reset_statement;
use conclave_crypto::{IdentityKey, RecoveryKey, SigningKey};
use conclave_protocol::limits::ENTRY_CLOCK_SKEW_MS;
use conclave_protocol::logins::LoginPending;
use conclave_protocol::resets::ResetIdentity;
use conclave_protocol::vault::VaultKeys;
use conclave_protocol::{AccountId, Bytes, ErrorCode, Timestamp, Username};
use conclave_sigchain::{AccountChain, AccountEntry, DeviceKeys};
use zeroize::Zeroizing;

use crate::calls::{Call, Instead, LoginForm};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::vault::keys::opened_by;
use crate::work::Work;

impl Engine {
    pub(crate) fn reset_identity(
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
        let own = work.find_own()?;
        if own.as_ref().is_some_and(|own| own.registered) {
            self.fail(work, ask, Failure::device_is_here());
            return Ok(());
        }
        self.leave_joining(work)?;
        if own.is_some_and(|own| own.username == username.as_str()) {
            // An earlier try may have arrived, its answer lost.
            let form = LoginForm {
                username,
                password,
                code,
                instead_of: Some(Instead::Reset(None)),
                as_new: false,
                then_revoke: None,
            };
            self.start_sign_in(work, ask, form);
        } else {
            self.start_reset(work, ask, username, password, code);
        }
        Ok(())
    }

    /// Proves the password, as a new device does.
    pub(crate) fn start_reset(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        username: Username,
        password: Zeroizing<String>,
        code: Option<Zeroizing<String>>,
    ) {
        let form = LoginForm {
            username,
            password,
            code,
            instead_of: Some(Instead::Reset(None)),
            as_new: true,
            then_revoke: None,
        };
        self.start_sign_in(work, ask, form);
    }

    /// The password is right: where the old account has a vault, it is looked whether the password opens it.
    pub(crate) fn reset_with(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: LoginForm,
        pending: LoginPending,
    ) -> Result<(), ReadError> {
        let opens = matches!(form.instead_of, Some(Instead::Reset(Some(_))));
        let chain = chain_of(&pending).filter(|chain| opens && chain.vault().is_some());
        if chain.is_none() {
            return self.reset_now(work, ask, &form, pending);
        }
        let token = pending.token.clone();
        let call = Call::ResetKeys {
            ask,
            form,
            pending: Box::new(pending),
        };
        let path = "/api/v1/vault/keys".to_owned();
        self.call_as(work, call, Method::Get, path, None, Some(&token));
        Ok(())
    }

    /// The ways into the old account's vault came.
    pub(crate) fn reset_keys(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: &LoginForm,
        pending: LoginPending,
        keys: &VaultKeys,
    ) -> Result<(), ReadError> {
        if let Some(Instead::Reset(Some(secret))) = &form.instead_of
            && let Some(chain) = chain_of(&pending)
            && let Some(key) = opened_by(&chain, keys, secret)
        {
            work.begin_former(pending.account, &key, true)?;
            work.pin_head(pending.account, chain.head(), chain.head_hash())?;
        }
        self.reset_now(work, ask, form, pending)
    }

    /// A new account takes the name.
    fn reset_now(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: &LoginForm,
        pending: LoginPending,
    ) -> Result<(), ReadError> {
        // A clock that is off must not keep anybody out: the server's is as good for a genesis entry.
        let server = Timestamp(pending.time);
        let off = work.now.since(server).max(server.since(work.now));
        let time = if off > ENTRY_CLOCK_SKEW_MS / 2 {
            server
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
        let statement = reset_statement(form.username.as_str(), pending.token.as_str(), &genesis);
        let body = ResetIdentity {
            token: pending.token,
            genesis: Bytes(genesis),
            signature: Bytes(signing.sign(&statement).to_vec()),
            native: self.native,
        };
        self.call_open(work, Call::ResetFinish { ask }, "/api/v1/resets", &body);
        Ok(())
    }
}

/// The log of the account whose password was proven, where the server shows one that holds.
fn chain_of(pending: &LoginPending) -> Option<AccountChain> {
    AccountChain::verify(pending.account, pending.entries.iter().map(Bytes::as_slice)).ok()
}
