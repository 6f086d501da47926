//! What waits to be sent: texts and control payloads, in order, on disk before anything leaves.
//!
//! An item is sealed when its turn comes on a live connection; the sealed frame is stored before it is sent,
//! and sent again byte for byte until the server answers. After a refusal in a room everything behind it is
//! sealed anew, so that the chain of messages stays whole.

use std::collections::{BTreeMap, BTreeSet};

use conclave_crypto::{ContentKey, Purpose, message_hash, pad, seal_content};
use conclave_protocol::frames::{
    Accepted, ClientFrame, Distribute, Heads, MessageKey, Pairwise, Refused, Restart, Send, Side,
};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, ErrorCode, PlaceId, RoomId};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::actions::trimmed;
use crate::calls::Need;
use crate::changes::Table;
use crate::codec::{self, KeyAndHash};
use crate::content::{
    Body, ChainId, Content, Control, MessageContext, Text, control_context, in_order, key_context,
};
use crate::effects::Request;
use crate::failure::Failure;
use crate::input::TextWith;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::posting::Said;
use crate::reads::ReadError;
use crate::repair;
use crate::rooms::Link;
use crate::rows::{Delivery, MessageBody, MessageRow};
use crate::sent::Sent;
use crate::sessions::Sealable;
use crate::views::{Event, Outcome};
use crate::work::Work;

/// Items sent and not answered yet.
const IN_FLIGHT_MAX: usize = 64;
/// Items looked at each time: far more than may be in flight.
const ROUND: u32 = 1_024;
/// Everything that waits is looked at so often, where it is more.
const WHOLE_ROUND_MS: u64 = 1_000;
/// What a device without prekeys is to be told waits no longer than this.
const TOLD_WITHIN_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Receipts are not put behind so many things that wait for one device.
const RECEIPTS_WAITING_MAX: usize = 64;
/// Pause after a refusal that gives no time of its own.
const REFUSED_PAUSE_MS: u64 = 1_000;
/// Pause after a room's keys were replaced: what says so is on its way.
const OVERTAKEN_PAUSE_MS: u64 = 200;

/// One thing to send.
#[derive(Encode, Decode)]
pub(crate) struct Item {
    #[n(0)]
    id: EnvelopeId,
    #[n(1)]
    target: Target,
    /// Sealed already: what is sent, and sent again.
    #[n(2)]
    sealed: Option<Sealed>,
}

