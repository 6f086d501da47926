//! This device's sender key for the devices of everybody who reads a room, and the keys that others hand to this one.
//!
//! A chain is handed out lazily: before a message is sealed, whoever reads and has no key yet gets it, from the next
//! message on. The message is sealed once the server has stored that. A device that cannot be reached now (it has no
//! prekeys, or its account's log is withheld) holds nobody up; it asks for the key when it comes.

use conclave_crypto::sender_keys::{ReceivingChains, SenderKeyDistribution, SendingChain};
use conclave_crypto::{Purpose, pad};
use conclave_protocol::frames::{ClientFrame, Distribute, Pairwise};
use conclave_protocol::limits::DISTRIBUTE_MAX;
use conclave_protocol::{AccountId, Bytes, DeviceAddress, EnvelopeId, Hash, RoomId};

use super::Spot;
use super::records::{Handed, OwnChain, Seed};
use super::sealing::keeps_nothing;
use crate::calls::{Need, NeedState};
use crate::codec::{self, SecretBytes};
use crate::content::{ChainId, Control, control_context};
use crate::machine::Engine;
use crate::outbox::{Sealed, Sealing};
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::work::Work;

/// Logs and bundles asked for at a time before a first message.
const ASKED_AT_ONCE: usize = 32;
/// While more than this many of them are not answered, nobody new is asked: looking through the readers of a large
/// room after each answer would take longer than beginning the sessions.
const ASKED_AT_LEAST: usize = 8;

/// Whether a message may be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handing {
    /// Everybody who can be reached has the key.
    Done,
    /// Something is on its way.
    Waits,
}

/// How a reader, or one of their devices, can be reached.
enum Reach {
    Ready,
    /// What is needed was asked for.
    Waits,
    /// Not now.
    NotNow,
}

/// What looking through the readers of a room found.
#[derive(Default)]
struct Found {
    /// Devices that have no key and can be sealed to.
    lacking: Vec<DeviceAddress>,
    /// Something was asked for.
    waits: bool,
    /// Somebody was not looked at, because they lacked nothing a moment ago.
    passed: bool,
}

impl Engine {
    /// Hands this device's chain to whoever reads the room and lacks it.
    pub(super) fn hand_out(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        spot: &Spot,
        kept: &mut OwnChain,
        chain: &SendingChain,
    ) -> Result<Handing, ReadError> {
        if !kept.pending.is_empty() || self.asked() > ASKED_AT_LEAST {
            return Ok(Handing::Waits);
        }
        let chain_id = ChainId(*chain.statement().chain_id());
        let mut handed = match work.handed(spot.room)? {
            Some(handed) if handed.chain == chain_id => handed,
            _ => Handed::new(chain_id),
        };
        let found = self.look_for_lacking(work, own, spot, &handed)?;
        if found.waits {
            return Ok(Handing::Waits);
        }
        self.reached.clear();
        let lacking = if found.passed {
            // Who was passed over may lack something by now.
            let all = self.look_for_lacking(work, own, spot, &handed)?;
            if all.waits {
                return Ok(Handing::Waits);
            }
            self.reached.clear();
            all.lacking
        } else {
            found.lacking
        };
        if lacking.is_empty() {
            return Ok(Handing::Done);
        }
        for some in lacking.chunks(DISTRIBUTE_MAX) {
            let id = self.enqueue_sender_key(work, spot.room, chain_id, some.to_vec())?;
            kept.pending.push(id);
        }
        handed.add(&lacking);
        work.put_handed(spot.room, &handed);
        work.put_own_chain(spot.room, kept);
        Ok(Handing::Waits)
    }

