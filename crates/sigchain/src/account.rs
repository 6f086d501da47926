//! The rules of an account chain and the state they lead to: which devices speak for the account.

use std::collections::BTreeMap;

use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};

use crate::entry::{AccountBody, AccountEntry, DeviceKeys};
use crate::error::ChainError;
use crate::signature::{check_key, verify};

/// A device of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its public keys.
    pub keys: DeviceKeys,
    /// Hash of the entry that added it; bound into every handshake with it.
    pub entry: Hash,
}

impl Device {
    /// Checks a statement that this device signed: a login, a registration.
    pub fn verify(&self, statement: &[u8], signature: &[u8; 64]) -> Result<(), ChainError> {
        verify(&self.keys.signing, statement, signature)
    }
}

/// A verified account chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChain {
    account: AccountId,
    hashes: Vec<Hash>,
    time: Timestamp,
    recovery: [u8; 32],
    devices: BTreeMap<DeviceId, Device>,
}

impl AccountChain {
    /// Begins a chain with its genesis entry.
    pub fn begin(genesis: &AccountEntry) -> Result<Self, ChainError> {
        let AccountBody::Genesis { device, recovery } = &genesis.body;
        let first = genesis.account.is_none() && genesis.previous.is_none() && genesis.sequence == 0;
        if !first || genesis.author != DeviceId(0) {
            return Err(ChainError::Genesis);
        }
        check_key(recovery)?;
        // An all-zero or low-order X25519 key is refused where it is used, by the contributory check; zero is
        // refused here already so that it never enters a chain.
        if device.identity == [0; 32] {
            return Err(ChainError::Key);
        }
        verify(&device.signing, &genesis.signed_bytes(), &genesis.signature)?;
        let hash = genesis.hash();
        Ok(Self {
            account: AccountId(hash.0),
            hashes: vec![hash],
            time: genesis.time,
            recovery: *recovery,
            devices: BTreeMap::from([(
                DeviceId(0),
                Device {
                    keys: *device,
                    entry: hash,
                },
            )]),
        })
    }

    /// Verifies a whole chain that must be the one of `account`.
    pub fn verify<'a>(
        account: AccountId,
        entries: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, ChainError> {
        let mut entries = entries.into_iter();
        let genesis = entries.next().ok_or(ChainError::Empty)?;
        let mut chain = Self::begin(&AccountEntry::from_bytes(genesis)?)?;
        if chain.account != account {
            return Err(ChainError::WrongAccount);
        }
        for entry in entries {
            chain.append(&AccountEntry::from_bytes(entry)?)?;
        }
        Ok(chain)
    }

    /// Appends the next entry, or refuses it and stays as it was.
    ///
    /// The frame around every later entry is checked here; so far no body but the genesis exists, so a chain
    /// has one entry and every second one is refused.
    pub fn append(&mut self, entry: &AccountEntry) -> Result<(), ChainError> {
        match entry.account {
            None => return Err(ChainError::Genesis),
            Some(account) if account != self.account => return Err(ChainError::OtherChain),
            Some(_) => {}
        }
        if usize::try_from(entry.sequence).ok() != Some(self.hashes.len()) {
            return Err(ChainError::Gap);
        }
        if entry.previous != self.hashes.last().copied() {
            return Err(ChainError::Fork);
        }
        if entry.time < self.time {
            return Err(ChainError::TimeBackwards);
        }
        let author = self.devices.get(&entry.author).ok_or(ChainError::Signature)?;
        verify(&author.keys.signing, &entry.signed_bytes(), &entry.signature)?;
        match entry.body {
            AccountBody::Genesis { .. } => Err(ChainError::Genesis),
        }
    }

    /// The account: the hash of the genesis entry.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Sequence of the newest entry.
    pub fn head(&self) -> u32 {
        // Invariant: a chain has at least its genesis, and sequences are u32.
        u32::try_from(self.hashes.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Hash of the entry at a sequence, where the chain reaches it.
    pub fn hash_at(&self, sequence: u32) -> Option<Hash> {
        self.hashes.get(usize::try_from(sequence).ok()?).copied()
    }

    /// Time of the newest entry.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The recovery verifying key in force.
    pub fn recovery(&self) -> &[u8; 32] {
        &self.recovery
    }

    /// The devices that speak for the account now.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.devices.iter().map(|(id, device)| (*id, device))
    }

    /// One active device.
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};

    fn signed(mut entry: AccountEntry, key: &SigningKey) -> AccountEntry {
        entry.signature = key.sign(&entry.signed_bytes()).to_bytes();
        entry
    }

