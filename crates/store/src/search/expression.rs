//! A search as FTS5 takes it.
//!
//! Invariant: whatever was typed stands in quotation marks, its own ones doubled, so nothing of it is syntax.

use conclave_client::search::{Search, Term};
use conclave_protocol::RoomId;

use super::index::{ANY, LINK, author_word, indexed, room_word};

/// Words of the index that stand for one that was typed: more would fit nearly everything.
pub(super) const WORDS_MAX: usize = 64;
/// Parts of words are looked for from this length on.
const INSIDE_LEAST: usize = 3;

/// What is given to `MATCH`.
pub(super) struct Expression(String);

impl Expression {
    /// Words begin as typed.
    pub(super) fn of(search: &Search, rooms: &[RoomId]) -> Self {
        let terms = search.terms.iter().map(|term| match term {
            Term::Word(word) if is_letter(word) => quoted(word),
            Term::Word(word) => format!("{} *", quoted(word)),
            Term::Phrase(phrase) => quoted(phrase),
        });
        Self::with(terms.collect(), search, rooms)
    }

    /// Words are some of those that contain what was typed: for each of [`inner_words`], in order, a list.
    pub(super) fn containing(search: &Search, rooms: &[RoomId], words: &[Vec<String>]) -> Self {
        let mut words = words.iter();
        let terms = search.terms.iter().map(|term| match term {
            Term::Word(word) if is_inner(word) => {
                let words = words.next().map_or(&[][..], Vec::as_slice);
                any(words.iter().map(|word| quoted(word)))
            }
            Term::Word(word) | Term::Phrase(word) => quoted(word),
        });
        Self::with(terms.collect(), search, rooms)
    }

    fn with(terms: Vec<String>, search: &Search, rooms: &[RoomId]) -> Self {
        let mut scope = Vec::new();
        if search.link {
            scope.push(quoted(LINK));
        }
        if !rooms.is_empty() {
            scope.push(any(rooms.iter().map(|room| quoted(&room_word(*room)))));
        }
        if !search.authors.is_empty() {
            scope.push(any(search
                .authors
                .iter()
                .map(|author| quoted(&author_word(*author)))));
        }
        if scope.is_empty() && terms.is_empty() {
            scope.push(quoted(ANY));
        }
        let columns = [("text", terms), ("scope", scope)].into_iter();
        let sides: Vec<String> = columns
            .filter(|(_, words)| !words.is_empty())
            .map(|(column, words)| format!("{column} : ({})", words.join(" AND ")))
            .collect();
        Self(sides.join(" AND "))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The words of a search that may stand inside others.
pub(super) fn inner_words(search: &Search) -> Vec<String> {
    let words = search.terms.iter().filter_map(|term| match term {
        Term::Word(word) if is_inner(word) => Some(word.clone()),
        _ => None,
    });
    words.collect()
}

fn is_inner(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphanumeric()).count() >= INSIDE_LEAST
}

/// One letter begins too many words to say anything.
fn is_letter(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_alphanumeric) && chars.next().is_none()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", indexed(text).replace('"', "\"\""))
}

fn any(parts: impl Iterator<Item = String>) -> String {
    format!("({})", parts.collect::<Vec<_>>().join(" OR "))
}