    /// Looks for devices of readers that have no key yet, and asks for what is needed to reach them.
    fn look_for_lacking(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        spot: &Spot,
        handed: &Handed,
    ) -> Result<Found, ReadError> {
        let mut found = Found::default();
        for account in spot.chain.state().readers(spot.room) {
            if self.reached.contains(&account) {
                found.passed = true;
                continue;
            }
            if self.is_served(work, own, spot, handed, account)? {
                self.reached.insert(account);
                continue;
            }
            match self.reach_reader(work, spot, account)? {
                Reach::Waits => found.waits = true,
                Reach::NotNow => {}
                Reach::Ready => {
                    let Some(person) = self.person(work, account)? else {
                        continue;
                    };
                    let mut is_ready = true;
                    for address in person.addresses() {
                        if address == own.address() || handed.has(address) {
                            continue;
                        }
                        match self.reach_device(work, address)? {
                            Reach::Ready => found.lacking.push(address),
                            Reach::Waits => {
                                found.waits = true;
                                is_ready = false;
                            }
                            Reach::NotNow => is_ready = false,
                        }
                    }
                    if is_ready {
                        self.reached.insert(account);
                    }
                }
            }
        }
        Ok(found)
    }

    /// True where a reader's log is known as far as the place's chain names it, and all devices in it have the chain.
    fn is_served(
        &mut self,
        work: &Work<'_>,
        own: &OwnIdentity,
        spot: &Spot,
        handed: &Handed,
        account: AccountId,
    ) -> Result<bool, ReadError> {
        let Some(person) = self.person(work, account)? else {
            return Ok(false);
        };
        let known = spot.chain.state().account(account);
        let is_whole = known.is_none_or(|known| known.head.sequence <= person.chain.head())
            && !self.behind.contains(&account);
        Ok(is_whole
            && person
                .addresses()
                .all(|address| address == own.address() || handed.has(address)))
    }

    /// Whether a reader's log is known as far as the place's chain names it; asks for what is missing.
    fn reach_reader(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        account: AccountId,
    ) -> Result<Reach, ReadError> {
        if work.is_disputed(account)? {
            return Ok(Reach::NotNow);
        }
        let Some(person) = self.person(work, account)? else {
            return self.reach_by(work, Need::Person(account));
        };
        let known = spot.chain.state().account(account);
        let named = known.map_or(0, |known| known.head.sequence);
        if named <= person.chain.head() && !self.behind.contains(&account) {
            return Ok(Reach::Ready);
        }
        self.behind.insert(account);
        self.reach_by(work, Need::Entries(account))
    }

    fn reach_device(&mut self, work: &mut Work<'_>, address: DeviceAddress) -> Result<Reach, ReadError> {
        if work.sessions(address)?.has_active(work.now.0) {
            return Ok(Reach::Ready);
        }
        self.reach_by(work, Need::Bundle(address))
    }

    /// How many logs and bundles were asked for and are not answered.
    fn asked(&self) -> usize {
        self.needs
            .iter()
            .filter(|(need, state)| {
                **state == NeedState::Running
                    && matches!(need, Need::Person(_) | Need::Entries(_) | Need::Bundle(_))
            })
            .count()
    }

    /// Asks for what is needed to reach somebody. What was refused is tried again in its time, and nobody waits for
    /// it.
    fn reach_by(&mut self, work: &mut Work<'_>, need: Need) -> Result<Reach, ReadError> {
        match self.needs.get(&need) {
            Some(NeedState::Running) => return Ok(Reach::Waits),
            Some(NeedState::RetryAt(_)) => {
                self.need(work, need)?;
                return Ok(Reach::NotNow);
            }
            None => {}
        }
        if self.asked() < ASKED_AT_ONCE {
            self.need(work, need)?;
        }
        Ok(Reach::Waits)
    }

