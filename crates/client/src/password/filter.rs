//! A set of words in little room: it says "in it" of each of its words, and of one other text in 2,048.
//!
//! The words' hashes, sorted, lie as the differences between them in Rice's code: what is above [`BITS`] bits as so
//! many ones and a zero, then those bits. In front stands how many there are, in two bytes. `xtask/src/passwords.rs`
//! includes this file and writes the set.

/// One other text in 2^BITS is taken for one of the words.
pub(crate) const BITS: u32 = 11;

/// Where a word lies, of `count << BITS` places: FNV-1a, and a last mixing, as its lowest bits follow few of a word's.
pub(crate) fn place(word: &str, count: u64) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in word.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash ^ (hash >> 29)).checked_rem(count << BITS).unwrap_or(0)
}

/// Whether a word is in a set.
pub(crate) fn contains(set: &[u8], word: &str) -> bool {
    let Some((count, coded)) = set.split_first_chunk::<2>() else {
        return false;
    };
    let count = u64::from(u16::from_be_bytes(*count));
    let wanted = place(word, count);
    let mut reached: u64 = 0;
    // Of the word that is being read: what is above, then so many bits that are still to come.
    let (mut above, mut below, mut missing) = (0_u64, 0_u64, 0_u32);
    for byte in coded {
        for at in (0..8).rev() {
            let bit = u64::from((byte >> at) & 1);
            if missing == 0 {
                if bit == 1 {
                    above = above.wrapping_add(1);
                } else {
                    missing = BITS;
                }
                continue;
            }
            below = (below << 1) | bit;
            missing = missing.wrapping_sub(1);
            if missing == 0 {
                reached = reached.wrapping_add((above << BITS) | below);
                if reached >= wanted {
                    return reached == wanted;
                }
                (above, below) = (0, 0);
            }
        }
    }
    false
}
