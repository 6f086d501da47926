//! What arrives: each mailbox message is opened, stored and acknowledged, in order, once.
//!
//! What cannot be opened is parked and shown as a calm placeholder; it never holds up what comes behind it.

use conclave_crypto::{ContentKey, Purpose, RemoteDevice, hashes_equal, message_hash, open_content, unpad};
use conclave_protocol::frames::{Ack, Class, ClientFrame, Deliver, DirectMessage, Heads, Item, Side};
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::{AccountId, DeviceAddress, EnvelopeId, ErrorCode, Hash, RoomId, Timestamp};
use conclave_sigchain::Device;

use crate::calls::{Need, NeedState};
use crate::codec::KeyAndHash;
use crate::content::{
    Act, Body, Content, Control, MessageContext, control_context, head_of, in_order, key_context,
};
use crate::disappearing::began_before;
use crate::effects::Request;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::parked::{Parked, Untried, sender_of};
use crate::people::remote_at;
use crate::reads::ReadError;
use crate::rooms::{Place, RoomState};
use crate::rows::{Delivery, Loss, MessageBody, MessageRow};
use crate::sent::is_far_ahead;
use crate::views::{AnnotationView, Event, PersonView};
use crate::work::Work;

/// Mailbox messages taken in one handling, so that a long absence does not block what a person does.
const ROUND: usize = 64;

/// Requests under way while a new device finds the rooms of its account.
const ROOMS_AT_ONCE: usize = 16;

/// What came of one mailbox message.
enum Taken {
    /// It is stored, or there is nothing to store.
    Done,
    /// Something is missing that was asked for; it stays at the head.
    Waits,
}

/// What came of the pairwise message that carries a body's key.
enum Keyed {
    Opened(Box<Content>, Hash),
    /// It was tried in vain.
    Closed,
    /// It could not be tried: nobody shows something that it needs.
    Untried,
    /// It can be tried once what was asked for has come.
    Waits,
    /// Its device was out of its account by then. Nothing is shown of it.
    Revoked,
}

/// The chain heads that a message names, as the chains known here have them.
pub(crate) struct KnownHeads {
    heads: Heads,
    low: Hash,
    high: Hash,
}

/// How a device stood to its account when it sent something.
pub(crate) enum Standing {
    /// It spoke for the account.
    Spoke(Box<RemoteDevice>),
    /// It was revoked by then.
    Revoked,
    /// The chain known here does not name it.
    Unknown,
}

impl KnownHeads {
    /// Opens a body with its key, where it is the body that the key was made for, in its place.
    pub(crate) fn open_body(
        &self,
        id: EnvelopeId,
        message: &DirectMessage,
        from: DeviceAddress,
        key: &KeyAndHash,
    ) -> Option<(Content, Hash)> {
        let context = MessageContext {
            room: message.room,
            heads: self.heads,
            low_head: self.low,
            high_head: self.high,
            sender: from,
            id,
            class: message.class,
            target: message.target,
        }
        .to_bytes();
        let sealed = message.body.as_slice();
        if !hashes_equal(key.hash(), &message_hash(sealed, &context)) {
            return None;
        }
        let opened = open_content(&ContentKey::from_bytes(key.key()), &context, sealed).ok()?;
        let content = Content::from_bytes(&opened).ok()?;
        Some((content, Hash(*key.hash())))
    }
}

impl Engine {
    /// Takes what arrived, in order.
    pub(crate) fn read_mailbox(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let mut stored = None;
        let mut waits = false;
        for _ in 0..ROUND {
            let Some(deliver) = self.mailbox.pop_front() else {
                break;
            };
            match self.take(work, &deliver)? {
                Taken::Done => {
                    let mut counters = work.counters()?;
                    counters.take(deliver.mailbox);
                    work.put_counters(&counters);
                    stored = Some(deliver.mailbox);
                }
                Taken::Waits => {
                    self.mailbox.push_front(deliver);
                    waits = true;
                    break;
                }
            }
        }
        if let Some(mailbox) = stored {
            work.request(Request::Frame(ClientFrame::Ack(Ack { mailbox }).to_bytes()));
        }
        // After a full round the rest follows in the next handling.
        self.mailbox_goes_on = !waits && !self.mailbox.is_empty();
        Ok(())
    }

