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
        counters.acknowledged = counters.acknowledged.max(welcome.acknowledged);
        if let Some(accepted) = welcome.last_accepted {
            counters.last_made = counters.last_made.max(accepted);
        }
        work.put_counters(&counters);

        let sessions = work.list_bytes(Table::Sessions, &[], u32::MAX)?;
        for (key, _) in &sessions {
            work.delete(Table::Sessions, key);
        }
        work.forget_sessions_begun()?;
        self.seal_everything_anew(work)?;
        let own = work.own()?;
        for (room, mut state) in work.list_room_states()? {
            state.begin_anew();
            work.put_room_state(room, &state);
            let id = work.make_id()?;
            let ordinal = work.next_ordinal()?;
            work.put_message(MessageRow {
                id,
                room,
                sequence: Some(state.cursor),
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
