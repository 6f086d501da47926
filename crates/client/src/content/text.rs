//! Texts, and what goes with a text or a poll: quote, thread, mentions, where it came from, when it disappears.

use conclave_protocol::limits::TEXT_MAX;
use conclave_protocol::{AccountId, EnvelopeId, Timestamp, Username};
use minicbor::{Decode, Encode};

/// Accounts that one text may mention.
pub(crate) const MENTIONS_MAX: usize = 50;
/// The longest time after which messages disappear: a year, in seconds.
pub(crate) const DISAPPEARS_MAX: u32 = 365 * 24 * 60 * 60;

/// A text and what goes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Text {
    /// What it says.
    #[n(0)]
    pub text: String,
    /// What goes with it.
    #[n(1)]
    pub with: With,
    /// When it disappears here; on this device only, never sealed.
    #[n(2)]
    pub expires_at: Option<Timestamp>,
}

/// What goes with a text or a poll. Sealed as a map; what is not there takes no byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct With {
    /// The message that it replies to. Nothing of that one is quoted here: whoever reads looks it up.
    #[n(0)]
    pub reply: Option<EnvelopeId>,
    /// The message from which its thread hangs.
    #[n(1)]
    pub thread: Option<EnvelopeId>,
    /// Accounts that it mentions; never empty.
    #[n(2)]
    pub mentions: Option<Vec<AccountId>>,
    /// It mentions everyone in the room; never false.
    #[n(3)]
    pub everyone: Option<bool>,
    /// Handle of whoever wrote it first, as the person says who forwards it.
    #[n(4)]
    pub forwarded: Option<String>,
    /// Seconds after which it disappears: for its author's devices from when it was sent, for others from when
    /// they read it; never 0.
    #[n(5)]
    pub disappears: Option<u32>,
}

impl With {
    /// Nothing goes with it.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True when every bound is kept. What breaks one reads as a kind that this version does not know.
    pub(crate) fn is_valid(&self) -> bool {
        let mentions = self.mentions.as_ref().is_none_or(|all| all.len() <= MENTIONS_MAX);
        let forwarded = self
            .forwarded
            .as_ref()
            .is_none_or(|name| name.parse::<Username>().is_ok_and(|read| read.as_str() == name));
        let disappears = self.disappears.is_none_or(|seconds| seconds <= DISAPPEARS_MAX);
        mentions && forwarded && disappears
    }

    /// True when it mentions an account, alone or with everyone.
    pub(crate) fn mentions(&self, account: AccountId) -> bool {
        self.everyone == Some(true) || self.mentions.as_ref().is_some_and(|all| all.contains(&account))
    }
}

impl Text {
    /// True when every bound is kept.
    pub(crate) fn is_valid(&self) -> bool {
        self.text.len() <= TEXT_MAX && self.with.is_valid()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}