    fn take(&mut self, work: &mut Work<'_>, deliver: &Deliver) -> Result<Taken, ReadError> {
        match &deliver.item {
            Item::Message(message) => self.take_message(work, deliver, message),
            Item::Control(from) => self.take_control(work, deliver, *from, false),
            Item::Receipt(from) => self.take_control(work, deliver, *from, true),
        }
    }

    fn take_message(
        &mut self,
        work: &mut Work<'_>,
        deliver: &Deliver,
        message: &DirectMessage,
    ) -> Result<Taken, ReadError> {
        let known = work.find_message(deliver.id)?;
        if known.as_ref().is_some_and(|row| !row.body.is_closed()) {
            return Ok(Taken::Done);
        }
        let own = work.own()?;
        let Some(mut state) = self.room_of(work, message.room)? else {
            return Ok(Taken::Waits);
        };
        let from = sender_of(message, own.account, state.peer);
        let is_another = |row: &MessageRow| {
            (row.room, row.author, row.device) != (message.room, from.account, from.device)
        };
        if known.as_ref().is_some_and(is_another) {
            // Under the id of a message that stays closed; it does not take that one's place.
            return Ok(Taken::Done);
        }
        // Of somebody whom the person blocked nothing is stored. It is opened all the same, so that session and chain
        // of messages go on should they be heard again.
        let drops = work.blocks(from.account)?;
        match self.open_message(work, &own, &state, deliver, message, from)? {
            Keyed::Waits => return Ok(Taken::Waits),
            Keyed::Revoked => {}
            Keyed::Opened(content, hash) if drops => {
                state.place(from, content.counter, content.previous, hash, deliver.id);
                state.note_placed(from, message.sequence);
            }
            Keyed::Closed | Keyed::Untried if drops => {}
            Keyed::Opened(content, hash) => {
                self.show_opened(work, &mut state, from, deliver.id, message, (*content, hash))?;
            }
            Keyed::Closed => {
                let parked = Parked::new(deliver.id, message.clone());
                self.show_closed(work, &own, from, parked)?;
            }
            Keyed::Untried => {
                let mut parked = Parked::new(deliver.id, message.clone());
                parked.untried = Some(Untried {
                    mailbox: deliver.mailbox,
                    pairwise: deliver.pairwise.clone(),
                });
                self.show_closed(work, &own, from, parked)?;
            }
        }
        state.apply(message.sequence);
        if from.account == own.account && !state.wrote {
            state.wrote = true;
            self.stands_otherwise(work);
        }
        if state.has_gap() {
            self.moved.insert(message.room, message.sequence);
        }
        let history_from = state.history_from;
        state.came_here(message.sequence);
        work.put_room_state(message.room, &state);
        let row = work.find_message(deliver.id)?;
        let shown = !drops && row.is_none_or(|row| row.is_shown());
        if known.is_none()
            && let Some(mut room) = work.find_room(message.room)?
        {
            if shown {
                room.active_at = room.active_at.max(message.time);
            }
            if history_from == Some(room.read_up_to) {
                // It came before this device's first welcome, and nobody has read it.
                room.read_up_to = state.history_from.unwrap_or(room.read_up_to);
            }
            work.put_room(room);
        }
        Ok(Taken::Done)
    }

    /// A parked message that was never tried has all it needs now.
    pub(crate) fn take_parked(&mut self, work: &mut Work<'_>, deliver: &Deliver) -> Result<(), ReadError> {
        if let Item::Message(message) = &deliver.item {
            self.take_message(work, deliver, message)?;
        }
        Ok(())
    }

