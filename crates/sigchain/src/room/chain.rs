//! A chain: entries in order, the state they lead to, and what of it was checked elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use conclave_encoding::{Reader, Writer, hash, labels};
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, Hash, PlaceId, Timestamp};
use ed25519_dalek::{Signature, VerifyingKey};

use super::body::read_account;
use super::entry::outer;
use super::limits::{ENTRIES_LAST, SNAPSHOT_MAX};
use super::rules::Act;
use super::{
    Claim, InviteId, RoomAuthor, RoomBody, RoomChainError, RoomChange, RoomEntry, RoomEvent, RoomState,
    join_proof_bytes,
};
use crate::signature::check_key;
use crate::{AccountChain, HeadComparison};

/// Version of the form in which a chain is kept.
const VERSION: u8 = 1;

/// A room or community chain.
#[derive(Clone, Debug)]
pub struct RoomChain {
    state: RoomState,
    /// Sequence of the first hash below: 0, or the entry before the checkpoint from which the chain was read.
    first: u32,
    hashes: Vec<Hash>,
    /// Accounts whose claims were compared with their chains since they last changed.
    confirmed: BTreeSet<AccountId>,
    /// What an audit has to lead to, while there was none.
    unaudited: Option<Vouched>,
    keys: Keys,
}

/// A state for which a checkpoint vouches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Vouched {
    /// Sequence of its last entry.
    sequence: u32,
    state: Hash,
}

/// Keys that were parsed before, so that each is parsed once.
#[derive(Clone, Debug, Default)]
struct Keys {
    devices: BTreeMap<(AccountId, DeviceId), VerifyingKey>,
    invites: BTreeMap<InviteId, VerifyingKey>,
}

/// The chain from its start to a checkpoint, being checked for a chain that was read from there.
#[derive(Clone, Debug)]
pub struct RoomAudit {
    place: PlaceId,
    vouched: Vouched,
    chain: Option<RoomChain>,
}

/// Two chains are equal when they have the same entries and the same trust.
impl PartialEq for RoomChain {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
            && self.first == other.first
            && self.hashes == other.hashes
            && self.confirmed == other.confirmed
            && self.unaudited == other.unaudited
    }
}

impl Eq for RoomChain {}

impl RoomChain {
    /// Begins a chain with its first entry.
    pub fn begin(entry: &RoomEntry) -> Result<(Self, RoomChange), RoomChainError> {
        let RoomBody::Create {
            kind,
            everyone,
            policy,
            ..
        } = &entry.body
        else {
            return Err(RoomChainError::Genesis);
        };
        if entry.place.is_some() || entry.previous.is_some() || entry.sequence != 0 {
            return Err(RoomChainError::Genesis);
        }
        entry.body.check_form()?;
        let act = Act::new(&entry.author, 0, entry.time);
        if act.device.0 > act.head.sequence {
            return Err(RoomChainError::HeadBehind);
        }
        let signed = entry.signed_bytes();
        let mut keys = Keys::default();
        let key = keys.device(&entry.author)?;
        verify(&key, &signed, &entry.signature).map_err(|()| RoomChainError::Signature)?;
        keys.keep_device(&entry.author, key);
        let hash = entry_hash(&signed, &entry.signature);
        let (state, events) = RoomState::begin(PlaceId(hash.0), &act, *kind, *everyone, policy);
        let chain = Self {
            state,
            first: 0,
            hashes: vec![hash],
            confirmed: BTreeSet::new(),
            unaudited: None,
            keys,
        };
        Ok((chain, change(entry, hash, events)))
    }

    /// Verifies a whole chain that must be the one of `place`.
    pub fn verify<'a>(
        place: PlaceId,
        entries: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, RoomChainError> {
        let mut entries = entries.into_iter();
        let first = entries.next().ok_or(RoomChainError::Empty)?;
        let (mut chain, _) = Self::begin(&RoomEntry::from_bytes(first)?)?;
        if chain.place() != place {
            return Err(RoomChainError::OtherChain);
        }
        for entry in entries {
            chain.append_bytes(entry)?;
        }
        Ok(chain)
    }

