//! Unsigned LEB128 in its shortest form. Counters are small nearly always, and travel with every message.

use crate::ParseError;

/// Appends a number.
pub(crate) fn write(mut value: u32, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Parses the number at the start of `bytes` and gives the rest. Longer forms of the same number are refused.
pub(crate) fn split_from(mut bytes: &[u8]) -> Result<(u32, &[u8]), ParseError> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        let (&byte, rest) = bytes.split_first().ok_or(ParseError::Truncated)?;
        bytes = rest;
        let part = u32::from(byte & 0x7f);
        let placed = part << shift;
        if placed >> shift != part {
            return Err(ParseError::NonCanonical);
        }
        value |= placed;
        if byte & 0x80 == 0 {
            let is_shortest = part != 0 || shift == 0;
            return if is_shortest {
                Ok((value, bytes))
            } else {
                Err(ParseError::NonCanonical)
            };
        }
    }
    Err(ParseError::NonCanonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_their_shortest_form() {
        for (value, length) in [
            (0, 1),
            (127, 1),
            (128, 2),
            (16_383, 2),
            (16_384, 3),
            (1 << 21, 4),
            (1 << 28, 5),
            (u32::MAX, 5),
        ] {
            let mut bytes = Vec::new();
            write(value, &mut bytes);
            assert_eq!(bytes.len(), length);
            bytes.push(9);
            assert_eq!(split_from(&bytes), Ok((value, &[9][..])));
        }
    }

    #[test]
    fn longer_forms_overflow_and_cut_numbers_are_refused() {
        for bytes in [
            &[0x80, 0][..],
            &[0xff, 0x80, 0],
            &[0xff, 0xff, 0xff, 0xff, 0x10],
            &[0x80; 6],
        ] {
            assert_eq!(split_from(bytes), Err(ParseError::NonCanonical), "{bytes:?}");
        }
        for bytes in [&[][..], &[0x80], &[0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(split_from(bytes), Err(ParseError::Truncated), "{bytes:?}");
        }
    }
}
