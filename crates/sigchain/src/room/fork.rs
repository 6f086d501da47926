//! Two versions of one chain: how they are noticed, and what proves them.

use conclave_protocol::{Hash, PlaceId};

use super::{Author, RoomChainError, RoomEntry};
use crate::signature::verify;

/// How a head that somebody names lies to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadComparison {
    /// It is this chain's head.
    Same,
    /// It is an entry of this chain: whoever named it has seen less.
    Behind,
    /// It lies beyond this chain's end: fetch the entries between.
    Ahead,
    /// This chain has another entry there.
    Fork,
    /// It lies before the checkpoint from which this chain was read.
    Unaudited,
}

/// Two entries of one place and one sequence that are not the same. Both are kept: they show that the server, or
/// an author together with it, told different people different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkEvidence {
    /// One entry's bytes.
    pub one: Vec<u8>,
    /// The other's.
    pub other: Vec<u8>,
}

impl ForkEvidence {
    /// Checks that the two contradict each other and that each is signed by the key that it names, and returns
    /// their authors. Whether the keys are those accounts' is for the caller to compare with their chains.
    pub fn verify(&self, place: PlaceId) -> Result<(Author, Author), RoomChainError> {
        let one = RoomEntry::from_bytes(&self.one)?;
        let other = RoomEntry::from_bytes(&self.other)?;
        let is_fork = one.place == Some(place)
            && other.place == Some(place)
            && one.sequence == other.sequence
            && one.signed_bytes() != other.signed_bytes();
        if !is_fork {
            return Err(RoomChainError::NoFork);
        }
        for entry in [&one, &other] {
            verify(&entry.author.key, &entry.signed_bytes(), &entry.signature)
                .map_err(|_| RoomChainError::Signature)?;
        }
        Ok((one.author, other.author))
    }

    /// Hashes of the two entries, to name the evidence by.
    pub fn hashes(&self) -> Result<(Hash, Hash), RoomChainError> {
        Ok((
            RoomEntry::from_bytes(&self.one)?.hash(),
            RoomEntry::from_bytes(&self.other)?.hash(),
        ))
    }
}
