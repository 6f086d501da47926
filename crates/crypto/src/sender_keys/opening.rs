//! What opening a room message gives.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::redacted::redacted;

/// The key of one message. It opens no other message of the chain, so it can be revealed in a report, and it
/// travels nowhere else.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MessageOpening([u8; 32]);

/// An authentic message.
pub struct OpenedRoomMessage {
    /// The content without its padding.
    pub content: Zeroizing<Vec<u8>>,
    /// The message hash: the link in the sender's chain of messages, and the tag by which a report names it.
    pub hash: [u8; 32],
    /// The message's number in its chain.
    pub iteration: u32,
    /// The message's key, to be kept with the content as long as it may be reported.
    pub opening: MessageOpening,
}

redacted!(MessageOpening, OpenedRoomMessage);

impl MessageOpening {
    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The key's bytes, for a report.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
