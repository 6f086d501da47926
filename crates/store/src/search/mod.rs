//! Finding messages by their texts.
//!
//! | file | owns |
//! |---|---|
//! | `index` | keeping the index as the messages are |
//! | `expression` | a search as FTS5 takes it |
//! | `words` | words that contain a part |
//! | `excerpt` | the part of a text around what was found |
//!
//! What people type never reaches FTS5 as it is: [`expression`](self::expression) quotes every word.

mod excerpt;
mod expression;
mod index;
mod words;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use conclave_client::search::views::{SearchHitView, SearchPageView, SearchPosition};
use conclave_client::search::{Calendar, Search};
use conclave_client::views::Position;
use conclave_client::{Engine, Failure, MessageRow, ReadError};
use conclave_protocol::{AccountId, RoomId};
use rusqlite::params;
use thiserror::Error;

use self::excerpt::Excerpt;
use self::expression::Expression;
pub(crate) use self::index::add_functions;
use self::index::{MARKS, number};
pub(crate) use self::words::Words;
use crate::messages::from_row;
use crate::{Store, StoreError};

/// Most that one page holds.
const PAGE_MAX: u32 = 100;

/// Why nothing was searched.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SearchError {
    /// The person can ask better.
    #[error("{}", .0.message)]
    Asked(Failure),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine could not read what it looked up in the store.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<rusqlite::Error> for SearchError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What was found on a page.
struct Found {
    number: i64,
    message: MessageRow,
    excerpt: Excerpt,
}

/// Rooms that are in no list, as far as they were looked up.
struct Hidden<H> {
    hides: H,
    known: RefCell<BTreeMap<RoomId, bool>>,
}

impl<H: Fn(RoomId) -> Result<bool, ReadError>> Hidden<H> {
    fn new(hides: H) -> Self {
        Self {
            hides,
            known: RefCell::default(),
        }
    }

    fn has(&self, room: RoomId) -> Result<bool, ReadError> {
        match self.known.borrow_mut().entry(room) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(unknown) => Ok(*unknown.insert((self.hides)(room)?)),
        }
    }
}

impl Store {
    /// A page of the messages that fit what was typed, newest first. Where no word begins with what was typed, words
    /// that contain it are found.
    pub fn search(
        &self,
        engine: &Engine,
        typed: &str,
        calendar: Calendar<'_>,
        behind: Option<SearchPosition>,
        limit: u32,
    ) -> Result<SearchPageView, SearchError> {
        let search = engine
            .plan_search(self, typed, calendar)
            .map_err(SearchError::Asked)?;
        let hides = |room| engine.hides_room(self, room);
        self.carry_out(&search, behind, limit, hides, |author| {
            engine.username_of(self, author)
        })
    }

