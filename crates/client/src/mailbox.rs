//! What arrives: each mailbox message is opened, stored and acknowledged, in order, once.
//!
//! What cannot be opened is parked and shown as a calm placeholder; it never holds up what comes behind it.

use conclave_crypto::{ContentKey, Purpose, hashes_equal, message_hash, open_content, unpad};
use conclave_protocol::frames::{Ack, Class, ClientFrame, Deliver, DirectMessage, Item, Side};
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::{DeviceAddress, ErrorCode, Hash, RoomId};
use conclave_sigchain::AccountChain;

use crate::calls::{Need, NeedState};
use crate::changes::Table;
use crate::content::{Body, Content, Control, MessageContext, control_context, in_order, key_context};
use crate::effects::Request;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::rooms::{Place, RoomState};
use crate::rows::{Delivery, MessageBody, MessageRow};
use crate::views::Event;
use crate::work::Work;

/// Mailbox messages taken in one handling, so that a long absence does not block what a person does.
const ROUND: usize = 64;
/// Messages kept that could not be opened; beyond that the oldest are dropped.
const PARKED_MAX: u32 = 1_000;

/// What came of one mailbox message.
enum Taken {
    /// It is stored, or there is nothing to store.
    Done,
    /// Something is missing that was asked for; it stays at the head.
    Waits,
}

