//! What proves that there are two versions of one chain.

use conclave_protocol::{Hash, PlaceId};

use super::{RoomAuthor, RoomChainError, RoomEntry};
use crate::signature::verify;

/// Two entries of one place and one sequence that are not the same. Both are kept: they show that the server, or
/// an author together with it, told different people different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomForkEvidence {
    /// One entry's bytes.
    pub one: Vec<u8>,
    /// The other's.
    pub other: Vec<u8>,
}

impl RoomForkEvidence {
    /// Checks that the two contradict each other and that each is signed by the key that it names, and returns
    /// their authors. Whether the keys are those accounts' is for the caller to compare with their chains.
    pub fn verify(&self, place: PlaceId) -> Result<(RoomAuthor, RoomAuthor), RoomChainError> {
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
