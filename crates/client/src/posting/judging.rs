//! Whether somebody may have sent a message: judged by the place's chain as it was when the message was sealed, and by
//! the sender's own chain.

use conclave_crypto::RemoteDevice;
use conclave_protocol::DeviceAddress;
use conclave_protocol::frames::RoomMessage;

use super::Spot;
use super::roll::End;
use crate::calls::{Need, NeedState};
use crate::content::ChainId;
use crate::machine::Engine;
use crate::people::side_of;
use crate::reads::ReadError;
use crate::work::Work;

/// What is known of a message's sender.
pub(super) enum Judged {
    /// It may have sent it.
    May(Box<Author>),
    /// It may not. Nothing is shown of it.
    Refused,
    /// What is needed to judge was asked for.
    Waits,
    /// What is needed to judge is not shown.
    Untried,
}

/// A device that sent a message when it might.
pub(super) struct Author {
    pub(super) address: DeviceAddress,
    pub(super) remote: RemoteDevice,
    /// The entry of its account's chain that revoked it since.
    pub(super) revoked: Option<u32>,
}

impl Author {
    /// Where one of its chains ends, as departures and revocations say.
    pub(super) fn end_of(&self, spot: &Spot, chain: ChainId, epoch: u32) -> End {
        spot.roll()
            .end_of(spot.room, self.address.account, self.revoked, (chain, epoch))
    }
}

impl Engine {
    pub(super) fn judge(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        message: &RoomMessage,
    ) -> Result<Judged, ReadError> {
        let (account, head) = (message.sender.account, message.head);
        if head > spot.chain.head() {
            return Ok(self.longer_place(spot));
        }
        if !spot.roll().was_reader(spot.room, account, head)
            || spot.roll().epoch_at(spot.room, head) != Some(message.epoch)
        {
            return Ok(Judged::Refused);
        }
        // Who may post is known as it is now. What it was before the last entry that touched it is not; then the
        // server's word stands that a reader might.
        let state = spot.chain.state();
        if spot.roll().rights_hold_since(spot.room, head)
            && state.is_reader(account, spot.room)
            && state.may_post(account, spot.room, message.time).is_err()
        {
            return Ok(Judged::Refused);
        }
        let Some(person) = self.person(work, account)? else {
            return self.longer_log(work, Need::Person(account));
        };
        let known = person.chain.known_device(message.sender.device).copied();
        let Some(device) = known else {
            return self.longer_log(work, Need::Entries(account));
        };
        if let Some(revoked) = device.revoked
            && spot.roll().had_observed(account, revoked, head)
        {
            return Ok(Judged::Refused);
        }
        let Some(remote) = side_of(&person.chain, message.sender.device, &device) else {
            return Ok(Judged::Refused);
        };
        Ok(Judged::May(Box::new(Author {
            address: message.sender,
            remote,
            revoked: device.revoked,
        })))
    }

    /// A message names an entry of the place's chain that is not known here.
    fn longer_place(&mut self, spot: &Spot) -> Judged {
        if self.posting.longer_asked.insert(spot.place) {
            self.follow_place(spot.place);
            return Judged::Waits;
        }
        if self.places.behind.contains(&spot.place) {
            Judged::Waits
        } else {
            Judged::Untried
        }
    }

    /// A message is of an account or device that is not known here.
    fn longer_log(&mut self, work: &mut Work<'_>, need: Need) -> Result<Judged, ReadError> {
        let (Need::Person(account) | Need::Entries(account)) = need else {
            return Ok(Judged::Untried);
        };
        if self.longer_chains_asked.insert(account) {
            self.needs.remove(&need);
            self.need(work, need)?;
            return Ok(Judged::Waits);
        }
        Ok(match self.needs.get(&need) {
            Some(NeedState::Running) => Judged::Waits,
            _ => Judged::Untried,
        })
    }
}
