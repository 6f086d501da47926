//! What a pairwise message is for.

use conclave_encoding::{Label, labels};

/// Kinds of pairwise messages. A message opens only for the purpose that it was sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Carries the content key of a direct message.
    MessageKey,
    /// Carries a control payload, attributed to the sending device.
    Control,
}

impl Purpose {
    /// Every purpose, for tests over all combinations.
    pub const ALL: [Self; 2] = [Self::MessageKey, Self::Control];

    pub(crate) const fn label(self) -> Label {
        match self {
            Self::MessageKey => labels::PAIRWISE_MESSAGE_KEY,
            Self::Control => labels::PAIRWISE_CONTROL,
        }
    }
}
