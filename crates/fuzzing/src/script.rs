//! Input as choices. A fuzzer that changes a byte of the input changes one choice, so that it learns its way
//! through formats which it could never guess.

/// Reads choices from input. Behind the end every choice is zero, so each input is a whole script.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    /// A script of these bytes.
    pub fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *byte
    }

    /// A number below `end`, which must not be zero.
    pub fn below(&mut self, end: usize) -> usize {
        let high = usize::from(self.byte());
        let low = if end > 256 { usize::from(self.byte()) } else { 0 };
        let number = if end > 256 { high << 8 | low } else { high };
        number % end
    }

    /// One of these.
    pub fn pick<'b, T>(&mut self, from: &'b [T]) -> &'b T {
        &from[self.below(from.len())]
    }

    /// Up to `most` bytes.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let length = self.below(most + 1).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Alters a real value as the script says, by at most a dozen steps. A script that is over alters nothing.
    /// `other` is a second real value, from which pieces are taken.
    pub fn alter(&mut self, value: &[u8], other: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        for _ in 0..12 {
            if self.is_over() {
                break;
            }
            let kind = self.byte() % 10;
            if kind == 0 {
                break;
            }
            let at = self.below(value.len().max(1));
            match kind {
                1 | 2 => {
                    if let Some(byte) = value.get_mut(at) {
                        *byte ^= 1 << (self.byte() % 8);
                    }
                }
                3 => {
                    if let Some(byte) = value.get_mut(at) {
                        *byte = self.byte();
                    }
                }
                4 => value.truncate(at),
                5 => value.extend_from_slice(self.bytes(64)),
                6 => {
                    let piece = self.bytes(64);
                    value.splice(at..at, piece.iter().copied());
                }
                7 => {
                    let end = at.saturating_add(self.below(65)).min(value.len());
                    value.drain(at..end);
                }
                8 => {
                    // Numbers at which counters and lengths turn.
                    let number: u32 =
                        *self.pick(&[0, 1, 0x7f, 0x80, 0xffff, 0x7fff_ffff, u32::MAX - 1, u32::MAX]);
                    for (byte, new) in value.iter_mut().skip(at).zip(number.to_be_bytes()) {
                        *byte = new;
                    }
                }
                _ => {
                    // The same place of the other value.
                    let length = self.below(65);
                    for (byte, new) in value.iter_mut().zip(other).skip(at).take(length) {
                        *byte = *new;
                    }
                }
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_is_over_alters_nothing() {
        assert_eq!(Script::new(&[]).alter(b"value", b"other"), b"value");
    }

    #[test]
    fn every_kind_of_alteration_leaves_something_to_try() {
        for kind in 1..10 {
            let script = [kind, 2, 3, 4, 5];
            assert_ne!(Script::new(&script).alter(b"value", b"other"), b"value", "{kind}");
        }
    }
}
