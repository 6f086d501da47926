//! Sealed receipts: what this device stored and what its person has seen, told to the author's devices only.
//!
//! They are gathered and sent after a short random while, never in answer to something unknown, so that they
//! say as little as possible about when somebody is there.

use conclave_protocol::{AccountId, EnvelopeId, RoomId};

use crate::changes::Table;
use crate::codec;
use crate::content::{Control, Receipt};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::rows::Delivery;
use crate::views::Outcome;
use crate::work::Work;

/// Receipts wait at least this long for company.
const GATHER_MS: u64 = 250;
/// Messages named in one receipt, so that it fits one pairwise message.
const RECEIPT_MAX: usize = 100;

impl Engine {
    /// Notes that a message was stored here.
    pub(crate) fn owe_delivered(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        id: EnvelopeId,
    ) -> Result<(), ReadError> {
        let mut receipt: Receipt = work.find(Table::Receipts, &room.0)?.unwrap_or_default();
        receipt.delivered.push(id);
        work.put(Table::Receipts, &room.0, &receipt);
        self.receipts_soon(work);
        Ok(())
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
        if let Some(sequence) = message.sequence.filter(|_| message.room == room)
            && sequence > row.read_up_to
        {
            row.read_up_to = sequence;
            let peer = row.peer;
            work.put_room(row);
            if !message.mine && peer != work.own()?.account {
                let mut receipt: Receipt = work.find(Table::Receipts, &room.0)?.unwrap_or_default();
                receipt.read = Some(message.id);
                work.put(Table::Receipts, &room.0, &receipt);
                self.receipts_soon(work);
            }
        }
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    fn receipts_soon(&mut self, work: &mut Work<'_>) {
        if self.receipts_due.is_none() {
            self.receipts_due = Some(self.jittered(work, GATHER_MS));
        }
    }

    /// Puts due receipts into the outbox.
    pub(crate) fn send_receipts(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        match self.receipts_due {
            Some(due) if due > work.now => return Ok(()),
            None if self.receipts_looked_for => return Ok(()),
            _ => {}
        }
        self.receipts_due = None;
        self.receipts_looked_for = true;
        for (key, bytes) in work.list_bytes(Table::Receipts, &[], u32::MAX)? {
            let receipt: Receipt = codec::decode(&bytes, "receipt")?;
            work.delete(Table::Receipts, &key);
            let Ok(room) = <[u8; 32]>::try_from(key.as_slice()) else {
                continue;
            };
            let Some(state) = work.room_state(RoomId(room))? else {
                continue;
            };
            if state.peer == work.own()?.account {
                continue;
            }
            let mut parts: Vec<Receipt> = receipt
                .delivered
                .chunks(RECEIPT_MAX)
                .map(|delivered| Receipt {
                    delivered: delivered.to_vec(),
                    read: None,
                })
                .collect();
            match parts.last_mut() {
                Some(last) => last.read = receipt.read,
                None => parts.push(receipt),
            }
            for part in parts {
                self.enqueue_control(work, state.peer, None, &Control::Receipt(part))?;
            }
        }
        Ok(())
    }

    /// Takes a receipt of another person for own messages to them. Anything else in it is ignored.
    pub(crate) fn take_receipt(
        &mut self,
        work: &mut Work<'_>,
        from: AccountId,
        receipt: &Receipt,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        let room = RoomId::direct(own, from);
        if from == own {
            return Ok(());
        }
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
    use crate::work::testing::{EmptyStore, rng, signed_up};
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