    /// A message was opened. It takes its place in its device's chain of messages and in the room, where a
    /// placeholder may stand for it.
    pub(crate) fn show_opened(
        &mut self,
        work: &mut Work<'_>,
        state: &mut RoomState,
        from: DeviceAddress,
        id: EnvelopeId,
        message: &DirectMessage,
        (content, hash): (Content, Hash),
    ) -> Result<(), ReadError> {
        let placeholder = work.find_message(id)?;
        let (place, missing_more) = if placeholder.is_some() {
            let explained = work.parked(id)?.and_then(|parked| parked.explained);
            let link = (content.counter, content.previous, hash);
            state.place_opened_later(from, link, (id, message.sequence), explained)
        } else {
            (
                state.place(from, content.counter, content.previous, hash, id),
                None,
            )
        };
        state.note_placed(from, message.sequence);
        work.unpark(id);
        let mut missing_before = 0;
        match place {
            Place::Next => {}
            Place::AfterGap(missing) => missing_before = missing,
            Place::Late(shown_before) => {
                if let Some(mut row) = work.find_message(shown_before)? {
                    row.missing_before = row.missing_before.saturating_sub(1);
                    work.put_message(row);
                }
            }
        }
        if let Some(shown_before) = missing_more
            && let Some(mut row) = work.find_message(shown_before)?
        {
            row.missing_before = row.missing_before.saturating_add(1);
            work.put_message(row);
        }
        let mine = from.account == work.own()?.account;
        let mut row = MessageRow {
            missing_before,
            body: body_of(content.body, message),
            ..row_of(work, from, id, message, mine)?
        };
        if let Some(placeholder) = placeholder {
            row.sequence = placeholder.sequence;
            row.delivery = placeholder.delivery;
        }
        let row = work.take_in(row, false)?;
        if !mine && row.body.is_shown() {
            self.owe_delivered(work, message.room, id)?;
            work.show(Event::Arrived {
                room: message.room.to_string(),
                message: id.to_string(),
                request: !work.acquaintance(from.account)?.accepted,
            });
        } else if !mine {
            work.show_annotated(&row)?;
        }
        Ok(())
    }

    /// A message stays closed: a placeholder stands for it, and where there is hope for it, it is parked.
    fn show_closed(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        from: DeviceAddress,
        parked: Parked,
    ) -> Result<(), ReadError> {
        if from == own.address() && !work.was_restored()? {
            // Everything that this device sent is here. What it did not send, the server made up.
            return Ok(());
        }
        let body = if from == own.address() {
            MessageBody::Lost(Loss::SentHere)
        } else if self.is_revoked(work, from)? {
            // Nobody is left to repeat its key.
            MessageBody::Lost(Loss::TooOld)
        } else if parked.is_over(work.now) || is_far_ahead(parked.id, work.now) {
            MessageBody::Lost(Loss::TooOld)
        } else {
            MessageBody::Unopened
        };
        if work.was_cleared(parked.message.room, Some(parked.message.sequence))? {
            return Ok(());
        }
        let known = work.find_message(parked.id)?;
        if known
            .as_ref()
            .is_some_and(|row| row.body != MessageBody::Unopened)
        {
            return Ok(());
        }
        if known.is_none() {
            let mine = from.account == own.account;
            let row = MessageRow {
                body: body.clone(),
                ..row_of(work, from, parked.id, &parked.message, mine)?
            };
            work.put_message(row);
        }
        if body == MessageBody::Unopened {
            work.park(parked)?;
            self.repair_soon(work.now);
        }
        Ok(())
    }

    /// The record of a room that a message came for; asks for what is not known yet.
    pub(crate) fn room_of(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
    ) -> Result<Option<RoomState>, ReadError> {
        if let Some(state) = work.room_state(room)? {
            return Ok(Some(state));
        }
        let Some(peer) = self.rooms_of_strangers.get(&room).copied() else {
            self.need(work, Need::Room(room))?;
            return Ok(None);
        };
        let Some(person) = self.person(work, peer)? else {
            self.need(work, Need::Person(peer))?;
            return Ok(None);
        };
        work.ensure_room(room, peer, &person.username, true)?;
        self.rooms_of_strangers.remove(&room);
        work.room_state(room)
    }

