//! Writes canonical bytes.

use crate::Label;

/// Builds one canonical encoding.
pub struct Writer(Vec<u8>);

impl Writer {
    /// Begins an encoding for the purpose `label`: a length byte and the label.
    pub fn new(label: Label) -> Self {
        Self::with_capacity(label, 256)
    }

    /// As [`Writer::new`] with room for `capacity` bytes, so that secrets are not copied by growth.
    pub fn with_capacity(label: Label, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        // Invariant: labels are under 256 bytes (tested in `labels`).
        out.push(u8::try_from(label.as_bytes().len()).unwrap_or(u8::MAX));
        out.extend_from_slice(label.as_bytes());
        Self(out)
    }

    /// Appends one byte.
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// Appends two bytes, big-endian.
    pub fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends four bytes, big-endian.
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends eight bytes, big-endian.
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends bytes whose length the format fixes; no length is written.
    pub fn fixed<const N: usize>(mut self, value: &[u8; N]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    /// Appends bytes of any length behind a `u32` length. Longer than `u32::MAX` cannot occur: every input
    /// of the protocol is bounded far below by its own limit.
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.0
            .extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// Appends a presence byte and, when present, the fixed bytes.
    pub fn option_fixed<const N: usize>(self, value: Option<&[u8; N]>) -> Self {
        match value {
            Some(value) => self.u8(1).fixed(value),
            None => self.u8(0),
        }
    }

    /// The finished bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}
