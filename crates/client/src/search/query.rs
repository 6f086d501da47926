//! What somebody types to search: words, "phrases", and `from:`, `in:`, `has:`, `before:`, `after:`.
//!
//! One more operator is one more arm in [`Query::operator`]. What is no operator is a word, also with a colon in it:
//! links are searched for as they are.

use conclave_protocol::Timestamp;

use crate::failure::Failure;

/// Longest query, in characters.
const QUERY_MAX: usize = 256;
/// Words, phrases and operators of one query.
const PARTS_MAX: usize = 16;

/// A day of somebody's calendar; months and days count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The year.
    pub year: u16,
    /// The month.
    pub month: u8,
    /// The day.
    pub day: u8,
}

/// When a day begins where the person is; none for a day that no calendar has.
pub type Calendar<'a> = &'a dyn Fn(Day) -> Option<Timestamp>;

/// A word or a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A word, or the beginning of one.
    Word(String),
    /// Words that stand so beside each other.
    Phrase(String),
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// All of them.
    pub(crate) terms: Vec<Term>,
    /// By one of these people, as typed.
    pub(crate) from: Vec<String>,
    /// In one of these chats, as typed.
    pub(crate) rooms: Vec<String>,
    /// With a link.
    pub(crate) link: bool,
    /// Sent then or later.
    pub(crate) after: Option<Timestamp>,
    /// Sent earlier.
    pub(crate) before: Option<Timestamp>,
}

impl Query {
    /// Reads what was typed. A quotation mark that was not closed yet is closed by the end.
    pub(crate) fn parse(typed: &str, calendar: Calendar<'_>) -> Result<Self, Failure> {
        if typed.chars().count() > QUERY_MAX {
            return Err(Failure::search_long());
        }
        let mut query = Self::default();
        let mut parts: usize = 0;
        let mut rest = typed.trim_start();
        while !rest.is_empty() {
            parts = parts.saturating_add(1);
            if parts > PARTS_MAX {
                return Err(Failure::search_long());
            }
            rest = query.take_part(rest, calendar)?.trim_start();
        }
        if query == Self::default() {
            return Err(Failure::search_empty());
        }
        Ok(query)
    }

    /// Takes the next part, and gives what stands behind it.
    fn take_part<'a>(&mut self, rest: &'a str, calendar: Calendar<'_>) -> Result<&'a str, Failure> {
        if let Some((phrase, rest)) = quoted(rest) {
            self.add_term(Term::Phrase(phrase.to_owned()));
            return Ok(rest);
        }
        let (word, behind) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        if let Some((name, value)) = word.split_once(':') {
            let name = name.to_ascii_lowercase();
            if matches!(name.as_str(), "from" | "in" | "has" | "before" | "after") {
                let value_begins = rest
                    .len()
                    .saturating_sub(behind.len().saturating_add(value.len()));
                let value_on = rest.get(value_begins..).unwrap_or_default();
                let (value, behind) = quoted(value_on).unwrap_or((value, behind));
                self.operator(&name, value.trim(), calendar)?;
                return Ok(behind);
            }
        }
        self.add_term(Term::Word(word.to_owned()));
        Ok(behind)
    }

    fn operator(&mut self, name: &str, value: &str, calendar: Calendar<'_>) -> Result<(), Failure> {
        if value.is_empty() {
            return Err(Failure::search_unfinished());
        }
        match name {
            "from" => self.from.push(value.trim_start_matches('@').to_lowercase()),
            "in" => self.rooms.push(value.trim_start_matches('@').to_lowercase()),
            "has" => match value.to_ascii_lowercase().as_str() {
                "link" | "links" => self.link = true,
                _ => return Err(Failure::search_has()),
            },
            "before" => {
                let at = day(value).and_then(calendar).ok_or_else(Failure::search_date)?;
                self.before = Some(self.before.map_or(at, |known| known.min(at)));
            }
            _ => {
                let at = day(value).and_then(calendar).ok_or_else(Failure::search_date)?;
                self.after = Some(self.after.map_or(at, |known| known.max(at)));
            }
        }
        Ok(())
    }

    /// Signs alone are nothing that an index knows.
    fn add_term(&mut self, term: Term) {
        let (Term::Word(text) | Term::Phrase(text)) = &term;
        if text.chars().any(super::text::is_searched) {
            self.terms.push(term);
        }
    }
}

/// What stands in quotation marks at the beginning, and what stands behind them.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut chars = text.chars();
    let closing: &[char] = match chars.next()? {
        '"' => &['"'],
        '“' | '”' | '„' => &['“', '”', '"'],
        '«' => &['»'],
        '»' => &['«'],
        _ => return None,
    };
    let inside = chars.as_str();
    Some(match inside.find(closing) {
        Some(end) => {
            let (inside, behind) = inside.split_at(end);
            let mut behind = behind.chars();
            behind.next();
            (inside, behind.as_str())
        }
        None => (inside, ""),
    })
}