    fn open_message(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        state: &RoomState,
        deliver: &Deliver,
        message: &DirectMessage,
        from: DeviceAddress,
    ) -> Result<Keyed, ReadError> {
        for account in [own.account, state.peer] {
            if self.person(work, account)?.is_none() {
                self.need(work, Need::Person(account))?;
                return Ok(Keyed::Waits);
            }
        }
        let Some(heads) = self.heads_of(work, own.account, state.peer, message.heads)? else {
            // The sender saw a longer chain than is known here. A server that does not show it holds the
            // message up; after one answer without it the message is parked.
            let peer = self.person(work, state.peer)?;
            let named = head_of(message.heads, state.peer, own.account);
            let is_peers = peer.is_some_and(|peer| peer.chain.head() < named);
            return self.longer_chain(work, if is_peers { state.peer } else { own.account });
        };
        let remote = match self.author(work, from, own.account, state.peer, message.heads)? {
            // Too late: nothing is left to open it with.
            Standing::Spoke(_) if work.is_forgotten(from)? => return Ok(Keyed::Closed),
            Standing::Spoke(remote) => remote,
            Standing::Revoked => return Ok(Keyed::Revoked),
            Standing::Unknown => return self.longer_chain(work, from.account),
        };

        let binding = key_context(message.room, deliver.id, from, own.address());
        let opened = work.open_pairwise(
            own,
            &remote,
            from,
            Purpose::MessageKey,
            &binding,
            deliver.pairwise.as_slice(),
        )?;
        let payload = match opened {
            Ok(payload) => payload,
            Err(refusal) => {
                if refusal.wants_fresh_session() {
                    self.wants_fresh_session(work, from)?;
                }
                return Ok(Keyed::Closed);
            }
        };
        let key = KeyAndHash::from_slice(&payload);
        let opened = key
            .as_ref()
            .and_then(|key| heads.open_body(deliver.id, message, from, key));
        if let (Some(key), Some(_)) = (&key, &opened)
            && !work.blocks(from.account)?
        {
            self.record_message(work, (message.room, message.sequence), (from, deliver.id), key)?;
        }
        Ok(match opened {
            Some((content, hash)) => Keyed::Opened(Box::new(content), hash),
            None => Keyed::Closed,
        })
    }

    /// The heads that a message names, if the chains known here have them.
    pub(crate) fn heads_of(
        &mut self,
        work: &Work<'_>,
        own: AccountId,
        peer: AccountId,
        heads: Heads,
    ) -> Result<Option<KnownHeads>, ReadError> {
        let (low, high) = in_order(own, peer);
        let (Some(low), Some(high)) = (self.person(work, low)?, self.person(work, high)?) else {
            return Ok(None);
        };
        let (low, high) = (low.chain.hash_at(heads.low), high.chain.hash_at(heads.high));
        Ok(low.zip(high).map(|(low, high)| KnownHeads { heads, low, high }))
    }

    /// How a device stood to its account when the chain ended with the head that its message names.
    pub(crate) fn author(
        &mut self,
        work: &Work<'_>,
        from: DeviceAddress,
        own: AccountId,
        peer: AccountId,
        heads: Heads,
    ) -> Result<Standing, ReadError> {
        let other = if from.account == own { peer } else { own };
        let head = head_of(heads, from.account, other);
        let Some(person) = self.person(work, from.account)? else {
            return Ok(Standing::Unknown);
        };
        let was_there = |device: &Device| device.added <= head && head <= person.chain.head();
        Ok(match remote_at(&person.chain, from.device, head) {
            Some(remote) => Standing::Spoke(Box::new(remote)),
            None if person.chain.known_device(from.device).is_some_and(was_there) => Standing::Revoked,
            None => Standing::Unknown,
        })
    }

