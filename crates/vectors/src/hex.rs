//! Bytes as JSON shows them: lowercase hexadecimal.

use core::fmt::Write as _;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Refusal;

/// Bytes that JSON shows as hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl Hex {
    /// The bytes as an array of the length that they must have.
    pub(crate) fn array<const N: usize>(&self) -> Result<[u8; N], Refusal> {
        self.0
            .as_slice()
            .try_into()
            .map_err(|_| Refusal::new(format!("{} bytes stand where {N} belong", self.0.len())))
    }

    /// The bytes with one of them altered, as tables of refusals describe it.
    pub(crate) fn altered(&self, alteration: Alteration) -> Result<Vec<u8>, Refusal> {
        let mut bytes = self.0.clone();
        let byte = bytes
            .get_mut(alteration.position)
            .ok_or_else(|| Refusal::new("an alteration lies behind the end"))?;
        *byte ^= alteration.xor;
        Ok(bytes)
    }
}

/// One byte that was changed on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alteration {
    /// Which byte, from 0.
    pub(crate) position: usize,
    /// What it is combined with by exclusive or; never 0.
    pub(crate) xor: u8,
}

impl<T: AsRef<[u8]>> From<T> for Hex {
    fn from(bytes: T) -> Self {
        Self(bytes.as_ref().to_vec())
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_hex(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not lowercase hexadecimal"))
    }
}

/// The bytes in lowercase hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}
