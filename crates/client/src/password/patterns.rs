//! Passwords that follow from a rule anybody knows, so that no list has to hold them: repetitions, rows, dates.
//!
//! `xtask/src/passwords.rs` includes this file, and leaves out of the list what is found here.

/// Whether a text of small letters is one of these. It is looked at byte by byte, which is small in the browser's
/// engine; letters beyond ASCII repeat as their bytes do.
pub(crate) fn is_pattern(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_repeated = (1..=4).any(|length| {
        bytes.len() > length && bytes.iter().zip(bytes.iter().skip(length)).all(|(a, b)| a == b)
    });
    is_repeated || is_row(bytes, 1) || is_row(bytes, u8::MAX) || is_date(bytes)
}

/// Each character is the one behind the last, or before it: `abcdefgh`, `98765432`; zero stands at either end.
fn is_row(bytes: &[u8], step: u8) -> bool {
    let zero = if step == 1 { [b'9', b'0'] } else { [b'0', b'9'] };
    let mut pairs = bytes.iter().zip(bytes.iter().skip(1));
    pairs.all(|(a, b)| a.wrapping_add(step) == *b || [*a, *b] == zero)
}

/// Eight digits that are a day of 1900 to 2039, in whatever order.
fn is_date(bytes: &[u8]) -> bool {
    let Some((front, back)) = bytes.split_at_checked(4) else {
        return false;
    };
    back.len() == 4
        && bytes.iter().all(u8::is_ascii_digit)
        && (are_day_and_month(front) && is_year(back) || is_year(front) && are_day_and_month(back))
}

fn is_year(digits: &[u8]) -> bool {
    (&b"1900"[..]..&b"2040"[..]).contains(&digits)
}

fn are_day_and_month(digits: &[u8]) -> bool {
    let (one, other) = digits.split_at_checked(2).unwrap_or_default();
    let is_day = |digits: &[u8]| (&b"01"[..]..=&b"31"[..]).contains(&digits);
    let is_month = |digits: &[u8]| digits <= &b"12"[..];
    is_day(one) && is_day(other) && (is_month(one) || is_month(other))
}