    /// True for a device that its account's chain knows and that does not speak for it any more.
    fn is_revoked(&mut self, work: &Work<'_>, from: DeviceAddress) -> Result<bool, ReadError> {
        let person = self.person(work, from.account)?;
        let device = person.and_then(|person| person.chain.known_device(from.device).copied());
        Ok(device.is_some_and(|device| !device.is_active()))
    }

    fn longer_chain(&mut self, work: &mut Work<'_>, account: AccountId) -> Result<Keyed, ReadError> {
        let need = if self.person(work, account)?.is_some() {
            Need::Entries(account)
        } else {
            Need::Person(account)
        };
        if self.longer_chains_asked.insert(account) {
            self.needs.remove(&need);
            self.need(work, need)?;
            return Ok(Keyed::Waits);
        }
        if self.needs.get(&need) == Some(&NeedState::Running) {
            return Ok(Keyed::Waits);
        }
        Ok(Keyed::Untried)
    }

    fn take_control(
        &mut self,
        work: &mut Work<'_>,
        deliver: &Deliver,
        from: DeviceAddress,
        is_receipt: bool,
    ) -> Result<Taken, ReadError> {
        if deliver.mailbox <= work.counters()?.taken() {
            // Delivered again before the server kept the acknowledgement. Messages are known by their id;
            // opening a control payload twice would look like a broken session.
            return Ok(Taken::Done);
        }
        let own = work.own()?;
        let is_stranger =
            !work.acquaintance(from.account)?.accepted && !self.shares_a_place(work, from.account)?;
        if is_stranger && self.a_place_is_on_its_way() {
            // Whoever has just let this account in may say so before the place is here.
            return Ok(Taken::Waits);
        }
        if is_stranger {
            // Of somebody whom the person never wrote to nor accepted. Looking them up, or beginning anew with them
            // because they send noise, would tell them that this device is there.
            return Ok(Taken::Done);
        }
        if self.person(work, from.account)?.is_none() {
            self.need(work, Need::Person(from.account))?;
            return Ok(Taken::Waits);
        }
        let Some(remote) = self.remote(work, from)? else {
            if self.is_revoked(work, from)? {
                return Ok(Taken::Done);
            }
            return Ok(match self.longer_chain(work, from.account)? {
                Keyed::Waits => Taken::Waits,
                _ => Taken::Done,
            });
        };
        let binding = control_context(deliver.id, from, own.address());
        let opened = work.open_pairwise(
            &own,
            &remote,
            from,
            Purpose::Control,
            &binding,
            deliver.pairwise.as_slice(),
        )?;
        match opened {
            Ok(padded) => {
                if let Ok(payload) = unpad(&padded)
                    && let Ok(control) = minicbor::decode::<Control>(payload)
                {
                    match control {
                        Control::Receipt(receipt) if is_receipt => {
                            self.take_receipt(work, from.account, &receipt)?;
                        }
                        // Of what the server took for something else, it could not hold anybody to their choice.
                        Control::Receipt(_) => {}
                        _ if is_receipt => {}
                        Control::SessionStart(names) => {
                            work.session_started(from)?;
                            self.take_request(work, from, &names.unwrap_or_default())?;
                        }
                        Control::Repeat(repeat) => self.take_repeat(work, from, repeat)?,
                        Control::SenderKey(bytes) => self.take_sender_key(work, from, &bytes.0)?,
                        Control::SenderKeyWanted(room, chains) => {
                            self.take_sender_key_wanted(work, from, room, &chains)?;
                        }
                        Control::Seeds(room, seeds) => self.take_seeds(work, from, room, seeds)?,
                        Control::PlaceKeys(place, head, keys) => {
                            self.take_place_keys(work, from, place, head, &keys)?;
                        }
                        Control::PlaceKeysWanted(place, head) => {
                            self.take_place_keys_wanted(work, from, place, head)?;
                        }
                        // What own devices tell each other is nobody else's to say.
                        _ if from.account != own.account => {}
                        Control::Seen(seen) => self.take_seen(work, &seen)?,
                        Control::DeviceNamed(named) => self.take_device_name(work, &named)?,
                        Control::VaultKey(generation, key) => {
                            self.take_vault_key(work, generation, &key.0)?;
                        }
                        Control::Removed(ids) => self.take_removed(work, &ids)?,
                        Control::Marked(mark) => self.take_mark(work, &mark)?,
                        Control::UserStore(entries) => self.hear_set(work, entries)?,
                    }
                }
            }
            Err(refusal) => {
                if refusal.wants_fresh_session() {
                    self.wants_fresh_session(work, from)?;
                }
            }
        }
        Ok(Taken::Done)
    }

