//! Messages that stay closed for now, with all that is needed to open each once its key, or whatever else was
//! missing, has come.
//!
//! Invariant: what is parked here and has a row shows as [`MessageBody::Unopened`]; as soon as the row says
//! something else, nothing is parked under its id.

use std::collections::BTreeMap;

use conclave_protocol::frames::{Deliver, DirectMessage, Item, Side};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, EnvelopeId, RoomId, Timestamp};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::codec;
use crate::content::in_order;
use crate::machine::Engine;
use crate::mailbox::Standing;
use crate::reads::ReadError;
use crate::rooms::Missing;
use crate::rows::{Loss, MessageBody};
use crate::sent::{REPEAT_WITHIN_MS, is_young};
use crate::work::Work;

/// Messages kept that could not be opened; beyond that the oldest are given up of whoever has most of them here.
/// With bodies of the largest size they take 32 MiB.
const PARKED_MAX: usize = 1_000;
/// Of one account in one room no more than this; beyond that its own oldest are given up. So nobody pushes out
/// what others sent, and ten times what is asked for at once is kept.
const PARKED_OF_ONE_MAX: usize = 100;
/// A mailbox message that was never tried is kept this long: as long as the prekeys that it may need.
const UNTRIED_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// A message is asked for again after this long, and then after twice as long each time. Longer than the hour
/// for which a sender answers no second time, so that a late first request does not use up the second.
const ASK_AGAIN_AFTER_MS: u64 = 2 * 60 * 60 * 1000;

/// A message that stays closed for now.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(crate) struct Parked {
    /// The message.
    #[n(0)]
    pub(crate) id: EnvelopeId,
    /// As the mailbox or the room's history brought it; not verified.
    #[n(1)]
    pub(crate) message: DirectMessage,
    /// What the mailbox brought with it and nothing was tried with yet, because something else was missing.
    #[n(2)]
    pub(crate) untried: Option<Untried>,
    /// What was taken off the count of missing messages when it was found.
    #[n(3)]
    pub(crate) explained: Option<Missing>,
    /// How often its sender was asked for it.
    #[n(4)]
    pub(crate) asked: u32,
    /// When its sender was asked last.
    #[n(5)]
    pub(crate) asked_at: Option<Timestamp>,
}

/// A pairwise message that waits for what is needed to try it.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(crate) struct Untried {
    #[n(0)]
    pub(crate) mailbox: u64,
    #[n(1)]
    pub(crate) pairwise: Bytes,
}

impl Parked {
    pub(crate) fn new(id: EnvelopeId, message: DirectMessage) -> Self {
        Self {
            id,
            message,
            untried: None,
            explained: None,
            asked: 0,
            asked_at: None,
        }
    }

    /// Which device sent it, where these two accounts are in the room.
    pub(crate) fn sender(&self, own: AccountId, peer: AccountId) -> DeviceAddress {
        sender_of(&self.message, own, peer)
    }

    /// When its sender is to be asked for it; none once that is of no use.
    pub(crate) fn ask_at(&self, now: Timestamp) -> Option<Timestamp> {
        if !is_young(self.id, now) {
            return None;
        }
        let Some(last) = self.asked_at else {
            return Some(now);
        };
        let doubled = 1_u64
            .checked_shl(self.asked.saturating_sub(1))
            .unwrap_or(u64::MAX);
        Some(last.plus(ASK_AGAIN_AFTER_MS.saturating_mul(doubled)))
    }

    /// When nothing can be hoped for any more.
    pub(crate) fn over_at(&self) -> Timestamp {
        let kept = if self.untried.is_some() {
            UNTRIED_KEPT_MS
        } else {
            REPEAT_WITHIN_MS
        };
        self.id.time().plus(kept.saturating_add(1))
    }

    /// True when nothing can be hoped for any more.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.over_at() <= now
    }

    /// As the mailbox brought it; none when there is nothing to try.
    fn delivered(&self) -> Option<Deliver> {
        let untried = self.untried.as_ref()?;
        Some(Deliver {
            mailbox: untried.mailbox,
            id: self.id,
            pairwise: untried.pairwise.clone(),
            item: Item::Message(self.message.clone()),
        })
    }
}

/// A room and which of its two accounts.
type Whose = (RoomId, bool);

fn whose(message: &DirectMessage) -> Whose {
    (message.room, message.side == Side::High)
}

/// Which device sent a message, where these two accounts are in its room.
pub(crate) fn sender_of(message: &DirectMessage, own: AccountId, peer: AccountId) -> DeviceAddress {
    let (low, high) = in_order(own, peer);
    DeviceAddress {
        account: match message.side {
            Side::Low => low,
            Side::High => high,
        },
        device: message.device,
    }
}

