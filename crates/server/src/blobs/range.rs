//! Parts of a blob: what a `Range` header asks for (RFC 9110, section 14), and in which chunks it lies.

use conclave_protocol::limits::BLOB_CHUNK;

/// From a byte to the one before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

/// A part of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) chunk: u32,
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

/// What a header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Everything: there is no header, or one that may be overlooked (another unit, several ranges).
    Whole,
    /// One range.
    Part(Range),
    /// A range that is none, or lies behind the end.
    Unsatisfiable,
}

impl Range {
    /// What a header's text asks for of a blob of this size.
    pub(crate) fn asked(header: Option<&str>, size: u64) -> Asked {
        let Some(set) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
            return Asked::Whole;
        };
        if set.contains(',') {
            return Asked::Whole;
        }
        let Some((first, last)) = set.split_once('-') else {
            return Asked::Unsatisfiable;
        };
        let part = match (number(first), number(last)) {
            (Some(Some(first)), Some(last)) => {
                let end = last.map_or(size, |last| last.saturating_add(1).min(size));
                (last.is_none_or(|last| first <= last) && first < size).then_some(Self { begin: first, end })
            }
            // The last so many bytes.
            (Some(None), Some(Some(length))) if length > 0 => Some(Self {
                begin: size.saturating_sub(length),
                end: size,
            }),
            _ => None,
        };
        part.map_or(Asked::Unsatisfiable, Asked::Part)
    }

    pub(crate) const fn length(self) -> u64 {
        self.end.saturating_sub(self.begin)
    }
}

/// A number, nothing, or neither.
#[expect(clippy::option_option, reason = "nothing is one of three answers")]
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    // A number too large for us is larger than every blob.
    text.bytes()
        .all(|letter| letter.is_ascii_digit())
        .then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

/// The pieces of a range, in order.
pub(crate) fn pieces(range: Range) -> impl Iterator<Item = Piece> + Send {
    let mut at = range.begin;
    std::iter::from_fn(move || {
        if at >= range.end {
            return None;
        }
        let number = at / BLOB_CHUNK;
        let chunk_begin = number * BLOB_CHUNK;
        let end = range.end.min(chunk_begin + BLOB_CHUNK);
        let piece = Piece {
            chunk: u32::try_from(number).ok()?,
            begin: at - chunk_begin,
            end: end - chunk_begin,
        };
        at = end;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_protocol::blobs::chunk_length;
    use conclave_protocol::limits::BLOB_MAX;
    use proptest::prelude::*;

    fn part(begin: u64, end: u64) -> Asked {
        Asked::Part(Range { begin, end })
    }

    #[test]
    fn a_range_is_read_as_http_says() {
        for (header, expected) in [
            (None, Asked::Whole),
            (Some("bytes=0-99"), part(0, 100)),
            (Some("bytes=0-0"), part(0, 1)),
            (Some("bytes=10-"), part(10, 100)),
            (Some("bytes=-10"), part(90, 100)),
            (Some("bytes=-1000"), part(0, 100)),
            (Some("bytes=50-1000"), part(50, 100)),
            (Some("bytes=99-99999999999999999999999"), part(99, 100)),
            (Some("bytes=100-"), Asked::Unsatisfiable),
            (Some("bytes=5-4"), Asked::Unsatisfiable),
            (Some("bytes=-0"), Asked::Unsatisfiable),
            (Some("bytes=-"), Asked::Unsatisfiable),
            (Some("bytes=a-b"), Asked::Unsatisfiable),
            (Some("bytes=+1-2"), Asked::Unsatisfiable),
            (Some("bytes=7"), Asked::Unsatisfiable),
            (Some("bytes=0-1,5-6"), Asked::Whole),
            (Some("lines=0-1"), Asked::Whole),
        ] {
            assert_eq!(Range::asked(header, 100), expected, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_of_a_range_are_its_bytes_in_order(size in 1..=BLOB_MAX, a in any::<u64>(), b in any::<u64>()) {
            let (a, b) = (a % size, b % size);
            let (begin, last) = (a.min(b), a.max(b));
            let asked = Range::asked(Some(&format!("bytes={begin}-{last}")), size);
            prop_assert_eq!(asked, part(begin, last + 1));
            let mut at = begin;
            for piece in pieces(Range { begin, end: last + 1 }) {
                let number = u64::from(piece.chunk);
                prop_assert_eq!(number * BLOB_CHUNK + piece.begin, at);
                prop_assert!(piece.begin < piece.end);
                prop_assert!(piece.end <= chunk_length(size, number).unwrap());
                at += piece.end - piece.begin;
            }
            prop_assert_eq!(at, last + 1);
        }

        #[test]
        fn no_header_makes_a_range_beyond_the_blob(header in "\\PC{0,24}|bytes=[0-9]{0,22}-[0-9]{0,22}", size in 1..=BLOB_MAX) {
            if let Asked::Part(range) = Range::asked(Some(&header), size) {
                prop_assert!(range.begin < range.end && range.end <= size);
            }
        }
    }
}