    /// The mailbox was delivered whole.
    pub(crate) fn drained(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if matches!(self.link, crate::connection::Link::CatchingUp) {
            self.link = crate::connection::Link::Online;
        }
        self.presence_online(work)?;
        self.repair_soon(work.now);
        self.vault_connected(work.now);
        self.posting_connected(work.now);
        self.forget_due = Some(work.now);
        self.daily_due = Some(work.now);
        work.drop_replaced_prekeys()
    }

    /// Where the server has more in a room than the mailbox brought, the envelopes are fetched: what cannot be
    /// opened then shows as a placeholder instead of nothing.
    pub(crate) fn fill_gaps(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if !matches!(self.link, crate::connection::Link::Online) || !self.mailbox.is_empty() {
            return Ok(());
        }
        for (room, head) in self.moved.clone() {
            // An own message on its way fills its place when it is accepted.
            if self.sends_in_flight(room) {
                continue;
            }
            if self.place_of(work, room)?.is_some() {
                if !self.fill_place_gap(work, room, head)? {
                    self.moved.remove(&room);
                }
                continue;
            }
            match work.room_state(room)? {
                Some(state) if state.cursor < head => self.need(work, Need::Envelopes(room))?,
                // A room of the account from before this device was one of its devices.
                None if work.joins_at(room)?.is_some() => {
                    if self.needs.len() < ROOMS_AT_ONCE {
                        self.room_of(work, room)?;
                    }
                }
                _ => {
                    self.moved.remove(&room);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn needed_envelopes(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        page: EnvelopesPage,
    ) -> Result<(), ReadError> {
        if let Some(flow) = work.place_room(room)? {
            return self.take_place_page(work, room, flow, page);
        }
        let Some(mut state) = work.room_state(room)? else {
            return Ok(());
        };
        let own = work.own()?;
        let mut reached = state.cursor;
        for envelope in page.envelopes {
            if envelope.sequence <= reached {
                continue;
            }
            reached = envelope.sequence;
            if work.find_message(envelope.id)?.is_some() {
                continue;
            }
            let from = DeviceAddress {
                account: envelope.account,
                device: envelope.device,
            };
            let (low, high) = in_order(own.account, state.peer);
            let side = match envelope.account {
                account if account == low => Side::Low,
                account if account == high => Side::High,
                // Of somebody who is not in the room: the server's word alone puts nobody there.
                _ => continue,
            };
            // Every message of a direct room names both chains.
            let Some((low, high)) = envelope.heads else {
                continue;
            };
            let heads = Heads { low, high };
            if let Standing::Revoked = self.author(work, from, own.account, state.peer, heads)? {
                continue;
            }
            if work.blocks(from.account)? {
                continue;
            }
            if from.account == own.account && !state.wrote {
                state.wrote = true;
                self.stands_otherwise(work);
            }
            let explained = state.explain_missing(from, envelope.sequence);
            if let Some(explained) = explained
                && let Some(mut row) = work.find_message(explained.shown_before)?
            {
                row.missing_before = row.missing_before.saturating_sub(1);
                work.put_message(row);
            }
            let message = DirectMessage {
                room,
                sequence: envelope.sequence,
                side,
                device: envelope.device,
                time: Timestamp(envelope.received_at),
                class: envelope.class,
                heads,
                target: envelope.target,
                body: envelope.body,
            };
            let parked = Parked {
                explained,
                ..Parked::new(envelope.id, message)
            };
            self.show_closed(work, &own, from, parked)?;
        }
        if reached == state.cursor {
            // A page that brings nothing ends the gap as well: the server has no more than this.
            self.moved.remove(&room);
            reached = page.head;
        }
        state.apply_up_to(reached);
        work.put_room_state(room, &state);
        Ok(())
    }

    /// The server finally refuses something that was needed: what waits for it does not wait any longer.
    pub(crate) fn need_refused(&mut self, work: &mut Work<'_>, need: Need) -> Result<(), ReadError> {
        match need {
            Need::Person(_) | Need::Room(_) => {
                if let Need::Room(room) = need {
                    self.moved.remove(&room);
                }
                let Some(deliver) = self.mailbox.front() else {
                    return Ok(());
                };
                let waits = match (&deliver.item, need) {
                    (Item::Message(message), Need::Room(room)) => message.room == room,
                    (Item::Message(message), Need::Person(account)) => {
                        self.rooms_of_strangers.get(&message.room) == Some(&account)
                    }
                    (Item::Control(from) | Item::Receipt(from), Need::Person(account)) => {
                        from.account == account
                    }
                    _ => false,
                };
                if waits && let Some(deliver) = self.mailbox.pop_front() {
                    if let Item::Message(message) = deliver.item {
                        let mut parked = Parked::new(deliver.id, message);
                        parked.untried = Some(Untried {
                            mailbox: deliver.mailbox,
                            pairwise: deliver.pairwise,
                        });
                        if !is_far_ahead(parked.id, work.now) {
                            work.park(parked)?;
                        }
                    }
                    let mut counters = work.counters()?;
                    counters.take(deliver.mailbox);
                    work.put_counters(&counters);
                    let ack = Ack {
                        mailbox: deliver.mailbox,
                    };
                    work.request(Request::Frame(ClientFrame::Ack(ack).to_bytes()));
                }
                Ok(())
            }
            Need::OpenRoom(room) => self.fail_room(work, room, ErrorCode::UnknownPerson),
            Need::Entries(account) => self.entries_ended(work, account),
            Need::Bundle(_)
            | Need::FreshBundle(_)
            | Need::Envelopes(_)
            | Need::Prekeys
            | Need::Places
            | Need::Named(_) => Ok(()),
            Need::PlaceEntries(place) => self.place_not_shown(work, place),
            Need::Vault(vault) => self.vault_refused(work, vault),
            Need::Past(room) => self.past_refused(work, room),
        }
    }
}

/// What a row says of a content. One whose seal says something else than its envelope is refused.
pub(crate) fn body_of(body: Body, message: &DirectMessage) -> MessageBody {
    body_in(body, message.class, message.target)
}

/// As [`body_of`], of an envelope of any room.
pub(crate) fn body_in(body: Body, class: Class, target: Option<EnvelopeId>) -> MessageBody {
    if body.class() != class || body.class() == Class::Annotation && body.target() != target {
        return MessageBody::Removed;
    }
    match body {
        Body::Text(text) => MessageBody::Text(text),
        Body::Poll(poll) => MessageBody::Poll(poll),
        Body::Timer { revision, seconds } => MessageBody::Timer(revision, seconds),
        Body::Annotation(annotation) => MessageBody::Annotation(annotation),
        Body::Unsupported => MessageBody::Unsupported,
    }
}

impl Work<'_> {
    /// A message was opened: its row is written, and what belongs together is brought together.
    pub(crate) fn take_in(&mut self, mut row: MessageRow, is_history: bool) -> Result<MessageRow, ReadError> {
        row.counts &= row.body.is_news();
        if self.was_removed(row.id)? || self.was_cleared(row.room, row.sequence)? {
            row.remove();
        }
        let read = match (self.find_room(row.room)?, row.sequence) {
            (Some(room), Some(sequence)) => sequence <= room.read_up_to,
            _ => false,
        };
        if row.mine || read {
            let from = began_before(&row, is_history, self.now);
            row.body.starts_to_disappear(from);
        }
        if row.body.expires_at().is_some_and(|at| at <= self.now) {
            row.remove();
        }
        self.take_timer(&row)?;
        self.put_message(row.clone());
        self.settle(&row)?;
        Ok(row)
    }

    /// Tells what somebody else did to a message, where it is shown and they may.
    pub(crate) fn show_annotated(&mut self, row: &MessageRow) -> Result<(), ReadError> {
        let Some(annotation) = row.body.annotation() else {
            return Ok(());
        };
        let Some(target) = self.find_message(annotation.target)? else {
            return Ok(());
        };
        let deletes = annotation.act == Act::Delete && matches!(target.body, MessageBody::Deleted(_));
        if target.room != row.room || !(deletes || self.is_allowed(&target, row.author, &annotation.act)?) {
            return Ok(());
        }
        let by = PersonView {
            account: row.author.to_string(),
            username: self.username_of(row.author)?.unwrap_or_default(),
        };
        let what = match &annotation.act {
            Act::Edit(_) => AnnotationView::Edited,
            Act::Delete => AnnotationView::Deleted,
            Act::React(emoji, on) => AnnotationView::Reacted {
                emoji: emoji.clone(),
                on: *on,
            },
            Act::Pin(on) => AnnotationView::Pinned { on: *on },
            Act::Vote(_) => AnnotationView::Voted,
            Act::Close => AnnotationView::PollClosed,
        };
        self.show(Event::Annotated {
            room: row.room.to_string(),
            message: annotation.target.to_string(),
            by,
            what,
        });
        Ok(())
    }
}

/// A row for a message that has just come, but for what it says.
pub(crate) fn row_of(
    work: &mut Work<'_>,
    from: DeviceAddress,
    id: EnvelopeId,
    message: &DirectMessage,
    mine: bool,
) -> Result<MessageRow, ReadError> {
    Ok(MessageRow {
        id,
        room: message.room,
        sequence: Some(message.sequence),
        ordinal: work.next_ordinal()?,
        author: from.account,
        device: from.device,
        mine,
        sent_at: id.time(),
        counts: message.class == Class::Message,
        delivery: if mine { Delivery::Sent } else { Delivery::Received },
        missing_before: 0,
        body: MessageBody::Unopened,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::testing::{EmptyStore, rng, signed_up};
    use conclave_protocol::frames::Welcome;
    use conclave_protocol::{Bytes, DeviceId};

    #[test]
    fn a_message_that_the_server_puts_into_this_devices_mouth_is_not_shown() {
        let mut rng = rng();
        let now = Timestamp(1_800_000_000_000);
        let mut work = Work::new(&EmptyStore, &mut rng, now);
        let account = AccountId([1; 32]);
        signed_up(&mut work, account);
        let own = work.own().unwrap();
        let id = EnvelopeId::new(now, [9; 10]);
        let message = DirectMessage {
            room: RoomId::direct(account, AccountId([2; 32])),
            sequence: 4,
            side: Side::Low,
            device: DeviceId(0),
            time: now,
            class: Class::Message,
            heads: Heads { low: 0, high: 0 },
            target: None,
            body: Bytes(vec![1; 112]),
        };
        let mut engine = Engine::new(true);
        let mut shown = |work: &mut Work<'_>| {
            let parked = Parked::new(id, message.clone());
            engine.show_closed(work, &own, own.address(), parked).unwrap();
            work.find_message(id).unwrap().map(|row| row.body)
        };
        assert_eq!(shown(&mut work), None);

        let welcome = Welcome {
            time: now,
            moved: Vec::new(),
            last_accepted: Some(id),
            one_time_prekeys: 0,
            acknowledged: 0,
            head: None,
            restore: None,
            server_key: None,
        };
        Engine::new(true)
            .notice_restored_copy(&mut work, &welcome)
            .unwrap();
        assert_eq!(shown(&mut work), Some(MessageBody::Lost(Loss::SentHere)));
    }
}