    /// Reads a chain from a checkpoint: the state before it, its entry, and the entries after it.
    ///
    /// Whoever made these bytes may have made up owner and members: only the audit of the whole chain
    /// ([`RoomChain::audit`]) shows that the place's first entry leads here. Until then the chain may be read, and
    /// nothing may be sealed by it.
    pub fn from_checkpoint<'a>(
        place: PlaceId,
        snapshot: &[u8],
        checkpoint: &[u8],
        later: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, RoomChainError> {
        let state = RoomState::from_bytes(snapshot)?;
        let entry = RoomEntry::from_bytes(checkpoint)?;
        let RoomBody::Checkpoint { state: named } = entry.body else {
            return Err(RoomChainError::WrongCheckpoint);
        };
        if state.place != place {
            return Err(RoomChainError::OtherChain);
        }
        let vouched = Vouched {
            sequence: state.sequence,
            state: named,
        };
        let mut chain = Self {
            first: state.sequence,
            hashes: vec![state.head],
            state,
            confirmed: BTreeSet::new(),
            unaudited: Some(vouched),
            keys: Keys::default(),
        };
        chain.append(&entry)?;
        for entry in later {
            chain.append_bytes(entry)?;
        }
        Ok(chain)
    }

    /// Appends the next entry, or refuses it and stays as it was.
    pub fn append(&mut self, entry: &RoomEntry) -> Result<RoomChange, RoomChainError> {
        match entry.place {
            None => return Err(RoomChainError::Genesis),
            Some(place) if place != self.place() => return Err(RoomChainError::OtherChain),
            Some(_) => {}
        }
        let next = self.state.sequence.checked_add(1).ok_or(RoomChainError::Full)?;
        if entry.sequence != next {
            return Err(RoomChainError::Gap);
        }
        if entry.previous != Some(self.state.head) {
            return Err(RoomChainError::Fork);
        }
        if entry.time < self.state.time {
            return Err(RoomChainError::TimeBackwards);
        }
        let act = Act::new(&entry.author, entry.sequence, entry.time);
        self.state.check(&act, &entry.body)?;

        // What costs most comes last.
        let signed = entry.signed_bytes();
        let key = self.keys.device(&entry.author)?;
        verify(&key, &signed, &entry.signature).map_err(|()| RoomChainError::Signature)?;
        let invite = self.check_proof(&act, &entry.body)?;
        self.state.check_vouched(&entry.body)?;

        // From here on nothing fails.
        self.keys.keep_device(&entry.author, key);
        if let Some((id, key)) = invite {
            self.keys.invites.insert(id, key);
        }
        self.forget_confirmation(&act, &entry.body);
        let events = self.state.apply(&act, &entry.body);
        for event in &events {
            if let RoomEvent::InviteEnded(id) = event {
                self.keys.invites.remove(id);
            }
        }
        let hash = entry_hash(&signed, &entry.signature);
        self.state.sequence = entry.sequence;
        self.state.head = hash;
        self.state.time = entry.time;
        self.hashes.push(hash);
        Ok(change(entry, hash, events))
    }

    /// Reads and appends the next entry, or refuses it and stays as it was.
    pub fn append_bytes(&mut self, entry: &[u8]) -> Result<RoomChange, RoomChainError> {
        self.append(&RoomEntry::from_bytes(entry)?)
    }

    /// Whether an entry would be accepted, without its signatures.
    pub fn check(&self, author: &RoomAuthor, time: Timestamp, body: &RoomBody) -> Result<(), RoomChainError> {
        if time < self.state.time {
            return Err(RoomChainError::TimeBackwards);
        }
        let act = Act::new(author, self.state.sequence.saturating_add(1), time);
        self.state.check(&act, body)?;
        self.state.check_vouched(body)
    }