/// What an item is.
#[derive(Encode, Decode)]
enum Target {
    /// The message row of the item's id.
    #[n(0)]
    Message(#[n(0)] RoomId),
    /// A control payload to the devices of an account, or to one of them.
    #[n(1)]
    Control(#[n(0)] AccountId, #[n(1)] Option<DeviceId>, #[n(2)] Bytes),
    /// The keys of these messages once more, to a device that asked for them. They are looked up when the item
    /// is sealed, so that they lie in one place only and go to nobody who may not have them any more.
    #[n(2)]
    Repeat(#[n(0)] DeviceAddress, #[n(1)] Vec<EnvelopeId>),
    /// The key of a generation of the account's vault, to the other own devices; looked up when it is sealed.
    #[n(3)]
    VaultKey(#[n(0)] AccountId, #[n(1)] u32),
    /// This device's sender key in a room of a place, for these devices; looked up when it is sealed.
    #[n(4)]
    SenderKey(#[n(0)] RoomId, #[n(1)] ChainId, #[n(2)] Vec<DeviceAddress>),
    /// Sender keys of a room for a device that asked for them; looked up when it is sealed.
    #[n(5)]
    Seeds(#[n(0)] DeviceAddress, #[n(1)] RoomId, #[n(2)] Vec<ChainId>),
    /// Keys of a place, to the devices of a member or to one of them; looked up when they are sealed.
    #[n(10)]
    PlaceKeys(#[n(0)] AccountId, #[n(1)] Option<DeviceId>, #[n(2)] PlaceId),
}

impl Target {
    /// To whom a control payload goes: an account, or one of its devices.
    fn receiver(&self) -> Option<(AccountId, Option<DeviceId>)> {
        match self {
            Self::Message(_) | Self::SenderKey(..) => None,
            Self::Control(peer, device, _) | Self::PlaceKeys(peer, device, _) => Some((*peer, *device)),
            Self::VaultKey(peer, _) => Some((*peer, None)),
            Self::Repeat(to, _) | Self::Seeds(to, ..) => Some((to.account, Some(to.device))),
        }
    }

    /// True behind a payload to the same account, or to the same device of it, that waits.
    fn waits_behind(&self, waiting: &BTreeSet<(AccountId, Option<DeviceId>)>) -> bool {
        self.receiver()
            .is_some_and(|receiver| waiting.contains(&receiver) || waiting.contains(&(receiver.0, None)))
    }
}

/// A sealed item.
#[derive(Encode, Decode)]
pub(crate) struct Sealed {
    #[n(0)]
    pub(crate) frame: Bytes,
    /// For a message: the own chain behind it.
    #[n(1)]
    pub(crate) link: Option<Link>,
    /// For a message in a room of a place: which message of which sender key it is.
    #[n(2)]
    pub(crate) said: Option<Said>,
}

/// An item on its way.
pub(crate) struct InFlight {
    key: Vec<u8>,
    room: Option<RoomId>,
}

/// What came of sealing an item.
pub(crate) enum Sealing {
    Ready(Sealed),
    /// Something is missing that was asked for.
    Waits,
    /// There is nobody or nothing to send it to.
    Void,
}

impl Engine {
    pub(crate) fn send_text(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        room: RoomId,
        id: Option<EnvelopeId>,
        text: String,
        with: TextWith,
    ) -> Result<(), ReadError> {
        let text = match trimmed(&text) {
            Ok(text) => text.to_owned(),
            Err(failure) => {
                self.fail(work, ask, failure);
                return Ok(());
            }
        };
        if work.find_room(room)?.is_none() {
            self.fail(work, ask, Failure::unknown_room());
            return Ok(());
        }
        if self.is_sent_already(work, ask, id)? {
            return Ok(());
        }
        let with = match self.checked_with(work, room, with)? {
            Ok(with) => with,
            Err(failure) => {
                self.fail(work, ask, failure);
                return Ok(());
            }
        };
        let text = Text {
            text,
            with,
            expires_at: None,
        };
        self.send_body(work, ask, (room, id), MessageBody::Text(text))
    }

    /// Writes a row of the own account and puts it in the outbox.
    pub(crate) fn put_in_outbox(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        id: Option<EnvelopeId>,
        body: MessageBody,
    ) -> Result<MessageRow, ReadError> {
        let id = match id {
            Some(id) => {
                let mut counters = work.counters()?;
                counters.last_made = counters.last_made.max(id);
                work.put_counters(&counters);
                id
            }
            None => work.make_id()?,
        };
        let own = work.own()?;
        let row = MessageRow {
            id,
            room,
            sequence: None,
            ordinal: work.next_ordinal()?,
            author: own.account,
            device: own.device,
            mine: true,
            sent_at: id.time(),
            counts: body.is_news(),
            delivery: Delivery::Queued,
            missing_before: 0,
            body,
        };
        if row.is_shown()
            && let Some(mut chat) = work.find_room(room)?
        {
            chat.active_at = chat.active_at.max(work.now);
            work.put_room(chat);
        }
        self.accept_by_writing(work, room)?;
        self.stop_typing(work, room);
        work.put_message(row.clone());
        enqueue(
            work,
            &Item {
                id,
                target: Target::Message(room),
                sealed: None,
            },
        )?;
        Ok(row)
    }

    pub(crate) fn retry(&mut self, work: &mut Work<'_>, ask: u64, id: EnvelopeId) -> Result<(), ReadError> {
        match work.find_message(id)? {
            Some(row) if self.refuses_to_send(work, ask, row.room)? => {}
            Some(mut row) if row.mine && matches!(row.delivery, Delivery::Failed(_)) => {
                row.delivery = Delivery::Queued;
                row.ordinal = work.next_ordinal()?;
                let room = row.room;
                work.put_message(row);
                enqueue(
                    work,
                    &Item {
                        id,
                        target: Target::Message(room),
                        sealed: None,
                    },
                )?;
                self.answer(work, ask, Outcome::Done);
            }
            Some(_) => self.answer(work, ask, Outcome::Done),
            None => self.fail(work, ask, Failure::unknown_message()),
        }
        Ok(())
    }

    pub(crate) fn discard(&mut self, work: &mut Work<'_>, ask: u64, id: EnvelopeId) -> Result<(), ReadError> {
        match work.find_message(id)? {
            Some(row) if row.mine && matches!(row.delivery, Delivery::Failed(_)) => {
                work.delete_message(&row);
                self.answer(work, ask, Outcome::Done);
            }
            Some(_) => self.fail(work, ask, Failure::server(ErrorCode::Forbidden, None)),
            None => self.answer(work, ask, Outcome::Done),
        }
        Ok(())
    }

    /// Takes the message of a row into the outbox.
    #[cfg(test)]
    pub(crate) fn enqueue_message(
        &mut self,
        work: &mut Work<'_>,
        id: EnvelopeId,
        room: RoomId,
    ) -> Result<(), ReadError> {
        let item = Item {
            id,
            target: Target::Message(room),
            sealed: None,
        };
        enqueue(work, &item)
    }

    /// Takes a control payload into the outbox.
    pub(crate) fn enqueue_control(
        &mut self,
        work: &mut Work<'_>,
        peer: AccountId,
        device: Option<DeviceId>,
        control: &Control,
    ) -> Result<(), ReadError> {
        let id = work.make_id()?;
        let payload = codec::encode(control).to_vec();
        enqueue(
            work,
            &Item {
                id,
                target: Target::Control(peer, device, Bytes(payload)),
                sealed: None,
            },
        )
    }

    /// Takes keys that a device asked for once more into the outbox.
    pub(crate) fn enqueue_repeat(
        &mut self,
        work: &mut Work<'_>,
        to: DeviceAddress,
        ids: Vec<EnvelopeId>,
    ) -> Result<(), ReadError> {
        let id = work.make_id()?;
        enqueue(
            work,
            &Item {
                id,
                target: Target::Repeat(to, ids),
                sealed: None,
            },
        )
    }

    /// Takes the key of a generation of the vault into the outbox, for the other own devices.
    pub(crate) fn enqueue_vault_key(
        &mut self,
        work: &mut Work<'_>,
        own: AccountId,
        generation: u32,
    ) -> Result<(), ReadError> {
        let id = work.make_id()?;
        enqueue(
            work,
            &Item {
                id,
                target: Target::VaultKey(own, generation),
                sealed: None,
            },
        )
    }

    /// Takes this device's sender key of a room into the outbox, for some devices.
    pub(crate) fn enqueue_sender_key(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        chain: ChainId,
        to: Vec<DeviceAddress>,
    ) -> Result<EnvelopeId, ReadError> {
        let id = work.make_id()?;
        let item = Item {
            id,
            target: Target::SenderKey(room, chain, to),
            sealed: None,
        };
        enqueue(work, &item)?;
        self.outbox_grew = true;
        Ok(id)
    }

    /// Takes sender keys that a device asked for into the outbox.
    pub(crate) fn enqueue_seeds(
        &mut self,
        work: &mut Work<'_>,
        to: DeviceAddress,
        room: RoomId,
        chains: Vec<ChainId>,
    ) -> Result<(), ReadError> {
        let id = work.make_id()?;
        let item = Item {
            id,
            target: Target::Seeds(to, room, chains),
            sealed: None,
        };
        enqueue(work, &item)
    }

    /// Takes the keys of a place into the outbox, for a member's devices.
    pub(crate) fn enqueue_keys_of_place(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        device: Option<DeviceId>,
        place: PlaceId,
    ) -> Result<(), ReadError> {
        let id = work.make_id()?;
        enqueue(
            work,
            &Item {
                id,
                target: Target::PlaceKeys(account, device, place),
                sealed: None,
            },
        )
    }

    /// Sends what can be sent.
    pub(crate) fn flush_outbox(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.outbox_grew = false;
        self.flush_round(work)?;
        if std::mem::take(&mut self.outbox_grew) {
            // Keys that a message waits for go out at once.
            self.flush_round(work)?;
        }
        Ok(())
    }

    fn flush_round(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.restart_halted_rooms(work)?;
        let now = work.now;
        self.delayed.retain(|_, at| *at > now);
        if self.in_flight.len() >= IN_FLIGHT_MAX {
            return Ok(());
        }
        let mut waiting_rooms = BTreeSet::new();
        let mut waiting_peers: BTreeSet<(AccountId, Option<DeviceId>)> = BTreeSet::new();
        for (key, mut item) in self.outbox_round(work)? {
            if self.in_flight.len() >= IN_FLIGHT_MAX {
                break;
            }
            let room = match &item.target {
                Target::Message(room) => Some(*room),
                _ => None,
            };
            if self.in_flight.contains_key(&item.id)
                || self.delayed.contains_key(&key)
                || room.is_some_and(|room| self.halted.contains_key(&room) || waiting_rooms.contains(&room))
            {
                continue;
            }
            if item.sealed.is_none() {
                let sealing = match &item.target {
                    Target::Message(room) => self.seal_message(work, item.id, *room)?,
                    target if target.waits_behind(&waiting_peers) => Sealing::Waits,
                    Target::Control(peer, device, payload) => {
                        self.seal_control(work, item.id, *peer, *device, payload.as_slice())?
                    }
                    Target::Repeat(to, ids) => match repair::answer(work, *to, ids)? {
                        Some(answer) => {
                            let payload = codec::encode(&answer);
                            self.seal_control(work, item.id, to.account, Some(to.device), &payload)?
                        }
                        None => Sealing::Void,
                    },
                    Target::PlaceKeys(account, device, place) => {
                        match self.place_keys_for(work, *place, *account)? {
                            Some(control) => {
                                let payload = codec::encode(&control);
                                self.seal_control(work, item.id, *account, *device, &payload)?
                            }
                            None => Sealing::Void,
                        }
                    }
                    Target::VaultKey(account, generation) => match work.vault_key_to_tell(*generation)? {
                        Some(control) => {
                            let payload = codec::encode(&control);
                            self.seal_control(work, item.id, *account, None, &payload)?
                        }
                        None => Sealing::Void,
                    },
                    Target::SenderKey(room, chain, to) => {
                        self.seal_sender_key(work, item.id, *room, *chain, to)?
                    }
                    Target::Seeds(to, room, chains) => match self.seeds_for(work, *to, *room, chains)? {
                        Some(control) => {
                            let payload = codec::encode(&control);
                            self.seal_control(work, item.id, to.account, Some(to.device), &payload)?
                        }
                        None => Sealing::Void,
                    },
                };
                match sealing {
                    Sealing::Ready(sealed) => {
                        item.sealed = Some(sealed);
                        work.put(Table::Outbox, &key, &item);
                    }
                    Sealing::Waits => {
                        match (&item.target, item.target.receiver()) {
                            (Target::Message(room), _) => {
                                waiting_rooms.insert(*room);
                            }
                            (_, Some(receiver)) => {
                                waiting_peers.insert(receiver);
                            }
                            (_, None) => {}
                        }
                        continue;
                    }
                    Sealing::Void => {
                        work.delete(Table::Outbox, &key);
                        if let Target::SenderKey(room, ..) = &item.target {
                            self.handed_over(work, item.id, *room)?;
                        }
                        continue;
                    }
                }
            }
            if let Some(sealed) = &item.sealed {
                work.request(Request::Frame(sealed.frame.0.clone()));
                self.in_flight.insert(item.id, InFlight { key, room });
            }
        }
        Ok(())
    }

    fn seal_message(
        &mut self,
        work: &mut Work<'_>,
        id: EnvelopeId,
        room: RoomId,
    ) -> Result<Sealing, ReadError> {
        let row = work.find_message(id)?;
        let Some(said) = row.and_then(|row| body_to_seal(&row.body)) else {
            return Ok(Sealing::Void);
        };
        if self.is_about_nothing(work, &said)? {
            self.give_up(work, id, ErrorCode::Forbidden)?;
            return Ok(Sealing::Void);
        }
        if self.place_of(work, room)?.is_some() {
            return self.seal_post(work, id, room, said);
        }
        let Some(mut state) = work.room_state(room)? else {
            return Ok(Sealing::Void);
        };
        if !state.opened {
            self.need(work, Need::OpenRoom(room))?;
            return Ok(Sealing::Waits);
        }
        let own = work.own()?;
        if self.sealing_waits_for(work, own.account)? || self.sealing_waits_for(work, state.peer)? {
            return Ok(Sealing::Waits);
        }
        if work.is_blocked(state.peer)? {
            return Ok(Sealing::Waits);
        }
        let (Some(me), Some(peer)) = (self.person(work, own.account)?, self.person(work, state.peer)?) else {
            self.need(work, Need::Person(state.peer))?;
            return Ok(Sealing::Waits);
        };
        let mut addresses: Vec<DeviceAddress> = me.addresses().chain(peer.addresses()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.retain(|address| *address != own.address());
        let Some(Sealable { ready, without }) = self.sealable(work, own.address(), &addresses)? else {
            return Ok(Sealing::Waits);
        };

        let (low, _) = in_order(own.account, state.peer);
        let (low_chain, high_chain) = if low == own.account {
            (&me.chain, &peer.chain)
        } else {
            (&peer.chain, &me.chain)
        };
        let heads = Heads {
            low: low_chain.head(),
            high: high_chain.head(),
        };
        let (Some(low_head), Some(high_head)) =
            (low_chain.hash_at(heads.low), high_chain.hash_at(heads.high))
        else {
            return Ok(Sealing::Void);
        };
        let (class, target) = (said.class(), said.target());
        let context = MessageContext {
            room,
            heads,
            low_head,
            high_head,
            sender: own.address(),
            id,
            class,
            target,
        };
        let context = context.to_bytes();
        let content = Zeroizing::new(
            Content {
                counter: state.sealed.next,
                previous: state.sealed.hash,
                body: said,
            }
            .to_bytes(),
        );
        let content_key = ContentKey::generate(&mut work.rng);
        let Ok(body) = seal_content(&content_key, &context, &content) else {
            self.give_up(work, id, ErrorCode::TooLarge)?;
            return Ok(Sealing::Void);
        };
        let hash = message_hash(&body, &context);

        let payload = KeyAndHash::new(content_key.as_bytes(), &hash);
        let mut keys = Vec::with_capacity(addresses.len());
        for to in without {
            // It asks for the key once it can be sealed to.
            let side = if to.account == low { Side::Low } else { Side::High };
            keys.push(MessageKey {
                side,
                device: to.device,
                pairwise: Bytes(Vec::new()),
            });
        }
        for to in ready {
            let binding = key_context(room, id, own.address(), to);
            let Ok(pairwise) = work.seal_pairwise(to, Purpose::MessageKey, &binding, payload.as_bytes())?
            else {
                return Ok(Sealing::Waits);
            };
            let side = if to.account == low { Side::Low } else { Side::High };
            keys.push(MessageKey {
                side,
                device: to.device,
                pairwise: Bytes(pairwise),
            });
        }
        let link = Link {
            next: state.sealed.next.saturating_add(1),
            hash: conclave_protocol::Hash(hash),
        };
        state.sealed = link;
        work.put_room_state(room, &state);
        work.put_sent(id, &Sent { room, key: payload });
        let send = Send {
            id,
            room,
            class,
            heads,
            target,
            body: Bytes(body),
            keys,
            blobs: Vec::new(),
        };
        let frame = Bytes(ClientFrame::Send(send).to_bytes());
        Ok(Sealing::Ready(Sealed {
            frame,
            link: Some(link),
            said: None,
        }))
    }

    fn seal_control(
        &mut self,
        work: &mut Work<'_>,
        id: EnvelopeId,
        peer: AccountId,
        device: Option<DeviceId>,
        payload: &[u8],
    ) -> Result<Sealing, ReadError> {
        let own = work.own()?;
        let is_receipt = matches!(minicbor::decode(payload), Ok(Control::Receipt(_)));
        if is_receipt && !self.gives_receipts(work)? {
            // The person chose so while it waited.
            return Ok(Sealing::Void);
        }
        let Some(person) = self.person(work, peer)? else {
            return Ok(Sealing::Void);
        };
        if self.sealing_waits_for(work, own.account)? || self.sealing_waits_for(work, peer)? {
            return Ok(Sealing::Waits);
        }
        if work.is_blocked(peer)? {
            return Ok(Sealing::Waits);
        }
        let addresses: Vec<DeviceAddress> = person
            .addresses()
            .filter(|address| *address != own.address())
            .filter(|address| device.is_none_or(|device| address.device == device))
            .collect();
        let Some(Sealable { ready, without }) = self.sealable(work, own.address(), &addresses)? else {
            return Ok(Sealing::Waits);
        };
        if ready.is_empty() && !without.is_empty() {
            let too_old = work.now.since(id.time()) > TOLD_WITHIN_MS;
            return Ok(if too_old { Sealing::Void } else { Sealing::Waits });
        }
        let padded = pad(payload);
        let mut messages = Vec::with_capacity(ready.len());
        for to in ready {
            let binding = control_context(id, own.address(), to);
            match work.seal_pairwise(to, Purpose::Control, &binding, &padded)? {
                Ok(bytes) => messages.push(Pairwise {
                    to,
                    bytes: Bytes(bytes),
                }),
                Err(_) => return Ok(Sealing::Void),
            }
        }
        if messages.is_empty() {
            return Ok(Sealing::Void);
        }
        self.tell_later(work, &own, &without, payload)?;
        let distribute = Distribute { id, messages };
        let frame = if is_receipt {
            ClientFrame::Receipts(distribute)
        } else {
            ClientFrame::Distribute(distribute)
        };
        let frame = Bytes(frame.to_bytes());
        Ok(Sealing::Ready(Sealed {
            frame,
            link: None,
            said: None,
        }))
    }

    /// What devices without prekeys have to know is sent to each of them once that is possible: to own devices
    /// everything but the start of a session, to others' what was delivered and read, or their message would stand
    /// at "sent" there for ever. Of receipts a bounded number waits for each device.
    fn tell_later(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        without: &[DeviceAddress],
        payload: &[u8],
    ) -> Result<(), ReadError> {
        let control = minicbor::decode(payload);
        if without.is_empty() || matches!(control, Ok(Control::SessionStart(_))) {
            return Ok(());
        }
        let is_receipt = matches!(control, Ok(Control::Receipt(_)));
        let is_bounded = is_receipt || matches!(control, Ok(Control::Seen(_)));
        let waiting = if is_bounded {
            waiting_by_device(work)?
        } else {
            BTreeMap::new()
        };
        for to in without {
            let is_full = waiting
                .get(to)
                .is_some_and(|waiting| *waiting >= RECEIPTS_WAITING_MAX);
            if is_full || (to.account != own.account && !is_receipt) {
                continue;
            }
            let item = Item {
                id: work.make_id()?,
                target: Target::Control(to.account, Some(to.device), Bytes(payload.to_vec())),
                sealed: None,
            };
            enqueue(work, &item)?;
        }
        Ok(())
    }

    /// What is looked at now, in order: as a rule the first of what waits. Where more waits, all of it from time to
    /// time, so that a room or a person whose items have to wait does not hold up the others.
    fn outbox_round(&mut self, work: &Work<'_>) -> Result<Vec<(Vec<u8>, Item)>, ReadError> {
        let whole = self.whole_outbox_due.is_some_and(|due| due <= work.now);
        let items = work.list::<Item>(Table::Outbox, if whole { u32::MAX } else { ROUND })?;
        let more = u32::try_from(items.len()).is_ok_and(|found| found >= ROUND);
        if !more {
            self.whole_outbox_due = None;
        } else if whole || self.whole_outbox_due.is_none() {
            self.whole_outbox_due = Some(work.now.plus(WHOLE_ROUND_MS));
        }
        Ok(items)
    }

    pub(crate) fn accepted(&mut self, work: &mut Work<'_>, accepted: Accepted) -> Result<(), ReadError> {
        let Some(sent) = self.in_flight.remove(&accepted.id) else {
            return Ok(());
        };
        let item: Option<Item> = work.find(Table::Outbox, &sent.key)?;
        work.delete(Table::Outbox, &sent.key);
        if let Some(mut row) = work.find_message(accepted.id)? {
            row.sequence = Some(accepted.sequence);
            if row.delivery == Delivery::Queued {
                row.delivery = Delivery::Sent;
            }
            row.body.starts_to_disappear(work.now);
            if row.is_shown()
                && let Some(mut room) = work.find_room(row.room)?
            {
                room.active_at = room.active_at.max(accepted.time);
                work.put_room(room);
            }
            work.put_message(row.clone());
            work.settle(&row)?;
        }
        if let Some(room) = sent.room
            && self.place_of(work, room)?.is_some()
        {
            let sealed = item.and_then(|item| item.sealed);
            self.posted_here(work, room, accepted.sequence, sealed.as_ref())?;
        } else if let Some(room) = sent.room
            && let Some(mut state) = work.room_state(room)?
        {
            if let Some(link) = item.and_then(|item| item.sealed).and_then(|sealed| sealed.link) {
                state.accepted = link;
            }
            state.apply(accepted.sequence);
            work.put_room_state(room, &state);
            if let Some(sent) = work.sent(accepted.id)? {
                let from = work.own()?.address();
                self.record_message(work, (room, accepted.sequence), (from, accepted.id), &sent.key)?;
            }
        }
        let mut login = work.login()?;
        if !login.first_sent {
            login.first_sent = true;
            work.put_login(&login);
            work.show(Event::Account);
        }
        Ok(())
    }

    pub(crate) fn distributed(&mut self, work: &mut Work<'_>, id: EnvelopeId) -> Result<(), ReadError> {
        let Some(sent) = self.in_flight.remove(&id) else {
            return Ok(());
        };
        let item: Option<Item> = work.find(Table::Outbox, &sent.key)?;
        work.delete(Table::Outbox, &sent.key);
        if let Some(Target::SenderKey(room, ..)) = item.map(|item| item.target) {
            self.handed_over(work, id, room)?;
        }
        Ok(())
    }

    pub(crate) fn refused(&mut self, work: &mut Work<'_>, refused: Refused) -> Result<(), ReadError> {
        let Some(sent) = self.in_flight.remove(&refused.id) else {
            return Ok(());
        };
        let pause = match refused.code {
            ErrorCode::StaleDevices => {
                let own = work.own()?.account;
                for account in self.peers_of(work, &sent)?.into_iter().chain([own]) {
                    self.follow_chain(work, account)?;
                }
                REFUSED_PAUSE_MS
            }
            // The room's keys are replaced: what waits is sealed anew once the place's chain says so.
            ErrorCode::EpochEnded | ErrorCode::ObservationOwed => {
                if let Some(room) = sent.room {
                    self.post_overtaken(work, room, refused.code)?;
                }
                refused.retry_after.map_or(OVERTAKEN_PAUSE_MS, u64::from)
            }
            // It names more of the place's chain than the server has: either the server catches up, or it shows a
            // shorter chain, and then the place is disputed and what waits there goes on waiting.
            ErrorCode::ChainMoved if sent.room.is_some() => {
                if let Some(room) = sent.room {
                    self.post_overtaken(work, room, refused.code)?;
                }
                refused.retry_after.map_or(REFUSED_PAUSE_MS, u64::from)
            }
            ErrorCode::OutOfOrder => 0,
            ErrorCode::TooFast
            | ErrorCode::StorageFull
            | ErrorCode::Unavailable
            | ErrorCode::Overloaded
            | ErrorCode::Internal
            | ErrorCode::TimedOut
            // Whether that is true shows elsewhere; until then nothing is given up.
            | ErrorCode::DeviceRevoked => refused.retry_after.map_or(REFUSED_PAUSE_MS, u64::from),
            code => {
                if code == ErrorCode::RecipientGone {
                    // They may have started again under their name.
                    for peer in self.peers_of(work, &sent)? {
                        self.look_up_name(work, peer)?;
                    }
                }
                let item: Option<Item> = work.find(Table::Outbox, &sent.key)?;
                work.delete(Table::Outbox, &sent.key);
                self.give_up(work, refused.id, code)?;
                if let Some(Target::SenderKey(room, chain, to)) = item.map(|item| item.target) {
                    self.not_handed(work, room, chain, &to)?;
                    self.handed_over(work, refused.id, room)?;
                }
                0
            }
        };
        let retry_at = self.jittered(work, pause);
        if let Some(room) = sent.room {
            let known = self.halted.get(&room).copied();
            self.halted
                .insert(room, known.map_or(retry_at, |known| known.max(retry_at)));
        } else {
            self.reseal(work, &sent.key)?;
            self.delayed.insert(sent.key, retry_at);
        }
        Ok(())
    }

    fn peers_of(&mut self, work: &Work<'_>, sent: &InFlight) -> Result<Vec<AccountId>, ReadError> {
        let item: Option<Item> = work.find(Table::Outbox, &sent.key)?;
        Ok(match item.map(|item| item.target) {
            Some(Target::Message(room)) => {
                let state = work.room_state(room)?;
                state.into_iter().map(|state| state.peer).collect()
            }
            Some(Target::SenderKey(_, _, to)) => {
                let mut accounts: Vec<_> = to.into_iter().map(|address| address.account).collect();
                accounts.dedup();
                accounts
            }
            Some(target) => target
                .receiver()
                .map(|(account, _)| account)
                .into_iter()
                .collect(),
            None => Vec::new(),
        })
    }

    /// True while the server has not answered every message sent to a room.
    pub(crate) fn sends_in_flight(&self, room: RoomId) -> bool {
        self.in_flight.values().any(|sent| sent.room == Some(room))
    }

    /// True for what is said about an own message that never left.
    fn is_about_nothing(&self, work: &Work<'_>, said: &Body) -> Result<bool, ReadError> {
        let target = said
            .target()
            .map(|target| work.find_message(target))
            .transpose()?;
        Ok(target.is_some_and(|target| {
            target.is_none_or(|target| target.mine && matches!(target.delivery, Delivery::Failed(_)))
        }))
    }

    /// A message cannot be sent: it stays here, and says why.
    pub(crate) fn give_up(
        &mut self,
        work: &mut Work<'_>,
        id: EnvelopeId,
        code: ErrorCode,
    ) -> Result<(), ReadError> {
        if let Some(mut row) = work.find_message(id)?
            && row.mine
            && row.sequence.is_none()
        {
            row.delivery = Delivery::Failed(code);
            if row.body.annotation().is_some() {
                // No row says so; the message shows again what it said before.
                row.remove();
                work.show(Event::Warning {
                    failure: Failure::server(code, None),
                });
            }
            work.put_message(row);
            work.forget_sent(id);
        }
        Ok(())
    }

    fn reseal(&mut self, work: &mut Work<'_>, key: &[u8]) -> Result<(), ReadError> {
        if let Some(mut item) = work.find::<Item>(Table::Outbox, key)? {
            item.sealed = None;
            work.put(Table::Outbox, key, &item);
        }
        Ok(())
    }

    /// Rooms in which something was refused begin anew once everything sent there was answered.
    fn restart_halted_rooms(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let due: Vec<RoomId> = self
            .halted
            .iter()
            .filter(|(room, at)| **at <= work.now && !self.sends_in_flight(**room))
            .map(|(room, _)| *room)
            .collect();
        for room in due {
            self.halted.remove(&room);
            self.seal_room_anew(work, room)?;
            work.request(Request::Frame(ClientFrame::Restart(Restart { room }).to_bytes()));
        }
        Ok(())
    }

    /// Everything in a room that waits is sealed again behind the last accepted message.
    pub(crate) fn seal_room_anew(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<(), ReadError> {
        for (key, mut item) in work.list::<Item>(Table::Outbox, u32::MAX)? {
            if matches!(item.target, Target::Message(other) if other == room) && item.sealed.is_some() {
                item.sealed = None;
                work.put(Table::Outbox, &key, &item);
            }
        }
        if let Some(mut state) = work.room_state(room)? {
            state.sealed = state.accepted;
            work.put_room_state(room, &state);
        }
        if let Some(mut flow) = work.place_room(room)? {
            flow.sealed = flow.accepted;
            work.put_place_room(room, &flow);
        }
        Ok(())
    }

    /// Nothing of what waits may be sent as it was sealed: its keys may have been used before.
    pub(crate) fn seal_everything_anew(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        for (key, mut item) in work.list::<Item>(Table::Outbox, u32::MAX)? {
            item.sealed = None;
            work.put(Table::Outbox, &key, &item);
        }
        Ok(())
    }

    /// The server will not open the room: what waits there fails and says so.
    pub(crate) fn fail_room(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        code: ErrorCode,
    ) -> Result<(), ReadError> {
        for (key, item) in work.list::<Item>(Table::Outbox, u32::MAX)? {
            if matches!(item.target, Target::Message(other) if other == room) {
                work.delete(Table::Outbox, &key);
                self.give_up(work, item.id, code)?;
            }
        }
        Ok(())
    }
}

/// What is sealed of a row; none where nothing is.
pub(crate) fn body_to_seal(body: &MessageBody) -> Option<Body> {
    match body {
        MessageBody::Text(text) => Some(Body::Text(text.clone())),
        MessageBody::Poll(poll) => Some(Body::Poll(poll.clone())),
        MessageBody::Timer(revision, seconds) => Some(Body::Timer {
            revision: *revision,
            seconds: *seconds,
        }),
        MessageBody::Annotation(annotation) => Some(Body::Annotation(annotation.clone())),
        _ => None,
    }
}

/// How much waits for a device alone, by device.
fn waiting_by_device(work: &Work<'_>) -> Result<BTreeMap<DeviceAddress, usize>, ReadError> {
    let mut waiting = BTreeMap::new();
    for (_, item) in work.list::<Item>(Table::Outbox, u32::MAX)? {
        if let Target::Control(account, Some(device), _) = item.target {
            let count: &mut usize = waiting.entry(DeviceAddress { account, device }).or_default();
            *count = count.saturating_add(1);
        }
    }
    Ok(waiting)
}

fn enqueue(work: &mut Work<'_>, item: &Item) -> Result<(), ReadError> {
    let key = work.next_outbox_key()?;
    work.put(Table::Outbox, &key, item);
    Ok(())
}