/// The day of `2026-11-30`, or the first one of `2026-11` or `2026`.
fn day(text: &str) -> Option<Day> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let mut part = || match parts.next() {
        None => Some(1),
        Some(part) if (1..=2).contains(&part.len()) => part.parse().ok(),
        Some(_) => None,
    };
    let day = Day {
        year: year.parse().ok().filter(|year| *year >= 1970)?,
        month: part().filter(|month| (1..=12).contains(month))?,
        day: part().filter(|day| (1..=31).contains(day))?,
    };
    parts.next().is_none().then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Months of 30 days from the year 1970 on; the 31st is no day.
    fn begins(day: Day) -> Option<Timestamp> {
        let days = (u64::from(day.year) - 1970) * 360 + u64::from(day.month) * 30 + u64::from(day.day);
        (day.day <= 30).then(|| Timestamp(days * 86_400_000))
    }

    fn read(typed: &str) -> Result<Query, Failure> {
        Query::parse(typed, &begins)
    }

    fn word(text: &str) -> Term {
        Term::Word(text.into())
    }

    fn at(year: u16, month: u8, day: u8) -> Option<Timestamp> {
        begins(Day { year, month, day })
    }

    #[test]
    fn words_phrases_and_operators_are_told_apart() {
        let query =
            read("boat  \"early on Saturday\" from:@Mia in:\"Harbour walk\" has:link coffee").unwrap();
        let expected = Query {
            terms: vec![
                word("boat"),
                Term::Phrase("early on Saturday".into()),
                word("coffee"),
            ],
            from: vec!["mia".into()],
            rooms: vec!["harbour walk".into()],
            link: true,
            ..Query::default()
        };
        assert_eq!(query, expected);
        assert_eq!(read("FROM:mia From:noa").unwrap().from, ["mia", "noa"]);
    }

    #[test]
    fn what_is_no_operator_is_a_word() {
        let query = read("https://example.org/a?b=c note:this 12:30 from").unwrap();
        let expected = ["https://example.org/a?b=c", "note:this", "12:30", "from"].map(word);
        assert_eq!(query.terms, expected);
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_yet_is_closed_by_the_end() {
        assert_eq!(
            read("\"early boat").unwrap().terms,
            [Term::Phrase("early boat".into())]
        );
        let typographic = read("„frühes Boot“ «petit bateau»rest").unwrap().terms;
        let phrases = ["frühes Boot", "petit bateau"].map(|text| Term::Phrase(text.into()));
        assert_eq!(typographic[..2], phrases);
        assert_eq!(typographic[2], word("rest"));
        assert_eq!(read("from:\"mia").unwrap().from, ["mia"]);
    }

    #[test]
    fn days_months_and_years_bound_the_time() {
        let query = read("after:2025-11 before:2026-02-09").unwrap();
        assert_eq!((query.after, query.before), (at(2025, 11, 1), at(2026, 2, 9)));
        // The narrowest of several counts.
        let query = read("after:2024 after:2025-1-2 before:2026 before:2027").unwrap();
        assert_eq!((query.after, query.before), (at(2025, 1, 2), at(2026, 1, 1)));
    }

    #[test]
    fn each_mistake_has_its_own_sentence() {
        let code = |typed: &str| read(typed).unwrap_err().code;
        for typed in ["", "   ", "\"\"", "!? -", "\"…\""] {
            assert_eq!(code(typed), "search_empty", "{typed}");
        }
        for typed in ["from:", "boat in:\"\"", "has: link", "before:"] {
            assert_eq!(code(typed), "search_unfinished", "{typed}");
        }
        for typed in ["has:file", "has:x"] {
            assert_eq!(code(typed), "search_has", "{typed}");
        }
        for day in [
            "yesterday",
            "26-1-1",
            "2026-13",
            "2026-00-1",
            "2026-1-31",
            "2026-1-1-1",
            "2026-001",
            "0000",
            "-",
        ] {
            assert_eq!(code(&format!("after:{day}")), "search_date", "{day}");
            assert_eq!(code(&format!("before:{day}")), "search_date", "{day}");
        }
        assert_eq!(code(&"x".repeat(QUERY_MAX + 1)), "search_long");
        assert_eq!(code(&"x ".repeat(PARTS_MAX + 1)), "search_long");
        assert!(read(&"x ".repeat(PARTS_MAX)).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_typed_makes_a_reader_panic(typed in ".{0,300}") {
            let _ = read(&typed);
        }

        #[test]
        fn operators_in_any_mess_do_not_either(parts in proptest::collection::vec("(from:|in:|has:|after:|\"|»|“| |x|é|:|-|2026)", 0..20)) {
            let _ = read(&parts.concat());
        }
    }
}
