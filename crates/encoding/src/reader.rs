//! Reads canonical bytes and refuses every other form.

use thiserror::Error;

use crate::Label;

/// Why bytes are not a canonical encoding of what was asked for.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("the bytes end too early")]
    Truncated,
    /// Bytes follow the value.
    #[error("bytes follow the end")]
    TrailingBytes,
    /// The bytes were made for another purpose.
    #[error("the bytes were made for another purpose")]
    WrongLabel,
    /// A field holds a value that its format does not allow.
    #[error("a field holds a value that is not allowed")]
    InvalidValue,
    /// A length is over its limit.
    #[error("a field is longer than its limit")]
    TooLong,
}

/// Walks over one canonical encoding.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Begins reading bytes that must carry `label`.
    pub fn new(label: Label, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Self(bytes);
        let length = usize::from(reader.u8()?);
        if reader.take(length)? != label.as_bytes() {
            return Err(DecodeError::WrongLabel);
        }
        Ok(reader)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.fixed().map(u16::from_be_bytes)
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.fixed().map(u32::from_be_bytes)
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.fixed().map(u64::from_be_bytes)
    }

    /// `N` bytes.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Truncated)
    }

    /// Bytes behind a `u32` length of at most `limit`.
    pub fn bytes(&mut self, limit: usize) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.u32()?).map_err(|_| DecodeError::TooLong)?;
        if length > limit {
            return Err(DecodeError::TooLong);
        }
        self.take(length)
    }

    /// A presence byte (0 or 1 and nothing else) and, when present, `N` bytes.
    pub fn option_fixed<const N: usize>(&mut self) -> Result<Option<[u8; N]>, DecodeError> {
        match self.u8()? {
            0 => Ok(None),
            1 => self.fixed().map(Some),
            _ => Err(DecodeError::InvalidValue),
        }
    }

    /// Ends the reading; bytes left over are an error.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::TrailingBytes)
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Writer, labels};

    #[test]
    fn what_was_written_is_read_back_and_nothing_else_is_accepted() {
        let bytes = Writer::new(labels::LOGIN)
            .u8(7)
            .u16(8)
            .u32(9)
            .u64(10)
            .fixed(b"abcd")
            .bytes(b"xyz")
            .option_fixed(Some(b"12"))
            .option_fixed::<4>(None)
            .finish();
        let read = |bytes: &[u8]| -> Result<(), DecodeError> {
            let mut reader = Reader::new(labels::LOGIN, bytes)?;
            assert_eq!(reader.u8()?, 7);
            reader.u16()?;
            reader.u32()?;
            reader.u64()?;
            reader.fixed::<4>()?;
            reader.bytes(3)?;
            reader.option_fixed::<2>()?;
            reader.option_fixed::<4>()?;
            reader.finish()
        };
        assert_eq!(read(&bytes), Ok(()));
        for length in 0..bytes.len() {
            assert!(
                read(&bytes[..length]).is_err(),
                "a prefix of {length} bytes was accepted"
            );
        }
        assert_eq!(
            read(&[&bytes[..], &[0]].concat()),
            Err(DecodeError::TrailingBytes)
        );
        assert_eq!(
            Reader::new(labels::REGISTRATION, &bytes).err(),
            Some(DecodeError::WrongLabel)
        );
    }

    #[test]
    fn a_length_over_the_limit_and_a_second_form_of_absence_are_refused() {
        let long = Writer::new(labels::LOGIN).bytes(&[0; 9]).finish();
        assert_eq!(
            Reader::new(labels::LOGIN, &long).unwrap().bytes(8),
            Err(DecodeError::TooLong)
        );
        let odd = Writer::new(labels::LOGIN).u8(2).finish();
        assert_eq!(
            Reader::new(labels::LOGIN, &odd).unwrap().option_fixed::<1>(),
            Err(DecodeError::InvalidValue)
        );
    }
}
