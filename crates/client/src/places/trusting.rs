//! What a place's chain claims of accounts, compared with their own chains; and what their chains say that the place
//! has to hear.
//!
//! Invariant: nothing is sealed for a place before the claims of everybody whose acts its state relies on were
//! compared. A claim that their own chains do not bear out makes the place disputed.

use std::collections::BTreeSet;
use std::sync::Arc;

use conclave_protocol::{AccountId, PlaceId};
use conclave_sigchain::room::{RoomChain, RoomChainError};

use super::acting::{AfterAct, Wanted};
use super::record::{DisputeKind, Place, Standing};
use crate::calls::{Need, NeedState};
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// Accounts that are looked up at a time for what a place claims of them.
const LOOKED_UP_AT_ONCE: usize = 8;
/// Members of a place who are looked up for their names; of a larger place, those who act or write.
const MET_MAX: usize = 200;
/// A lost device is recorded after about this: at once by its own account, later by one of the other members.
const OBSERVE_OWN_MS: u64 = 200;
const OBSERVE_MS: u64 = 3_000;
/// It waits at most so long for what its author has not read yet.
const OBSERVE_WAITS_MS: u64 = 60_000;

impl Engine {
    /// Whether messages may be sealed for a place now: its chain is whole, undisputed, and relies on nobody whose
    /// claims were not compared.
    pub(crate) fn place_is_sealed_for(&mut self, work: &Work<'_>, id: PlaceId) -> Result<bool, ReadError> {
        let Some(place) = self.place(work, id)? else {
            return Ok(false);
        };
        Ok(place.kept.disputed.is_none()
            && place.kept.standing == Standing::Member
            && !self.places.behind.contains(&id)
            && place.chain.is_audited()
            && place
                .kept
                .actors
                .iter()
                .all(|account| place.chain.is_confirmed(*account)))
    }

    /// A place was read or has grown: whom it relies on is compared, who is in it is looked up, missing keys are
    /// asked for.
    pub(crate) fn look_over(&mut self, work: &mut Work<'_>, place: &Place) -> Result<(), ReadError> {
        let id = place.id();
        if place.kept.standing != Standing::Member {
            self.places.unconfirmed.remove(&id);
            return self.look_for_keys(work, place);
        }
        let state = place.chain.state();
        let mut wanted: Vec<AccountId> = place.kept.actors.clone();
        wanted.extend(
            state
                .members()
                .map(|(account, _)| account)
                .chain(state.requests().map(|(account, _)| account))
                .take(MET_MAX),
        );
        wanted.retain(|account| !place.chain.is_confirmed(*account));
        if wanted.is_empty() {
            self.places.unconfirmed.remove(&id);
        } else {
            self.places
                .unconfirmed
                .insert(id, wanted.into_iter().collect::<BTreeSet<_>>());
        }
        self.look_for_keys(work, place)
    }

    /// Compares what places claim of accounts whose chains are here, and asks for the chains of others.
    pub(crate) fn confirm_claims(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        for (id, accounts) in self.places.unconfirmed.clone() {
            let Some(known) = self.place(work, id)? else {
                self.places.unconfirmed.remove(&id);
                continue;
            };
            if known.kept.disputed.is_some() {
                continue;
            }
            let mut place = Place::clone(&known);
            let mut confirmed = false;
            let mut is_false = false;
            // Those on whom the state relies come first.
            let (actors, others): (Vec<_>, Vec<_>) = accounts
                .into_iter()
                .partition(|account| place.kept.actors.contains(account));
            for account in actors.into_iter().chain(others) {
                match self.compare_claim(work, &mut place, account)? {
                    Compared::Holds => {
                        confirmed = true;
                        self.claim_is_settled(id, account);
                    }
                    Compared::Waits => {}
                    Compared::False => {
                        is_false = true;
                        break;
                    }
                }
            }
            if confirmed {
                self.keep_place(work, place.clone());
                self.observe_soon(work, false);
            }
            if is_false {
                self.dispute_place(work, &place, DisputeKind::FalseClaim, None);
            }
        }
        Ok(())
    }

    fn claim_is_settled(&mut self, id: PlaceId, account: AccountId) {
        if let Some(left) = self.places.unconfirmed.get_mut(&id) {
            left.remove(&account);
            if left.is_empty() {
                self.places.unconfirmed.remove(&id);
            }
        }
    }

