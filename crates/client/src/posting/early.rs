//! Receipts that came before the message that they are about.
//!
//! Receipts come through the mailbox, messages of rooms of places by page or live: a device that was away hears that
//! an own message was read before it hears of the message. Such a receipt waits, and with it all later ones of the same
//! person, so that each device of an account takes them in one order, whenever it was there.
//!
//! What was lost live is noticed only with the next message of its room: a receipt that has waited for a moment has the
//! rooms read that are shared with its author. Must never wait for what will not come: after that it is taken for what
//! is known of it.

use conclave_protocol::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

use super::asking::TALLY_MS;
use super::records::Part;
use super::telling::TOLD_MAX;
use crate::calls::Need;
use crate::changes::Table;
use crate::codec;
use crate::content::Receipt;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::receipts::RECEIPT_MAX;
use crate::sent::is_far_ahead;
use crate::work::Work;

/// What is told live of a message may be behind what the mailbox brings, by about this at most.
const EARLY_MS: u64 = 10_000;
/// For the receipts of one person the rooms are read once in so long, and no more rooms than this.
const READ_AGAIN_MS: u64 = 600_000;
const READ_ROOMS_MAX: usize = 50;
/// Receipts of one person that wait.
const EARLY_MAX: usize = 200;
/// While so many tallies are kept, what is told of messages that are not here is let go.
const TALLIES_MAX: u32 = 4_000;
/// Receipts that wait in all.
const EARLY_IN_ALL: u32 = 2_000;

/// A receipt that waits.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Early {
    #[n(0)]
    receipt: Receipt,
    /// When it came.
    #[n(1)]
    since: Timestamp,
}

/// Receipts of one person come one behind the other.
fn key(from: AccountId, number: u64) -> Vec<u8> {
    Part::Early.key(&[from.0.as_slice(), &number.to_be_bytes()].concat())
}

fn number_of(key: &[u8]) -> Option<u64> {
    key.get(33..)?.try_into().ok().map(u64::from_be_bytes)
}

fn account_of(key: &[u8]) -> Option<AccountId> {
    key.get(1..33)?.try_into().ok().map(AccountId)
}

impl Engine {
    /// Keeps a receipt back that has to wait. False where it can be taken now.
    pub(crate) fn is_early(
        &mut self,
        work: &mut Work<'_>,
        from: AccountId,
        receipt: &Receipt,
    ) -> Result<bool, ReadError> {
        let before = if self.posting.none_early {
            Vec::new()
        } else {
            work.list_bytes(Table::SendingKeys, &Part::Early.key(&from.0), u32::MAX)?
        };
        if before.is_empty() && is_known(work, receipt)? {
            return Ok(false);
        }
        let in_all = work.list_bytes(Table::SendingKeys, &Part::Early.key(&[]), EARLY_IN_ALL)?;
        if before.len() >= EARLY_MAX || in_all.len() >= usize::try_from(EARLY_IN_ALL).unwrap_or(usize::MAX) {
            return Ok(false);
        }
        let last = before.last().and_then(|(key, _)| number_of(key));
        let number = last.map_or(0, |last| last.saturating_add(1));
        let early = Early {
            receipt: receipt.clone(),
            since: work.now,
        };
        work.put(Table::SendingKeys, &key(from, number), &early);
        self.posting.none_early = false;
        Ok(true)
    }

    /// Takes the receipts whose messages are here, and those whose messages will not come.
    pub(super) fn take_early(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if self.posting.none_early {
            return Ok(());
        }
        self.posting.none_early = true;
        let is_read = self.rooms_are_read();
        let mut stopped = None;
        for (key, bytes) in work.list_bytes(Table::SendingKeys, &Part::Early.key(&[]), u32::MAX)? {
            let Some(from) = account_of(&key) else {
                work.delete(Table::SendingKeys, &key);
                continue;
            };
            if stopped == Some(from) {
                continue;
            }
            let early: Early = codec::decode(&bytes, "early receipt")?;
            let is_over = is_read && work.now.since(early.since) >= EARLY_MS;
            let is_known = is_known(work, &early.receipt)?;
            if is_known || (is_over && !self.reads_rooms_with(work, from)?) {
                work.delete(Table::SendingKeys, &key);
                if !is_known {
                    keep_told(work, from, &early.receipt)?;
                }
                self.count_receipt(work, from, &early.receipt)?;
                continue;
            }
            stopped = Some(from);
            self.posting.none_early = false;
            if is_read && !is_over {
                self.posting_soon(early.since.plus(EARLY_MS));
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Whether everything that the server tells of rooms is here, as far as this device knows.
    fn rooms_are_read(&self) -> bool {
        let places_are_known =
            self.places.is_listed && self.places.behind.is_empty() && !self.a_place_is_on_its_way();
        let are_looked_at = self.posting.look.is_empty() && self.posting.back.is_empty();
        let comes = self.needs.keys().any(|need| matches!(need, Need::Envelopes(_)));
        places_are_known && are_looked_at && self.moved.is_empty() && !comes
    }

    /// Has the rooms read that are shared with somebody whose receipt waits. False where that was done already.
    fn reads_rooms_with(&mut self, work: &Work<'_>, from: AccountId) -> Result<bool, ReadError> {
        let last = self.posting.read_for.get(&from);
        if last.is_some_and(|last| work.now.since(*last) < READ_AGAIN_MS) {
            return Ok(false);
        }
        self.posting.read_for.insert(from, work.now);
        let own = work.own()?.account;
        let mut asked = 0_usize;
        for (room, flow) in work.list_place_rooms()? {
            let Some(chain) = self.place_chain(work, flow.place)? else {
                continue;
            };
            let is_shared = |account| chain.state().is_reader(account, room);
            if flow.begun && is_shared(own) && is_shared(from) {
                self.room_stands_at(room, flow.cursor.saturating_add(1));
                asked = asked.saturating_add(1);
            }
            if asked >= READ_ROOMS_MAX {
                break;
            }
        }
        Ok(asked > 0)
    }
}

/// What a receipt says of messages that are not to be had now, as while the account is out of their group: it counts
/// from the moment in which they are here.
fn keep_told(work: &mut Work<'_>, from: AccountId, receipt: &Receipt) -> Result<(), ReadError> {
    let kept = work.list_tallies(TALLIES_MAX)?;
    if kept.len() >= usize::try_from(TALLIES_MAX).unwrap_or(usize::MAX) {
        return Ok(());
    }
    for id in receipt.delivered.iter().take(RECEIPT_MAX).chain(&receipt.read) {
        let is_kept = work.now.since(id.time()) <= TALLY_MS && !is_far_ahead(*id, work.now);
        if !is_kept || work.find_message(*id)?.is_some() {
            continue;
        }
        let mut tally = work.tally(*id)?.unwrap_or_default();
        let is_read = receipt.read == Some(*id);
        for (told, is_said) in [(&mut tally.delivered, true), (&mut tally.read, is_read)] {
            if is_said && !told.contains(&from) && told.len() < TOLD_MAX {
                told.push(from);
            }
        }
        work.put_tally(*id, &tally);
    }
    Ok(())
}

/// Whether every message that a receipt names is here and has its place in the room: an own one may be on the server
/// before this device has heard that it is.
fn is_known(work: &Work<'_>, receipt: &Receipt) -> Result<bool, ReadError> {
    for id in receipt.delivered.iter().take(RECEIPT_MAX).chain(&receipt.read) {
        let row = work.find_message(*id)?;
        if row.is_none_or(|row| row.sequence.is_none()) {
            return Ok(false);
        }
    }
    Ok(true)
}
