//! The way in by an invite's link: looking at what stands behind it, joining, asking to be let in.

use conclave_protocol::accounts::AccountFound;
use conclave_protocol::places::{AppendPlaceEntry, PlaceAppended, PlaceEntriesPage, ReadByInvite};
use conclave_protocol::{AccountId, Bytes, ErrorCode, PlaceId};
use conclave_sigchain::room::{
    InviteId, MetadataField, Rebase, RoomBody, RoomChain, RoomChainError, RoomEntry, join_proof_bytes,
};

use super::acting::refusal_failure;
use super::links::InviteLink;
use super::listing::sort_of;
use super::names::Names;
use super::record::Standing;
use super::views::PreviewView;
use crate::calls::{Call, Refusal, json};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::people::Person;
use crate::reads::ReadError;
use crate::views::Outcome;
use crate::work::Work;

/// Entries posted to join; each time but the last somebody was faster.
const TRIES_MAX: u8 = 8;

/// Somebody looks at an invite's link, or goes in by it.
pub(crate) struct Visit {
    pub(crate) ask: u64,
    pub(crate) link: InviteLink,
    /// The place's chain, as far as it was read.
    chain: Option<RoomChain>,
    joins: bool,
    tries: u8,
}

impl Engine {
    /// Looks at an invite's link; with `joins` goes in by it.
    pub(crate) fn visit_place(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        link: &str,
        joins: bool,
    ) -> Result<(), ReadError> {
        let Some(link) = InviteLink::from_text(link) else {
            self.fail(work, ask, Failure::invite_unreadable());
            return Ok(());
        };
        if let Some(place) = self.place(work, link.place)?
            && matches!(place.kept.standing, Standing::Member | Standing::Waiting)
        {
            if joins {
                self.answer(
                    work,
                    ask,
                    Outcome::Joined {
                        place: link.place.to_string(),
                        waiting: place.kept.standing == Standing::Waiting,
                    },
                );
            } else {
                let names = work.place_names(link.place)?;
                self.show_preview(work, ask, &place.chain, link.invite, &names)?;
            }
            return Ok(());
        }
        let visit = Box::new(Visit {
            ask,
            link,
            chain: None,
            joins,
            tries: 0,
        });
        self.read_invited(work, visit)
    }

    fn read_invited(&mut self, work: &mut Work<'_>, visit: Box<Visit>) -> Result<(), ReadError> {
        let own = work.own()?.account;
        let body = json(&ReadByInvite {
            invite: visit.link.invite.0,
            proof: Bytes(visit.link.read_proof(own).to_vec()),
            after: visit.chain.as_ref().map(RoomChain::head),
        });
        let path = format!("/api/v1/places/{}/invited-entries", visit.link.place);
        self.call(work, Call::ReadInvited(visit), Method::Post, path, Some(body));
        Ok(())
    }

    /// A page of the chain behind a link came.
    pub(crate) fn invited_read(
        &mut self,
        work: &mut Work<'_>,
        mut visit: Box<Visit>,
        answer: Result<PlaceEntriesPage, Refusal>,
    ) -> Result<(), ReadError> {
        let page = match answer {
            Ok(page) => page,
            Err(refusal) => return self.ask_refused(work, visit.ask, &refusal),
        };
        match read_on(&mut visit, &page) {
            Ok(true) => {}
            Ok(false) => return self.read_invited(work, visit),
            Err(_) => {
                self.fail(work, visit.ask, Failure::place_refused());
                return Ok(());
            }
        }
        if visit.joins {
            return self.go_in(work, visit);
        }
        let Some(chain) = &visit.chain else {
            return Ok(());
        };
        let names = Names::new(visit.link.place, std::mem::take(&mut visit.link.keys));
        self.show_preview(work, visit.ask, chain, visit.link.invite, &names)
    }

    fn show_preview(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        chain: &RoomChain,
        invite: InviteId,
        names: &Names,
    ) -> Result<(), ReadError> {
        let state = chain.state();
        let own = work.own()?.account;
        let found = state.invite(invite);
        let is_member = state.member(own).is_some();
        if found.is_none() && !is_member {
            self.fail(work, ask, Failure::server(ErrorCode::PlaceInviteInvalid, None));
            return Ok(());
        }
        let preview = PreviewView {
            place: chain.place().to_string(),
            kind: sort_of(state.kind()),
            title: names.text(state, MetadataField::Name),
            description: names.text(state, MetadataField::Description),
            icon: names.text(state, MetadataField::Icon),
            members: u32::try_from(state.member_count()).unwrap_or(u32::MAX),
            inviter: None,
            approval: found.is_some_and(|found| found.approval),
            is_member,
            is_waiting: state.requests().any(|(account, _)| account == own),
        };
        let by = found.map(|found| found.by);
        self.preview_with_inviter(work, ask, Box::new(preview), by)
    }

    fn preview_with_inviter(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        mut preview: Box<PreviewView>,
        by: Option<AccountId>,
    ) -> Result<(), ReadError> {
        let Some(by) = by else {
            self.answer(work, ask, Outcome::Preview { preview: *preview });
            return Ok(());
        };
        if let Some(person) = self.person(work, by)? {
            preview.inviter = Some(person.view());
            self.answer(work, ask, Outcome::Preview { preview: *preview });
            return Ok(());
        }
        let path = format!("/api/v1/accounts/{by}");
        let call = Call::FindInviter { ask, preview, by };
        self.call(work, call, Method::Get, path, None);
        Ok(())
    }

