//! What a message carries beside its body: quote, reactions, thread, poll, what a person may do with it.

use serde::Serialize;

use super::PersonView;

/// The message that another one replies to, as it is here now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct QuoteView {
    /// Its id.
    pub message: String,
    /// Account id of its author; empty where it is missing.
    pub author: String,
    /// Handle of its author; empty where it is not known.
    pub username: String,
    /// The beginning of what it says; empty where it says nothing any more.
    pub excerpt: String,
    /// Whether it is here.
    pub state: QuoteState,
}

/// Whether a quoted message is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum QuoteState {
    /// It is.
    Here,
    /// It is not on this device.
    Missing,
    /// It was deleted for everyone.
    Deleted,
    /// It is of somebody whom the person blocked.
    Blocked,
}

/// One emoji under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ReactionView {
    /// The emoji, or another short text.
    pub emoji: String,
    /// How many people gave it.
    pub count: u32,
    /// The own account is one of them.
    pub mine: bool,
    /// Who, the first 20 in the order in which they gave it.
    pub people: Vec<PersonView>,
}

/// The thread that a message belongs to or begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ThreadView {
    /// Id of the message that it hangs from; the message's own id where it is that one.
    pub root: String,
    /// Messages in it that are here, the root aside.
    pub replies: u32,
    /// When the newest of them was sent, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub last_at: u64,
}

/// Where a forwarded message comes from, as the person says who forwarded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ForwardedView {
    /// Handle of its author.
    pub username: String,
}

/// What the person may do with a message now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "one answer for each action")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ActionView {
    /// Write it anew.
    pub edit: bool,
    /// Delete it for everyone.
    pub delete_for_everyone: bool,
    /// React to it, and vote in it.
    pub react: bool,
    /// Pin and unpin it.
    pub pin: bool,
    /// Reply to it, also in a thread.
    pub reply: bool,
    /// Forward it.
    pub forward: bool,
}

/// An answer that a poll offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PollOptionView {
    /// What it says.
    pub text: String,
    /// People who chose it.
    pub votes: u32,
    /// The own account did.
    pub mine: bool,
}

/// A text as it was written once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct EditView {
    /// The text.
    pub text: String,
    /// When it was written, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub written_at: u64,
}

/// What somebody did to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum AnnotationView {
    /// Wrote it anew.
    Edited,
    /// Deleted it for everyone.
    Deleted,
    /// Reacted, or took a reaction back.
    Reacted {
        /// The emoji.
        emoji: String,
        /// Given or taken back.
        on: bool,
    },
    /// Pinned or unpinned it.
    Pinned {
        /// Pinned or unpinned.
        on: bool,
    },
    /// Voted in a poll.
    Voted,
    /// Closed a poll.
    PollClosed,
}
