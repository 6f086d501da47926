//! Receipts in small rooms of places: what arrived and what was seen, told to each message's author.
//!
//! An own message counts as delivered once all others said so who have read the room since before it, and as read
//! likewise. Whoever came later does not count, and whoever left does not count any more, also where they came back.
//! Where nobody is left who counts, it got as far as anybody said who had it.
//!
//! Invariant: how far a message got follows from its place in the place's chain, from that chain, and from the set of
//! those who told. So all devices of an account that hear the same show the same, whatever they hear first.

use conclave_protocol::{AccountId, EnvelopeId, RoomId};

use super::Spot;
use super::asking::TALLY_MS;
use super::records::Tally;
use crate::content::{Receipt, StandsAt};
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::receipts::RECEIPT_MAX;
use crate::rows::{Delivery, MessageRow};
use crate::work::Work;

/// In rooms with more readers nobody is told: receipts of all for all would be more than what is said.
const READERS_MAX: usize = 32;
/// Accounts noted of one message: its readers, and as many that come and go.
pub(super) const TOLD_MAX: usize = 2 * READERS_MAX;

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
                let room = row.room;
                receipt.read_at = row.sequence.map(|sequence| StandsAt { room, sequence });
            } else {
                receipt.delivered.push(*id);
            }
        }
        Ok(receipts)
    }

    /// An own message that names this entry is on its way: who has it is counted from now on, where the room is small.
    /// Of what is only said about another message nobody tells.
    pub(super) fn begin_tally(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        row: &MessageRow,
        head: u32,
    ) -> Result<(), ReadError> {
        let may_be_told = row.counts && matches!(row.delivery, Delivery::Queued | Delivery::Sent);
        if !may_be_told || !is_small(spot) || work.now.since(row.id.time()) > TALLY_MS {
            return Ok(());
        }
        let known = work.tally(row.id)?;
        if known.as_ref().is_some_and(|tally| tally.head == Some(head)) {
            return Ok(());
        }
        // It was sealed anew, or what it names is certain only now.
        let tally = Tally {
            head: Some(head),
            ..known.unwrap_or_default()
        };
        self.count(work, spot, row.id, &tally)
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
                && !tally.delivered.contains(&from)
                && tally.delivered.len() < TOLD_MAX
            {
                tally.delivered.push(from);
                self.count(work, &spot, *id, &tally)?;
            }
        }
        let Some(read) = receipt.read else { return Ok(()) };
        let stands_at = match work.find_message(read)? {
            Some(row) if row.mine => row.sequence.map(|sequence| (row.room, sequence)),
            Some(_) => None,
            None => receipt.read_at.map(|at| (at.room, at.sequence)),
        };
        let Some((room, up_to)) = stands_at else {
            return Ok(());
        };
        let Some(spot) = self.spot(work, room)? else {
            return Ok(());
        };
        for row in work.list_own_unread(room, up_to)? {
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

    /// A place's chain has grown: some count no more, and what named an entry beyond it can be counted.
    pub(super) fn count_anew(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let grown = std::mem::take(&mut self.posting.grown);
        if grown.is_empty() {
            return Ok(());
        }
        for id in work.list_tallies(u32::MAX)? {
            if let (Some(tally), Some(row)) = (work.tally(id)?, work.find_message(id)?)
                && let Some(spot) = self.spot(work, row.room)?
                && grown.contains(&spot.place)
            {
                self.count(work, &spot, id, &tally)?;
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
        let reached = reached(spot, work.own()?.account, tally);
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

/// How far a message got by what was told; none where it was only sent, or where the entry that it names is not known
/// here.
fn reached(spot: &Spot, own: AccountId, tally: &Tally) -> Option<Delivery> {
    // A tally of an earlier version does not know the entry.
    let head = tally.head.unwrap_or_else(|| spot.chain.head());
    if head > spot.chain.head() {
        return None;
    }
    let counts = |account: AccountId| {
        let since = spot.roll.reads_since(spot.room, account);
        since.is_some_and(|since| since <= head)
    };
    let had = |account: &AccountId| spot.roll.was_reader(spot.room, *account, head);
    let readers = spot.chain.state().readers(spot.room);
    let counted: Vec<AccountId> = readers
        .filter(|account| *account != own && counts(*account))
        .collect();
    let by_all =
        |told: &[AccountId]| told.iter().any(had) && counted.iter().all(|account| told.contains(account));
    if by_all(&tally.read) {
        Some(Delivery::Read)
    } else if by_all(&tally.delivered) {
        Some(Delivery::Delivered)
    } else {
        None
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
