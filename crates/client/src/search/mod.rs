//! Search in what this device holds. Nothing of it leaves the device.
//!
//! | file | owns |
//! |---|---|
//! | `query` | what somebody types, and what is wrong with it |
//! | `text` | the text of a message as it is searched |
//! | `views` | what a front end gets |
//!
//! The engine knows names; the store has the index and finds.

mod query;
mod text;
pub mod views;

use conclave_protocol::{AccountId, RoomId, Timestamp};

use self::query::Query;
pub use self::query::{Calendar, Day, Term};
pub use self::text::{holds_link, stands_alone};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::{ReadError, Reads};
use crate::work::Work;

/// A search as the store carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The own account; nobody has signed in here without it.
    pub own: AccountId,
    /// All of these are in the text.
    pub terms: Vec<Term>,
    /// By one of these people; anybody where it is empty.
    pub authors: Vec<AccountId>,
    /// In one of the chats of these names, in small letters; anywhere where it is empty.
    pub rooms: Vec<String>,
    /// With a link.
    pub link: bool,
    /// Sent then or later.
    pub after: Option<Timestamp>,
    /// Sent earlier.
    pub before: Option<Timestamp>,
}

impl Engine {
    /// What to search for. Its error is what the person can do better.
    pub fn plan_search(
        &self,
        store: &dyn Reads,
        typed: &str,
        calendar: Calendar<'_>,
    ) -> Result<Search, Failure> {
        let query = Query::parse(typed, calendar)?;
        let mut none = crate::randomness::NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        let own = work.find_own().map_err(|_| Failure::storage())?;
        let own = own.filter(|own| own.registered).ok_or_else(Failure::signed_out)?;
        let mut authors = Vec::new();
        for name in &query.from {
            let found = if matches!(name.as_str(), "me" | "you") || *name == own.username {
                vec![own.account]
            } else {
                work.people_named(name).map_err(|_| Failure::storage())?
            };
            if found.is_empty() {
                return Err(Failure::search_from());
            }
            authors.extend(found);
        }
        Ok(Search {
            own: own.account,
            terms: query.terms,
            authors,
            rooms: query.rooms,
            link: query.link,
            after: query.after,
            before: query.before,
        })
    }

    /// Whether a chat is in no list, as one with a stranger who was blocked: what was said there is not found either.
    pub fn hides_room(&self, store: &dyn Reads, room: RoomId) -> Result<bool, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        work.hides_room(room)
    }

    /// The handle of an author, where it is known here.
    pub fn username_of(&self, store: &dyn Reads, account: AccountId) -> Result<Option<String>, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        work.username(account)
    }
}
