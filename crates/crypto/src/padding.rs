//! Padding that hides lengths: Padmé (Nikitin et al., PURBs, 2019) over a floor.
//!
//! A padded length leaks at most a few bits of the true one and costs at most 12 percent. Content is followed by
//! one marker byte 0x80 and zeros, so it can be taken off without a length field. Padding is applied before
//! sealing only; it must never be judged before the seal was opened.

use zeroize::Zeroizing;

use crate::PaddingError;
use crate::limits::PADDING_FLOOR;

const MARKER: u8 = 0x80;

/// Pads content to one of the few lengths that Padmé allows.
pub fn pad(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = padded_length(content.len());
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    pad_into(content, &mut padded);
    padded
}

/// Appends what [`pad`] gives: [`padded_length`] bytes.
pub(crate) fn pad_into(content: &[u8], out: &mut Vec<u8>) {
    let end = out.len().saturating_add(padded_length(content.len()));
    out.extend_from_slice(content);
    out.push(MARKER);
    out.resize(end, 0);
}

/// Takes the padding off. Only what [`pad`] makes is accepted, so each content has one padded form.
pub fn unpad(padded: &[u8]) -> Result<&[u8], PaddingError> {
    let marker = padded.iter().rposition(|byte| *byte != 0).ok_or(PaddingError)?;
    let (content, padding) = padded.split_at_checked(marker).ok_or(PaddingError)?;
    if padding.first() != Some(&MARKER) || padded.len() != padded_length(content.len()) {
        return Err(PaddingError);
    }
    Ok(content)
}

/// The length to which content of `length` bytes is padded, its marker byte included.
pub const fn padded_length(length: usize) -> usize {
    let length = length.saturating_add(1);
    if length <= PADDING_FLOOR {
        return PADDING_FLOOR;
    }
    // Invariant: length > 64, so both logarithms exist, and E > S.
    let exponent = length.ilog2();
    let significant = exponent.ilog2().saturating_add(1);
    let mask = (1usize << exponent.saturating_sub(significant)).saturating_sub(1);
    length.saturating_add(mask) & !mask
}

/// Padmé alone, without floor and marker, for lengths of files.
pub(crate) const fn padme(length: u64) -> u64 {
    let Some(exponent) = length.checked_ilog2() else {
        return 0;
    };
    let Some(logarithm) = exponent.checked_ilog2() else {
        return length;
    };
    let mask = (1u64 << exponent.saturating_sub(logarithm.saturating_add(1))).saturating_sub(1);
    length.saturating_add(mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_contents_are_padded_alike() {
        for length in 64..100_000_usize {
            assert_eq!(padme(length as u64 + 1), padded_length(length) as u64);
        }
        for (length, padded) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (3, 3),
            (9, 10),
            (u64::from(u32::MAX), 1 << 32),
        ] {
            assert_eq!(padme(length), padded);
        }
    }

    #[test]
    fn padded_lengths_are_those_of_padme_over_the_floor() {
        for (content, padded) in [
            (0, 64),
            (63, 64),
            (64, 72),
            (127, 128),
            (142, 144),
            (143, 144),
            (144, 160),
            (1000, 1024),
            (4095, 4096),
        ] {
            assert_eq!(padded_length(content), padded, "content of {content} bytes");
        }
        assert_eq!(pad(&[7; 142]).len(), 144);
    }

    #[test]
    fn padding_costs_at_most_an_eighth_and_never_shrinks_above_the_floor() {
        let mut last = 0;
        for content in 0..20_000 {
            let padded = padded_length(content);
            assert!(padded > content && padded >= last);
            assert!(padded == PADDING_FLOOR || padded - (content + 1) <= (content + 1) / 8);
            last = padded;
        }
    }

    #[test]
    fn content_comes_back_even_when_it_ends_like_padding() {
        for content in [
            &b""[..],
            b"x",
            &[0; 63],
            &[0; 64],
            &[0x80; 100],
            &[0x80, 0, 0],
            &[255; 5000],
        ] {
            assert_eq!(unpad(&pad(content)), Ok(content));
        }
    }

    #[test]
    fn other_padding_is_refused() {
        assert_eq!(unpad(b""), Err(PaddingError));
        assert_eq!(unpad(&[0; 64]), Err(PaddingError), "no marker");
        let mut other_marker = pad(b"abc");
        other_marker[3] = 0x81;
        assert_eq!(unpad(&other_marker), Err(PaddingError));
        assert_eq!(
            unpad(&pad(b"abc")[..63]),
            Err(PaddingError),
            "too short for its content"
        );
        assert_eq!(
            unpad(&[&pad(b"abc")[..], &[0]].concat()),
            Err(PaddingError),
            "too long for its content"
        );
    }
}
