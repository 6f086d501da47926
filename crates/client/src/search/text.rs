//! The text of a message as it is searched.

use crate::rows::MessageBody;

impl MessageBody {
    /// What a search finds it by: what is shown. None where it shows no words of anybody.
    pub fn searched_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            _ => None,
        }
    }
}

/// True where a text holds a link that a front end would make one.
pub fn holds_link(text: &str) -> bool {
    text.match_indices("://").any(|(at, colon)| {
        let (scheme, address) = text.split_at(at);
        let begins = address
            .get(colon.len()..)
            .and_then(|address| address.chars().next())
            .is_some_and(|first| first.is_alphanumeric() || first == '[');
        let word = scheme
            .rsplit(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or_default();
        begins && (word.eq_ignore_ascii_case("https") || word.eq_ignore_ascii_case("http"))
    })
}

/// Characters that searches know: those of words, and pictures.
pub(crate) fn is_searched(c: char) -> bool {
    c.is_alphanumeric() || is_picture(c)
}

/// Characters that are words by themselves: those of writing without spaces between words, and pictures. Each is
/// indexed alone, so that any part of a line is found, however short.
pub fn stands_alone(c: char) -> bool {
    matches!(c,
        // Thai, Lao, Myanmar, Khmer.
        '\u{0E01}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        // Kana, Bopomofo, their extensions, Han.
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312F}' | '\u{31A0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}'
        // Hangul: its words are written apart, but grow together with what follows them.
        | '\u{AC00}'..='\u{D7A3}')
        || is_picture(c)
}

/// Symbols that Unicode calls so, not signs of mathematics nor colours of skin: the index knows them.
fn is_picture(c: char) -> bool {
    matches!(c,
        '\u{2600}'..='\u{266E}' | '\u{2670}'..='\u{2767}' | '\u{2794}'..='\u{27BF}'
        | '\u{2B4D}'..='\u{2B73}' | '\u{1F300}'..='\u{1F3FA}' | '\u{1F400}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_where_it_begins() {
        for text in [
            "https://example.org",
            "see (http://10.0.0.1/x)",
            "a\nHTTPS://é.fr",
            "http://[::1]/",
        ] {
            assert!(holds_link(text), "{text}");
        }
        for text in [
            "",
            "https://",
            "http:// x",
            "xhttps://a",
            "example.org",
            "ftp://example.org",
        ] {
            assert!(!holds_link(text), "{text}");
        }
    }
}