    /// The next entry, unsigned: its maker signs [`RoomEntry::signed_bytes`]. Its time is not before the chain's.
    pub fn next_entry(&self, author: RoomAuthor, time: Timestamp, body: RoomBody) -> RoomEntry {
        RoomEntry {
            place: Some(self.place()),
            sequence: self.state.sequence.saturating_add(1),
            previous: Some(self.state.head),
            author,
            time: time.max(self.state.time),
            body,
            signature: [0; 64],
        }
    }

    /// A checkpoint of the state as it is now, for its owner to sign by [`RoomChain::next_entry`].
    pub fn checkpoint(&self) -> RoomBody {
        RoomBody::Checkpoint {
            state: self.state.hash(),
        }
    }

    /// The place: the hash of the chain's first entry.
    pub fn place(&self) -> PlaceId {
        self.state.place
    }

    /// What the chain has led to.
    pub fn state(&self) -> &RoomState {
        &self.state
    }

    /// Sequence of the newest entry.
    pub fn head(&self) -> u32 {
        self.state.sequence
    }

    /// Hash of the newest entry.
    pub fn head_hash(&self) -> Hash {
        self.state.head
    }

    /// Hash of the entry at a sequence, where the chain knows it.
    pub fn hash_at(&self, sequence: u32) -> Option<Hash> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.hashes.get(index).copied()
    }

    /// How a head that somebody names stands to this chain. None where it lies before the checkpoint from which the
    /// chain was read, until the audit.
    pub fn compare(&self, sequence: u32, hash: Hash) -> Option<HeadComparison> {
        if sequence > self.state.sequence {
            return Some(HeadComparison::Ahead);
        }
        Some(if self.hash_at(sequence)? != hash {
            HeadComparison::Fork
        } else if sequence == self.state.sequence {
            HeadComparison::Same
        } else {
            HeadComparison::Behind
        })
    }

    /// Whether the chain was verified from its first entry on. Nothing may be sealed by one that was not.
    pub fn is_audited(&self) -> bool {
        self.unaudited.is_none()
    }

    /// Begins to check the entries before the checkpoint from which the chain was read. They may be many, so they
    /// are given one by one; none for a chain that needs no audit.
    pub fn begin_audit(&self) -> Option<RoomAudit> {
        Some(RoomAudit {
            place: self.place(),
            vouched: self.unaudited?,
            chain: None,
        })
    }

    /// Takes a finished audit. One that does not lead to the checkpoint leaves the chain as it was.
    pub fn finish_audit(&mut self, audit: RoomAudit) -> Result<(), RoomChainError> {
        let vouched = self.unaudited.ok_or(RoomChainError::AuditFailed)?;
        let earlier = audit.chain.ok_or(RoomChainError::AuditFailed)?;
        let leads_here = earlier.place() == self.place()
            && earlier.head() == vouched.sequence
            && self.hash_at(vouched.sequence) == Some(earlier.head_hash())
            && earlier.state.hash() == vouched.state;
        if !leads_here {
            return Err(RoomChainError::AuditFailed);
        }
        let mut hashes = earlier.hashes;
        hashes.extend(self.hashes.iter().skip(1));
        self.hashes = hashes;
        self.first = 0;
        self.unaudited = None;
        Ok(())
    }

    /// Checks the entries from the start; those behind the checkpoint are not looked at again.
    pub fn audit<'a>(&mut self, entries: impl IntoIterator<Item = &'a [u8]>) -> Result<(), RoomChainError> {
        let Some(mut audit) = self.begin_audit() else {
            return Ok(());
        };
        for entry in entries {
            if audit.is_complete() {
                break;
            }
            audit.append_bytes(entry)?;
        }
        self.finish_audit(audit)
    }

    /// The accounts of which something is claimed that nobody has compared with their chains since.
    pub fn unconfirmed(&self) -> impl Iterator<Item = Claim<'_>> {
        self.state
            .accounts
            .iter()
            .filter(|(account, _)| !self.confirmed.contains(account))
            .map(|(account, known)| Claim {
                account: *account,
                known,
            })
    }

    /// What is claimed of one account.
    pub fn claim(&self, account: AccountId) -> Option<Claim<'_>> {
        let known = self.state.accounts.get(&account)?;
        Some(Claim { account, known })
    }

    /// Whether all that is claimed of an account was compared with its chain.
    pub fn is_confirmed(&self, account: AccountId) -> bool {
        self.confirmed.contains(&account)
    }

    /// Compares what is claimed of an account with its own verified chain, and remembers when it holds.
    pub fn confirm(&mut self, chain: &AccountChain) -> Result<(), RoomChainError> {
        if let Some(claim) = self.claim(chain.account()) {
            claim.check(chain)?;
            self.confirmed.insert(chain.account());
        }
        Ok(())
    }

    /// The chain as a device or server keeps it: it loads without a signature being checked again.
    pub fn to_bytes(&self) -> Vec<u8> {
        let state = self.state.to_bytes();
        let capacity = self
            .hashes
            .len()
            .saturating_mul(32)
            .saturating_add(self.confirmed.len().saturating_mul(32))
            .saturating_add(state.len())
            .saturating_add(256);
        let writer = Writer::with_capacity(labels::ROOM_CHAIN, capacity)
            .u8(VERSION)
            .bytes(&state)
            .u32(self.first)
            .u32(u32::try_from(self.hashes.len()).unwrap_or(u32::MAX));
        let writer = self
            .hashes
            .iter()
            .fold(writer, |writer, hash| writer.fixed(hash.as_bytes()));
        let writer = match &self.unaudited {
            None => writer.u8(0),
            Some(vouched) => writer.u8(1).u32(vouched.sequence).fixed(vouched.state.as_bytes()),
        };
        let writer = writer.u32(u32::try_from(self.confirmed.len()).unwrap_or(u32::MAX));
        self.confirmed
            .iter()
            .fold(writer, |writer, account| writer.fixed(account.as_bytes()))
            .finish()
    }

    /// A chain from one's own store. Bytes from anybody else prove nothing.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RoomChainError> {
        let mut reader = Reader::new(labels::ROOM_CHAIN, bytes)?;
        if reader.u8()? != VERSION {
            return Err(RoomChainError::Unsupported);
        }
        let state = RoomState::from_bytes(reader.bytes(SNAPSHOT_MAX)?)?;
        let first = reader.u32()?;
        let count = reader.u32()?;
        // One hash for each entry from the first on.
        let last = first.checked_add(count).and_then(|end| end.checked_sub(1));
        if last != Some(state.sequence) || count == 0 || state.sequence > ENTRIES_LAST {
            return Err(RoomChainError::Inconsistent);
        }
        let mut hashes = Vec::new();
        for _ in 0..count {
            hashes.push(Hash(reader.fixed()?));
        }
        let unaudited = match reader.u8()? {
            0 => None,
            1 => Some(Vouched {
                sequence: reader.u32()?,
                state: Hash(reader.fixed()?),
            }),
            _ => return Err(RoomChainError::Inconsistent),
        };
        let mut confirmed = BTreeSet::new();
        for _ in 0..reader.u32()? {
            let account = read_account(&mut reader)?;
            if confirmed.last().is_some_and(|last| *last >= account) || !state.accounts.contains_key(&account)
            {
                return Err(RoomChainError::Inconsistent);
            }
            confirmed.insert(account);
        }
        reader.finish()?;
        let is_consistent = hashes.last() == Some(&state.head)
            && unaudited.map_or(0, |vouched| vouched.sequence) == first
            && (first != 0 || hashes.first().is_some_and(|hash| hash.0 == state.place.0));
        if !is_consistent {
            return Err(RoomChainError::Inconsistent);
        }
        Ok(Self {
            state,
            first,
            hashes,
            confirmed,
            unaudited,
            keys: Keys::default(),
        })
    }

    /// A chain of which only the state is known, for tests of states that would take long to reach.
    #[cfg(test)]
    pub(super) fn of_state(state: RoomState) -> Self {
        Self {
            first: state.sequence,
            hashes: vec![state.head],
            unaudited: None,
            confirmed: BTreeSet::new(),
            keys: Keys::default(),
            state,
        }
    }

    /// Checks the proof of somebody who joins or asks to, and returns the invite's key.
    fn check_proof(
        &self,
        act: &Act,
        body: &RoomBody,
    ) -> Result<Option<(InviteId, VerifyingKey)>, RoomChainError> {
        let (RoomBody::Join { invite, proof } | RoomBody::Request { invite, proof }) = body else {
            return Ok(None);
        };
        let terms = self
            .state
            .invites
            .get(invite)
            .ok_or(RoomChainError::NoSuchInvite)?;
        let key = match self.keys.invites.get(invite) {
            Some(key) => *key,
            None => check_key(&terms.key).map_err(|_| RoomChainError::Key)?,
        };
        let bytes = join_proof_bytes(self.place(), *invite, act.account, act.head);
        verify(&key, &bytes, proof).map_err(|()| RoomChainError::Proof)?;
        Ok(Some((*invite, key)))
    }

    /// What was confirmed of an account is not, once more is claimed of it.
    fn forget_confirmation(&mut self, act: &Act, body: &RoomBody) {
        let is_known = self
            .state
            .accounts
            .get(&act.account)
            .is_some_and(|known| known.head == act.head && known.device(act.device).is_some());
        if !is_known {
            self.confirmed.remove(&act.account);
        }
        if let RoomBody::Add { account, head, .. } | RoomBody::Observe { account, head, .. } = body {
            let is_known = self
                .state
                .accounts
                .get(account)
                .is_some_and(|known| known.head == *head);
            if !is_known {
                self.confirmed.remove(account);
            }
        }
    }
}

