//! The device's own record: who it is, its keys, its counters. One per store.

use conclave_crypto::{IdentityKey, LocalDevice, RecoveryKey, SigningKey};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, Hash, Token, Username};
use conclave_sigchain::AccountChain;
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::codec::Secret32;
use crate::reads::ReadError;
use crate::refresh::RefreshAttempt;
use crate::work::Work;

const IDENTITY: &[u8] = b"identity";
const LOGIN: &[u8] = b"login";
const COUNTERS: &[u8] = b"counters";

/// Ordinals of rows begin here. Smaller ones are those of notices, which stand before the message whose sequence
/// they have.
pub(crate) const ORDINALS_FROM: u64 = 1 << 40;

/// A device that was added to an account has not been welcomed by the server yet.
const JOINED: &[u8] = b"joined";

/// Keys and account of this device. Written when it becomes a device of the account; then only `registered` and
/// the account's chain change.
#[derive(Encode, Decode)]
pub(crate) struct OwnIdentity {
    /// The handle.
    #[n(0)]
    pub(crate) username: String,
    /// The account.
    #[n(1)]
    pub(crate) account: AccountId,
    /// This device.
    #[n(2)]
    pub(crate) device: DeviceId,
    #[n(3)]
    signing: Secret32,
    #[n(4)]
    identity: Secret32,
    /// Only where the account was made, and where it was recovered.
    #[n(5)]
    recovery: Option<Secret32>,
    /// The account's chain, verified.
    #[n(6)]
    pub(crate) entries: Vec<Bytes>,
    /// The server has confirmed the registration, or that it knows this device.
    #[n(7)]
    pub(crate) registered: bool,
}

/// Whether and as what this device is signed in.
#[derive(Default, Encode, Decode)]
pub(crate) struct OwnLogin {
    #[n(0)]
    pub(crate) signed_in: bool,
    #[n(1)]
    pub(crate) administrator: bool,
    /// Refresh token of a native client.
    #[n(2)]
    pub(crate) refresh_token: Option<Token>,
    /// The server has not heard of the sign-out yet.
    #[n(3)]
    pub(crate) sign_out_pending: bool,
    /// The person has kept the recovery key.
    #[n(4)]
    pub(crate) recovery_kept: bool,
    /// A first message was accepted by the server.
    #[n(5)]
    pub(crate) first_sent: bool,
    /// The exchange of the refresh token whose outcome is not known for certain.
    #[n(6)]
    pub(crate) refresh_attempt: Option<RefreshAttempt>,
}

/// Numbers that only grow. A copy of the store that is older than what the server saw shows by them.
#[derive(Clone, Copy, Encode, Decode)]
pub(crate) struct OwnCounters {
    /// The newest envelope id made here.
    #[n(0)]
    pub(crate) last_made: EnvelopeId,
    /// The highest mailbox sequence that was acknowledged, here or, where that is more, as the server says.
    #[n(1)]
    pub(crate) acknowledged: u64,
    /// The highest message ordinal given.
    #[n(2)]
    pub(crate) ordinal: u64,
    /// The next outbox key.
    #[n(3)]
    pub(crate) outbox: u64,
    /// The highest mailbox sequence that was really taken here; none in a store of an earlier version.
    #[n(4)]
    taken: Option<u64>,
}

impl OwnCounters {
    /// The highest mailbox sequence that was really taken here, whatever the server said.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.unwrap_or(self.acknowledged)
    }

    /// Notes that a mailbox message was stored here or needs no storing.
    pub(crate) fn take(&mut self, mailbox: u64) {
        self.taken = Some(self.taken().max(mailbox));
        self.acknowledged = self.acknowledged.max(mailbox);
    }

    /// Notes what the server says was acknowledged from this device.
    pub(crate) fn believe_acknowledged(&mut self, mailbox: u64) {
        self.taken = Some(self.taken());
        self.acknowledged = self.acknowledged.max(mailbox);
    }
}

impl OwnIdentity {
    pub(crate) fn new(
        username: &Username,
        account: AccountId,
        signing: &SigningKey,
        identity: &IdentityKey,
        recovery: &RecoveryKey,
        genesis: Vec<u8>,
    ) -> Self {
        Self {
            username: username.as_str().to_owned(),
            account,
            device: DeviceId(0),
            signing: Secret32(*signing.to_bytes()),
            identity: Secret32(*identity.to_bytes()),
            recovery: Some(Secret32(*recovery.to_bytes())),
            entries: vec![Bytes(genesis)],
            registered: false,
        }
    }

    /// This device as one that was added to an account. The entries are verified and name exactly these keys. It
    /// has no recovery key; see [`OwnIdentity::with_recovery`]. Kept by [`Work::put_joined`].
    pub(crate) fn joined(
        username: &Username,
        account: AccountId,
        device: DeviceId,
        signing: &SigningKey,
        identity: &IdentityKey,
        entries: Vec<Bytes>,
    ) -> Self {
        Self {
            username: username.as_str().to_owned(),
            account,
            device,
            signing: Secret32(*signing.to_bytes()),
            identity: Secret32(*identity.to_bytes()),
            recovery: None,
            entries,
            registered: false,
        }
    }

