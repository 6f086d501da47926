//! What a password has to be before it is stretched: long enough, not among the first that are tried, and not made of
//! the words around it.
//!
//! Invariant: nothing is said about which characters it has, and nothing is taken off: it is stretched as it was typed.

mod filter;
mod patterns;

use conclave_protocol::limits::{PASSWORD_MAX, PASSWORD_MIN};

use crate::failure::Failure;

/// The 3,000 most common passwords of at least eight characters, without those that are a pattern: a set made of
/// `password/common.txt` by `cargo xtask passwords`. Shorter ones are refused by length. Of other passwords it takes
/// one in a thousand for one of them, and its person chooses another.
const COMMON: &[u8] = include_bytes!("password/common.set");

/// A word shorter than this may be a part of any password.
const WORD_MIN: usize = 3;

/// Refuses a password that is too short, too long, common, or a name that stands around it: the account's, the
/// server's, the product's.
pub(crate) fn check(password: &str, username: &str, server: &str) -> Result<(), Failure> {
    if password.chars().count() < PASSWORD_MIN {
        return Err(Failure::password_short());
    }
    if password.len() > PASSWORD_MAX {
        return Err(Failure::password_long());
    }
    let folded = password.to_lowercase();
    let folded = folded.trim();
    // What is counted up each time that somebody asks for a new one.
    let stem = folded.trim_end_matches(|letter: char| letter.is_ascii() && !letter.is_ascii_alphabetic());
    let is_common = |text: &str| patterns::is_pattern(text) || filter::contains(COMMON, text);
    let is_long = |text: &str| text.chars().count() >= PASSWORD_MIN;
    if is_common(folded) || (is_long(stem) && is_common(stem)) {
        return Err(Failure::password_common());
    }
    let core = core(folded);
    let names = [username, "conclave", server];
    if names
        .into_iter()
        .chain(server.split('.'))
        .any(|word| is_made_of(&core, word))
    {
        return Err(Failure::password_common());
    }
    Ok(())
}

/// Whether the core of a password is that of a word, once or twice.
fn is_made_of(password: &[u8], word: &str) -> bool {
    let word = core(word);
    let rest = password.strip_prefix(word.as_slice());
    word.len() >= WORD_MIN && rest.is_some_and(|rest| rest.is_empty() || rest == word)
}

/// A text without its signs, and without the digits at its ends.
fn core(text: &str) -> Vec<u8> {
    let kept = text
        .bytes()
        .filter(|byte| !byte.is_ascii() || byte.is_ascii_alphanumeric());
    let kept: Vec<u8> = kept.map(|byte| byte.to_ascii_lowercase()).collect();
    let mut core = kept.as_slice();
    while let [b'0'..=b'9', rest @ ..] | [rest @ .., b'0'..=b'9'] = core {
        core = rest;
    }
    core.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = include_str!("password/common.txt");

    fn code(password: &str) -> Option<String> {
        let refused = check(password, "mia.kowalski", "chat.elm-street.example").err();
        refused.map(|failure| failure.code)
    }

    fn is_common(password: &str) -> bool {
        code(password).as_deref() == Some("password_common")
    }

    #[test]
    fn short_long_common_and_own_name_passwords_are_refused_with_their_own_sentence() {
        assert_eq!(code("short"), Some("password_short".into()));
        assert_eq!(code(&"x7".repeat(600)), Some("password_long".into()));
        for common in ["Password123", "zzzzzzzzzz", "mia.kowalski"] {
            assert!(is_common(common), "{common}");
        }
        assert_eq!(code("vier ruhige Otter"), None);
        assert_eq!(code("äöüäpüäö"), None, "characters are counted, not bytes");
    }

    #[test]
    fn each_of_the_three_thousand_most_common_is_refused_however_it_is_written() {
        let words: Vec<&str> = LIST
            .lines()
            .filter(|line| !line.starts_with("# ") && !line.is_empty())
            .collect();
        assert!(words.len() >= 3000, "{}", words.len());
        for word in words {
            for written in [word.to_owned(), word.to_uppercase(), format!(" {word}\t")] {
                assert!(is_common(&written), "{written}");
            }
            let ends_in_letter = word.ends_with(|letter: char| letter.is_ascii_alphabetic());
            if ends_in_letter {
                for counted in ["1", "2026", "!", "123!"] {
                    assert!(is_common(&format!("{word}{counted}")), "{word}{counted}");
                }
            }
        }
    }

    #[test]
    fn names_around_a_password_are_refused_with_digits_and_signs_around_them() {
        for named in [
            "Mia.Kowalski",
            "miakowalski",
            "mia.kowalski1987",
            "12mia_kowalski!",
            "MiaKowalskiMiaKowalski",
            "chat.elm-street.example",
            "elmstreet2026",
            "Elm-Street!!",
            "conclave2026",
            "ConclaveConclave",
        ] {
            assert!(is_common(named), "{named}");
        }
        for fine in [
            "mia isst gern Suppe",
            "kowalski und die Elster",
            "elm street lamp post",
        ] {
            assert_eq!(code(fine), None, "{fine}");
        }
    }

    #[test]
    fn dates_rows_and_repetitions_are_refused() {
        for pattern in [
            "24121987",
            "12241987",
            "19871224",
            "20311231",
            "23456789",
            "hijklmnop",
            "87654321",
            "xyxyxyxy",
            "abcabcabc",
            "........",
        ] {
            assert!(is_common(pattern), "{pattern}");
        }
        for fine in ["24129987", "99881987", "ab ba ab cd", "19871224 Ulm"] {
            assert_eq!(code(fine), None, "{fine}");
        }
    }

    #[test]
    fn a_password_of_64_characters_is_taken() {
        let long: String = ('a'..='z')
            .chain('A'..='Z')
            .chain('0'..='9')
            .chain("-_".chars())
            .rev()
            .collect();
        let mixed: String = long
            .chars()
            .step_by(2)
            .chain(long.chars().skip(1).step_by(2))
            .collect();
        assert_eq!(mixed.chars().count(), 64);
        assert_eq!(code(&mixed), None);
        let signs = "ß→字 🦦 ".repeat(10);
        assert_eq!(
            code(&signs[..signs.len() - 1]),
            None,
            "whatever its characters are"
        );
    }

    #[test]
    fn few_other_passwords_are_taken_for_common_ones() {
        let letters: Vec<char> = ('a'..='z').collect();
        let mut state: u64 = 7;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 40).unwrap()
        };
        let refused = (0..20_000)
            .filter(|_| {
                let word: String = (0..12).map(|_| letters[next() % letters.len()]).collect();
                is_common(&word)
            })
            .count();
        assert!(refused < 40, "{refused} of 20,000");
    }

    #[test]
    fn the_set_stays_small() {
        assert!(COMMON.len() < 3_600, "{} bytes", COMMON.len());
    }
}
