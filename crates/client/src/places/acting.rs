//! Saying something in a place's chain: an act is signed as the next entry and posted. Where somebody was faster,
//! their entries are fetched and the act is judged anew (`RoomState::rebase`): it may be done already, make no sense
//! any more, or be what somebody else has just changed, and then the person is asked again.
//!
//! Acts of one place go one after the other. Nothing of an act is kept in the store: an entry whose answer was lost
//! is found in the chain, and an act whose engine stopped is begun again by whoever wants it.

use std::collections::VecDeque;

use conclave_protocol::places::{AppendPlaceEntry, PlaceAppended};
use conclave_protocol::{AccountId, Bytes, ErrorCode, Hash, PlaceId, Timestamp};
use conclave_sigchain::room::{
    AccountHead, InviteId, Rebase, RoomAuthor, RoomBody, RoomChainError, RoomChange, RoomEntry,
};

use super::intents::{InviteForm, PlaceChange};
use super::links::InviteSecret;
use super::listing::dispute_failure;
use super::record::Standing;
use super::views::InviteMadeView;
use crate::calls::{Call, NeedState, Refusal, json};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::{Event, Outcome};
use crate::work::Work;

/// Entries posted for one act; each time but the last somebody was faster.
const TRIES_MAX: u8 = 12;
/// Acts that wait at a time in one place.
const ACTS_MAX: usize = 256;
/// Pause after the server said that this was too fast, where it names none.
const TOO_FAST_MS: u64 = 1_000;

/// What this device says in a place's chain.
pub(crate) enum Wanted {
    /// What a person wants to change.
    Change(PlaceChange),
    /// An invite, and what its key grows from.
    Invite(InviteForm, InviteSecret),
    /// A member's account lost a device.
    Observe(AccountId),
}

/// Who waits for an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterAct {
    /// A person; the answer is `Done`, or the invite.
    Answer(u64),
    /// A place that is being made.
    Plan,
    /// Somebody who is added to a place that is being made.
    Person(AccountId),
    /// Nobody: it is done for good order.
    Nobody,
    /// A person who lets somebody back in; then the account that they had is removed.
    LetBackIn { ask: u64, former: AccountId },
}

/// An act that is under way or waits for the one before it.
pub(crate) struct PlaceAct {
    wanted: Wanted,
    then: AfterAct,
    tries: u8,
    /// What others did since it was wanted.
    between: Vec<RoomChange>,
    /// The entry that was posted, until it is answered.
    posted: Option<(Hash, u32)>,
    /// Its answer was lost: the chain shows whether it arrived.
    is_unsure: bool,
    /// Somebody was faster, or its answer was lost: it is judged again once the chain was looked at.
    is_looked_for: bool,
    /// When it may go on.
    not_before: Option<Timestamp>,
}

/// What an act is on the chain as it is known now.
pub(crate) enum Built {
    Ready(RoomBody),
    /// Something is missing that was asked for.
    Waits,
    Fails(Failure),
}

impl Engine {
    /// Says something in a place's chain; whoever waits for it hears when it stands there or cannot.
    pub(crate) fn act_in_place(
        &mut self,
        work: &mut Work<'_>,
        place: PlaceId,
        wanted: Wanted,
        then: AfterAct,
    ) -> Result<(), ReadError> {
        let acts = self.places.acts.entry(place).or_default();
        let act = PlaceAct {
            wanted,
            then,
            tries: 0,
            between: Vec::new(),
            posted: None,
            is_unsure: false,
            is_looked_for: false,
            not_before: None,
        };
        if acts.len() >= ACTS_MAX {
            return self.place_act_ended(work, place, act, Err(Failure::busy()));
        }
        acts.push_back(act);
        Ok(())
    }

    /// Whether something is under way in a place.
    pub(crate) fn place_is_busy(&self, place: PlaceId) -> bool {
        self.places.acts.get(&place).is_some_and(|acts| !acts.is_empty())
    }

    /// True while an observation about this account waits or is under way in a place.
    pub(crate) fn is_being_observed(&self, place: PlaceId, account: AccountId) -> bool {
        self.places.acts.get(&place).is_some_and(|acts| {
            acts.iter()
                .any(|act| matches!(act.wanted, Wanted::Observe(other) if other == account))
        })
    }

