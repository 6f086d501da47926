//! Until places are followed.
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;
use conclave_protocol::{AccountId, Hash, PlaceId};
impl Engine {
    pub(crate) fn observation_owed(&mut self, _work: &mut Work<'_>, _id: PlaceId) -> Result<(), ReadError> {
        Ok(())
    }
    pub(crate) fn follow_place(&mut self, _place: PlaceId) {}
    pub(crate) fn place_head_named(
        &mut self,
        _work: &mut Work<'_>,
        _id: PlaceId,
        _sequence: u32,
        _hash: Hash,
    ) -> Result<(), ReadError> {
        Ok(())
    }
    pub(crate) fn shares_a_place(&mut self, work: &Work<'_>, account: AccountId) -> Result<bool, ReadError> {
        for id in work.list_place_ids()? {
            if self
                .place_chain(work, id)?
                .is_some_and(|chain| chain.state().member(account).is_some())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
    pub(crate) fn place_is_followed(&self, _place: PlaceId) -> bool {
        false
    }
    pub(crate) fn place_is_sealed_for(&mut self, work: &Work<'_>, place: PlaceId) -> Result<bool, ReadError> {
        Ok(self.place_chain(work, place)?.is_some_and(|c| c.is_audited()))
    }
}
