//! A device restored from an older copy of its store must not use a key twice.
//!
//! On connecting, the device compares its own numbers with the last ones that the server accepted. Where it is
//! behind, it drops its sessions and chains of messages, publishes new prekeys and says so in each chat.

use conclave_protocol::frames::Welcome;

use crate::calls::Need;
use crate::changes::Table;
use crate::content::address_of_key;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::rows::{Delivery, MessageBody, MessageRow};
use crate::views::Event;
use crate::work::Work;

/// When a restoration was noticed here last.
const NOTICED: &[u8] = b"restored-noticed";

impl Work<'_> {
    /// True when this device noticed once that it was restored from an older copy.
    pub(crate) fn was_restored(&self) -> Result<bool, ReadError> {
        Ok(self.find_bytes(Table::Own, NOTICED)?.is_some())
    }
}

impl Engine {
    pub(crate) fn notice_restored_copy(
        &mut self,
        work: &mut Work<'_>,
        welcome: &Welcome,
    ) -> Result<(), ReadError> {
        let mut counters = work.counters()?;
        let sent_more = welcome
            .last_accepted
            .is_some_and(|accepted| accepted > counters.last_made);
        if !sent_more && welcome.acknowledged <= counters.acknowledged {
            return Ok(());
        }
        counters.believe_acknowledged(welcome.acknowledged);
        if let Some(accepted) = welcome.last_accepted {
            counters.last_made = counters.last_made.max(accepted);
        }
        work.put_counters(&counters);
        let now = work.now;
        work.put(Table::Own, NOTICED, &now);

        let sessions = work.list_bytes(Table::Sessions, &[], u32::MAX)?;
        for (key, _) in &sessions {
            work.delete(Table::Sessions, key);
        }
        work.forget_sessions_begun()?;
        self.seal_everything_anew(work)?;
        let own = work.own()?;
        work.forget_own_chains()?;
        let mut rooms = Vec::new();
        for (room, mut state) in work.list_room_states()? {
            state.begin_anew();
            rooms.push((room, state.cursor));
            work.put_room_state(room, &state);
        }
        for (room, mut flow) in work.list_place_rooms()? {
            flow.begin_anew();
            rooms.push((room, flow.cursor));
            work.put_place_room(room, &flow);
        }
        for (room, cursor) in rooms {
            let id = work.make_id()?;
            let ordinal = work.next_ordinal()?;
            work.put_message(MessageRow {
                id,
                room,
                sequence: Some(cursor),
                ordinal,
                author: own.account,
                device: own.device,
                mine: false,
                sent_at: work.now,
                counts: false,
                delivery: Delivery::Received,
                missing_before: 0,
                body: MessageBody::RestoredHere,
            });
        }
        work.show(Event::Warning {
            failure: Failure::restored(),
        });
        // Secrets of prekeys that were used since may be back; nobody shall be given them again.
        let upload = work.make_prekeys(&own, 0, true)?;
        self.publish(work, &upload);
        for address in sessions.iter().filter_map(|(key, _)| address_of_key(key)) {
            self.need(work, Need::FreshBundle(address))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::testing::{EmptyStore, rng, signed_up};
    use conclave_protocol::{AccountId, Timestamp};

    #[test]
    fn a_server_that_says_a_huge_number_mutes_nothing_that_comes_later() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(1));
        signed_up(&mut work, AccountId([1; 32]));
        let mut counters = work.counters().unwrap();
        counters.take(5);
        work.put_counters(&counters);
        let welcome = Welcome {
            time: Timestamp(1),
            moved: Vec::new(),
            last_accepted: None,
            one_time_prekeys: 0,
            acknowledged: u64::MAX,
            head: None,
            restore: None,
            server_key: None,
        };
        let mut engine = Engine::new(true);
        engine.notice_restored_copy(&mut work, &welcome).unwrap();
        let counters = work.counters().unwrap();
        assert_eq!(counters.taken(), 5, "what comes as number 6 is read");
        assert_eq!(counters.acknowledged, u64::MAX, "a restoration is noticed once");
    }
}
