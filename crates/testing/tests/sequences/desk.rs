//! A server with one place, and two devices of its members: each judges what is offered by its own code.

use std::sync::Arc;

use conclave_client::fuzzing::{follow_place, read_place};
use conclave_protocol::{AccountId, Bytes};
use conclave_server::fuzzing::{judge_place, start_again};
use conclave_sigchain::room::{RoomBody, RoomChain, RoomEntry};

use super::accounts::{Account, NOW};
use super::chance::Chance;
use super::laws;

/// One in so many sequences is read whole at its end.
pub(crate) const READS_WHOLE: usize = 4;

/// A place at the server and at two devices.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) server: RoomChain,
    pub(crate) entries: Vec<Bytes>,
    /// What the server keeps of the chain, to start from.
    kept: Vec<u8>,
    /// A device that follows each entry.
    follows: RoomChain,
    /// A device that catches up by pages, and begins again from its disk in between.
    lags: RoomChain,
}

impl Desk {
    pub(crate) fn begin(entry: &RoomEntry) -> Self {
        let (chain, _) = RoomChain::begin(entry).expect("a first entry");
        Self {
            kept: chain.to_bytes(),
            entries: vec![Bytes(entry.to_bytes())],
            follows: chain.clone(),
            lags: chain.clone(),
            server: chain,
        }
    }

    /// An entry is offered to the server and, if it is such a server, shown to the devices all the same. True when it
    /// was accepted.
    pub(crate) fn offer(&mut self, people: &[Account], entry: &RoomEntry) -> bool {
        let chain_of = |id: AccountId| people.iter().find(|person| person.id() == id);
        let account = |id| chain_of(id).map(|person| Arc::new(person.chain.clone()));
        let before = self.server.clone();
        let by_server = judge_place(&mut self.server, entry, account, NOW);
        let by_device = follow_place(&self.follows, &[Bytes(entry.to_bytes())]);

        if before.hash_at(entry.sequence) == Some(entry.hash()) {
            assert_eq!(by_server, Ok(()), "an entry that stands is there");
            assert_eq!(by_device.as_ref(), Ok(&self.follows));
            assert_eq!(self.server, before);
            return false;
        }
        // What a device compares with the accounts' own chains before it relies on it.
        let claims = |chain: &RoomChain| {
            let named = entry.body.named_head().map(|(account, _)| account);
            let accounts = [Some(entry.author.account), named].into_iter().flatten();
            accounts
                .map(|id| chain_of(id).map(|person| person.chain.clone()))
                .all(|account| account.is_some_and(|account| chain.clone().confirm(&account).is_ok()))
        };
        let holds_here = by_device.as_ref().is_ok_and(claims);
        // What the server alone can know.
        let is_near = entry.time.since(NOW).max(NOW.since(entry.time)) <= 120_000;
        let speaks = chain_of(entry.author.account)
            .is_some_and(|person| person.chain.device(entry.author.device).is_some());
        let is_open = match &entry.body {
            RoomBody::Add { account, .. } | RoomBody::Approve { account } => {
                chain_of(*account).is_some_and(|person| !person.chain.is_closed())
            }
            _ => true,
        };
        assert_eq!(
            by_server.is_ok(),
            holds_here && is_near && speaks && is_open,
            "{entry:?}: {by_server:?}, {:?}, claims {holds_here}, near {is_near}, speaks {speaks}, open {is_open}",
            by_device.as_ref().map(RoomChain::head)
        );
        if by_server.is_err() {
            assert_eq!(self.server, before, "a refusal changed the chain");
            return false;
        }
        let ids: Vec<_> = people.iter().map(Account::id).collect();
        laws::place(before.state(), &self.server, &ids, entry.author.account);
        self.follows = by_device.expect("it was accepted");
        assert_eq!(
            self.follows.state(),
            self.server.state(),
            "one state at server and device"
        );
        assert_eq!(self.follows.head_hash(), self.server.head_hash());
        self.entries.push(Bytes(entry.to_bytes()));
        true
    }

    /// What happens beside: the server keeps the chain or starts again, a device catches up or begins again.
    pub(crate) fn goes_on(&mut self, chance: &mut Chance) {
        match chance.below(12) {
            0 => self.kept = self.server.to_bytes(),
            1 => self.server_starts(),
            2 => self.catches_up(chance.below(3)),
            3 => self.follows = again(&self.follows),
            _ => {}
        }
    }

    fn server_starts(&mut self) {
        let kept = RoomChain::from_bytes(&self.kept).expect("a kept chain");
        let behind = usize::try_from(kept.head()).expect("a short chain") + 1;
        let started = start_again(&self.kept, &self.entries[behind..]).expect("it goes on");
        assert_eq!(started, self.server, "the server after a start");
        self.server = started;
    }

    fn catches_up(&mut self, again_from: usize) {
        let known = usize::try_from(self.lags.head()).expect("a short chain") + 1;
        let page = &self.entries[known.saturating_sub(again_from)..];
        let lags = follow_place(&self.lags, page).expect("what the server took");
        self.lags = again(&lags);
    }

    /// At the end all have the same, also whoever reads the whole chain for the first time, in two pages. Of all that
    /// happens here this takes longest, so only some do.
    pub(crate) fn agrees(&mut self, people: &[Account], chance: &mut Chance) {
        self.server_starts();
        self.catches_up(1);
        let mut whole = self.server.clone();
        if chance.one_in(READS_WHOLE) {
            let cut = chance.below(self.entries.len());
            let (one, two) = self.entries.split_at(cut);
            whole = read_place(self.server.place(), &[one, two]).expect("the whole chain");
        }
        assert_eq!(whole, self.server, "the whole chain");
        assert_eq!(self.lags, self.server, "a device that lagged");
        assert_eq!(self.follows, self.server, "a device that followed");
        // What was accepted claims nothing false.
        for person in people {
            whole.confirm(&person.chain).expect("claims that hold");
        }
        assert_eq!(whole.unconfirmed().count(), 0, "somebody unknown");
    }
}

/// A chain from the disk of its device.
fn again(chain: &RoomChain) -> RoomChain {
    RoomChain::from_bytes(&chain.to_bytes()).expect("from the disk")
}
