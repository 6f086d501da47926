//! A message for a room of a place: sealed when its turn comes, under a key that everybody who reads has.

use conclave_crypto::sender_keys::SendingChain;
use conclave_protocol::frames::{ClientFrame, Post};
use conclave_protocol::{Bytes, EnvelopeId, ErrorCode, Hash, RoomId};
use zeroize::Zeroizing;

use super::context::PostContext;
use super::handing::Handing;
use super::records::{Handed, OwnChain, PlaceRoom, Said, Seed, note_said};
use super::{Roll, Spot};
use crate::content::{Body, ChainId, Content};
use crate::machine::Engine;
use crate::outbox::{Sealed, Sealing};
use crate::own::OwnIdentity;
use crate::progress::Link;
use crate::reads::ReadError;
use crate::work::Work;

impl Engine {
    /// Seals a message for a room of a place.
    pub(crate) fn seal_post(
        &mut self,
        work: &mut Work<'_>,
        id: EnvelopeId,
        room: RoomId,
        said: Body,
    ) -> Result<Sealing, ReadError> {
        let own = work.own()?;
        let Some(spot) = self.spot(work, room)? else {
            return Ok(Sealing::Waits);
        };
        let state = spot.chain.state();
        let (Some(epoch), Ok(())) = (state.epoch(room), state.may_post(own.account, room, work.now)) else {
            self.give_up(work, id, ErrorCode::PostRefused)?;
            return Ok(Sealing::Void);
        };
        if !self.place_is_sealed_for(work, spot.place)? {
            return Ok(Sealing::Waits);
        }
        let mut kept = self.chain_to_send_on(work, &own, &spot, epoch)?;
        let mut chain = kept.chain()?;
        if self.hand_out(work, &own, &spot, &mut kept, &chain)? == Handing::Waits {
            return Ok(Sealing::Waits);
        }

        let mut flow = work
            .place_room(room)?
            .unwrap_or_else(|| PlaceRoom::new(spot.place));
        let expires = state
            .policy(room)
            .map(|policy| policy.disappearing)
            .filter(|seconds| *seconds > 0);
        let context = PostContext {
            room,
            epoch,
            head: spot.chain.head(),
            head_hash: spot.chain.head_hash(),
            id,
            class: said.class(),
            target: said.target(),
            thread: said.thread(),
            expires,
        };
        let content = Zeroizing::new(
            Content {
                counter: flow.sealed.next,
                previous: flow.sealed.hash,
                body: said,
            }
            .to_bytes(),
        );
        let iteration = chain.iteration();
        let now = work.now.0;
        let Ok(sealed) = chain.seal(&context.to_bytes(), &content, now, &mut work.rng) else {
            self.give_up(work, id, ErrorCode::TooLarge)?;
            return Ok(Sealing::Void);
        };
        kept.set_chain(&chain);
        work.put_own_chain(room, &kept);
        let chain_id = ChainId(*chain.statement().chain_id());
        if let Some(mut seed) = work.seed(room, chain_id)?
            && seed.mark(context.head, iteration)
        {
            work.put_seed(room, chain_id, &seed);
        }
        let link = Link {
            next: flow.sealed.next.saturating_add(1),
            hash: Hash(sealed.hash),
        };
        flow.sealed = link;
        work.put_place_room(room, &flow);
        if let Some(row) = work.find_message(id)? {
            self.begin_tally(work, &spot, &row, context.head)?;
        }
        let post = Post {
            id,
            room,
            class: context.class,
            epoch,
            head: context.head,
            target: context.target,
            thread: context.thread,
            expires,
            body: Bytes(sealed.bytes),
            blobs: Vec::new(),
        };
        let said = Said {
            chain: chain_id,
            epoch,
            iteration,
            hash: link.hash,
        };
        Ok(Sealing::Ready(Sealed {
            frame: Bytes(ClientFrame::Post(post).to_bytes()),
            link: Some(link),
            said: Some(said),
        }))
    }

    /// This device's chain in a room; a new one where that is due.
    fn chain_to_send_on(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        spot: &Spot,
        epoch: u32,
    ) -> Result<OwnChain, ReadError> {
        let now = work.now.0;
        if let Some(kept) = work.own_chain(spot.room)?
            && kept.chain()?.rotation_due(epoch, now).is_none()
        {
            return Ok(kept);
        }
        let device = conclave_crypto::DeviceAddress {
            account: own.account.0,
            device: own.device.0,
        };
        let signing = own.signing_key();
        let chain = SendingChain::begin(&spot.room.0, epoch, device, &signing, now, &mut work.rng);
        let kept = OwnChain::new(&chain);
        let chain_id = ChainId(*chain.statement().chain_id());
        work.put_own_chain(spot.room, &kept);
        work.put_handed(spot.room, &Handed::new(chain_id));
        if !keeps_nothing(spot) {
            self.keep_seed(work, spot.room, own.address(), chain_id, Seed::new(chain.seed()))?;
        }
        Ok(kept)
    }

    /// The server took a message for a room of a place.
    pub(crate) fn posted_here(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        sequence: u64,
        sealed: Option<&Sealed>,
    ) -> Result<(), ReadError> {
        let Some(mut flow) = work.place_room(room)? else {
            return Ok(());
        };
        if let Some(link) = sealed.and_then(|sealed| sealed.link) {
            flow.accepted = link;
        }
        if let Some(said) = sealed.and_then(|sealed| sealed.said) {
            note_said(&mut flow.said, said);
        }
        let frame = sealed.map(|sealed| ClientFrame::from_bytes(sealed.frame.as_slice()));
        if let Some(Ok(ClientFrame::Post(post))) = frame {
            work.place_notices(room, sequence, post.head)?;
        }
        self.note_sequence(&mut flow, room, sequence);
        work.put_place_room(room, &flow);
        Ok(())
    }

    /// The room's epoch ended while a message was on its way, or is about to; or the server has another chain of the
    /// place than is known here.
    pub(crate) fn post_overtaken(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        code: ErrorCode,
    ) -> Result<(), ReadError> {
        let Some(spot) = self.spot(work, room)? else {
            return Ok(());
        };
        if code == ErrorCode::ObservationOwed {
            return self.observation_owed(work, spot.place);
        }
        self.follow_place(spot.place);
        Ok(())
    }
}

/// True for a room whose devices keep nothing beyond what they show.
pub(super) fn keeps_nothing(spot: &Spot) -> bool {
    spot.chain
        .state()
        .policy(spot.room)
        .is_none_or(|policy| policy.keep_nothing)
}

impl Spot {
    /// What is known of who read when.
    pub(super) fn roll(&self) -> &Roll {
        &self.roll
    }
}
