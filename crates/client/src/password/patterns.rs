//! Passwords that follow from a rule anybody knows, so that no list has to hold them: repetitions, rows, dates.
//!
//! `xtask/src/passwords.rs` includes this file, and leaves out of the list what is found here.

/// Whether a text of small letters is one of these.
pub(crate) fn is_pattern(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    is_repeated(&letters) || is_row(&letters) || is_date(text)
}

/// One to four characters, over and over.
fn is_repeated(letters: &[char]) -> bool {
    (1..=4).any(|length| {
        letters.len() > length
            && letters
                .iter()
                .zip(letters.iter().skip(length))
                .all(|(a, b)| a == b)
    })
}

/// Each character is the one behind, or before, the last: `abcdefgh`, `98765432`; zero stands at either end.
fn is_row(letters: &[char]) -> bool {
    let follows = |a: &char, b: &char| {
        (u32::from(*a)).checked_add(1) == Some(u32::from(*b)) || (*a == '9' && *b == '0')
    };
    let pairs = || letters.iter().zip(letters.iter().skip(1));
    pairs().all(|(a, b)| follows(a, b)) || pairs().all(|(a, b)| follows(b, a))
}

/// Eight digits that are a day of 1900 to 2039, in whatever order.
fn is_date(text: &str) -> bool {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let number = |from: usize, to: usize| -> u32 {
        let part = text.get(from..to).and_then(|part| part.parse().ok());
        part.unwrap_or_default()
    };
    let is_year = |year: u32| (1900..2040).contains(&year);
    let is_day = |one: u32, other: u32| {
        (1..=31).contains(&one) && (1..=31).contains(&other) && (one <= 12 || other <= 12)
    };
    is_year(number(4, 8)) && is_day(number(0, 2), number(2, 4))
        || is_year(number(0, 4)) && is_day(number(4, 6), number(6, 8))
}
