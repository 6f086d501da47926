//! Polls: a question to a room, and what may be answered.

use conclave_protocol::Timestamp;
use minicbor::{Decode, Encode};

use super::With;

/// The longest question, in bytes.
pub(crate) const QUESTION_MAX: usize = 1_024;
/// The longest answer, in bytes.
pub(crate) const OPTION_MAX: usize = 256;
/// A poll offers at least so many answers.
pub(crate) const OPTIONS_MIN: usize = 2;
/// And at most so many.
pub(crate) const OPTIONS_MAX: usize = 12;

/// A question to a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Poll {
    /// What is asked.
    #[n(0)]
    pub question: String,
    /// What may be answered.
    #[n(1)]
    pub options: Vec<String>,
    /// Several answers may be chosen.
    #[n(2)]
    pub multiple: bool,
    /// When it closes by itself.
    #[n(3)]
    pub closes_at: Option<Timestamp>,
    /// What goes with it.
    #[n(4)]
    pub with: With,
    /// As of a text.
    #[n(5)]
    pub expires_at: Option<Timestamp>,
}

impl Poll {
    /// True when every bound is kept and no answer is there twice.
    pub(crate) fn is_valid(&self) -> bool {
        let filled = |text: &str, most: usize| !text.trim().is_empty() && text.len() <= most;
        let mut sorted: Vec<&str> = self.options.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        sorted.dedup();
        filled(&self.question, QUESTION_MAX)
            && (OPTIONS_MIN..=OPTIONS_MAX).contains(&self.options.len())
            && self.options.iter().all(|option| filled(option, OPTION_MAX))
            && sorted.len() == self.options.len()
            && self.with.is_valid()
    }

    /// True for places of answers that may be chosen together: each one once, in order.
    pub(crate) fn takes(&self, choices: &[u32]) -> bool {
        let there = choices
            .iter()
            .all(|choice| usize::try_from(*choice).is_ok_and(|choice| choice < self.options.len()));
        there && (self.multiple || choices.len() <= 1)
    }
}
