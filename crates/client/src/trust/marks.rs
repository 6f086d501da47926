//! What a person said about somebody's identity: compared, or accepted without comparing. Of two words the later one
//! counts, whichever device heard it first.

use conclave_protocol::{AccountId, Timestamp, Username};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::content::Control;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::vault::Item;
use crate::views::Event;
use crate::work::Work;

pub(super) const MARK: &[u8] = b"mark/";

/// What a person says about an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Judgment {
    /// Nothing, or no longer what they said.
    #[n(0)]
    None,
    /// The safety number was compared.
    #[n(1)]
    Verified,
    /// It may be written to, though it was not compared.
    #[n(2)]
    Accepted,
}

/// A judgment as own devices tell it and the vault keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Mark {
    /// Whose identity.
    #[n(0)]
    pub(crate) account: AccountId,
    /// The name under which it was judged.
    #[n(1)]
    pub(crate) username: String,
    #[n(2)]
    pub(crate) judgment: Judgment,
    /// When.
    #[n(3)]
    pub(crate) at: Timestamp,
}

fn mark_key(account: AccountId) -> Vec<u8> {
    [MARK, &account.0].concat()
}

impl Work<'_> {
    pub(crate) fn mark_of(&self, account: AccountId) -> Result<Option<Mark>, ReadError> {
        self.find(Table::Verified, &mark_key(account))
    }

    /// Keeps a mark unless a later one is known. False where nothing changed.
    pub(super) fn put_mark(&mut self, mark: &Mark) -> Result<bool, ReadError> {
        if mark.username.parse::<Username>().is_err() {
            return Ok(false);
        }
        let is_later = |known: &Mark| (known.at, known.judgment) < (mark.at, mark.judgment);
        if !self.mark_of(mark.account)?.as_ref().is_none_or(is_later) {
            return Ok(false);
        }
        self.put(Table::Verified, &mark_key(mark.account), mark);
        self.show(Event::People);
        Ok(true)
    }

    pub(super) fn judgment(&self, account: AccountId) -> Result<Judgment, ReadError> {
        Ok(self
            .mark_of(account)?
            .map_or(Judgment::None, |mark| mark.judgment))
    }
}

impl Engine {
    /// The person said something about an identity: kept, recorded, and told to the other own devices.
    pub(super) fn mark(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        username: &str,
        judgment: Judgment,
    ) -> Result<(), ReadError> {
        // Also behind a mark by a clock that was ahead.
        let known = work.mark_of(account)?.map_or(Timestamp(0), |mark| mark.at);
        let mark = Mark {
            account,
            username: username.to_owned(),
            judgment,
            at: work.now.max(known.plus(1)),
        };
        if !work.put_mark(&mark)? {
            return Ok(());
        }
        self.record(work, Item::Mark(mark.clone()));
        let own = work.own()?.account;
        self.enqueue_control(work, own, None, &Control::Marked(mark))?;
        self.judged(work);
        Ok(())
    }

    /// Another device of the account, or a record of the vault, says what the person said.
    pub(crate) fn take_mark(&mut self, work: &mut Work<'_>, mark: &Mark) -> Result<(), ReadError> {
        if mark.account == work.own()?.account || !work.put_mark(mark)? {
            return Ok(());
        }
        // The name is pinned with the mark: no other name that the server shows here parts the two.
        let known = super::Known {
            account: mark.account,
            username: mark.username.clone(),
            since: work.known_since(mark.account)?.unwrap_or(mark.at),
        };
        work.note_known(&known)?;
        self.judged(work);
        Ok(())
    }

    /// What was held back for want of a judgment is looked at again.
    fn judged(&mut self, work: &mut Work<'_>) {
        self.receipts_looked_for = false;
        self.repair_soon(work.now);
    }
}
