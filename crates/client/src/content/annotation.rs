//! Annotations: what is said about a message, never shown as one.
//!
//! Invariant: an annotation names its target inside the seal, and the envelope names the same one in clear; one
//! that names two is refused.

use conclave_protocol::EnvelopeId;
use minicbor::{Decode, Encode};

use super::{OPTIONS_MAX, Text};

/// The longest reaction, in bytes: the longest emoji sequences take less.
pub(crate) const EMOJI_MAX: usize = 64;

/// What is said about a message.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Annotation {
    /// The message that it is said about.
    #[n(0)]
    pub target: EnvelopeId,
    /// Counts up with each change of the same thing that its author knows of: of several, the one with the highest
    /// revision holds, and of equal ones the one with the greater id.
    #[n(1)]
    pub revision: u32,
    /// What is said.
    #[n(2)]
    pub act: Act,
}

/// What is done to a message.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Act {
    /// It is written anew.
    #[n(0)]
    Edit(#[n(0)] Text),
    /// It is deleted for everyone.
    #[n(1)]
    Delete,
    /// An emoji is given, or taken back.
    #[n(2)]
    React(#[n(0)] String, #[n(1)] bool),
    /// It is pinned, or unpinned.
    #[n(3)]
    Pin(#[n(0)] bool),
    /// The places of the answers that are chosen in a poll; none takes the vote back.
    #[n(4)]
    Vote(#[n(0)] Vec<u32>),
    /// The poll is closed.
    #[n(5)]
    Close,
}

impl Annotation {
    /// True when every bound is kept.
    pub(crate) fn is_valid(&self) -> bool {
        match &self.act {
            Act::Edit(text) => {
                let with = &text.with;
                let only_mentions = with.reply.is_none()
                    && with.thread.is_none()
                    && with.forwarded.is_none()
                    && with.disappears.is_none();
                text.is_valid() && only_mentions && !text.text.trim().is_empty()
            }
            Act::React(emoji, _) => is_emoji(emoji),
            Act::Vote(choices) => {
                choices.len() <= OPTIONS_MAX && choices.is_sorted_by(|one, other| one < other)
            }
            Act::Delete | Act::Pin(_) | Act::Close => true,
        }
    }
}

/// True for what may stand as a reaction: something short that shows, in one word.
pub(crate) fn is_emoji(text: &str) -> bool {
    !text.is_empty() && text.len() <= EMOJI_MAX && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
