//! Whether an entry may come next. Nothing here changes the chain: verdict first, effect after.

use std::collections::BTreeSet;

use conclave_protocol::limits::DEVICES_MAX;
use conclave_protocol::{AccountId, DeviceId, Hash};

use super::{AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, Vault, recovery_possession_bytes};
use crate::ChainError;
use crate::limits::{ACCOUNT_ENTRIES_MAX, ACCOUNT_ENTRIES_WITH_RESERVE_MAX, VAULT_SLOTS_MAX};
use crate::signature::{check_key, verify};

/// Judges a genesis entry.
pub(super) fn judge_genesis(genesis: &AccountEntry) -> Result<(DeviceKeys, [u8; 32]), ChainError> {
    let AccountBody::Genesis { device, recovery } = &genesis.body else {
        return Err(ChainError::Genesis);
    };
    let first = genesis.account.is_none() && genesis.previous.is_none() && genesis.sequence == 0;
    if !first || genesis.author != Author::Device(DeviceId(0)) {
        return Err(ChainError::Genesis);
    }
    check_key(recovery)?;
    check_keys(device)?;
    verify(&device.signing, &genesis.signed_bytes(), &genesis.signature)?;
    let keys = BTreeSet::from([device.signing, device.identity, *recovery]);
    if keys.len() != 3 {
        return Err(ChainError::KeyReused);
    }
    Ok((*device, *recovery))
}

fn check_keys(keys: &DeviceKeys) -> Result<(), ChainError> {
    check_key(&keys.signing)?;
    // A low-order X25519 key is refused where it is used, by the contributory check; zero is refused here
    // already so that it never enters a chain.
    if keys.identity == [0; 32] {
        return Err(ChainError::Key);
    }
    Ok(())
}

impl AccountChain {
    /// Judges the entry that should come next.
    pub(super) fn judge(&self, entry: &AccountEntry) -> Result<(), ChainError> {
        self.check_place(entry)?;
        if self.is_closed() {
            return Err(ChainError::Closed);
        }
        if entry.time < self.time() {
            return Err(ChainError::TimeBackwards);
        }
        self.verify_author_at(entry, self.head())?;
        self.check_length(entry)?;
        match &entry.body {
            AccountBody::Genesis { .. } => Err(ChainError::Genesis),
            AccountBody::AddDevice { keys, possession } => self.check_addition(keys, possession),
            AccountBody::RevokeDevice { device } => self.check_revocation(entry.author, *device),
            AccountBody::RotateRecovery {
                recovery, possession, ..
            } => self.check_rotation(entry.author, recovery, possession),
            AccountBody::Vault(vault) => self.check_vault(entry.author, vault),
            AccountBody::Close {} => Ok(()),
        }
    }

    /// Checks that an entry's author spoke for the account when the entry of that sequence was the newest, and
    /// signed it.
    pub(super) fn verify_author_at(&self, entry: &AccountEntry, sequence: u32) -> Result<(), ChainError> {
        let key = match entry.author {
            Author::Recovery => self.recovery_at(sequence).ok_or(ChainError::Author)?,
            Author::Device(id) => {
                let device = self.known_device(id).filter(|device| device.added <= sequence);
                let device = device.ok_or(ChainError::Author)?;
                if !device.was_active_at(sequence) {
                    return Err(ChainError::AuthorRevoked);
                }
                &device.keys.signing
            }
        };
        verify(key, &entry.signed_bytes(), &entry.signature)
    }

    fn check_place(&self, entry: &AccountEntry) -> Result<(), ChainError> {
        match entry.account {
            None => return Err(ChainError::Genesis),
            Some(account) if account != self.account() => return Err(ChainError::OtherChain),
            Some(_) => {}
        }
        if usize::try_from(entry.sequence).ok() != Some(self.length()) {
            return Err(ChainError::Gap);
        }
        if entry.previous != Some(self.head_hash()) {
            return Err(ChainError::Fork);
        }
        Ok(())
    }

    fn check_length(&self, entry: &AccountEntry) -> Result<(), ChainError> {
        if self.length() >= ACCOUNT_ENTRIES_WITH_RESERVE_MAX {
            return Err(ChainError::Full);
        }
        let may_use_reserve =
            entry.author == Author::Recovery || matches!(entry.body, AccountBody::RevokeDevice { .. });
        if self.length() >= ACCOUNT_ENTRIES_MAX && !may_use_reserve {
            return Err(ChainError::Reserved);
        }
        Ok(())
    }

    fn check_addition(&self, keys: &DeviceKeys, possession: &[u8; 64]) -> Result<(), ChainError> {
        check_keys(keys)?;
        if self.ever_held(&keys.signing) || self.ever_held(&keys.identity) || keys.signing == keys.identity {
            return Err(ChainError::KeyReused);
        }
        if self.devices().count() >= DEVICES_MAX {
            return Err(ChainError::TooManyDevices);
        }
        check_possession(&keys.signing, &keys.possession_bytes(self.account()), possession)
    }

    fn check_revocation(&self, author: Author, id: DeviceId) -> Result<(), ChainError> {
        let device = self.known_device(id).ok_or(ChainError::UnknownDevice)?;
        if !device.is_active() {
            return Err(ChainError::AlreadyRevoked);
        }
        if author != Author::Recovery && self.devices().count() == 1 {
            return Err(ChainError::LastDevice);
        }
        Ok(())
    }

    fn check_rotation(
        &self,
        author: Author,
        recovery: &[u8; 32],
        possession: &[u8; 64],
    ) -> Result<(), ChainError> {
        if author != Author::Recovery {
            return Err(ChainError::RecoveryOnly);
        }
        check_key(recovery)?;
        if self.ever_held(recovery) {
            return Err(ChainError::KeyReused);
        }
        let account: AccountId = self.account();
        check_possession(
            recovery,
            &recovery_possession_bytes(account, recovery),
            possession,
        )
    }

    fn check_vault(&self, author: Author, vault: &Vault) -> Result<(), ChainError> {
        let ascending = vault.slots.is_sorted_by(|low, high| low.slot < high.slot);
        if vault.slots.len() > VAULT_SLOTS_MAX || !ascending {
            return Err(ChainError::VaultSlots);
        }
        if vault.records == 0 && vault.head != Hash([0; 32]) {
            return Err(ChainError::VaultHead);
        }
        let Some(before) = self.vault() else {
            return Ok(());
        };
        if vault.generation < before.generation {
            return Err(ChainError::VaultGeneration);
        }
        // Which ways in there are, the recovery key alone says once there are any: a device that turns against its
        // account can neither plant one of its own nor take the account's away. A way in changes with a new vault key
        // only.
        let ways = |vault: &Vault| vault.slots.iter().map(|slot| slot.slot).collect::<Vec<_>>();
        let same_ways = ways(vault) == ways(before);
        if author != Author::Recovery && !same_ways
            || vault.generation == before.generation && vault.slots != before.slots
        {
            return Err(ChainError::VaultSlots);
        }
        // The records of a vault are one chain through all generations, so their number never falls.
        if vault.records < before.records {
            return Err(ChainError::VaultRecords);
        }
        if vault.records == before.records && vault.head != before.head {
            return Err(ChainError::VaultHead);
        }
        Ok(())
    }
}

fn check_possession(key: &[u8; 32], statement: &[u8], possession: &[u8; 64]) -> Result<(), ChainError> {
    verify(key, statement, possession).map_err(|error| match error {
        ChainError::Signature => ChainError::Possession,
        other => other,
    })
}