    fn genesis(key: &SigningKey) -> AccountEntry {
        let recovery = SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
        let keys = DeviceKeys {
            signing: key.verifying_key().to_bytes(),
            identity: [3; 32],
        };
        signed(AccountEntry::genesis(keys, recovery, Timestamp(1000)), key)
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    #[test]
    fn an_account_is_the_hash_of_its_genesis_and_has_its_first_device() {
        let entry = genesis(&key());
        let chain = AccountChain::begin(&entry).unwrap();
        assert_eq!(chain.account().0, entry.hash().0);
        assert_eq!(chain.devices().count(), 1);
        let bytes = entry.to_bytes();
        assert_eq!(
            AccountChain::verify(chain.account(), [bytes.as_slice()]),
            Ok(chain)
        );
    }

    #[test]
    fn a_chain_offered_under_another_id_is_refused() {
        let bytes = genesis(&key()).to_bytes();
        assert_eq!(
            AccountChain::verify(AccountId([0; 32]), [bytes.as_slice()]),
            Err(ChainError::WrongAccount)
        );
    }

    #[test]
    fn no_bit_of_a_genesis_entry_can_be_changed() {
        let entry = genesis(&key());
        let account = AccountChain::begin(&entry).unwrap().account();
        let bytes = entry.to_bytes();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(
                AccountChain::verify(account, [changed.as_slice()]).is_err(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn entries_survive_their_bytes_and_nothing_else_parses() {
        let entry = genesis(&key());
        let bytes = entry.to_bytes();
        assert_eq!(AccountEntry::from_bytes(&bytes), Ok(entry));
        for length in 0..bytes.len() {
            assert!(AccountEntry::from_bytes(&bytes[..length]).is_err());
        }
        assert!(AccountEntry::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn a_second_genesis_a_gap_a_fork_and_a_foreign_entry_are_refused_without_effect() {
        let entry = genesis(&key());
        let mut chain = AccountChain::begin(&entry).unwrap();
        let before = chain.clone();
        let next = |change: &dyn Fn(&mut AccountEntry)| {
            let mut next = AccountEntry {
                account: Some(before.account()),
                sequence: 1,
                previous: before.hash_at(0),
                time: Timestamp(2000),
                ..entry.clone()
            };
            change(&mut next);
            signed(next, &key())
        };
        assert_eq!(chain.append(&entry), Err(ChainError::Genesis));
        assert_eq!(chain.append(&next(&|_| ())), Err(ChainError::Genesis));
        assert_eq!(chain.append(&next(&|e| e.sequence = 2)), Err(ChainError::Gap));
        assert_eq!(
            chain.append(&next(&|e| e.previous = Some(Hash([1; 32])))),
            Err(ChainError::Fork)
        );
        assert_eq!(
            chain.append(&next(&|e| e.account = Some(AccountId([1; 32])))),
            Err(ChainError::OtherChain)
        );
        assert_eq!(
            chain.append(&next(&|e| e.time = Timestamp(1))),
            Err(ChainError::TimeBackwards)
        );
        let stranger = SigningKey::from_bytes(&[8; 32]);
        assert_eq!(
            chain.append(&signed(next(&|_| ()), &stranger)),
            Err(ChainError::Signature)
        );
        assert_eq!(chain, before);
    }

    #[test]
    fn weak_and_empty_keys_never_enter_a_chain() {
        let mut entry = genesis(&key());
        let AccountBody::Genesis { device, .. } = &mut entry.body;
        device.identity = [0; 32];
        assert_eq!(AccountChain::begin(&signed(entry, &key())), Err(ChainError::Key));
        let mut entry = genesis(&key());
        let AccountBody::Genesis { recovery, .. } = &mut entry.body;
        *recovery = [0; 32];
        assert_eq!(AccountChain::begin(&signed(entry, &key())), Err(ChainError::Key));
    }

    #[test]
    fn an_empty_chain_and_an_unknown_kind_have_their_own_error() {
        assert_eq!(
            AccountChain::verify(AccountId([0; 32]), []),
            Err(ChainError::Empty)
        );
        let entry = genesis(&key());
        let mut signed = entry.signed_bytes();
        let kind = signed.len() - 97;
        signed[kind] = 200;
        let bytes = conclave_encoding::Writer::new(conclave_encoding::labels::ENTRY_HASH)
            .bytes(&signed)
            .fixed(&[0; 64])
            .finish();
        assert_eq!(AccountEntry::from_bytes(&bytes), Err(ChainError::Unsupported));
    }
}