    /// Posts the first act of each place, where nothing stands in its way.
    pub(crate) fn drive_place_acts(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let places: Vec<PlaceId> = self.places.acts.keys().copied().collect();
        for place in places {
            while self.post_place_act(work, place)? {}
            if self.places.acts.get(&place).is_some_and(VecDeque::is_empty) {
                self.places.acts.remove(&place);
            }
        }
        Ok(())
    }

    /// When an act goes on that has to wait.
    pub(crate) fn place_acts_due(&self) -> Option<Timestamp> {
        let firsts = self.places.acts.values().filter_map(VecDeque::front);
        firsts.filter_map(|act| act.not_before).min()
    }

    /// Posts a place's first act. True where it ended without, so that the next one can be looked at.
    fn post_place_act(&mut self, work: &mut Work<'_>, id: PlaceId) -> Result<bool, ReadError> {
        let Some(act) = self.places.acts.get(&id).and_then(VecDeque::front) else {
            return Ok(false);
        };
        let closes = matches!(act.wanted, Wanted::Change(PlaceChange::Close));
        let waits = act.posted.is_some()
            || act.not_before.is_some_and(|at| at > work.now)
            || self.places.behind.contains(&id);
        if waits {
            return Ok(false);
        }
        let Some(place) = self.place(work, id)? else {
            self.end_place_act(work, id, Err(Failure::unknown_place()))?;
            return Ok(true);
        };
        if let Some(dispute) = &place.kept.disputed {
            let failure = dispute_failure(dispute);
            self.end_place_act(work, id, Err(failure))?;
            return Ok(true);
        }
        if place.chain.state().is_closed() && !closes {
            self.end_place_act(work, id, Err(Failure::place_closed()))?;
            return Ok(true);
        }
        let Some(mut act) = self.places.acts.get_mut(&id).and_then(VecDeque::pop_front) else {
            return Ok(false);
        };
        act.not_before = None;
        let built = self.build_act(work, &place, &act.wanted)?;
        let body = match built {
            Built::Ready(body) => body,
            Built::Waits => {
                self.places.acts.entry(id).or_default().push_front(act);
                return Ok(false);
            }
            Built::Fails(failure) => {
                self.place_act_ended(work, id, act, Err(failure))?;
                return Ok(true);
            }
        };
        let author = self.room_author(work)?;
        let time = self.entry_time(work.now);
        let state = place.chain.state();
        let end = match state.rebase(&author, time, &body, &act.between) {
            Rebase::Allowed if act.tries < TRIES_MAX => {
                let signing = work.own()?.signing_key();
                let entry = place
                    .chain
                    .next_entry(author, time, body)
                    .signed_with(|bytes| signing.sign(bytes));
                act.tries = act.tries.saturating_add(1);
                act.posted = Some((entry.hash(), entry.sequence));
                self.places.acts.entry(id).or_default().push_front(act);
                let entry = Bytes(entry.to_bytes());
                let body = json(&AppendPlaceEntry { entry: entry.clone() });
                let path = format!("/api/v1/places/{id}/entries");
                let call = Call::AppendPlace { place: id, entry };
                self.call(work, call, Method::Post, path, Some(body));
                return Ok(false);
            }
            Rebase::Allowed => Err(Failure::server(ErrorCode::ChainMoved, None)),
            Rebase::AlreadyDone => Ok(place.chain.head()),
            Rebase::Moot => Err(Failure::place_moot()),
            Rebase::Overtaken => Err(Failure::place_overtaken()),
            Rebase::Refused(error) => Err(refusal_failure(error)),
        };
        self.place_act_ended(work, id, act, end)?;
        Ok(true)
    }

    /// This device as the author of an entry.
    pub(crate) fn room_author(&mut self, work: &Work<'_>) -> Result<RoomAuthor, ReadError> {
        let own = work.own()?;
        let chain = match self.person(work, own.account)? {
            Some(person) => person.chain.clone(),
            None => own.chain()?,
        };
        Ok(RoomAuthor {
            account: own.account,
            device: own.device,
            head: AccountHead {
                sequence: chain.head(),
                hash: chain.head_hash(),
            },
            key: own.signing_key().public().to_bytes(),
        })
    }

