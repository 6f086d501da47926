//! The part of a text around what was found, in one line, with the places of the matches as numbers.

use super::index::{MARKS, SEPARATOR};

/// Longest excerpt, in characters.
const LENGTH: usize = 160;
/// So much of it stands before the first match.
const BEFORE: usize = 40;
/// Matches that are shown.
const MATCHES_MAX: usize = 24;

/// What is shown of a message that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Beginnings and ends in UTF-16 units.
    pub(super) matches: Vec<(u32, u32)>,
}

impl Excerpt {
    /// From a text in which FTS5 marked the matches.
    pub(super) fn of(marked: &str) -> Self {
        let mut chars: Vec<char> = Vec::new();
        let mut matches: Vec<(usize, usize)> = Vec::new();
        let mut began = None;
        for c in marked.chars() {
            if c == MARKS[0] {
                began = Some(chars.len());
            } else if c == MARKS[1] {
                matches.extend(began.take().map(|began| (began, chars.len())));
            } else if c != SEPARATOR {
                chars.push(if c.is_whitespace() || c.is_control() {
                    ' '
                } else {
                    c
                });
            }
        }
        let first = matches.first().map_or(0, |(begin, _)| *begin);
        let (begin, end) = window(&chars, first);
        let mut excerpt = Self {
            text: String::new(),
            matches: Vec::new(),
        };
        let mut units = 0;
        if begin > 0 {
            excerpt.push('…', &mut units);
        }
        let mut within = matches
            .into_iter()
            .filter(|(from, to)| *to > begin && *from < end);
        let mut next = within.next();
        let mut at_match = None;
        for (at, c) in chars[begin..end]
            .iter()
            .enumerate()
            .map(|(at, c)| (at + begin, *c))
        {
            if at_match.is_none() && next.is_some_and(|(from, _)| from <= at) {
                at_match = Some(units);
            }
            excerpt.push(c, &mut units);
            if let (Some(from), Some((_, to))) = (at_match, next)
                && (at + 1 >= to || at + 1 == end)
            {
                if excerpt.matches.len() < MATCHES_MAX {
                    excerpt.matches.push((from, units));
                }
                (at_match, next) = (None, within.next());
            }
        }
        if end < chars.len() {
            excerpt.push('…', &mut units);
        }
        excerpt
    }

    fn push(&mut self, c: char, units: &mut u32) {
        self.text.push(c);
        *units += if c.len_utf16() == 2 { 2 } else { 1 };
    }
}

/// What is shown: from a little before the first match, whole words where there are any near.
fn window(chars: &[char], first: usize) -> (usize, usize) {
    if chars.len() <= LENGTH {
        return (0, chars.len());
    }
    let mut begin = first.saturating_sub(BEFORE).min(chars.len() - LENGTH);
    if begin > 0 {
        let next_word = chars[begin..first.max(begin)].iter().position(|c| *c == ' ');
        begin += next_word.map_or(0, |at| at + 1);
    }
    let mut end = (begin + LENGTH).min(chars.len());
    if end < chars.len() {
        let last_word = chars[begin..end].iter().rposition(|c| *c == ' ');
        end = last_word
            .map_or(end, |at| begin + at)
            .max(end - 24)
            .max(first + 1)
            .min(end);
    }
    (begin, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(marked: &str) -> (String, Vec<String>) {
        let Excerpt { text, matches } = Excerpt::of(marked);
        let units: Vec<u16> = text.encode_utf16().collect();
        let matches = matches
            .iter()
            .map(|(from, to)| String::from_utf16(&units[*from as usize..*to as usize]).unwrap());
        let matches = matches.collect();
        (text, matches)
    }

    #[test]
    fn matches_are_where_they_are_also_behind_pictures() {
        let (text, matches) = shown("the\n\u{1f}👍\u{1f} \u{1}early boat\u{2}, \u{1}b\u{2}");
        assert_eq!(text, "the 👍 early boat, b");
        assert_eq!(matches, ["early boat", "b"]);
        assert_eq!(shown("\u{1}東\u{1f}\u{1f}京\u{2}\u{1f}都").1, ["東京"]);
        assert_eq!(shown("nothing"), ("nothing".into(), vec![]));
        assert_eq!(shown(""), (String::new(), vec![]));
    }

    #[test]
    fn of_a_long_text_the_part_around_the_first_match_is_shown_in_whole_words() {
        let words = "word ".repeat(100);
        let (text, matches) = shown(&format!("{words}\u{1}boat\u{2} {words}"));
        assert!(text.starts_with("…word ") && text.ends_with("word…"), "{text}");
        assert!(text.chars().count() <= LENGTH + 2);
        assert_eq!(matches, ["boat"]);
        let (text, matches) = shown(&format!("{words}\u{1}boat\u{2}"));
        assert!(text.ends_with(" boat"), "{text}");
        assert_eq!(matches, ["boat"]);
        let (text, _) = shown(&format!("\u{1}boat\u{2} {words}"));
        assert!(text.starts_with("boat"), "{text}");
        // Without spaces, and a match that is longer than what is shown.
        let (text, matches) = shown(&format!("{0}\u{1}{0}\u{2}{0}", "x".repeat(300)));
        assert!(text.chars().count() <= LENGTH + 2 && matches.len() == 1, "{text}");
    }

    proptest::proptest! {
        #[test]
        fn any_marked_text_has_an_excerpt(parts in proptest::collection::vec("(\u{1}|\u{2}|\u{1f}| |x|👍|東|\n|word{1,40})", 0..120)) {
            let (text, _) = shown(&parts.concat());
            proptest::prop_assert!(text.chars().count() <= LENGTH + 2);
        }
    }
}
