//! Whether the password opens the history, too: the vault's password slot.
//!
//! The recovery key alone says which ways into the vault there are, so whoever switches this needs it: the device that
//! has it, or a person who types it. Each change comes with a new vault key. What is wanted is kept until the account's
//! log says so, so whatever was interrupted goes on.
//!
//! Invariant: the slot's secret comes from OPAQUE's export key, which only the right password gives, stretched with the
//! constants of this build. The recovery key is in no slot and in no record: a password alone reads, and signs nothing.

use conclave_auth::client::ClientLogin;
use conclave_crypto::vault::{SlotKind, SlotSecret, VaultSlot, VerifiedSlot};
use conclave_crypto::{RecoveryKey, SigningKey};
use conclave_protocol::logins::{LoginStart, LoginStarted};
use conclave_protocol::{Bytes, ErrorCode, Timestamp, Username};
use conclave_sigchain::{AccountChain, Vault};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::keys::verified_slot;
use crate::accounts::failure_of;
use crate::calls::Call;
use crate::changes::Table;
use crate::codec::Secret32;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::password;
use crate::reads::{ReadError, Reads};
use crate::recovering::key_of;
use crate::views::{Event, HistoryWaysView, Outcome};
use crate::work::Work;

const WANTED: &[u8] = b"ways";

/// Ways into the vault as they are to be. Gone with the recovery key in it once the account's log says so.
#[derive(Encode, Decode)]
#[cbor(array)]
struct WantedWays {
    /// What signs the slot and the entry.
    #[n(0)]
    recovery: Secret32,
    /// The password slot; none where the password is to open nothing.
    #[n(1)]
    slot: Option<Bytes>,
    /// Only where there is a password slot already: the password was replaced.
    #[n(2)]
    instead: bool,
}

/// A password that is to open the history, while the server is asked what only it can answer.
pub(crate) struct WaysForm {
    recovery: Box<RecoveryKey>,
    password: Zeroizing<String>,
}

/// A slot with its bytes.
pub(super) type SlotAndBytes = (VerifiedSlot, Bytes);

fn is_password(slot: &VerifiedSlot) -> bool {
    slot.kind() == SlotKind::Password
}

/// The secret of the password slot, where OPAQUE gave a key of the right length.
pub(crate) fn password_secret(export_key: &[u8]) -> Option<SlotSecret> {
    export_key.try_into().ok().map(SlotSecret::from_export_key)
}

/// Whether an entry about the vault changes which ways there are. Such a one the recovery key signs.
pub(crate) fn changes_ways(chain: &AccountChain, vault: &Vault) -> bool {
    chain.vault().is_some_and(|before| {
        let slots = |vault: &Vault| vault.slots.iter().map(|slot| slot.slot).collect::<Vec<_>>();
        slots(before) != slots(vault)
    })
}

impl Work<'_> {
    fn wanted_ways(&self) -> Result<Option<WantedWays>, ReadError> {
        self.find(Table::Vault, WANTED)
    }

    pub(super) fn want_ways(
        &mut self,
        account: [u8; 32],
        recovery: &RecoveryKey,
        secret: Option<&SlotSecret>,
        instead: bool,
    ) {
        let created = self.now.0;
        let slot = secret.map(|secret| VaultSlot::sign_by_recovery(account, recovery, secret, created));
        let wanted = WantedWays {
            recovery: Secret32(*recovery.to_bytes()),
            slot: slot.map(|slot| Bytes(slot.to_bytes())),
            instead,
        };
        self.put(Table::Vault, WANTED, &wanted);
        self.show(Event::Account);
    }

    /// The key that signs a change of the ways into the vault, while one is wanted.
    pub(crate) fn ways_key(&self) -> Result<Option<SigningKey>, ReadError> {
        let wanted = self.wanted_ways()?;
        Ok(wanted.map(|wanted| RecoveryKey::from_bytes(&wanted.recovery.0).signing_key()))
    }

    /// The password was replaced by the recovery key: the old one's slot leads nowhere any more. The new one gets a slot
    /// in its place where it is strong, as whoever asked for it found.
    pub(crate) fn replace_password_way(
        &mut self,
        account: [u8; 32],
        recovery: &RecoveryKey,
        secret: Option<&SlotSecret>,
    ) {
        self.want_ways(account, recovery, secret, true);
    }

    /// The slots that a new key is to be wrapped to: those in force, but for what a person wants otherwise. None while
    /// the server does not show one of them.
    pub(super) fn slots_to_be(
        &self,
        chain: &AccountChain,
        named: &Vault,
    ) -> Result<Option<Vec<SlotAndBytes>>, ReadError> {
        let mut slots = Vec::with_capacity(named.slots.len());
        for slot in &named.slots {
            match self.vault_slot(chain, slot.slot)? {
                Some(slot) => slots.push(slot),
                None => return Ok(None),
            }
        }
        let Some(wanted) = self.wanted_ways()? else {
            return Ok(Some(slots));
        };
        let had_one = slots.iter().any(|(slot, _)| is_password(slot));
        if wanted.instead && !had_one {
            return Ok(Some(slots));
        }
        slots.retain(|(slot, _)| !is_password(slot));
        if let Some(bytes) = wanted.slot {
            let hash = super::keys::slot_hash(bytes.as_slice());
            if let Some(slot) = verified_slot(chain, hash, bytes.as_slice()) {
                slots.push((slot, bytes));
            }
        }
        Ok(Some(slots))
    }
}