    /// The server answered an entry.
    pub(crate) fn place_append_answered(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        entry: Bytes,
        answer: Result<PlaceAppended, Refusal>,
    ) -> Result<(), ReadError> {
        let Err(refusal) = answer else {
            if let Some(place) = self.place(work, id)? {
                self.take_place_entries(work, &place, &[entry])?;
            }
            return Ok(());
        };
        let unsure = [ErrorCode::TimedOut, ErrorCode::Internal, ErrorCode::Unavailable];
        let is_unsure = matches!(refusal, Refusal::Unreachable | Refusal::Unreadable)
            || unsure.into_iter().any(|code| refusal.is(code));
        let too_fast = refusal.is(ErrorCode::TooFast);
        // The entry may have been told before it was answered; then another act is the first one now.
        let posted = RoomEntry::from_bytes(entry.as_slice())
            .ok()
            .map(|entry| entry.hash());
        let first = self.places.acts.get(&id).and_then(VecDeque::front);
        if first.and_then(|act| act.posted).map(|(hash, _)| hash) != posted {
            return Ok(());
        }
        if !is_unsure && !too_fast && !refusal.is(ErrorCode::ChainMoved) {
            return self.end_place_act(work, id, Err(refusal.failure()));
        }
        let at = too_fast.then(|| self.jittered(work, refusal.retry_after_ms().unwrap_or(TOO_FAST_MS)));
        let Some(act) = self.places.acts.get_mut(&id).and_then(VecDeque::front_mut) else {
            return Ok(());
        };
        if too_fast {
            act.posted = None;
            act.not_before = at;
            act.tries = act.tries.saturating_sub(1);
            return Ok(());
        }
        act.is_unsure = is_unsure;
        act.is_looked_for = true;
        self.follow_place(id);
        Ok(())
    }

    /// Everything that the server shows of a place's chain is here: an act whose answer was lost, or that somebody
    /// was faster than, is judged again.
    pub(crate) fn place_acts_looked(&mut self, work: &mut Work<'_>, id: PlaceId) -> Result<(), ReadError> {
        let Some(place) = self.place(work, id)? else {
            return Ok(());
        };
        let Some(act) = self.places.acts.get_mut(&id).and_then(VecDeque::front_mut) else {
            return Ok(());
        };
        let Some((hash, sequence)) = act.posted else {
            return Ok(());
        };
        if place.chain.hash_at(sequence) == Some(hash) {
            return self.end_place_act(work, id, Ok(sequence));
        }
        if act.is_looked_for {
            act.posted = None;
            act.is_unsure = false;
            act.is_looked_for = false;
        }
        Ok(())
    }

    /// Entries could not be had: an act whose answer was lost fails, and what is behind it.
    pub(crate) fn place_entries_not_had(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        failure: &Failure,
    ) -> Result<(), ReadError> {
        let first = self.places.acts.get(&id).and_then(VecDeque::front);
        if first.is_some_and(|act| act.is_unsure) {
            self.fail_place_acts(work, id, failure)?;
        }
        Ok(())
    }

    /// What others did since an act was wanted is kept with it.
    pub(crate) fn note_place_changes(
        &mut self,
        work: &Work<'_>,
        id: PlaceId,
        changes: &[RoomChange],
    ) -> Result<(), ReadError> {
        let own = work.own()?.address();
        for act in self.places.acts.get_mut(&id).into_iter().flatten() {
            // What this device said before is what the person knew.
            act.between
                .extend(changes.iter().filter(|change| change.by != own).cloned());
        }
        Ok(())
    }

    /// Nothing can be said in a place now: all that waits for it fails.
    pub(crate) fn fail_place_acts(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        failure: &Failure,
    ) -> Result<(), ReadError> {
        for act in self.places.acts.remove(&id).unwrap_or_default() {
            // Leaving ends the membership, and so it is done.
            let is_leaving = matches!(act.wanted, Wanted::Change(PlaceChange::Leave));
            let end = if is_leaving && *failure == Failure::place_not_member() {
                Ok(0)
            } else {
                Err(failure.clone())
            };
            self.place_act_ended(work, id, act, end)?;
        }
        Ok(())
    }

    /// The connection is gone: what waits for it fails; what was posted may have arrived, and the chain will show it.
    pub(crate) fn fail_all_place_acts(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        for id in self.places.acts.keys().copied().collect::<Vec<_>>() {
            self.fail_place_acts(work, id, &Failure::offline())?;
        }
        Ok(())
    }

    fn end_place_act(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        end: Result<u32, Failure>,
    ) -> Result<(), ReadError> {
        match self.places.acts.get_mut(&id).and_then(VecDeque::pop_front) {
            Some(act) => self.place_act_ended(work, id, act, end),
            None => Ok(()),
        }
    }

