//! Sealed receipts: what this device stored and what its person has seen, told to the author's devices only.
//!
//! They are gathered and sent after a short random while, never in answer to something unknown, so that they
//! say as little as possible about when somebody is there.

use conclave_protocol::{AccountId, EnvelopeId, RoomId};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::codec;
use crate::connection::Link;
use crate::content::{Control, ReadUpTo, Receipt, Seen};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::rows::Delivery;
use crate::views::Outcome;
use crate::work::Work;

/// Receipts wait at least this long for company.
const GATHER_MS: u64 = 250;
/// Each further device of an account waits so much longer.
const TURN_MS: u64 = 1_500;
/// And no further device than this one longer.
const TURNS_MAX: u64 = 3;
/// Messages named in one receipt, so that it fits one pairwise message.
pub(crate) const RECEIPT_MAX: usize = 100;
/// Rooms named to own devices beside as many messages: together they fit one pairwise message.
pub(crate) const READS_MAX: usize = 10;

/// What is owed to others and to the own devices for one room.
#[derive(Default, Encode, Decode)]
#[cbor(array)]
struct Owed {
    /// As in [`Receipt`].
    #[n(0)]
    delivered: Vec<EnvelopeId>,
    /// As in [`Receipt`].
    #[n(1)]
    read: Option<EnvelopeId>,
    /// The newest message that the person has seen here, for the own devices.
    #[n(2)]
    seen: Option<EnvelopeId>,
    /// In a room of a place: the newest message that the person has seen of each author.
    #[n(3)]
    reads: Option<Vec<EnvelopeId>>,
    /// The room's sequence up to which that was: a notice stands elsewhere once more was said.
    #[n(4)]
    seen_at: Option<u64>,
}

impl Owed {
    /// Notes that the person has seen everything up to a message or notice.
    fn note_seen(&mut self, message: EnvelopeId, sequence: u64) {
        self.seen = Some(message);
        self.seen_at = Some(sequence);
    }

    /// What the own devices are told of it.
    fn read_up_to(&self, room: RoomId) -> Option<ReadUpTo> {
        self.seen.map(|message| ReadUpTo {
            room,
            message,
            sequence: self.seen_at,
        })
    }
}

impl Engine {
    /// Notes that a message was stored here.
    pub(crate) fn owe_delivered(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        id: EnvelopeId,
    ) -> Result<(), ReadError> {
        let mut owed: Owed = work.find(Table::Receipts, &room.0)?.unwrap_or_default();
        owed.delivered.push(id);
        if owed.delivered.len() > RECEIPT_MAX
            && let Some(state) = work.room_state(room)?
            && !work.acquaintance(state.peer)?.accepted
        {
            // A stranger who writes without end does not make this grow; they hear of the newest.
            owed.delivered.remove(0);
        }
        work.put(Table::Receipts, &room.0, &owed);
        self.receipts_soon(work)
    }