impl Work<'_> {
    pub(crate) fn parked(&self, id: EnvelopeId) -> Result<Option<Parked>, ReadError> {
        self.find(Table::Parked, &id.0)
    }

    pub(crate) fn put_parked(&mut self, parked: &Parked) {
        self.put(Table::Parked, &parked.id.0, parked);
    }

    pub(crate) fn unpark(&mut self, id: EnvelopeId) {
        self.delete(Table::Parked, &id.0);
    }

    pub(crate) fn list_parked(&self) -> Result<Vec<Parked>, ReadError> {
        let all = self.list_bytes(Table::Parked, &[], u32::MAX)?;
        all.iter()
            .filter(|(key, _)| key.len() == size_of::<EnvelopeId>())
            .map(|(_, bytes)| codec::decode(bytes, "parked message"))
            .collect()
    }

    /// Keeps a message that could not be opened, so that nothing is lost by acknowledging it. How often it was
    /// asked for before stays.
    pub(crate) fn park(&mut self, mut parked: Parked) -> Result<(), ReadError> {
        if let Some(earlier) = self.parked(parked.id)? {
            parked.asked = earlier.asked;
            parked.asked_at = earlier.asked_at;
            parked.explained = parked.explained.or(earlier.explained);
            self.put_parked(&parked);
            return Ok(());
        }
        self.put_parked(&parked);
        self.give_up_parked_beyond_bounds(whose(&parked.message))
    }

    /// Where one account has too many messages parked, its oldest goes; else, where all together are too many, the
    /// oldest of the account that has most.
    fn give_up_parked_beyond_bounds(&mut self, newest: Whose) -> Result<(), ReadError> {
        // By key, so oldest first.
        let mut of_each: BTreeMap<Whose, Vec<EnvelopeId>> = BTreeMap::new();
        for parked in self.list_parked()? {
            of_each.entry(whose(&parked.message)).or_default().push(parked.id);
        }
        let all: usize = of_each.values().map(Vec::len).sum();
        let crowded = of_each
            .get(&newest)
            .filter(|ids| ids.len() > PARKED_OF_ONE_MAX)
            .or_else(|| {
                of_each
                    .values()
                    .max_by_key(|ids| ids.len())
                    .filter(|_| all > PARKED_MAX)
            });
        match crowded.and_then(|ids| ids.first()) {
            Some(oldest) => self.give_up_parked(*oldest),
            None => Ok(()),
        }
    }

    /// A message will not be opened any more: it says so.
    pub(crate) fn give_up_parked(&mut self, id: EnvelopeId) -> Result<(), ReadError> {
        self.unpark(id);
        if let Some(mut row) = self.find_message(id)?
            && row.body == MessageBody::Unopened
        {
            row.body = MessageBody::Lost(Loss::TooOld);
            self.put_message(row);
        }
        Ok(())
    }

    /// Part of the daily round: earlier versions kept whole mailbox messages by their number.
    pub(crate) fn adopt_parked_of_earlier_versions(&mut self) -> Result<(), ReadError> {
        for (key, bytes) in self.list_bytes(Table::Parked, &[], u32::MAX)? {
            if key.len() == size_of::<EnvelopeId>() {
                continue;
            }
            self.delete(Table::Parked, &key);
            if let Ok(deliver) = minicbor::decode::<Deliver>(&bytes)
                && let Item::Message(message) = deliver.item
                && self
                    .find_message(deliver.id)?
                    .is_some_and(|row| row.body == MessageBody::Unopened)
            {
                self.park(Parked::new(deliver.id, message))?;
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Tries what was never tried and now has all it needs, in the order in which the mailbox brought it.
    pub(crate) fn try_untried(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let mut ready: Vec<Deliver> = Vec::new();
        for parked in work.list_parked()? {
            if let Some(deliver) = parked.delivered()
                && self.has_all_for(work, &parked.message)?
            {
                ready.push(deliver);
            }
        }
        ready.sort_unstable_by_key(|deliver| deliver.mailbox);
        for deliver in ready {
            self.take_parked(work, &deliver)?;
        }
        Ok(())
    }

    /// True when room, chains and sender of a message are known here. Asks for nothing.
    fn has_all_for(&mut self, work: &Work<'_>, message: &DirectMessage) -> Result<bool, ReadError> {
        let Some(state) = work.room_state(message.room)? else {
            return Ok(false);
        };
        let own = work.own()?.account;
        let heads = self.heads_of(work, own, state.peer, message.heads)?;
        let from = sender_of(message, own, state.peer);
        let author = self.author(work, from, own, state.peer, message.heads)?;
        Ok(heads.is_some() && !matches!(author, Standing::Unknown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::testing::{EmptyStore, rng};
    use conclave_protocol::frames::{Class, Heads};
    use conclave_protocol::{DeviceId, RoomId};
    use proptest::prelude::*;

    const SENT_AT: Timestamp = Timestamp(1_800_000_000_000);

    fn parked() -> Parked {
        let message = DirectMessage {
            room: RoomId([7; 32]),
            sequence: 4,
            side: Side::High,
            device: DeviceId(3),
            time: SENT_AT,
            class: Class::Message,
            heads: Heads { low: 0, high: 0 },
            target: None,
            body: Bytes(vec![1; 112]),
        };
        Parked::new(EnvelopeId::new(SENT_AT, [9; 10]), message)
    }

    #[test]
    fn the_side_says_which_of_the_two_accounts_sent_it() {
        let (low, high) = (AccountId([1; 32]), AccountId([2; 32]));
        for (own, peer) in [(low, high), (high, low)] {
            let sender = parked().sender(own, peer);
            assert_eq!((sender.account, sender.device), (high, DeviceId(3)));
        }
    }

    #[test]
    fn a_message_is_asked_for_at_once_and_then_ever_less_often_until_it_is_too_old() {
        let mut parked = parked();
        let mut asked = Vec::new();
        let mut now = SENT_AT;
        while let Some(at) = parked.ask_at(now) {
            if at <= now {
                asked.push(now.since(SENT_AT) / (60 * 60 * 1000));
                parked.asked += 1;
                parked.asked_at = Some(now);
            } else {
                now = at;
            }
        }
        assert_eq!(asked, [0, 2, 6, 14, 30, 62, 126]);
        assert!(parked.is_over(now));
        assert!(!parked.is_over(SENT_AT.plus(REPEAT_WITHIN_MS)));
    }

    #[test]
    fn what_was_never_tried_is_kept_longer_but_not_asked_for() {
        let mut parked = parked();
        parked.untried = Some(Untried {
            mailbox: 1,
            pairwise: Bytes(vec![1]),
        });
        let late = SENT_AT.plus(REPEAT_WITHIN_MS + 1);
        assert_eq!(parked.ask_at(late), None);
        assert!(!parked.is_over(late));
        assert!(parked.is_over(SENT_AT.plus(UNTRIED_KEPT_MS + 1)));
    }

    fn sent_in(room: u8, at: u64) -> Parked {
        let mut parked = parked();
        parked.message.room = RoomId([room; 32]);
        parked.id = EnvelopeId::new(SENT_AT.plus(at), [room; 10]);
        parked
    }

    #[test]
    fn whoever_fills_the_table_pushes_out_what_they_sent_themselves_and_nothing_else() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, SENT_AT);
        work.park(sent_in(1, 0)).unwrap();
        for n in 0..1_100 {
            work.park(sent_in(2, 5 + n)).unwrap();
        }
        work.park(sent_in(1, 1)).unwrap();
        let kept = work.list_parked().unwrap();
        let genuine: Vec<EnvelopeId> = kept
            .iter()
            .filter(|parked| parked.message.room == RoomId([1; 32]))
            .map(|parked| parked.id)
            .collect();
        assert_eq!(genuine, [sent_in(1, 0).id, sent_in(1, 1).id]);
        assert_eq!(kept.len(), 2 + PARKED_OF_ONE_MAX);
        assert!(
            work.parked(sent_in(2, 5 + 1_099).id).unwrap().is_some(),
            "the newest stay"
        );
    }

    #[test]
    fn a_full_table_gives_up_what_is_of_whoever_has_most_in_it() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, SENT_AT);
        work.park(sent_in(200, 0)).unwrap();
        for room in 1..=10 {
            for n in 0..100 {
                work.park(sent_in(room, 5 + n)).unwrap();
            }
        }
        work.park(sent_in(201, 2)).unwrap();
        assert_eq!(work.list_parked().unwrap().len(), PARKED_MAX);
        for genuine in [sent_in(200, 0), sent_in(201, 2)] {
            assert!(work.parked(genuine.id).unwrap().is_some());
        }
    }

    #[test]
    fn a_message_of_a_time_far_ahead_is_not_asked_for() {
        let ahead = sent_in(1, 2 * 24 * 60 * 60 * 1000);
        assert_eq!(ahead.ask_at(SENT_AT), None);
    }

    proptest! {
        #[test]
        fn the_next_request_never_overflows_and_never_lies_before_the_last(asked in any::<u32>(), last in any::<u64>(), now in any::<u64>()) {
            let mut parked = parked();
            parked.asked = asked;
            parked.asked_at = Some(Timestamp(last));
            if let Some(at) = parked.ask_at(Timestamp(now)) {
                prop_assert!(at >= Timestamp(last));
            }
        }

        #[test]
        fn a_record_keeps_its_value(asked in any::<u32>(), at in any::<Option<u64>>(), untried in any::<Option<Vec<u8>>>()) {
            let mut parked = parked();
            parked.asked = asked;
            parked.asked_at = at.map(Timestamp);
            parked.untried = untried.map(|bytes| Untried { mailbox: 5, pairwise: Bytes(bytes) });
            let bytes = codec::encode(&parked);
            let read: Parked = codec::decode(&bytes, "parked message").unwrap();
            prop_assert_eq!(codec::encode(&read), bytes);
        }
    }
}