    /// Tells whoever waits for an act what came of it: since which entry it stands, or why not.
    fn place_act_ended(
        &mut self,
        work: &mut Work<'_>,
        id: PlaceId,
        act: PlaceAct,
        end: Result<u32, Failure>,
    ) -> Result<(), ReadError> {
        match (act.then, end) {
            (AfterAct::Answer(ask), Ok(sequence)) => match act.wanted {
                Wanted::Invite(terms, secret) => {
                    let invite = InviteId(sequence);
                    work.put_invite_secret(id, invite, &secret);
                    let chain = self.place_chain(work, id)?;
                    let link = match &chain {
                        Some(chain) => work.invite_link(chain, invite)?,
                        None => None,
                    };
                    let Some(link) = link else {
                        self.fail(work, ask, Failure::unknown_place());
                        return Ok(());
                    };
                    let invite = InviteMadeView {
                        invite: sequence,
                        link,
                        terms,
                    };
                    self.answer(work, ask, Outcome::PlaceInvite { invite });
                    work.show(Event::Places {
                        place: id.to_string(),
                    });
                }
                Wanted::Change(_) | Wanted::Observe(_) => self.answer(work, ask, Outcome::Done),
            },
            (AfterAct::Answer(ask) | AfterAct::LetBackIn { ask, .. }, Err(failure)) => {
                self.fail(work, ask, failure);
            }
            (AfterAct::LetBackIn { ask, former }, Ok(_)) => self.remove_former(work, ask, id, former)?,
            (AfterAct::Plan | AfterAct::Person(_), Ok(_)) | (AfterAct::Nobody, _) => {}
            (AfterAct::Plan, Err(failure)) => self.plan_failed(work, id, failure)?,
            (AfterAct::Person(_), Err(failure)) => {
                if failure == Failure::offline() {
                    return Ok(());
                }
                work.show(Event::Warning { failure });
            }
        }
        Ok(())
    }

    /// A person wants to change something: refused at once where it cannot be.
    pub(crate) fn change_place(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        id: PlaceId,
        wanted: Wanted,
    ) -> Result<(), ReadError> {
        let Some(place) = self.place(work, id)? else {
            self.fail(work, ask, Failure::unknown_place());
            return Ok(());
        };
        let is_in = match place.kept.standing {
            Standing::Member => true,
            Standing::Waiting => matches!(wanted, Wanted::Change(PlaceChange::Leave)),
            _ => false,
        };
        if !is_in {
            self.fail(work, ask, Failure::place_not_member());
            return Ok(());
        }
        if self.link.is_down() {
            self.fail(work, ask, Failure::offline());
            return Ok(());
        }
        self.act_in_place(work, id, wanted, AfterAct::Answer(ask))
    }
}

/// Why the rules refuse an act, for the person who wanted it.
pub(crate) fn refusal_failure(error: RoomChainError) -> Failure {
    match error {
        RoomChainError::Permission
        | RoomChainError::Rank
        | RoomChainError::OwnerOnly
        | RoomChainError::NotReader
        | RoomChainError::Everyone => Failure::place_not_allowed(),
        RoomChainError::TooMany | RoomChainError::Full => Failure::place_full(),
        RoomChainError::Limit => Failure::place_text(),
        RoomChainError::Owner => Failure::place_owner(),
        RoomChainError::Closed => Failure::place_closed(),
        RoomChainError::NotMember => Failure::place_not_member(),
        RoomChainError::Banned => Failure::server(ErrorCode::Banned, None),
        RoomChainError::NoSuchInvite | RoomChainError::InviteExpired | RoomChainError::InviteKind => {
            Failure::server(ErrorCode::PlaceInviteInvalid, None)
        }
        RoomChainError::NoSuchMember
        | RoomChainError::NoSuchRole
        | RoomChainError::NoSuchChannel
        | RoomChainError::NoSuchCategory
        | RoomChainError::NoSuchRequest
        | RoomChainError::NotBanned => Failure::place_moot(),
        _ => Failure::server(ErrorCode::ChainRefused, None),
    }
}

/// A need that was asked for in vain lately.
pub(crate) fn was_refused(state: Option<&NeedState>) -> bool {
    matches!(state, Some(NeedState::RetryAt(_)))
}