    pub(crate) fn mark_read(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        room: RoomId,
        message: EnvelopeId,
    ) -> Result<(), ReadError> {
        let (Some(mut row), Some(message)) = (work.find_room(room)?, work.find_message(message)?) else {
            self.fail(work, ask, Failure::unknown_room());
            return Ok(());
        };
        let own = work.own()?.account;
        if let Some(sequence) = message.place_read().filter(|_| message.room == room)
            && sequence > row.read_up_to
        {
            row.read_up_to = sequence;
            let peer = row.peer();
            work.put_room(row);
            work.start_disappearing(room, sequence)?;
            if self.place_of(work, room)?.is_some() {
                let mut owed: Owed = work.find(Table::Receipts, &room.0)?.unwrap_or_default();
                let reads = self.seen_up_to(work, room, sequence)?;
                // A notice is made on each device for itself: to the others its place in the room says enough.
                owed.note_seen(message.id, sequence);
                owed.reads.get_or_insert_default().extend(reads);
                work.put(Table::Receipts, &room.0, &owed);
                self.receipts_soon(work)?;
            } else if peer.is_some_and(|peer| peer != own) {
                let mut owed: Owed = work.find(Table::Receipts, &room.0)?.unwrap_or_default();
                if !message.mine {
                    owed.read = Some(message.id);
                }
                owed.note_seen(message.id, sequence);
                work.put(Table::Receipts, &room.0, &owed);
                self.receipts_soon(work)?;
            }
        }
        self.unmark(work, room)?;
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// The first of several devices tells others at once, the next ones later: by then they have heard that it
    /// was told.
    fn receipts_soon(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if self.receipts_due.is_none() {
            let turn = self.own_turn(work)?;
            let pause = TURN_MS.saturating_mul(turn).saturating_add(GATHER_MS);
            self.receipts_due = Some(self.jittered(work, pause));
        }
        Ok(())
    }

    /// How many devices of the account come before this one, at most [`TURNS_MAX`].
    fn own_turn(&mut self, work: &Work<'_>) -> Result<u64, ReadError> {
        let own = work.own()?;
        let person = self.person(work, own.account)?;
        let before = person.map_or(0, |person| {
            person
                .chain
                .devices()
                .take_while(|(id, _)| *id != own.device)
                .count()
        });
        Ok(u64::try_from(before).unwrap_or(TURNS_MAX).min(TURNS_MAX))
    }

    /// True where the account has other devices than this one.
    pub(crate) fn has_other_devices(&mut self, work: &Work<'_>) -> Result<bool, ReadError> {
        let person = self.person(work, work.own()?.account)?;
        Ok(person.is_some_and(|person| person.chain.devices().nth(1).is_some()))
    }

    /// Puts due receipts into the outbox.
    pub(crate) fn send_receipts(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        match self.receipts_due {
            Some(due) if due > work.now => return Ok(()),
            None if self.receipts_looked_for => return Ok(()),
            _ => {}
        }
        let shares = self.has_other_devices(work)?;
        if shares && !matches!(self.link, Link::Online) {
            // What is still to come may say that another device did it.
            return Ok(());
        }
        self.receipts_due = None;
        self.receipts_looked_for = true;
        let gives = self.gives_receipts(work)?;
        let mut seen = Seen::default();
        for (key, bytes) in work.list_bytes(Table::Receipts, &[], u32::MAX)? {
            let owed: Owed = codec::decode(&bytes, "receipt")?;
            let Ok(room) = <[u8; 32]>::try_from(key.as_slice()) else {
                work.delete(Table::Receipts, &key);
                continue;
            };
            if self.place_of(work, RoomId(room))?.is_some() {
                work.delete(Table::Receipts, &key);
                seen.told.extend(&owed.delivered);
                seen.read.extend(owed.read_up_to(RoomId(room)));
                if !gives {
                    continue;
                }
                let reads = owed.reads.unwrap_or_default();
                for (author, receipt) in Self::receipts_by_author(work, &owed.delivered, &reads)? {
                    self.enqueue_control(work, author, None, &Control::Receipt(receipt))?;
                }
                continue;
            }
            let Some(state) = work.room_state(RoomId(room))? else {
                work.delete(Table::Receipts, &key);
                continue;
            };
            let acquaintance = work.acquaintance(state.peer)?;
            if work.is_blocked(state.peer)? || !acquaintance.accepted {
                // They are told once the person has accepted who this is, or that they write at all.
                continue;
            }
            work.delete(Table::Receipts, &key);
            if state.peer == work.own()?.account {
                continue;
            }
            seen.told.extend(&owed.delivered);
            seen.read.extend(owed.read_up_to(RoomId(room)));
            if acquaintance.blocked || !gives {
                continue;
            }
            let mut parts: Vec<Receipt> = owed
                .delivered
                .chunks(RECEIPT_MAX)
                .map(|delivered| Receipt {
                    delivered: delivered.to_vec(),
                    ..Receipt::default()
                })
                .collect();
            match (parts.last_mut(), owed.read) {
                (Some(last), read) => last.read = read,
                (None, None) => {}
                (None, read) => parts.push(Receipt {
                    read,
                    ..Receipt::default()
                }),
            }
            for part in parts {
                self.enqueue_control(work, state.peer, None, &Control::Receipt(part))?;
            }
        }
        if shares {
            self.tell_own_devices(work, seen)?;
        }
        Ok(())
    }

    fn tell_own_devices(&mut self, work: &mut Work<'_>, mut seen: Seen) -> Result<(), ReadError> {
        let own = work.own()?.account;
        while !seen.read.is_empty() || !seen.told.is_empty() {
            let rest = Seen {
                read: seen.read.split_off(seen.read.len().min(READS_MAX)),
                told: seen.told.split_off(seen.told.len().min(RECEIPT_MAX)),
            };
            self.enqueue_control(work, own, None, &Control::Seen(seen))?;
            seen = rest;
        }
        Ok(())
    }

    /// Takes what another device of the account did: what was read there is read, and what it told others is not
    /// told again.
    pub(crate) fn take_seen(&mut self, work: &mut Work<'_>, seen: &Seen) -> Result<(), ReadError> {
        for read in &seen.read {
            let message = work
                .find_message(read.message)?
                .filter(|row| row.room == read.room);
            let sequence = message.map_or(read.sequence, |message| message.place_read());
            if let (Some(mut row), Some(sequence)) = (work.find_room(read.room)?, sequence)
                && sequence > row.read_up_to
            {
                row.read_up_to = sequence;
                work.put_room(row);
                // That device told the authors, too.
                self.seen_up_to(work, read.room, sequence)?;
                work.start_disappearing(read.room, sequence)?;
            }
        }
        for id in &seen.told {
            let Some(row) = work.find_message(*id)? else {
                continue;
            };
            if let Some(mut owed) = work.find::<Owed>(Table::Receipts, &row.room.0)? {
                owed.delivered.retain(|delivered| delivered != id);
                work.put(Table::Receipts, &row.room.0, &owed);
            }
        }
        Ok(())
    }

    /// Takes a receipt of another person for own messages to them, now or once those are here.
    pub(crate) fn take_receipt(
        &mut self,
        work: &mut Work<'_>,
        from: AccountId,
        receipt: &Receipt,
    ) -> Result<(), ReadError> {
        if from == work.own()?.account || self.is_early(work, from, receipt)? {
            return Ok(());
        }
        self.count_receipt(work, from, receipt)
    }

    /// Takes what a receipt says of messages that are known here. Anything else in it is ignored.
    pub(crate) fn count_receipt(
        &mut self,
        work: &mut Work<'_>,
        from: AccountId,
        receipt: &Receipt,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        let room = RoomId::direct(own, from);
        self.take_receipt_in_place(work, from, receipt)?;
        for id in receipt.delivered.iter().take(RECEIPT_MAX) {
            if let Some(mut row) = work.find_message(*id)?
                && row.mine
                && row.room == room
                && matches!(row.delivery, Delivery::Queued | Delivery::Sent)
            {
                row.delivery = Delivery::Delivered;
                work.put_message(row);
            }
        }
        let Some(read) = receipt.read else { return Ok(()) };
        let Some(row) = work
            .find_message(read)?
            .filter(|row| row.mine && row.room == room)
        else {
            return Ok(());
        };
        if let Some(sequence) = row.sequence {
            // What the reader's devices never said to have opened, nobody has seen, whatever came behind it.
            for mut row in work.list_own_unread(room, sequence)? {
                if row.delivery != Delivery::Delivered {
                    continue;
                }
                row.delivery = Delivery::Read;
                work.put_message(row);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{MessageBody, MessageRow};
    use crate::work::testing::{Account, EmptyStore, rng, signed_up};
    use conclave_protocol::{DeviceId, Timestamp};

    const OWN: AccountId = AccountId([1; 32]);
    const PEER: AccountId = AccountId([2; 32]);

    fn id(n: u8) -> EnvelopeId {
        EnvelopeId([n; 16])
    }

    /// An own message that the server has accepted.
    fn sent(n: u8) -> MessageRow {
        MessageRow {
            id: id(n),
            room: RoomId::direct(OWN, PEER),
            sequence: Some(n.into()),
            ordinal: n.into(),
            author: OWN,
            device: DeviceId(0),
            mine: true,
            sent_at: Timestamp(1),
            counts: true,
            delivery: Delivery::Sent,
            missing_before: 0,
            body: MessageBody::Text("hello".into()),
        }
    }

    #[test]
    fn what_another_own_device_told_is_not_told_again_and_what_it_read_is_read() {
        let mut rng = rng();
        let account = Account::new(1);
        let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(10));
        work.put_own(&account.own(0));
        let room = RoomId::direct(account.id(), PEER);
        work.ensure_room(room, PEER, "mia", true).unwrap();
        let mut engine = Engine::new(true);
        for n in 1..=3 {
            work.put_message(MessageRow {
                room,
                author: PEER,
                mine: false,
                delivery: Delivery::Received,
                ..sent(n)
            });
            engine.owe_delivered(&mut work, room, id(n)).unwrap();
        }
        let read = |room, n| ReadUpTo {
            room,
            message: id(n),
            sequence: None,
        };
        let elsewhere = RoomId::direct(account.id(), OWN);
        let seen = Seen {
            read: vec![read(room, 2), read(elsewhere, 3), read(room, 9)],
            told: vec![id(1), id(3), id(9)],
        };
        engine.take_seen(&mut work, &seen).unwrap();
        let owed: Owed = work.find(Table::Receipts, &room.0).unwrap().unwrap();
        assert_eq!(owed.delivered, [id(2)]);
        assert_eq!(work.find_room(room).unwrap().unwrap().read_up_to, 2);
        // An earlier place comes late, and nothing is unread again.
        let late = Seen {
            read: vec![read(room, 1)],
            told: Vec::new(),
        };
        engine.take_seen(&mut work, &late).unwrap();
        assert_eq!(work.find_room(room).unwrap().unwrap().read_up_to, 2);
        // What this device lacks or has refused was read there: what stands before it is read here.
        let lacks = Seen {
            read: vec![ReadUpTo {
                sequence: Some(8),
                ..read(room, 9)
            }],
            told: Vec::new(),
        };
        engine.take_seen(&mut work, &lacks).unwrap();
        assert_eq!(work.find_room(room).unwrap().unwrap().read_up_to, 8);
    }

    #[test]
    fn a_place_read_by_its_notice_is_told_as_it_stood_then() {
        let room = RoomId([8; 32]);
        let mut owed = Owed::default();
        assert_eq!(owed.read_up_to(room), None);
        owed.note_seen(id(2), 7);
        let told = owed.read_up_to(room).unwrap();
        assert_eq!((told.message, told.sequence), (id(2), Some(7)));
    }

    #[test]
    fn what_the_reader_could_not_open_is_not_shown_as_read() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(10));
        signed_up(&mut work, OWN);
        for n in 1..=4 {
            work.put_message(sent(n));
        }
        let mut engine = Engine::new(true);
        let mut takes = |delivered: &[u8], read| {
            let receipt = Receipt {
                delivered: delivered.iter().copied().map(id).collect(),
                read,
                read_at: None,
            };
            engine.take_receipt(&mut work, PEER, &receipt).unwrap();
            [1, 2, 3, 4].map(|n| work.find_message(id(n)).unwrap().unwrap().delivery)
        };
        assert_eq!(
            takes(&[1, 3], Some(id(4))),
            [Delivery::Read, Delivery::Sent, Delivery::Read, Delivery::Sent]
        );
        // It was opened later, and seen with what came next.
        assert_eq!(
            takes(&[2], None),
            [
                Delivery::Read,
                Delivery::Delivered,
                Delivery::Read,
                Delivery::Sent
            ]
        );
        assert_eq!(takes(&[4], Some(id(4))), [Delivery::Read; 4]);
    }
}
