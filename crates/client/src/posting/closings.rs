//! What an entry that removes somebody, or sees that a device was revoked, says of their chains: the last message that
//! was seen of each. Nobody takes a later one.

use std::collections::BTreeMap;

use conclave_protocol::{AccountId, DeviceId, PlaceId};
use conclave_sigchain::room::ClosedChain;
use conclave_sigchain::room::limits::CLOSINGS_MAX;

use super::records::Said;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

impl Engine {
    /// The chains of an account that departs from a place.
    pub(crate) fn closings_of(
        &mut self,
        work: &Work<'_>,
        place: PlaceId,
        account: AccountId,
    ) -> Result<Vec<ClosedChain>, ReadError> {
        self.closings(work, place, account, |_| true)
    }

    /// The chains of an account's devices that its own chain says were revoked.
    pub(crate) fn closings_of_lost(
        &mut self,
        work: &Work<'_>,
        place: PlaceId,
        account: AccountId,
    ) -> Result<Vec<ClosedChain>, ReadError> {
        let Some(person) = self.person(work, account)? else {
            return Ok(Vec::new());
        };
        let is_revoked = |device| {
            let known = person.chain.known_device(device);
            known.is_some_and(|device| !device.is_active())
        };
        self.closings(work, place, account, is_revoked)
    }

    /// Those of the epochs that are in force: earlier ones are over, and no message of them comes after one of these.
    fn closings(
        &mut self,
        work: &Work<'_>,
        place: PlaceId,
        account: AccountId,
        whose: impl Fn(DeviceId) -> bool,
    ) -> Result<Vec<ClosedChain>, ReadError> {
        let Some(chain) = self.place_chain(work, place)? else {
            return Ok(Vec::new());
        };
        let own = work.own()?.address();
        let mut closed: BTreeMap<[u8; 16], ClosedChain> = BTreeMap::new();
        for room in chain.state().rooms() {
            let epoch = chain.state().epoch(room);
            let mut said: Vec<Said> = Vec::new();
            for (device, speaker) in work.list_speakers(room, account)? {
                if whose(device.device) {
                    said.extend(speaker.said);
                }
            }
            if account == own.account
                && whose(own.device)
                && let Some(flow) = work.place_room(room)?
            {
                said.extend(flow.said);
            }
            for said in said.iter().filter(|said| Some(said.epoch) == epoch) {
                let one = ClosedChain {
                    chain: said.chain.0,
                    iteration: said.iteration,
                    hash: said.hash,
                };
                closed.insert(one.chain, one);
            }
        }
        Ok(closed.into_values().take(CLOSINGS_MAX).collect())
    }
}
