//! Content keys of what this device sent lately, so that it can repeat them to a reader who lost them.
//!
//! Invariant: there is a record for each message that this device sealed in the last days, and for nothing
//! else; what a peer asks for is found here or it is not answered.

use conclave_protocol::{AccountId, DeviceAddress, EnvelopeId, RoomId, Timestamp};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::codec::KeyAndHash;
use crate::reads::ReadError;
use crate::work::Work;

/// A message is repeated for this long after it was sent. A reader who is away for longer has lost more than a
/// key, and until then whoever steals this store can open the bodies that the server keeps.
pub(crate) const REPEAT_WITHIN_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Clocks of devices differ by so much; an id that lies further ahead says nothing about when it was made.
const AHEAD_MAX_MS: u64 = 24 * 60 * 60 * 1000;
/// Records dropped in one step of the daily round.
const STEP: u32 = 1_000;

/// What is kept of a message that this device sent.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(crate) struct Sent {
    /// Where it was sent.
    #[n(0)]
    pub(crate) room: RoomId,
    /// As it went to each device.
    #[n(1)]
    pub(crate) key: KeyAndHash,
}

/// True when a message may be repeated to a device: it is young enough, and the device's account reads the
/// room. A direct room has the same two readers for good, so who reads it now read it then.
pub(crate) fn may_be_repeated(
    own: AccountId,
    room: RoomId,
    id: EnvelopeId,
    asker: DeviceAddress,
    now: Timestamp,
) -> bool {
    let reads = asker.account == own || RoomId::direct(own, asker.account) == room;
    reads && is_young(id, now)
}

/// True for a message that a sender still repeats. The time in an id is its sender's word, so one that lies ahead
/// does not stay young for as long as its sender pleases.
pub(crate) fn is_young(id: EnvelopeId, now: Timestamp) -> bool {
    !is_old(id, now) && !is_far_ahead(id, now)
}

/// True for a message whose time lies further ahead than clocks of devices differ.
pub(crate) fn is_far_ahead(id: EnvelopeId, now: Timestamp) -> bool {
    id.time().since(now) > AHEAD_MAX_MS
}

fn is_old(id: EnvelopeId, now: Timestamp) -> bool {
    now.since(id.time()) > REPEAT_WITHIN_MS
}

impl Work<'_> {
    /// What is kept of a message, if this device sent it lately.
    pub(crate) fn sent(&self, id: EnvelopeId) -> Result<Option<Sent>, ReadError> {
        self.find(Table::Sent, &id.0)
    }

    pub(crate) fn put_sent(&mut self, id: EnvelopeId, sent: &Sent) {
        self.put(Table::Sent, &id.0, sent);
    }

    /// The message never left, or is sealed anew later.
    pub(crate) fn forget_sent(&mut self, id: EnvelopeId) {
        self.delete(Table::Sent, &id.0);
    }

    /// Part of the daily round: what is too old to be repeated goes.
    pub(crate) fn forget_old_sent(&mut self) -> Result<(), ReadError> {
        loop {
            // Ids begin with their time, so the oldest come first.
            let oldest = self.list_bytes(Table::Sent, &[], STEP)?;
            let old: Vec<EnvelopeId> = oldest
                .iter()
                .filter_map(|(key, _)| key.as_slice().try_into().ok().map(EnvelopeId))
                // What lies ahead is of an own clock that was wrong, then or now, and goes in its time.
                .take_while(|id| is_old(*id, self.now))
                .collect();
            for id in &old {
                self.forget_sent(*id);
            }
            if old.len() < oldest.len() || oldest.is_empty() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_protocol::DeviceId;

    const OWN: AccountId = AccountId([1; 32]);
    const PEER: AccountId = AccountId([2; 32]);
    const STRANGER: AccountId = AccountId([3; 32]);
    const SENT_AT: Timestamp = Timestamp(1_800_000_000_000);

    fn device(account: AccountId, device: u32) -> DeviceAddress {
        DeviceAddress {
            account,
            device: DeviceId(device),
        }
    }

    fn asks(asker: DeviceAddress, after: u64) -> bool {
        let room = RoomId::direct(OWN, PEER);
        let id = EnvelopeId::new(SENT_AT, [9; 10]);
        may_be_repeated(OWN, room, id, asker, SENT_AT.plus(after))
    }

    #[test]
    fn a_message_is_repeated_to_devices_of_its_rooms_two_accounts_only() {
        assert!(asks(device(PEER, 0), 0));
        assert!(asks(device(PEER, 5), 0), "also one that the account added since");
        assert!(asks(device(OWN, 1), 0));
        assert!(!asks(device(STRANGER, 0), 0));
    }

    #[test]
    fn a_message_is_repeated_for_seven_days_and_no_longer() {
        assert!(asks(device(PEER, 0), REPEAT_WITHIN_MS));
        assert!(!asks(device(PEER, 0), REPEAT_WITHIN_MS + 1));
    }

    #[test]
    fn an_id_that_lies_ahead_stays_young_no_longer_than_clocks_differ() {
        let id = EnvelopeId::new(SENT_AT.plus(AHEAD_MAX_MS), [9; 10]);
        assert!(is_young(id, SENT_AT) && !is_far_ahead(id, SENT_AT));
        assert!(!is_young(id, Timestamp(SENT_AT.0 - 1)) && is_far_ahead(id, Timestamp(SENT_AT.0 - 1)));
        let last = EnvelopeId::new(Timestamp((1 << 48) - 1), [9; 10]);
        assert!(!is_young(last, SENT_AT) && is_far_ahead(last, SENT_AT));
    }
}
