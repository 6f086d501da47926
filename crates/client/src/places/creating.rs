//! Making a group or community: its first entry, its name, a first channel, people. What is to be done is kept, so
//! that it goes on after whatever stopped it.

use conclave_protocol::places::{MakePlace, PlaceAppended};
use conclave_protocol::{AccountId, Bytes, ErrorCode, PlaceId};
use conclave_sigchain::room::{History, MetadataField, Permissions, PlaceKind, Policy, RoomBody, RoomEntry};
use minicbor::{Decode, Encode};

use super::acting::{AfterAct, Wanted};
use super::acts::NAME_MAX;
use super::following::first_room;
use super::intents::{ChannelForm, ChannelSort, PlaceChange, PlaceField, PlaceSort};
use crate::calls::{Call, Refusal, json};
use crate::changes::Table;
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::{Event, Outcome};
use crate::work::Work;

const PLAN: &[u8] = b"plan/";
/// People who are added to a new place at once.
const PEOPLE_MAX: usize = 200;
/// A first entry that the server did not take is tried again after this.
const AGAIN_MS: u64 = 5_000;
/// What a community's first channel is called.
const FIRST_CHANNEL: &str = "general";

/// A place that is being made.
#[derive(Clone, Debug, Encode, Decode)]
struct Plan {
    /// The first entry.
    #[n(0)]
    entry: Bytes,
    #[n(1)]
    name: String,
    /// Who is still to be added.
    #[n(2)]
    people: Vec<AccountId>,
}