    pub(crate) fn carry_out(
        &self,
        search: &Search,
        behind: Option<SearchPosition>,
        limit: u32,
        hides: impl Fn(RoomId) -> Result<bool, ReadError>,
        username_of: impl Fn(AccountId) -> Result<Option<String>, ReadError>,
    ) -> Result<SearchPageView, SearchError> {
        let rooms = self.list_rooms_named(search)?;
        if rooms.is_empty() && !search.rooms.is_empty() {
            return Err(SearchError::Asked(Failure::search_in()));
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let hidden = Hidden::new(hides);
        let mut inside = behind.is_some_and(|behind| behind.inside);
        let mut found = self.find_shown(search, &rooms, behind, inside, limit, &hidden)?;
        if found.is_empty() && behind.is_none() {
            inside = true;
            found = self.find_shown(search, &rooms, None, true, limit, &hidden)?;
        }
        let is_full = u32::try_from(found.len()).is_ok_and(|count| count >= limit);
        let next = found.last().filter(|_| is_full).map(|last| SearchPosition {
            number: last.number.cast_unsigned(),
            inside,
        });
        let hits = found.into_iter().map(|found| {
            let username = username_of(found.message.author)?;
            Ok(view(found, username))
        });
        Ok(SearchPageView {
            hits: hits.collect::<Result<_, ReadError>>()?,
            next,
        })
    }

    /// A page of what is found in rooms that are in the list of chats.
    fn find_shown<H: Fn(RoomId) -> Result<bool, ReadError>>(
        &self,
        search: &Search,
        rooms: &[RoomId],
        mut behind: Option<SearchPosition>,
        inside: bool,
        limit: u32,
        hidden: &Hidden<H>,
    ) -> Result<Vec<Found>, SearchError> {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut shown = Vec::new();
        loop {
            let page = self.find_page(search, rooms, behind, inside, limit)?;
            let is_last = page.len() < wanted;
            behind = page.last().map(|last| SearchPosition {
                number: last.number.cast_unsigned(),
                inside,
            });
            for found in page {
                if !hidden.has(found.message.room)? {
                    shown.push(found);
                }
            }
            if is_last || shown.len() >= wanted {
                shown.truncate(wanted);
                return Ok(shown);
            }
        }
    }

    fn find_page(
        &self,
        search: &Search,
        rooms: &[RoomId],
        behind: Option<SearchPosition>,
        inside: bool,
        limit: u32,
    ) -> Result<Vec<Found>, StoreError> {
        let expression = if inside {
            match self.containing(search)? {
                Some(words) => Expression::containing(search, rooms, &words),
                None => return Ok(Vec::new()),
            }
        } else {
            Expression::of(search, rooms)
        };
        let before = search.before.map_or(i64::MAX, number);
        let last = behind.map_or(i64::MAX, |behind| {
            i64::try_from(behind.number).unwrap_or(i64::MAX)
        });
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            "m.id, m.room, m.sequence, m.ordinal, m.author, m.device, m.mine, m.sent_at, m.counts, m.delivery, \
             m.failure, m.missing_before, m.body",
            ", search.rowid, highlight(search, 0, ?1, ?2)
             FROM search CROSS JOIN texts t CROSS JOIN messages m
             WHERE search MATCH ?3 AND search.rowid < ?4 AND search.rowid >= ?5
                 AND t.number = search.rowid AND m.id = t.message
             ORDER BY search.rowid DESC LIMIT ?6"
        ))?;
        let bound = params![
            MARKS[0].to_string(),
            MARKS[1].to_string(),
            expression.as_str(),
            before.min(last),
            search.after.map_or(0, number),
            limit,
        ];
        let found = statement.query_map(bound, |row| {
            Ok(Found {
                message: from_row(row)?,
                number: row.get(13)?,
                excerpt: Excerpt::of(row.get_ref(14)?.as_str()?),
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Rooms by name: those of exactly this name, else those whose name begins so, else those that contain it.
    fn list_rooms_named(&self, search: &Search) -> Result<Vec<RoomId>, StoreError> {
        let mut rooms = Vec::new();
        for wanted in &search.rooms {
            let named: Vec<(RoomId, String)> = self
                .list_rooms()?
                .into_iter()
                .map(|room| {
                    let name = if room.peer() == Some(search.own) {
                        "saved messages".to_owned()
                    } else {
                        room.title.to_lowercase()
                    };
                    (room.room, name)
                })
                .collect();
            let tests: [&dyn Fn(&str) -> bool; 3] = [
                &|name| name == wanted,
                &|name| name.starts_with(wanted.as_str()),
                &|name| name.contains(wanted.as_str()),
            ];
            let found = tests.into_iter().find_map(|fits| {
                let fitting = named.iter().filter(|(_, name)| fits(name)).map(|(room, _)| *room);
                let fitting: Vec<RoomId> = fitting.collect();
                (!fitting.is_empty()).then_some(fitting)
            });
            rooms.extend(found.unwrap_or_default());
        }
        Ok(rooms)
    }
}

fn view(found: Found, username: Option<String>) -> SearchHitView {
    let Found { message, excerpt, .. } = found;
    SearchHitView {
        message: message.id.to_string(),
        room: message.room.to_string(),
        author: message.author.to_string(),
        username,
        mine: message.mine,
        sent_at: message.sent_at.0,
        excerpt: excerpt.text,
        matches: excerpt.matches,
        position: Position {
            sequence: message.sequence,
            ordinal: message.ordinal,
        },
    }
}
