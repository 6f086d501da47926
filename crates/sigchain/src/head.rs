//! What the head of a chain that somebody names says of the chain one has.

/// How a named entry, by sequence and hash, stands to a verified chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadComparison {
    /// It is this chain's newest entry.
    Same,
    /// It is an earlier entry of this chain: whoever named it has not seen the newest ones.
    Behind,
    /// It lies beyond this chain's end. Whether it goes on from here shows when the entries are fetched.
    Ahead,
    /// This chain has another entry at that place: there are two versions of it.
    Fork,
}
