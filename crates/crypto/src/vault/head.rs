//! Where a vault's chain of records stands.

use conclave_encoding::HASH_LENGTH;

/// How many records there are, and the hash of the last; zeros for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultHead {
    /// Number of records.
    pub count: u64,
    /// Hash of the last one.
    pub hash: [u8; HASH_LENGTH],
}

/// What one head says of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadComparison {
    /// Both are the same.
    Same,
    /// This one counts more records. Whether it goes on from the other shows the log between them.
    Newer,
    /// This one counts fewer records: against a head that was pinned, a rollback.
    Older,
    /// As many records, but others.
    Forked,
}

impl VaultHead {
    /// The head of a vault without records.
    pub const EMPTY: Self = Self {
        count: 0,
        hash: [0; HASH_LENGTH],
    };

    /// Compares this head with another. Both are public, so nothing here is in constant time.
    pub fn compare(&self, other: &Self) -> HeadComparison {
        match self.count.cmp(&other.count) {
            core::cmp::Ordering::Greater => HeadComparison::Newer,
            core::cmp::Ordering::Less => HeadComparison::Older,
            core::cmp::Ordering::Equal if self.hash == other.hash => HeadComparison::Same,
            core::cmp::Ordering::Equal => HeadComparison::Forked,
        }
    }
}