/// What an opened body says, or that it stays closed.
enum Opened {
    Content(Content, Hash),
    Closed,
    /// Chains have to be fetched first.
    Waits,
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
                    counters.acknowledged = counters.acknowledged.max(deliver.mailbox);
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
            Item::Control(from) => self.take_control(work, deliver, *from),
        }
    }

    fn take_message(
        &mut self,
        work: &mut Work<'_>,
        deliver: &Deliver,
        message: &DirectMessage,
    ) -> Result<Taken, ReadError> {
        if work
            .find_message(deliver.id)?
            .is_some_and(|row| row.body != MessageBody::Unopened)
        {
            return Ok(Taken::Done);
        }
        let own = work.own()?;
        let Some(mut state) = self.room_of(work, message.room)? else {
            return Ok(Taken::Waits);
        };
        let (low, high) = in_order(own.account, state.peer);
        let account = match message.side {
            Side::Low => low,
            Side::High => high,
        };
        let from = DeviceAddress {
            account,
            device: message.device,
        };
        let opened = match self.open_message(work, &own, &state, deliver, message, from)? {
            Opened::Waits => return Ok(Taken::Waits),
            opened => opened,
        };

        let mut missing_before = 0;
        let body = match opened {
            Opened::Content(content, hash) => {
                match state.place(from, content.counter, content.previous, hash, deliver.id) {
                    Place::Next => {}
                    Place::AfterGap(missing) => missing_before = missing,
                    Place::Late(shown_before) => {
                        if let Some(mut row) = work.find_message(shown_before)? {
                            row.missing_before = row.missing_before.saturating_sub(1);
                            work.put_message(row);
                        }
                    }
                }
                match content.body {
                    Body::Text(text) => MessageBody::Text(text),
                    Body::Unsupported => MessageBody::Unsupported,
                }
            }
            Opened::Closed | Opened::Waits => {
                park(work, deliver)?;
                MessageBody::Unopened
            }
        };
        state.apply(message.sequence);
        if state.has_gap() {
            self.moved.insert(message.room, message.sequence);
        }
        work.put_room_state(message.room, &state);
        let mine = account == own.account;
        let ordinal = work.next_ordinal()?;
        let arrived = body != MessageBody::Unopened;
        work.put_message(MessageRow {
            id: deliver.id,
            room: message.room,
            sequence: Some(message.sequence),
            ordinal,
            author: account,
            device: message.device,
            mine,
            sent_at: deliver.id.time(),
            counts: message.class == Class::Message,
            delivery: if mine { Delivery::Sent } else { Delivery::Received },
            missing_before,
            body,
        });
        if let Some(mut room) = work.find_room(message.room)? {
            room.active_at = room.active_at.max(message.time);
            work.put_room(room);
        }
        if !mine && arrived {
            self.owe_delivered(work, message.room, deliver.id)?;
            work.show(Event::Arrived {
                room: message.room.to_string(),
                message: deliver.id.to_string(),
            });
        }
        Ok(Taken::Done)
    }

    /// The record of a room that a message came for; asks for what is not known yet.
    fn room_of(&mut self, work: &mut Work<'_>, room: RoomId) -> Result<Option<RoomState>, ReadError> {
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
    ) -> Result<Opened, ReadError> {
        let (Some(me), Some(peer)) = (self.person(work, own.account)?, self.person(work, state.peer)?) else {
            self.need(work, Need::Person(state.peer))?;
            return Ok(Opened::Waits);
        };
        let (low, _) = in_order(own.account, state.peer);
        let (low_chain, high_chain): (&AccountChain, &AccountChain) = if low == own.account {
            (&me.chain, &peer.chain)
        } else {
            (&peer.chain, &me.chain)
        };
        let heads = message.heads;
        let (Some(low_head), Some(high_head)) =
            (low_chain.hash_at(heads.low), high_chain.hash_at(heads.high))
        else {
            // The sender saw a longer chain than is known here. A server that does not show it holds the
            // message up; after one answer without it the message is parked.
            return self.longer_chain(work, state.peer);
        };
        let Some(remote) = self.remote(work, from)? else {
            return self.longer_chain(work, from.account);
        };

        let binding = key_context(message.room, deliver.id, from, own.address());
        let payload = match work.open_pairwise(
            own,
            &remote,
            from,
            Purpose::MessageKey,
            &binding,
            deliver.pairwise.as_slice(),
        )? {
            Ok(payload) => payload,
            Err(refusal) => {
                if refusal.wants_fresh_session() {
                    self.offer_fresh_session(work, from)?;
                }
                return Ok(Opened::Closed);
            }
        };
        let Some((key, hash)) = payload.split_at_checked(32) else {
            return Ok(Opened::Closed);
        };
        let (Ok(key), Ok(hash)) = (<&[u8; 32]>::try_from(key), <&[u8; 32]>::try_from(hash)) else {
            return Ok(Opened::Closed);
        };
        let context = MessageContext {
            room: message.room,
            heads,
            low_head,
            high_head,
            sender: from,
            id: deliver.id,
            class: message.class,
            target: message.target,
        }
        .to_bytes();
        let sealed = message.body.as_slice();
        if !hashes_equal(hash, &message_hash(sealed, &context)) {
            return Ok(Opened::Closed);
        }
        let opened = open_content(&ContentKey::from_bytes(key), &context, sealed);
        Ok(
            match opened.ok().and_then(|bytes| Content::from_bytes(&bytes).ok()) {
                Some(content) => Opened::Content(content, Hash(*hash)),
                None => Opened::Closed,
            },
        )
    }

    fn longer_chain(
        &mut self,
        work: &mut Work<'_>,
        account: conclave_protocol::AccountId,
    ) -> Result<Opened, ReadError> {
        let need = Need::Person(account);
        if self.longer_chains_asked.insert(account) {
            self.needs.remove(&need);
            self.need(work, need)?;
            return Ok(Opened::Waits);
        }
        if self.needs.get(&need) == Some(&NeedState::Running) {
            return Ok(Opened::Waits);
        }
        Ok(Opened::Closed)
    }

    fn take_control(
        &mut self,
        work: &mut Work<'_>,
        deliver: &Deliver,
        from: DeviceAddress,
    ) -> Result<Taken, ReadError> {
        if deliver.mailbox <= work.counters()?.acknowledged {
            // Delivered again before the server kept the acknowledgement. Messages are known by their id;
            // opening a control payload twice would look like a broken session.
            return Ok(Taken::Done);
        }
        let own = work.own()?;
        if self.person(work, from.account)?.is_none() {
            self.need(work, Need::Person(from.account))?;
            return Ok(Taken::Waits);
        }
        let Some(remote) = self.remote(work, from)? else {
            return Ok(match self.longer_chain(work, from.account)? {
                Opened::Waits => Taken::Waits,
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
                        Control::Receipt(receipt) => self.take_receipt(work, from.account, &receipt)?,
                        Control::SessionStart => work.abandon_unanswered(from)?,
                    }
                }
            }
            Err(refusal) => {
                if refusal.wants_fresh_session() {
                    self.offer_fresh_session(work, from)?;
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
        work.tidy_sessions()?;
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
            match work.room_state(room)? {
                Some(state) if state.cursor < head => self.need(work, Need::Envelopes(room))?,
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
            let mine = envelope.account == own.account;
            let from = DeviceAddress {
                account: envelope.account,
                device: envelope.device,
            };
            if let Some(counted_in) = state.explain_missing(from)
                && let Some(mut row) = work.find_message(counted_in)?
            {
                row.missing_before = row.missing_before.saturating_sub(1);
                work.put_message(row);
            }
            let ordinal = work.next_ordinal()?;
            work.put_message(MessageRow {
                id: envelope.id,
                room,
                sequence: Some(envelope.sequence),
                ordinal,
                author: envelope.account,
                device: envelope.device,
                mine,
                sent_at: envelope.id.time(),
                counts: envelope.class == Class::Message,
                delivery: if mine { Delivery::Sent } else { Delivery::Received },
                missing_before: 0,
                body: MessageBody::Unopened,
            });
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
                let Some(deliver) = self.mailbox.front() else {
                    return Ok(());
                };
                let waits = match (&deliver.item, need) {
                    (Item::Message(message), Need::Room(room)) => message.room == room,
                    (Item::Message(message), Need::Person(account)) => {
                        self.rooms_of_strangers.get(&message.room) == Some(&account)
                    }
                    (Item::Control(from), Need::Person(account)) => from.account == account,
                    _ => false,
                };
                if waits && let Some(deliver) = self.mailbox.pop_front() {
                    park(work, &deliver)?;
                    let mut counters = work.counters()?;
                    counters.acknowledged = counters.acknowledged.max(deliver.mailbox);
                    work.put_counters(&counters);
                    let ack = Ack {
                        mailbox: deliver.mailbox,
                    };
                    work.request(Request::Frame(ClientFrame::Ack(ack).to_bytes()));
                }
                Ok(())
            }
            Need::OpenRoom(room) => self.fail_room(work, room, ErrorCode::UnknownPerson),
            Need::Bundle(_) | Need::FreshBundle(_) | Need::Envelopes(_) | Need::Prekeys => Ok(()),
        }
    }
}

/// Keeps a mailbox message that could not be opened, so that nothing is lost by acknowledging it.
fn park(work: &mut Work<'_>, deliver: &Deliver) -> Result<(), ReadError> {
    let parked = work.list_bytes(Table::Parked, &[], PARKED_MAX.saturating_add(1))?;
    if parked.len() >= usize::try_from(PARKED_MAX).unwrap_or(usize::MAX)
        && let Some((oldest, _)) = parked.first()
    {
        work.delete(Table::Parked, oldest);
    }
    work.put(Table::Parked, &deliver.mailbox.to_be_bytes(), deliver);
    Ok(())
}
