//! A server that was put back from a backup lacks what came since. A device that sees a restore epoch which it does
//! not know offers its prekeys anew, and gives the server the entries of its own account's chain that it lacks.
//!
//! Entries are signed, so giving them back says nothing new. A server that takes them all and shows a shorter chain
//! once more, under the same epoch, hides its end: that is disputed as it is without a restore. Until the whole chain
//! is shown again nothing is sealed.

use conclave_protocol::devices::{AppendEntry, EntryAppended};
use conclave_protocol::frames::Welcome;
use conclave_protocol::{Bytes, ErrorCode, RestoreEpoch};
use conclave_sigchain::ChainError;

use crate::calls::{Call, Need, Refusal, json};
use crate::changes::Table;
use crate::effects::Method;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// The newest restore epoch for which prekeys were offered anew.
const KNOWN: &[u8] = b"restore-epoch";
/// The newest one for which the server took every entry that it lacked.
const GIVEN_BACK: &[u8] = b"restore-given-back";

impl Work<'_> {
    fn names_epoch(&self, key: &[u8], epoch: RestoreEpoch) -> Result<bool, ReadError> {
        let found = self.find_bytes(Table::Own, key)?;
        Ok(found.is_some_and(|found| found.as_slice() == epoch.0))
    }
}

impl Engine {
    /// Offers prekeys anew behind a restore that this device did not know of: the server's were dropped, because
    /// nobody can say which of them were handed out since the backup.
    pub(crate) fn notice_restored_server(
        &mut self,
        work: &mut Work<'_>,
        welcome: &Welcome,
    ) -> Result<(), ReadError> {
        let Some(epoch) = welcome.restore else {
            return Ok(());
        };
        if work.names_epoch(KNOWN, epoch)? {
            return Ok(());
        }
        work.put_bytes(Table::Own, KNOWN, epoch.0.to_vec().into());
        // A device that never uploaded any does so anyway.
        if work.prekey_meta()?.is_some_and(|meta| meta.uploaded) {
            let own = work.own()?;
            let upload = work.make_prekeys(&own, 0, true)?;
            self.publish(work, &upload);
        }
        Ok(())
    }

    /// Begins to give back the entries of the own chain behind `head`. False where the server is not behind a
    /// restore, or took them already.
    pub(crate) fn give_entries_back(
        &mut self,
        work: &mut Work<'_>,
        epoch: Option<RestoreEpoch>,
        head: u32,
    ) -> Result<bool, ReadError> {
        let Some(epoch) = epoch else {
            return Ok(false);
        };
        if work.names_epoch(GIVEN_BACK, epoch)? {
            return Ok(false);
        }
        let own = work.own()?.account;
        let Some(person) = self.person(work, own)? else {
            return Ok(false);
        };
        self.give_back(work, epoch, person.entries_behind(head));
        Ok(true)
    }

    fn give_back(&mut self, work: &mut Work<'_>, epoch: RestoreEpoch, entries: Vec<Bytes>) {
        let Some(entry) = entries.first().cloned() else {
            return;
        };
        let body = json(&AppendEntry { entry });
        let path = "/api/v1/account/entries".to_owned();
        self.call(
            work,
            Call::GiveBack { epoch, entries },
            Method::Post,
            path,
            Some(body),
        );
    }

    /// The server answered the first of the entries.
    pub(crate) fn given_back(
        &mut self,
        work: &mut Work<'_>,
        epoch: RestoreEpoch,
        entries: Vec<Bytes>,
        answer: Result<EntryAppended, Refusal>,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        match answer {
            Ok(_) if entries.len() > 1 => {
                self.give_back(work, epoch, entries.into_iter().skip(1).collect());
                Ok(())
            }
            Ok(_) => {
                work.put_bytes(Table::Own, GIVEN_BACK, epoch.0.to_vec().into());
                // The whole chain, as the server shows it now, ends the wait.
                self.need(work, Need::Person(own))
            }
            // Another device of the account was faster, and goes on.
            Err(refusal) if refusal.is(ErrorCode::ChainMoved) => self.need(work, Need::Person(own)),
            Err(refusal) if refusal.is(ErrorCode::ChainRefused) => {
                let entry = Bytes(Vec::new());
                self.dispute(work, own, ChainError::Gap, &entry);
                Ok(())
            }
            // The next connection begins again.
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::testing::{EmptyStore, rng, signed_up};
    use conclave_protocol::{AccountId, Timestamp};

    fn welcome(restore: Option<RestoreEpoch>) -> Welcome {
        Welcome {
            time: Timestamp(1),
            moved: Vec::new(),
            last_accepted: None,
            one_time_prekeys: 50,
            acknowledged: 0,
            head: None,
            restore,
            server_key: None,
        }
    }

    #[test]
    fn prekeys_are_offered_anew_once_behind_each_restore() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(1));
        signed_up(&mut work, AccountId([1; 32]));
        let own = work.own().unwrap();
        work.make_prekeys(&own, 0, true).unwrap();
        work.prekeys_uploaded().unwrap();
        let mut engine = Engine::new(true);
        let mut offers = |work: &mut Work<'_>, restore| {
            engine.notice_restored_server(work, &welcome(restore)).unwrap();
            let offers = !work.prekey_meta().unwrap().unwrap().uploaded;
            work.prekeys_uploaded().unwrap();
            offers
        };
        assert!(!offers(&mut work, None));
        assert!(offers(&mut work, Some(RestoreEpoch([1; 16]))));
        assert!(!offers(&mut work, Some(RestoreEpoch([1; 16]))));
        assert!(offers(&mut work, Some(RestoreEpoch([2; 16]))));
    }
}
