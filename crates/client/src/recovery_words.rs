//! The words of a recovery key as they are typed. It says which words are none, and never which were meant:
//! whoever does not have the key learns nothing here that a printed list of all words would not tell.

use bip39::Language;
use zeroize::Zeroizing;

/// The places, counted from 0, of typed words that no recovery key has.
pub fn unknown_words(typed: &str) -> Vec<usize> {
    typed
        .split_whitespace()
        .enumerate()
        .filter(|(_, word)| {
            let word = Zeroizing::new(word.to_lowercase());
            Language::English.find_word(&word).is_none()
        })
        .map(|(place, _)| place)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::unknown_words;

    #[test]
    fn words_of_a_key_are_known_in_any_case_and_however_they_are_spaced() {
        assert!(unknown_words("  abandon\tAbility\n ZOO ").is_empty());
        assert!(unknown_words("").is_empty());
    }

    #[test]
    fn what_is_no_word_of_a_key_is_named_by_its_place() {
        assert_eq!(unknown_words("abandon abilty zoo zo\u{308}o 7"), [1, 3, 4]);
    }
}