    /// The same with the recovery key, where the account was recovered on this device.
    pub(crate) fn with_recovery(mut self, recovery: &RecoveryKey) -> Self {
        self.recovery = Some(Secret32(*recovery.to_bytes()));
        self
    }

    pub(crate) fn address(&self) -> DeviceAddress {
        DeviceAddress {
            account: self.account,
            device: self.device,
        }
    }

    pub(crate) fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.signing.0)
    }

    pub(crate) fn identity_key(&self) -> IdentityKey {
        IdentityKey::from_bytes(&self.identity.0)
    }

    pub(crate) fn has_recovery_key(&self) -> bool {
        self.recovery.is_some()
    }

    /// None on a device that was added by another one.
    pub(crate) fn recovery_key(&self) -> Option<RecoveryKey> {
        let recovery = self.recovery.as_ref()?;
        Some(RecoveryKey::from_bytes(&recovery.0))
    }

    /// The own chain; it was made or verified here, so a failure means a damaged store.
    pub(crate) fn chain(&self) -> Result<AccountChain, ReadError> {
        AccountChain::verify(self.account, self.entries.iter().map(Bytes::as_slice))
            .map_err(|_| ReadError("the own account's log is damaged".into()))
    }

    /// This device as a side of handshakes.
    pub(crate) fn local<'a>(
        &self,
        chain: &AccountChain,
        identity: &'a IdentityKey,
    ) -> Result<LocalDevice<'a>, ReadError> {
        let Hash(entry_hash) = chain
            .device(self.device)
            .map(|device| device.entry)
            .ok_or_else(|| ReadError("this device is not in its own account's log".into()))?;
        Ok(LocalDevice {
            account: self.account.0,
            device: self.device.0,
            entry_hash,
            identity,
        })
    }
}

impl Work<'_> {
    pub(crate) fn find_own(&self) -> Result<Option<OwnIdentity>, ReadError> {
        self.find(Table::Own, IDENTITY)
    }

    /// The own identity where the caller's path implies one.
    pub(crate) fn own(&self) -> Result<OwnIdentity, ReadError> {
        self.find_own()?
            .ok_or_else(|| ReadError("this device has no account".into()))
    }

    pub(crate) fn put_own(&mut self, own: &OwnIdentity) {
        self.put(Table::Own, IDENTITY, own);
    }

    /// This device has just been added to an account. Its first welcome says from where on it has the rooms.
    pub(crate) fn put_joined(&mut self, own: &OwnIdentity) {
        self.put_own(own);
        self.put(Table::Own, JOINED, &true);
    }

    /// True once: at the first welcome of a device that was added to an account.
    pub(crate) fn take_joined(&mut self) -> Result<bool, ReadError> {
        let joined = self.find_bytes(Table::Own, JOINED)?.is_some();
        if joined {
            self.delete(Table::Own, JOINED);
        }
        Ok(joined)
    }

    /// Keeps more of the own chain. The entries are verified and follow those that are there.
    pub(crate) fn put_own_entries(&mut self, more: impl IntoIterator<Item = Bytes>) -> Result<(), ReadError> {
        let mut own = self.own()?;
        own.entries.extend(more);
        self.put_own(&own);
        Ok(())
    }

    pub(crate) fn login(&self) -> Result<OwnLogin, ReadError> {
        Ok(self.find(Table::Own, LOGIN)?.unwrap_or_default())
    }

    pub(crate) fn put_login(&mut self, login: &OwnLogin) {
        self.put(Table::Own, LOGIN, login);
    }

    pub(crate) fn counters(&self) -> Result<OwnCounters, ReadError> {
        if let Some(counters) = self.find(Table::Own, COUNTERS)? {
            return Ok(counters);
        }
        let ordinal = self.stored_last_ordinal()?;
        Ok(OwnCounters {
            last_made: EnvelopeId([0; 16]),
            acknowledged: 0,
            ordinal,
            outbox: 1,
            taken: Some(0),
        })
    }

    pub(crate) fn put_counters(&mut self, counters: &OwnCounters) {
        self.put(Table::Own, COUNTERS, counters);
    }

    /// A new envelope id, greater than every one made here before even if the clock went back.
    pub(crate) fn make_id(&mut self) -> Result<EnvelopeId, ReadError> {
        let mut counters = self.counters()?;
        let mut id = EnvelopeId::new(self.now, self.random());
        if id <= counters.last_made {
            id = EnvelopeId::new(counters.last_made.time().plus(1), self.random());
        }
        counters.last_made = id;
        self.put_counters(&counters);
        Ok(id)
    }

    pub(crate) fn next_ordinal(&mut self) -> Result<u64, ReadError> {
        let mut counters = self.counters()?;
        counters.ordinal = counters.ordinal.saturating_add(1).max(ORDINALS_FROM);
        self.put_counters(&counters);
        Ok(counters.ordinal)
    }

    pub(crate) fn next_outbox_key(&mut self) -> Result<[u8; 8], ReadError> {
        let mut counters = self.counters()?;
        let key = counters.outbox;
        counters.outbox = key.saturating_add(1);
        self.put_counters(&counters);
        Ok(key.to_be_bytes())
    }
}