    /// Seals this device's chain for some devices, as it stands now.
    pub(crate) fn seal_sender_key(
        &mut self,
        work: &mut Work<'_>,
        id: EnvelopeId,
        room: RoomId,
        chain_id: ChainId,
        to: &[DeviceAddress],
    ) -> Result<Sealing, ReadError> {
        let own = work.own()?;
        let (Some(kept), Some(spot)) = (work.own_chain(room)?, self.spot(work, room)?) else {
            return Ok(Sealing::Void);
        };
        let chain = kept.chain()?;
        if *chain.statement().chain_id() != chain_id.0 {
            return Ok(Sealing::Void);
        }
        let bytes = chain.distribution(spot.chain.head(), &spot.chain.head_hash().0);
        let payload = pad(&codec::encode(&Control::SenderKey(SecretBytes(bytes))));
        let state = spot.chain.state();
        let mut messages = Vec::with_capacity(to.len());
        let mut left_out = Vec::new();
        for address in to {
            // It may have left, or been revoked, since.
            let reads = state.is_reader(address.account, room) && self.remote(work, *address)?.is_some();
            let binding = control_context(id, own.address(), *address);
            if reads
                && !work.is_disputed(address.account)?
                && let Ok(bytes) = work.seal_pairwise(*address, Purpose::Control, &binding, &payload)?
            {
                messages.push(Pairwise {
                    to: *address,
                    bytes: Bytes(bytes),
                });
            } else {
                left_out.push(*address);
            }
        }
        if !left_out.is_empty() {
            self.not_handed(work, room, chain_id, &left_out)?;
        }
        if messages.is_empty() {
            return Ok(Sealing::Void);
        }
        let frame = Bytes(ClientFrame::Distribute(Distribute { id, messages }).to_bytes());
        Ok(Sealing::Ready(Sealed {
            frame,
            link: None,
            said: None,
        }))
    }

    /// The server stored a distribution, or nobody is left to send it to.
    pub(crate) fn handed_over(
        &mut self,
        work: &mut Work<'_>,
        id: EnvelopeId,
        room: RoomId,
    ) -> Result<(), ReadError> {
        if let Some(mut kept) = work.own_chain(room)? {
            kept.pending.retain(|pending| *pending != id);
            work.put_own_chain(room, &kept);
        }
        Ok(())
    }

    /// These devices do not have a chain after all.
    pub(crate) fn not_handed(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        chain: ChainId,
        to: &[DeviceAddress],
    ) -> Result<(), ReadError> {
        if let Some(mut handed) = work.handed(room)?.filter(|handed| handed.chain == chain) {
            handed.remove(to);
            work.put_handed(room, &handed);
        }
        Ok(())
    }

    /// A device hands its sender key to this one.
    pub(crate) fn take_sender_key(
        &mut self,
        work: &mut Work<'_>,
        from: DeviceAddress,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        let Ok(distribution) = SenderKeyDistribution::from_bytes(bytes) else {
            return Ok(());
        };
        let statement = distribution.statement();
        let (room, epoch) = (RoomId(*statement.room()), statement.epoch());
        let chain_id = ChainId(*statement.chain_id());
        let Some(spot) = self.spot(work, room)? else {
            // Of a place that the own account has just come to, perhaps.
            return work.hold_key(room, from, bytes);
        };
        let Some(remote) = self.remote(work, from)? else {
            return Ok(());
        };
        let (head, hash) = (distribution.head_sequence(), *distribution.head_hash());
        // What it names beyond the known chain is asked for, and another version of that is shown to people.
        self.place_head_named(work, spot.place, head, Hash(hash))?;
        if spot.chain.hash_at(head).is_some_and(|known| known.0 != hash) {
            return Ok(());
        }
        let is_expected = if spot.roll().has_epoch(room, epoch) {
            spot.roll()
                .was_reader(room, from.account, epoch.max(head.min(spot.chain.head())))
        } else {
            epoch > spot.chain.head() && epoch <= head
        };
        if !is_expected {
            return Ok(());
        }
        let mut speaker = work.speaker(room, from)?;
        let mut chains = match speaker.chains()? {
            Some(chains) => chains,
            None => ReceivingChains::new(&room.0, remote.address()),
        };
        if chains.accept(&distribution, &remote, epoch, work.now.0).is_err() {
            return Ok(());
        }
        speaker.set_chains(&chains);
        work.put_speaker(room, from, &speaker);
        if !keeps_nothing(&spot) {
            self.keep_seed(work, room, from, chain_id, Seed::new(distribution.seed()))?;
        }
        self.key_came(work, &spot, chain_id)
    }

    /// Keys that came before their room was known here.
    pub(super) fn take_held_keys(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        for (from, bytes) in work.take_held(room)? {
            self.take_sender_key(work, from, &bytes.0)?;
        }
        Ok(())
    }
}