    fn compare_claim(
        &mut self,
        work: &mut Work<'_>,
        place: &mut Place,
        account: AccountId,
    ) -> Result<Compared, ReadError> {
        let Some(named) = place.chain.claim(account).map(|claim| claim.known.head) else {
            return Ok(Compared::Holds);
        };
        let Some(person) = self.person(work, account)? else {
            let under_way = |state: &&NeedState| **state == NeedState::Running;
            if self.needs.values().filter(under_way).count() < LOOKED_UP_AT_ONCE {
                self.need(work, Need::Person(account))?;
            }
            return Ok(Compared::Waits);
        };
        if person.chain.head() < named.sequence {
            // The server shows a claim about entries; then it can show the entries.
            if self.longer_chains_asked.insert(account) {
                self.follow_chain(work, account)?;
                return Ok(Compared::Waits);
            }
            let is_coming = self.behind.contains(&account)
                || self.needs.get(&Need::Entries(account)) == Some(&NeedState::Running);
            return Ok(if is_coming {
                Compared::Waits
            } else {
                Compared::False
            });
        }
        Ok(match Arc::make_mut(&mut place.chain).confirm(&person.chain) {
            Ok(()) => Compared::Holds,
            Err(RoomChainError::FalseClaim) => Compared::False,
            Err(_) => Compared::Waits,
        })
    }

    /// Members' chains are gone over for lost devices that no place has heard of: soon where the loss is one's own.
    pub(crate) fn observe_soon(&mut self, work: &mut Work<'_>, own: bool) {
        let at = self.jittered(work, if own { OBSERVE_OWN_MS } else { OBSERVE_MS });
        self.places.observe_due = Some(self.places.observe_due.map_or(at, |due| due.min(at)));
    }

    /// Records in each place what its members' accounts lost, where nobody did so yet.
    pub(crate) fn observe(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if self.places.observe_due.is_none_or(|due| due > work.now) {
            return Ok(());
        }
        self.places.observe_due = None;
        let mut waits = false;
        for id in work.list_place_ids()? {
            let Some(place) = self.place(work, id)? else {
                continue;
            };
            let state = place.chain.state();
            let may = place.kept.standing == Standing::Member
                && place.kept.disputed.is_none()
                && !state.is_closed();
            if !may {
                continue;
            }
            if self.places.behind.contains(&id) {
                // What is on its way may hold the observation.
                self.observe_soon(work, true);
                continue;
            }
            let members: Vec<AccountId> = state.members().map(|(account, _)| account).collect();
            for account in members {
                // Only whose chain is in memory can have moved; of a small place everybody's is read once.
                let is_known = self.people.contains_key(&account) || state.member_count() <= MET_MAX;
                if !is_known || self.is_being_observed(id, account) {
                    continue;
                }
                let Some(person) = self.person(work, account)? else {
                    continue;
                };
                if !state.owes_observation(&person.chain) {
                    continue;
                }
                let since = *self.places.observe_since.get_or_insert(work.now);
                let has_waited = work.now.since(since) >= OBSERVE_WAITS_MS;
                if !has_waited && !self.has_read_all_of(work, &place.chain, account)? {
                    waits = true;
                    continue;
                }
                self.act_in_place(work, id, Wanted::Observe(account), AfterAct::Nobody)?;
            }
        }
        if waits {
            self.observe_soon(work, true);
        } else {
            self.places.observe_since = None;
        }
        Ok(())
    }

    /// Whether everything that an account said in a place is here and opened, as far as the server shows it. An
    /// observation ends the chains of lost devices behind what was seen of them: what was not seen yet would be cut
    /// off for everybody who has not opened it.
    pub(crate) fn has_read_all_of(
        &mut self,
        work: &Work<'_>,
        chain: &RoomChain,
        account: AccountId,
    ) -> Result<bool, ReadError> {
        let own = work.own()?.account;
        let state = chain.state();
        for room in state.rooms().filter(|room| state.is_reader(own, *room)) {
            if !self.room_is_read(work, room)? {
                return Ok(false);
            }
            let waiting = work.list_waiting(Some(room))?;
            if waiting.iter().any(|one| one.message.sender.account == account) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The server wants an observation before it takes a message: members' chains are looked at anew.
    pub(crate) fn observation_owed(&mut self, work: &mut Work<'_>, id: PlaceId) -> Result<(), ReadError> {
        let Some(chain) = self.place_chain(work, id)? else {
            return Ok(());
        };
        self.follow_place(id);
        let members: Vec<AccountId> = chain.state().members().map(|(account, _)| account).collect();
        for account in members {
            if self.people.contains_key(&account) {
                self.follow_chain(work, account)?;
            }
        }
        self.observe_soon(work, true);
        Ok(())
    }
}

/// What came of comparing a claim.
enum Compared {
    Holds,
    Waits,
    False,
}
