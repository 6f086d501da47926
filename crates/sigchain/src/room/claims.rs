//! What a chain claims of accounts, and how it is compared with their own chains.
//!
//! An entry carries its author's key, so a chain verifies by itself. That the key is the device's, and that the
//! device was the account's at the time, is a claim until somebody looks it up: the server before it accepts the
//! entry, a client before it first relies on the account.

use conclave_protocol::AccountId;

use super::{AccountHead, DeviceClaim, KnownAccount, RoomChainError, RoomState};
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
        match chain.device_at(claim.device, head.sequence) {
            Some(device) if device.keys.signing == claim.key => {}
            _ => return Err(RoomChainError::FalseClaim),
        }
    }
    Ok(())
}
