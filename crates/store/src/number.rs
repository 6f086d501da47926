//! How a number of the protocol stands in a column.
//!
//! SQLite's integers are signed, the protocol's are not, and some come from strangers. So every `u64` is stored
//! with its highest bit turned over: nothing is lost, nothing is refused, and the order stays. A statement must
//! therefore never name such a number itself; it binds it.

const HIGHEST_BIT: u64 = 1 << 63;

/// As it is stored.
pub(crate) const fn to_stored(number: u64) -> i64 {
    (number ^ HIGHEST_BIT).cast_signed()
}

/// As it was.
pub(crate) const fn from_stored(stored: i64) -> u64 {
    stored.cast_unsigned() ^ HIGHEST_BIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_value_and_order() {
        let numbers = [0, 1, (1 << 63) - 1, 1 << 63, u64::MAX - 1, u64::MAX];
        for number in numbers {
            assert_eq!(from_stored(to_stored(number)), number);
        }
        assert!(numbers.is_sorted_by_key(|number| to_stored(*number)));
    }
}