impl RoomAudit {
    /// The sequence up to which entries are needed.
    pub fn until(&self) -> u32 {
        self.vouched.sequence
    }

    /// Whether the last entry before the checkpoint was given.
    pub fn is_complete(&self) -> bool {
        self.chain
            .as_ref()
            .is_some_and(|chain| chain.head() >= self.vouched.sequence)
    }

    /// The next entry, from the chain's first on.
    pub fn append_bytes(&mut self, entry: &[u8]) -> Result<RoomChange, RoomChainError> {
        let entry = RoomEntry::from_bytes(entry)?;
        if let Some(chain) = &mut self.chain {
            return chain.append(&entry);
        }
        let (chain, change) = RoomChain::begin(&entry)?;
        if chain.place() != self.place {
            return Err(RoomChainError::OtherChain);
        }
        self.chain = Some(chain);
        Ok(change)
    }
}

impl Keys {
    /// The author's key. That it is the one that the state records was checked before.
    fn device(&self, author: &RoomAuthor) -> Result<VerifyingKey, RoomChainError> {
        match self.devices.get(&(author.account, author.device)) {
            Some(key) if key.as_bytes() == &author.key => Ok(*key),
            _ => check_key(&author.key).map_err(|_| RoomChainError::Key),
        }
    }

    fn keep_device(&mut self, author: &RoomAuthor, key: VerifyingKey) {
        self.devices.insert((author.account, author.device), key);
    }
}

/// Strict verification, one signature at a time. The batch of `ed25519-dalek` accepts what the strict one refuses
/// (its equation leaves room for components of small order), and then two people could disagree on a chain.
fn verify(key: &VerifyingKey, message: &[u8], signature: &[u8; 64]) -> Result<(), ()> {
    key.verify_strict(message, &Signature::from_bytes(signature))
        .map_err(|_| ())
}

fn entry_hash(signed: &[u8], signature: &[u8; 64]) -> Hash {
    Hash(hash(labels::ENTRY_HASH, &outer(signed, signature)))
}

fn change(entry: &RoomEntry, hash: Hash, events: Vec<RoomEvent>) -> RoomChange {
    RoomChange {
        by: DeviceAddress {
            account: entry.author.account,
            device: entry.author.device,
        },
        sequence: entry.sequence,
        hash,
        time: entry.time,
        events,
    }
}
