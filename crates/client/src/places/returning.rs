//! Members who started again under their name: the account in the place has ended, and another one has its name. Those
//! who may let people in see it, and let them back in at once: the new account is added with the roles of the old one
//! that they may give, and the old one is removed.
//!
//! Invariant: that it is the same person, the server says and nobody else. So nothing is done without a person's word,
//! the new account's log is verified like anybody's, and where the old one had been compared, the new one is compared or
//! accepted first.

use conclave_protocol::frames::Returned;
use conclave_protocol::{AccountId, PlaceId, RoomId};
use conclave_sigchain::room::{AccountHead, Permissions, Rebase, RoleId, RoomBody};

use super::acting::{AfterAct, Wanted};
use super::intents::PlaceChange;
use super::listing::Shown;
use super::record::{Place, Standing};
use super::views::ReturnedView;
use crate::calls::Need;
use crate::changes::Table;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::trust;
use crate::views::{Event, PersonView};
use crate::work::Work;

const RETURNED: &[u8] = b"returned/";

fn returned_key(former: AccountId) -> Vec<u8> {
    [RETURNED, &former.0].concat()
}

impl Work<'_> {
    /// The account that somebody has now, as the server says.
    fn returned_as(&self, former: AccountId) -> Result<Option<AccountId>, ReadError> {
        self.find(Table::Places, &returned_key(former))
    }
}

impl Engine {
    /// The server says that somebody started again. Who it is now is looked up, and contacts are told as ever.
    pub(crate) fn take_returned(&mut self, work: &mut Work<'_>, returned: Returned) -> Result<(), ReadError> {
        let Returned { former, account } = returned;
        let own = work.own()?.account;
        let is_known = self.person(work, former)?.is_some();
        if former == own || account == own || former == account || !is_known {
            return Ok(());
        }
        if work.returned_as(former)? != Some(account) {
            work.put(Table::Places, &returned_key(former), &account);
        }
        if self.person(work, account)?.is_none() {
            self.need(work, Need::Person(account))?;
            self.places.returned.insert(account, former);
        }
        if work.find_room(RoomId::direct(own, former))?.is_some() {
            self.look_up_name(work, former)?;
        }
        self.returned_is_known(work, former)
    }

    /// Places show who is back once it is known who that is.
    pub(super) fn look_who_returned(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        for (account, former) in self.places.returned.clone() {
            if self.person(work, account)?.is_some() {
                self.places.returned.remove(&account);
                self.returned_is_known(work, former)?;
            }
        }
        Ok(())
    }

    /// Places show anew who is back.
    fn returned_is_known(&self, work: &mut Work<'_>, former: AccountId) -> Result<(), ReadError> {
        for id in work.list_place_ids()? {
            let place = self.look_at(work, id)?;
            if place.is_some_and(|shown| shown.place.chain.state().member(former).is_some()) {
                work.show(Event::Places {
                    place: id.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Lets somebody back in who started again: adds the account that they have now and removes the one that they had.
    pub(crate) fn let_back_in(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        id: PlaceId,
        former: AccountId,
    ) -> Result<(), ReadError> {
        let (Some(place), Some(account)) = (self.place(work, id)?, work.returned_as(former)?) else {
            self.fail(work, ask, Failure::unknown_place());
            return Ok(());
        };
        let Some(person) = self.person(work, account)? else {
            self.need(work, Need::Person(account))?;
            self.fail(work, ask, Failure::busy());
            return Ok(());
        };
        if work.is_blocked(account)? {
            self.fail(work, ask, Failure::identity_changed());
            return Ok(());
        }
        let state = place.chain.state();
        if state.member(account).is_some() {
            let change = removal(former);
            return self.change_place(work, ask, id, Wanted::Change(change));
        }
        let head = AccountHead {
            sequence: person.chain.head(),
            hash: person.chain.head_hash(),
        };
        let author = self.room_author(work)?;
        let time = self.entry_time(work.now);
        let may = |roles: Vec<RoleId>| {
            let body = RoomBody::Add { account, head, roles };
            state.rebase(&author, time, &body, &[]) == Rebase::Allowed
        };
        let roles: Vec<u32> = state
            .roles_of(former)
            .map(|(role, _)| role)
            .filter(|role| *role != RoleId::EVERYONE && may(vec![*role]))
            .map(|role| role.0)
            .collect();
        let is_in = place.kept.standing == Standing::Member;
        let then = if may_remove(&place, work.own()?.account, former) {
            AfterAct::LetBackIn { ask, former }
        } else {
            // An owner who started again cannot be removed by anybody.
            AfterAct::Answer(ask)
        };
        if !is_in {
            self.fail(work, ask, Failure::place_not_member());
            return Ok(());
        }
        if self.link.is_down() {
            self.fail(work, ask, Failure::offline());
            return Ok(());
        }
        let change = PlaceChange::AddMember { account, roles };
        self.act_in_place(work, id, Wanted::Change(change), then)
    }

    /// The new account is in: the old one goes.
    pub(super) fn remove_former(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        id: PlaceId,
        former: AccountId,
    ) -> Result<(), ReadError> {
        let wanted = Wanted::Change(removal(former));
        self.act_in_place(work, id, wanted, AfterAct::Answer(ask))
    }
}

fn removal(former: AccountId) -> PlaceChange {
    PlaceChange::Remove {
        account: former,
        reason: String::new(),
    }
}

fn may_remove(place: &Place, own: AccountId, former: AccountId) -> bool {
    let state = place.chain.state();
    let (Some(own), Some(theirs)) = (state.standing(own), state.standing(former)) else {
        return false;
    };
    own.permissions.contains(Permissions::KICK) && own.rank.0 > theirs.rank.0
}

/// Members who started again, for those who may let people in.
pub(super) fn returned_views(
    work: &Work<'_>,
    shown: &Shown,
    own: AccountId,
) -> Result<Vec<ReturnedView>, ReadError> {
    let state = shown.place.chain.state();
    let may_add = state
        .standing(own)
        .is_some_and(|standing| standing.permissions.contains(Permissions::ADD_MEMBERS));
    let mut views = Vec::new();
    if !may_add || shown.place.kept.standing != Standing::Member {
        return Ok(views);
    }
    for (key, _) in work.list_bytes(Table::Places, RETURNED, u32::MAX)? {
        let former = key.get(RETURNED.len()..).and_then(|id| id.try_into().ok());
        let Some(former) = former
            .map(AccountId)
            .filter(|former| state.member(*former).is_some())
        else {
            continue;
        };
        let Some(account) = work.returned_as(former)? else {
            continue;
        };
        // Whom the server calls somebody's successor has their name, or is none.
        let Some(username) = work.username(account)? else {
            continue;
        };
        let may_go = may_remove(&shown.place, own, former);
        // In many groups everybody may add people. Asked are those who run it; an owner nobody can remove.
        if !may_go && state.owner() != former {
            continue;
        }
        if work.pinned_name(former)?.as_ref() != Some(&username) || state.member(account).is_some() && !may_go
        {
            continue;
        }
        views.push(ReturnedView {
            former: former.to_string(),
            person: PersonView {
                account: account.to_string(),
                username,
            },
            blocked: work.standing(account)? == trust::Standing::Blocked,
            former_stays: !may_go,
        });
    }
    Ok(views)
}
