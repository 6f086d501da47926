//! What a chain claims of accounts, and how it is compared with their own chains.
//!
//! An entry carries its author's key, so a chain verifies by itself. That the key is the device's, and that the
//! device was the account's at the time, is a claim until somebody looks it up: the server before it accepts the
//! entry, a client before it first relies on the account.

use conclave_protocol::{AccountId, DeviceId};

use super::{AccountHead, DeviceClaim, KnownAccount, RoomAuthor, RoomBody, RoomChainError, RoomState};
use crate::AccountChain;

/// All that a chain claims of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The account.
    pub account: AccountId,
    /// Its newest head that was named, and its devices that signed.
    pub known: &'a KnownAccount,
}

impl Claim<'_> {
    /// Compares the claim with the account's own verified chain, which must reach the newest head that was named.
    pub fn check(&self, chain: &AccountChain) -> Result<(), RoomChainError> {
        if chain.account() != self.account {
            return Err(RoomChainError::FalseClaim);
        }
        check_head(self.known.head, chain)?;
        self.known
            .devices
            .iter()
            .try_for_each(|claim| check_device(claim, chain))
    }
}

impl RoomAuthor {
    /// Compares what an entry says of its author with the author's own verified chain, which must reach the head that
    /// the entry names. The server does so before it accepts the entry, and sees besides that the device still
    /// speaks for the account.
    pub fn check(&self, chain: &AccountChain) -> Result<(), RoomChainError> {
        if chain.account() != self.account {
            return Err(RoomChainError::FalseClaim);
        }
        check_head(self.head, chain)?;
        check_key_at(self.device, &self.key, self.head, chain)
    }
}

impl RoomBody {
    /// The head of another account that the body names, for whoever compares it with that account's chain.
    pub fn named_head(&self) -> Option<(AccountId, AccountHead)> {
        match self {
            Self::Add { account, head, .. } | Self::Observe { account, head, .. } => Some((*account, *head)),
            _ => None,
        }
    }
}

impl AccountHead {
    /// Whether the account's own verified chain has this entry.
    pub fn check(self, chain: &AccountChain) -> Result<(), RoomChainError> {
        check_head(self, chain)
    }
}

impl RoomState {
    /// Whether a member's account lost a device that nobody here has observed: then somebody owes an `observe`, and
    /// until it came nothing is sealed to the rooms that the member reads.
    pub fn owes_observation(&self, chain: &AccountChain) -> bool {
        let account = chain.account();
        let (Some(_), Some(known)) = (self.members.get(&account), self.accounts.get(&account)) else {
            return false;
        };
        chain
            .known_devices()
            .any(|(_, device)| device.revoked.is_some_and(|revoked| revoked > known.observed))
    }
}

fn check_head(head: AccountHead, chain: &AccountChain) -> Result<(), RoomChainError> {
    match chain.hash_at(head.sequence) {
        Some(hash) if hash == head.hash => Ok(()),
        _ => Err(RoomChainError::FalseClaim),
    }
}

/// A device spoke for the account at the first head that it named and at the last: once revoked, none comes back.
fn check_device(claim: &DeviceClaim, chain: &AccountChain) -> Result<(), RoomChainError> {
    for head in [claim.first_head, claim.last_head] {
        check_head(head, chain)?;
        check_key_at(claim.device, &claim.key, head, chain)?;
    }
    Ok(())
}

fn check_key_at(
    device: DeviceId,
    key: &[u8; 32],
    head: AccountHead,
    chain: &AccountChain,
) -> Result<(), RoomChainError> {
    match chain.device_at(device, head.sequence) {
        Some(device) if device.keys.signing == *key => Ok(()),
        _ => Err(RoomChainError::FalseClaim),
    }
}