impl Engine {
    pub(crate) fn create_place(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        kind: PlaceSort,
        name: &str,
        people: Vec<AccountId>,
    ) -> Result<(), ReadError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            self.fail(work, ask, Failure::place_name());
            return Ok(());
        }
        if people.len() > PEOPLE_MAX {
            self.fail(work, ask, Failure::place_full());
            return Ok(());
        }
        if self.link.is_down() {
            self.fail(work, ask, Failure::offline());
            return Ok(());
        }
        let own = work.own()?.account;
        let mut people: Vec<AccountId> = people.into_iter().filter(|account| *account != own).collect();
        people.dedup();
        let (kind, everyone) = match kind {
            PlaceSort::Group => (PlaceKind::Group, Permissions::GROUP_DEFAULT),
            PlaceSort::Community => (PlaceKind::Community, Permissions::COMMUNITY_DEFAULT),
        };
        let plan = Plan {
            entry: self.first_entry(work, kind, everyone)?,
            name: name.to_owned(),
            people,
        };
        let Some(id) = place_of(&plan) else {
            self.fail(work, ask, Failure::server(ErrorCode::ChainRefused, None));
            return Ok(());
        };
        work.put(Table::Places, &plan_key(id), &plan);
        self.places.plans.insert(id);
        self.places.plan_asks.insert(id, ask);
        Ok(())
    }

    fn first_entry(
        &mut self,
        work: &mut Work<'_>,
        kind: PlaceKind,
        everyone: Permissions,
    ) -> Result<Bytes, ReadError> {
        let body = RoomBody::Create {
            kind,
            nonce: work.random(),
            everyone,
            policy: Policy {
                // In a community each channel says it for itself.
                history: match kind {
                    PlaceKind::Group => History::SinceJoining,
                    PlaceKind::Community => History::All,
                },
                ..Policy::default()
            },
        };
        let author = self.room_author(work)?;
        let signing = work.own()?.signing_key();
        let entry = RoomEntry::create(author, self.entry_time(work.now), body)
            .signed_with(|bytes| signing.sign(bytes));
        Ok(Bytes(entry.to_bytes()))
    }

    /// Goes on with places that are being made.
    pub(crate) fn drive_plans(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if !self.places.plans_looked_for {
            self.places.plans_looked_for = true;
            for (key, _) in work.list_bytes(Table::Places, PLAN, u32::MAX)? {
                let id = key.strip_prefix(PLAN).and_then(|id| id.try_into().ok());
                self.places.plans.extend(id.map(PlaceId));
            }
        }
        for id in self.places.plans.clone() {
            self.drive_plan(work, id)?;
        }
        Ok(())
    }

    fn drive_plan(&mut self, work: &mut Work<'_>, id: PlaceId) -> Result<(), ReadError> {
        let Some(mut plan) = work.find::<Plan>(Table::Places, &plan_key(id))? else {
            self.places.plans.remove(&id);
            return Ok(());
        };
        let Some(place) = self.place(work, id)? else {
            let waits = self.places.plan_again.is_some_and(|at| at > work.now);
            if !waits && self.places.making.insert(id) {
                self.places.plan_again = None;
                let body = json(&MakePlace {
                    entry: plan.entry.clone(),
                });
                self.call(
                    work,
                    Call::MakePlace { place: id },
                    Method::Post,
                    "/api/v1/places".to_owned(),
                    Some(body),
                );
            }
            return Ok(());
        };
        if self.place_is_busy(id) || self.places.behind.contains(&id) {
            return Ok(());
        }
        let state = place.chain.state();
        let has_name = state.metadata().any(|(field, _)| field == MetadataField::Name);
        if !has_name {
            let change = PlaceChange::SetText {
                field: PlaceField::Name,
                text: plan.name,
            };
            return self.act_in_place(work, id, Wanted::Change(change), AfterAct::Plan);
        }
        if state.kind() == PlaceKind::Community && state.channels().next().is_none() {
            let change = PlaceChange::CreateChannel {
                kind: ChannelSort::Text,
                channel: ChannelForm {
                    name: FIRST_CHANNEL.to_owned(),
                    ..ChannelForm::default()
                },
            };
            return self.act_in_place(work, id, Wanted::Change(change), AfterAct::Plan);
        }
        if let Some(account) = plan.people.pop() {
            if state.member(account).is_some() {
                work.put(Table::Places, &plan_key(id), &plan);
                return self.drive_plan(work, id);
            }
            // It is taken off the list with the entry, or when it failed for good; a crash between adds nobody twice.
            if self.places.added.insert((id, account)) {
                let change = PlaceChange::AddMember {
                    account,
                    roles: Vec::new(),
                };
                return self.act_in_place(work, id, Wanted::Change(change), AfterAct::Person(account));
            }
            self.places.added.remove(&(id, account));
            work.put(Table::Places, &plan_key(id), &plan);
            return self.drive_plan(work, id);
        }
        work.delete(Table::Places, &plan_key(id));
        self.places.plans.remove(&id);
        if let Some(ask) = self.places.plan_asks.remove(&id) {
            let own = work.own()?.account;
            let room = first_room(&place.chain, own);
            self.answer(
                work,
                ask,
                Outcome::Place {
                    place: id.to_string(),
                    room: room.map(|room| room.to_string()).unwrap_or_default(),
                },
            );
        }
        Ok(())
    }

    /// The server answered a first entry.
    pub(crate) fn place_made(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        answer: Result<PlaceAppended, Refusal>,
    ) -> Result<(), ReadError> {
        self.places.making.remove(&id);
        let Some(mut plan) = work.find::<Plan>(Table::Places, &plan_key(id))? else {
            return Ok(());
        };
        let Err(refusal) = answer else {
            if self.place(work, id)?.is_some() {
                return Ok(());
            }
            return self.begin_place(work, id, &plan.entry);
        };
        let again = [
            ErrorCode::TimedOut,
            ErrorCode::Internal,
            ErrorCode::Unavailable,
            ErrorCode::TooFast,
            ErrorCode::SignInNeeded,
        ];
        let is_transient = matches!(refusal, Refusal::Unreachable | Refusal::Unreadable)
            || again.into_iter().any(|code| refusal.is(code));
        if refusal.is(ErrorCode::SignInNeeded) {
            self.access = None;
        }
        if is_transient {
            let pause = refusal.retry_after_ms().unwrap_or(AGAIN_MS);
            self.places.plan_again = Some(self.jittered(work, pause));
            if !refusal.is(ErrorCode::TooFast)
                && let Some(ask) = self.places.plan_asks.remove(&id)
            {
                self.fail(work, ask, refusal.failure());
            }
            return Ok(());
        }
        // An entry that has waited too long is signed anew; the server never took it.
        let is_old = RoomEntry::from_bytes(plan.entry.as_slice())
            .is_ok_and(|entry| work.now.since(entry.time) > 60_000);
        if refusal.is(ErrorCode::ChainRefused) && is_old {
            let Ok(entry) = RoomEntry::from_bytes(plan.entry.as_slice()) else {
                return self.plan_failed(work, id, refusal.failure());
            };
            if let RoomBody::Create { kind, everyone, .. } = entry.body {
                plan.entry = self.first_entry(work, kind, everyone)?;
            }
            work.delete(Table::Places, &plan_key(id));
            self.places.plans.remove(&id);
            if let Some(other) = place_of(&plan) {
                work.put(Table::Places, &plan_key(other), &plan);
                self.places.plans.insert(other);
                if let Some(ask) = self.places.plan_asks.remove(&id) {
                    self.places.plan_asks.insert(other, ask);
                }
            }
            return Ok(());
        }
        self.plan_failed(work, id, refusal.failure())
    }

    /// A place cannot be made as it was wanted.
    pub(crate) fn plan_failed(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        failure: Failure,
    ) -> Result<(), ReadError> {
        if failure == Failure::offline() {
            // It goes on by itself; whoever waited hears that it takes longer.
            if let Some(ask) = self.places.plan_asks.remove(&id) {
                self.fail(work, ask, failure);
            }
            return Ok(());
        }
        work.delete(Table::Places, &plan_key(id));
        self.places.plans.remove(&id);
        match self.places.plan_asks.remove(&id) {
            Some(ask) => self.fail(work, ask, failure),
            None => work.show(Event::Warning { failure }),
        }
        Ok(())
    }
}

fn place_of(plan: &Plan) -> Option<PlaceId> {
    let entry = RoomEntry::from_bytes(plan.entry.as_slice()).ok()?;
    Some(PlaceId(entry.hash().0))
}

fn plan_key(place: PlaceId) -> Vec<u8> {
    [PLAN, &place.0].concat()
}
