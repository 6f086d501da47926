//! One entry of a place's chain as it comes from the server, verified as the next one: what a device believes of it,
//! by what it has in memory.

use conclave_protocol::PlaceId;
use conclave_sigchain::HeadComparison;
use conclave_sigchain::room::{RoomChain, RoomChainError, RoomChange, RoomEntry};

/// Begins to read the chain of a place from its first entry.
pub(crate) fn begin(place: PlaceId, bytes: &[u8]) -> Result<(RoomChain, RoomChange), RoomChainError> {
    let (chain, change) = RoomChain::begin(&RoomEntry::from_bytes(bytes)?)?;
    if chain.place() != place {
        return Err(RoomChainError::OtherChain);
    }
    Ok((chain, change))
}

/// Goes on with a chain that is read from its first entry. None for an entry of a page that was asked for twice.
pub(crate) fn read_on(chain: &mut RoomChain, bytes: &[u8]) -> Result<Option<RoomChange>, RoomChainError> {
    let entry = RoomEntry::from_bytes(bytes)?;
    if entry.sequence <= chain.head() {
        return Ok(None);
    }
    chain.append(&entry).map(Some)
}

/// Takes an entry behind a known chain; `grown` is that chain with what was taken before. None for an entry that
/// stands there already.
pub(crate) fn take_next(
    known: &RoomChain,
    grown: &mut Option<RoomChain>,
    bytes: &[u8],
) -> Result<Option<RoomChange>, RoomChainError> {
    let entry = RoomEntry::from_bytes(bytes)?;
    let chain = grown.as_ref().unwrap_or(known);
    match chain.compare(entry.sequence, entry.hash()) {
        Some(HeadComparison::Same | HeadComparison::Behind) => Ok(None),
        Some(HeadComparison::Ahead) => grown
            .get_or_insert_with(|| known.clone())
            .append(&entry)
            .map(Some),
        _ => Err(RoomChainError::Fork),
    }
}
