//! Receipts in small rooms of places: what arrived and what was seen, told to each message's author.
//!
//! An own message counts as delivered once all others who read the room said so, and as read likewise. Whoever comes
//! later does not count before they say so, and whoever left does not count any more.

use conclave_protocol::{AccountId, EnvelopeId, RoomId};

use super::Spot;
use super::records::Tally;
use crate::content::Receipt;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::receipts::RECEIPT_MAX;
use crate::rows::{Delivery, MessageRow};
use crate::work::Work;

/// In rooms with more readers nobody is told: receipts of all for all would be more than what is said.
const READERS_MAX: usize = 32;

impl Engine {
    /// A message of somebody else was opened in a room of a place: it is owed a receipt where the room is small.
    pub(super) fn owe_for_post(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        id: EnvelopeId,
    ) -> Result<(), ReadError> {
        if !is_small(spot) {
            return Ok(());
        }
        let Some(row) = work.find_message(id)? else {
            return Ok(());
        };
        let sequence = row.sequence.unwrap_or_default();
        let mut unread = work.unread(spot.room)?;
        match unread.iter_mut().find(|(author, ..)| *author == row.author) {
            Some((_, newest, at)) if *at < sequence => (*newest, *at) = (id, sequence),
            Some(_) => {}
            None => unread.push((row.author, id, sequence)),
        }
        work.put_unread(spot.room, &unread);
        self.owe_delivered(work, spot.room, id)
    }

    /// Everything up to a sequence was seen: the newest messages of their authors, as far as they lie before it.
    pub(crate) fn seen_up_to(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        up_to: u64,
    ) -> Result<Vec<EnvelopeId>, ReadError> {
        let unread = work.unread(room)?;
        let (seen, left): (Vec<_>, Vec<_>) = unread.into_iter().partition(|(_, _, at)| *at <= up_to);
        if !seen.is_empty() {
            work.put_unread(room, &left);
        }
        Ok(seen.into_iter().map(|(_, id, _)| id).collect())
    }

    /// The receipts for messages of a room of a place, each for its author.
    pub(crate) fn receipts_by_author(
        work: &Work<'_>,
        delivered: &[EnvelopeId],
        read: &[EnvelopeId],
    ) -> Result<Vec<(AccountId, Receipt)>, ReadError> {
        let mut receipts: Vec<(AccountId, Receipt)> = Vec::new();
        for (id, is_read) in delivered
            .iter()
            .map(|id| (id, false))
            .chain(read.iter().map(|id| (id, true)))
        {
            let Some(row) = work.find_message(*id)?.filter(|row| !row.mine) else {
                continue;
            };
            if work.blocks(row.author)? {
                continue;
            }
            let known = receipts.iter_mut().rev().find(|(author, receipt)| {
                *author == row.author && (is_read || receipt.delivered.len() < RECEIPT_MAX)
            });
            let receipt = if let Some((_, receipt)) = known {
                receipt
            } else {
                receipts.push((row.author, Receipt::default()));
                let Some((_, receipt)) = receipts.last_mut() else {
                    continue;
                };
                receipt
            };
            if is_read {
                receipt.read = Some(*id);
            } else {
                receipt.delivered.push(*id);
            }
        }
        Ok(receipts)
    }

    /// An own message is on its way: who has it is counted from now on, where the room is small. Of what is only said
    /// about another message nobody tells.
    pub(super) fn begin_tally(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        row: &MessageRow,
    ) -> Result<(), ReadError> {
        let may_be_told = row.counts && matches!(row.delivery, Delivery::Queued | Delivery::Sent);
        if may_be_told && is_small(spot) && work.tally(row.id)?.is_none() {
            work.put_tally(row.id, &Tally::default());
        }
        Ok(())
    }

    /// A reader of a room says that own messages arrived, and up to which one they were seen.
    pub(crate) fn take_receipt_in_place(
        &mut self,
        work: &mut Work<'_>,
        from: AccountId,
        receipt: &Receipt,
    ) -> Result<(), ReadError> {
        for id in receipt.delivered.iter().take(RECEIPT_MAX) {
            let Some(row) = work.find_message(*id)?.filter(|row| row.mine) else {
                continue;
            };
            if let (Some(spot), Some(mut tally)) = (self.spot(work, row.room)?, work.tally(*id)?)
                && reads(&spot, from)
                && !tally.delivered.contains(&from)
            {
                tally.delivered.push(from);
                self.count(work, &spot, *id, &tally)?;
            }
        }
        let Some(read) = receipt.read else { return Ok(()) };
        let Some(row) = work.find_message(read)?.filter(|row| row.mine) else {
            return Ok(());
        };
        let (Some(spot), Some(up_to)) = (self.spot(work, row.room)?, row.sequence) else {
            return Ok(());
        };
        if !reads(&spot, from) {
            return Ok(());
        }
        for row in work.list_own_unread(row.room, up_to)? {
            // What they never said to have opened, they have not seen.
            if let Some(mut tally) = work.tally(row.id)?
                && tally.delivered.contains(&from)
                && !tally.read.contains(&from)
            {
                tally.read.push(from);
                self.count(work, &spot, row.id, &tally)?;
            }
        }
        Ok(())
    }

    /// Shows how far an own message got.
    fn count(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        id: EnvelopeId,
        tally: &Tally,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        let mut others = spot
            .chain
            .state()
            .readers(spot.room)
            .filter(|account| *account != own);
        let (mut delivered, mut read) = (true, true);
        let is_alone = others.by_ref().fold(true, |_, account| {
            delivered &= tally.delivered.contains(&account);
            read &= tally.read.contains(&account);
            false
        });
        let reached = match (is_alone, read, delivered) {
            (false, true, _) => Some(Delivery::Read),
            (false, false, true) => Some(Delivery::Delivered),
            _ => None,
        };
        if reached == Some(Delivery::Read) {
            work.forget_tally(id);
        } else {
            work.put_tally(id, tally);
        }
        if let Some(reached) = reached
            && let Some(mut row) = work.find_message(id)?
            && matches!(
                row.delivery,
                Delivery::Queued | Delivery::Sent | Delivery::Delivered
            )
            && row.delivery != reached
        {
            row.delivery = reached;
            work.put_message(row);
        }
        Ok(())
    }
}

fn is_small(spot: &Spot) -> bool {
    spot.chain
        .state()
        .readers(spot.room)
        .take(READERS_MAX.saturating_add(1))
        .count()
        <= READERS_MAX
}

fn reads(spot: &Spot, account: AccountId) -> bool {
    spot.chain.state().is_reader(account, spot.room)
}
