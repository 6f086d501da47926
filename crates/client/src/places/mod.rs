//! Groups and communities: their chains as they are followed, what a person does in them, and what is shown.
//!
//! A *place* is a group or a community. What its chain says is decided by `conclave_sigchain::room` alone; this
//! module follows chains, keeps the keys of what is sealed in them, and says things in them. It must never take the
//! server's word for who is a member.
//!
//! | module | owns |
//! |---|---|
//! | `record` | what is kept of a place, and which room is of which place |
//! | `following` | chains as they grow: what the server lists, tells and shows; disputes |
//! | `trusting` | what chains claim of accounts, compared; lost devices, observed |
//! | `intents`, `acts` | what a person may want, and as what entry it is said |
//! | `acting` | saying it, and saying it anew where somebody was faster |
//! | `creating`, `entering` | making a place; the way in by a link |
//! | `names`, `keys`, `links` | what is sealed in a chain, its keys and how they travel, invites' links |
//! | `notices`, `telling` | what happened, as rows of timelines |
//! | `views`, `listing` | what front ends see |
//!
//! One more act is one more variant of [`intents::PlaceChange`] and its arm in `acts`.

pub(crate) mod acting;
pub(crate) mod acts;
pub(crate) mod creating;
pub(crate) mod entering;
pub(crate) mod following;
pub mod intents;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod listing;
pub(crate) mod names;
pub(crate) mod notices;
pub(crate) mod record;
pub(crate) mod returning;
pub(crate) mod taking;
pub(crate) mod telling;
#[cfg(test)]
mod tests;
pub(crate) mod trusting;
mod unopened;
pub mod views;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use conclave_protocol::{AccountId, PlaceId, Timestamp};

use self::acting::{PlaceAct, Wanted};
use self::following::Reading;
use self::intents::PlaceIntent;
use self::keys::KeysRun;
use self::links::InviteSecret;
use self::record::Place;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// What the engine has in memory of places. Nothing of it is needed after a crash.
#[derive(Default)]
pub(crate) struct PlacesRun {
    /// Places that were read from the store.
    pub(crate) known: BTreeMap<PlaceId, Arc<Place>>,
    /// The server has said on this connection where the account is in.
    pub(crate) is_listed: bool,
    /// Places of whose chain more is there than is known here.
    pub(crate) behind: BTreeSet<PlaceId>,
    /// How long the chain of a place was here when more of it was asked for. An answer may be read before what comes
    /// meanwhile another way, and is shorter than that; shorter than this it never is.
    asked: BTreeMap<PlaceId, u32>,
    /// The same for the list of places.
    list_asked: BTreeMap<PlaceId, u32>,
    /// Entries that members named and that are not here.
    named: BTreeMap<PlaceId, u32>,
    /// Chains that are being read from their beginning.
    reading: BTreeMap<PlaceId, Reading>,
    /// What this device wants to say in each place, in order; the first is under way.
    acts: BTreeMap<PlaceId, VecDeque<PlaceAct>>,
    /// Places that are being made, who waits for them, and what of that is under way.
    plans: BTreeSet<PlaceId>,
    plans_looked_for: bool,
    plan_asks: BTreeMap<PlaceId, u64>,
    making: BTreeSet<PlaceId>,
    plan_again: Option<Timestamp>,
    added: BTreeSet<(PlaceId, AccountId)>,
    /// Who went in by a link and waits for the place to be here.
    joins: BTreeMap<PlaceId, u64>,
    /// Accounts whose claims are to be compared.
    unconfirmed: BTreeMap<PlaceId, BTreeSet<AccountId>>,
    observe_due: Option<Timestamp>,
    /// Since when an observation waits for what its author has not read yet.
    observe_since: Option<Timestamp>,
    keys: KeysRun,
    /// Accounts as which members started again, whose logs were asked for, with the accounts that they had.
    returned: BTreeMap<AccountId, AccountId>,
    /// Members who are to be handed a place's keys once their chains are here.
    to_tell: BTreeSet<(PlaceId, AccountId)>,
}

impl PlacesRun {
    /// A new connection: what was found out by asking is found out anew.
    fn connected(&mut self) {
        self.is_listed = false;
        self.behind.clear();
        self.asked.clear();
        self.list_asked.clear();
        self.named.clear();
        self.reading.clear();
    }
}

impl Engine {
    /// Something that a person wants of a group or community.
    pub(crate) fn place_intent(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        intent: PlaceIntent,
    ) -> Result<(), ReadError> {
        match intent {
            PlaceIntent::Create { kind, name, people } => self.create_place(work, ask, kind, &name, people),
            PlaceIntent::Preview { link } => self.visit_place(work, ask, &link, false),
            PlaceIntent::Join { link } => self.visit_place(work, ask, &link, true),
            PlaceIntent::Invite { place, terms } => {
                let secret = InviteSecret(work.random());
                self.change_place(work, ask, place, Wanted::Invite(terms, secret))
            }
            PlaceIntent::Change { place, change } => {
                self.change_place(work, ask, place, Wanted::Change(change))
            }
            PlaceIntent::LetBackIn { place, former } => self.let_back_in(work, ask, place, former),
        }
    }

    /// Whatever can go on now in groups and communities goes on.
    pub(crate) fn drive_places(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.follow_places(work)?;
        self.confirm_claims(work)?;
        self.observe(work)?;
        self.look_who_returned(work)?;
        self.drive_plans(work)?;
        self.drive_place_acts(work)?;
        self.hand_on_place_keys(work)?;
        self.ask_for_place_keys(work)
    }

    /// When places are looked at next.
    pub(crate) fn places_due(&self) -> Option<Timestamp> {
        [
            self.places.observe_due,
            self.places.plan_again,
            self.places.keys.due(),
            self.place_acts_due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The connection is gone: whoever waits hears so.
    pub(crate) fn places_lost(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.fail_all_place_acts(work)?;
        let failure = Failure::offline();
        for ask in std::mem::take(&mut self.places.joins).into_values() {
            self.fail(work, ask, failure.clone());
        }
        for ask in std::mem::take(&mut self.places.plan_asks).into_values() {
            self.fail(work, ask, failure.clone());
        }
        self.places.making.clear();
        self.places.added.clear();
        Ok(())
    }
}
