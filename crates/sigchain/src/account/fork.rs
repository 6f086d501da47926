//! Proof that an account's chain exists in two versions.

use conclave_encoding::{Reader, Writer, labels};
use conclave_protocol::limits::ENTRY_MAX;

use super::{AccountChain, AccountEntry};
use crate::ChainError;

/// Room for an entry's own frame around what is signed: label, length, signature.
const ENTRY_BYTES_MAX: usize = ENTRY_MAX.saturating_add(256);

/// Two entries of one account and one sequence that follow the same entry: where two versions of a chain part.
///
/// Both signatures are the account's own, so nobody made it up. It does not say who is to blame: two devices that
/// write at once make two such entries in good faith, of which an honest server keeps one. Whoever was shown both as
/// accepted was shown two chains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkEvidence {
    // Invariant: in the order of their hashes, so that the same fork is the same evidence.
    first: AccountEntry,
    second: AccountEntry,
}

impl ForkEvidence {
    /// Evidence of two entries, in any order. Refused where they do not contradict each other; their signatures
    /// are checked by [`ForkEvidence::verify`].
    pub fn new(one: AccountEntry, other: AccountEntry) -> Result<Self, ChainError> {
        let (low, high) = if one.hash() <= other.hash() {
            (one, other)
        } else {
            (other, one)
        };
        let is_fork = low.account.is_some()
            && low.account == high.account
            && low.sequence == high.sequence
            && low.previous == high.previous
            && low != high;
        if is_fork {
            Ok(Self {
                first: low,
                second: high,
            })
        } else {
            Err(ChainError::NoFork)
        }
    }

    /// Checks that both entries follow an entry of `chain` and are signed by those who spoke for the account then.
    /// `chain` may be either version, or what both have in common.
    pub fn verify(&self, chain: &AccountChain) -> Result<(), ChainError> {
        if self.first.account != Some(chain.account()) {
            return Err(ChainError::OtherChain);
        }
        let before = self.first.sequence.checked_sub(1).ok_or(ChainError::NoFork)?;
        if self.first.previous.is_none() || chain.hash_at(before) != self.first.previous {
            return Err(ChainError::NoFork);
        }
        chain.verify_author_at(&self.first, before)?;
        chain.verify_author_at(&self.second, before)
    }

    /// The two entries, in the order of their hashes.
    pub const fn entries(&self) -> (&AccountEntry, &AccountEntry) {
        (&self.first, &self.second)
    }

    /// The evidence's bytes, for keeping and for showing it to others.
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(labels::ACCOUNT_FORK)
            .bytes(&self.first.to_bytes())
            .bytes(&self.second.to_bytes())
            .finish()
    }

    /// The evidence of these bytes, unverified.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ChainError> {
        let mut reader = Reader::new(labels::ACCOUNT_FORK, bytes)?;
        let first = AccountEntry::from_bytes(reader.bytes(ENTRY_BYTES_MAX)?)?;
        let second = AccountEntry::from_bytes(reader.bytes(ENTRY_BYTES_MAX)?)?;
        reader.finish()?;
        let evidence = Self::new(first, second)?;
        if evidence.to_bytes() == bytes {
            Ok(evidence)
        } else {
            Err(ChainError::NoFork)
        }
    }
}