impl Engine {
    /// Whether the ways into the vault are to be others than the account's log names.
    pub(super) fn ways_are_to_change(
        &mut self,
        work: &mut Work<'_>,
        chain: &AccountChain,
        named: &Vault,
    ) -> Result<bool, ReadError> {
        let Some(wanted) = work.wanted_ways()? else {
            return Ok(false);
        };
        let signing = RecoveryKey::from_bytes(&wanted.recovery.0).signing_key();
        let is_in_force = signing.public().to_bytes() == *chain.recovery();
        let Some(slots) = work.slots_to_be(chain, named)? else {
            // `keep_slots` asks for them.
            return Ok(false);
        };
        let mut hashes: Vec<[u8; 32]> = slots.iter().map(|(slot, _)| *slot.hash()).collect();
        hashes.sort_unstable();
        let stands = hashes.iter().eq(named.slots.iter().map(|slot| &slot.slot.0));
        if stands || !is_in_force {
            work.delete(Table::Vault, WANTED);
            work.show(Event::Account);
        }
        Ok(!stands && is_in_force)
    }

    /// Lets the password open the history, too, or, with none, no longer.
    pub(crate) fn set_history_password(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        password: Option<Zeroizing<String>>,
        words: Option<&str>,
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        if work.wanted_ways()?.is_some() || self.is_asking_for_ways() {
            self.fail(work, ask, Failure::busy());
            return Ok(());
        }
        let recovery = match recovery_of(&own, words)? {
            Ok(recovery) => recovery,
            Err(failure) => {
                self.fail(work, ask, failure);
                return Ok(());
            }
        };
        let Some(password) = password else {
            work.want_ways(own.account.0, &recovery, None, false);
            self.vault_soon(work.now);
            self.answer(work, ask, Outcome::Done);
            return Ok(());
        };
        if let Err(failure) = password::check(&password, &own.username, &self.server) {
            self.fail(work, ask, failure);
            return Ok(());
        }
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
                let form = WaysForm {
                    recovery: Box::new(recovery),
                    password,
                };
                let call = Call::WaysStart {
                    ask,
                    form,
                    state: Box::new(state),
                };
                self.call_open(work, call, "/api/v1/logins/start", &body);
            }
            Err(error) => self.fail(work, ask, failure_of(error)),
        }
        Ok(())
    }

    fn is_asking_for_ways(&self) -> bool {
        let mut calls = self.calls.values();
        calls.any(|call| matches!(call, Call::WaysStart { .. }))
    }

    /// The server did its part in deriving the export key. That the password is the account's, the answer proves: no
    /// other one opens it. The sign-in that was begun for it is not ended, and worth nothing after two minutes.
    pub(crate) fn ways_started(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: &WaysForm,
        state: ClientLogin,
        started: &LoginStarted,
    ) -> Result<(), ReadError> {
        let finished = state.finish(form.password.as_bytes(), started.opaque.as_slice(), &mut work.rng);
        let secret = match finished {
            Ok(finished) => password_secret(&finished.export_key),
            Err(error) => {
                self.fail(work, ask, failure_of(error));
                return Ok(());
            }
        };
        let Some(secret) = secret else {
            self.fail(work, ask, Failure::server(ErrorCode::WrongCredentials, None));
            return Ok(());
        };
        let own = work.own()?;
        work.want_ways(own.account.0, &form.recovery, Some(&secret), false);
        self.vault_soon(work.now);
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// What opens the account's history.
    pub fn history_ways(&self, store: &dyn Reads) -> Result<HistoryWaysView, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        Work::new(store, &mut none, Timestamp(0)).ways_view()
    }
}

impl Work<'_> {
    /// What opens the account's history.
    pub(crate) fn ways_view(&self) -> Result<HistoryWaysView, ReadError> {
        let own = self.own()?;
        let chain = own.chain()?;
        let wanted = self.wanted_ways()?;
        let mut view = HistoryWaysView {
            known: false,
            password: false,
            changing: wanted.as_ref().is_some_and(|wanted| !wanted.instead),
            asks_for_words: recovery_of(&own, None)?.is_err(),
        };
        let Some(named) = chain.vault() else {
            return Ok(view);
        };
        let mut known = true;
        for slot in &named.slots {
            match self.vault_slot(&chain, slot.slot)? {
                Some((slot, _)) => view.password |= is_password(&slot),
                None => known = false,
            }
        }
        view.known = known;
        // A replaced password changes something only where the old one opened the history.
        view.changing |= wanted.is_some() && view.password;
        Ok(view)
    }
}

/// The recovery key in force: as it was typed, or as this device has it.
pub(crate) fn recovery_of(
    own: &OwnIdentity,
    words: Option<&str>,
) -> Result<Result<RecoveryKey, Failure>, ReadError> {
    let in_force = *own.chain()?.recovery();
    let fits = |key: &RecoveryKey| key.signing_key().public().to_bytes() == in_force;
    Ok(match words {
        Some(words) => match key_of(words) {
            Some(key) if fits(&key) => Ok(key),
            Some(_) => Err(Failure::recovery_refused()),
            None => Err(Failure::words_invalid()),
        },
        None => own
            .recovery_key()
            .filter(fits)
            .ok_or_else(Failure::recovery_key_wanted),
    })
}
