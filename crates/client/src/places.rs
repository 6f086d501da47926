//! Shim until the places module is merged.
use std::sync::Arc;
use conclave_protocol::{Bytes, PlaceId, RoomId};
use conclave_sigchain::room::RoomChain;
use crate::changes::Table;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;
impl Engine {
    pub(crate) fn place_of(&self, work: &Work<'_>, room: RoomId) -> Result<Option<PlaceId>, ReadError> {
        work.find(Table::Places, &[b"room/", &room.0[..]].concat())
    }
    pub(crate) fn place_chain(&mut self, work: &Work<'_>, place: PlaceId) -> Result<Option<Arc<RoomChain>>, ReadError> {
        let bytes: Option<Bytes> = work.find(Table::Places, &[b"place/", &place.0[..]].concat())?;
        Ok(bytes.and_then(|bytes| RoomChain::from_bytes(bytes.as_slice()).ok()).map(Arc::new))
    }
    pub(crate) fn follow_place(&mut self, _work: &mut Work<'_>, _place: PlaceId) -> Result<(), ReadError> { Ok(()) }
    pub(crate) fn place_is_followed(&self, _place: PlaceId) -> bool { false }
    pub(crate) fn place_shown_otherwise(&mut self, _work: &mut Work<'_>, _place: PlaceId) -> Result<(), ReadError> { Ok(()) }
    pub(crate) fn place_is_sealed_for(&mut self, work: &Work<'_>, place: PlaceId) -> Result<bool, ReadError> { Ok(self.place_chain(work, place)?.is_some_and(|c| c.is_audited())) }
}