    /// Who made the invite was looked up. Without an answer the preview says less.
    pub(crate) fn inviter_found(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        mut preview: PreviewView,
        by: AccountId,
        answer: Result<AccountFound, Refusal>,
    ) {
        let person = answer
            .ok()
            .filter(|found| found.account == by)
            .and_then(|found| Person::verify(found).ok());
        preview.inviter = person.map(|person| person.view());
        self.answer(work, ask, Outcome::Preview { preview });
    }

    /// Posts the entry by which the own account joins, or asks to be let in.
    fn go_in(&mut self, work: &mut Work<'_>, mut visit: Box<Visit>) -> Result<(), ReadError> {
        let (author, time) = (self.room_author(work)?, self.entry_time(work.now));
        let signing = work.own()?.signing_key();
        let Some(chain) = visit.chain.as_ref() else {
            return Ok(());
        };
        let (place, invite) = (visit.link.place, visit.link.invite);
        let Some(terms) = chain.state().invite(invite) else {
            self.fail(
                work,
                visit.ask,
                Failure::server(ErrorCode::PlaceInviteInvalid, None),
            );
            return Ok(());
        };
        let proof =
            visit
                .link
                .secret
                .key()
                .sign(&join_proof_bytes(place, invite, author.account, author.head));
        let body = if terms.approval {
            RoomBody::Request { invite, proof }
        } else {
            RoomBody::Join { invite, proof }
        };
        match chain.state().rebase(&author, time, &body, []) {
            Rebase::Allowed | Rebase::Overtaken if visit.tries < TRIES_MAX => {}
            Rebase::AlreadyDone => {
                // Another device of the account was there first; the chain is followed.
                self.follow_place(place);
                let waiting = chain.state().member(author.account).is_none();
                self.answer(
                    work,
                    visit.ask,
                    Outcome::Joined {
                        place: place.to_string(),
                        waiting,
                    },
                );
                return Ok(());
            }
            Rebase::Refused(error) => {
                self.fail(work, visit.ask, refusal_failure(error));
                return Ok(());
            }
            _ => {
                self.fail(work, visit.ask, Failure::place_moot());
                return Ok(());
            }
        }
        let entry = chain
            .next_entry(author, time, body)
            .signed_with(|bytes| signing.sign(bytes));
        visit.tries = visit.tries.saturating_add(1);
        let entry = Bytes(entry.to_bytes());
        let body = json(&AppendPlaceEntry { entry });
        let path = format!("/api/v1/places/{place}/entries");
        let call = Call::JoinPlace(visit);
        self.call(work, call, Method::Post, path, Some(body));
        Ok(())
    }

    /// The server answered the entry by which the own account joins.
    pub(crate) fn place_joined(
        &mut self,
        work: &mut Work<'_>,
        visit: Box<Visit>,
        answer: Result<PlaceAppended, Refusal>,
    ) -> Result<(), ReadError> {
        let place = visit.link.place;
        let Err(refusal) = answer else {
            for key in &visit.link.keys {
                work.put_place_key(place, key)?;
            }
            // The whole chain is read now that the account is in, so that it is told and kept as every other.
            self.places.joins.insert(place, visit.ask);
            self.follow_place(place);
            return self.joins_done(work, place);
        };
        if refusal.is(ErrorCode::ChainMoved) {
            return self.read_invited(work, visit);
        }
        self.ask_refused(work, visit.ask, &refusal)
    }

    /// Whoever went in by a link hears that the place is here.
    pub(crate) fn joins_done(&mut self, work: &mut Work<'_>, id: PlaceId) -> Result<(), ReadError> {
        let Some(place) = self.place(work, id)? else {
            return Ok(());
        };
        let waiting = match place.kept.standing {
            Standing::Member => false,
            Standing::Waiting => true,
            _ => return Ok(()),
        };
        if let Some(ask) = self.places.joins.remove(&id) {
            self.answer(
                work,
                ask,
                Outcome::Joined {
                    place: id.to_string(),
                    waiting,
                },
            );
        }
        Ok(())
    }
}

/// Goes on with a chain that is read by an invite. True when it is whole.
fn read_on(visit: &mut Visit, page: &PlaceEntriesPage) -> Result<bool, RoomChainError> {
    let before = visit.chain.as_ref().map(RoomChain::head);
    for bytes in &page.entries {
        let entry = RoomEntry::from_bytes(bytes.as_slice())?;
        match &mut visit.chain {
            None => {
                let (chain, _) = RoomChain::begin(&entry)?;
                if chain.place() != visit.link.place {
                    return Err(RoomChainError::OtherChain);
                }
                visit.chain = Some(chain);
            }
            Some(chain) if entry.sequence > chain.head() => {
                chain.append(&entry)?;
            }
            Some(_) => {}
        }
    }
    match &visit.chain {
        Some(chain) if chain.head() >= page.head => Ok(true),
        Some(chain) if Some(chain.head()) > before => Ok(false),
        _ => Err(RoomChainError::Empty),
    }
}
