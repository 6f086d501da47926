//! What a front end gets of signals, and what it gives.

use conclave_protocol::AccountId;
use conclave_protocol::presence::{Availability, Choices, LastSeen, PresenceState, Seen, Span};
use serde::{Deserialize, Serialize};

/// What is to be chosen; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, optional_fields))]
pub struct ChoiceChange {
    /// How the account is seen.
    #[cfg_attr(
        feature = "ts",
        ts(optional, type = "'automatic' | 'do_not_disturb' | 'invisible'")
    )]
    pub availability: Option<Availability>,
    /// Who is told when the account was there last.
    #[cfg_attr(
        feature = "ts",
        ts(optional, type = "'everyone' | 'contacts' | 'approximate' | 'nobody'")
    )]
    pub last_seen: Option<LastSeen>,
    /// Give receipts and get them.
    pub receipts: Option<bool>,
    /// Say when one writes, and be told when others do.
    pub typing: Option<bool>,
}

/// What the account chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChoicesView {
    /// How the account is seen.
    #[cfg_attr(feature = "ts", ts(type = "'automatic' | 'do_not_disturb' | 'invisible'"))]
    pub availability: Availability,
    /// Who is told when the account was there last.
    #[cfg_attr(
        feature = "ts",
        ts(type = "'everyone' | 'contacts' | 'approximate' | 'nobody'")
    )]
    pub last_seen: LastSeen,
    /// Gives receipts and gets them.
    pub receipts: bool,
    /// Says when one writes, and is told when others do.
    pub typing: bool,
}

impl ChoicesView {
    pub(super) fn of(choices: Choices) -> Self {
        Self {
            availability: choices.availability,
            last_seen: choices.last_seen,
            receipts: choices.receipts,
            typing: choices.typing,
        }
    }
}

/// Whether somebody is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PresenceView {
    /// Account id.
    pub account: String,
    /// How they are seen: `offline`, `idle`, `do_not_disturb` or `online`.
    #[cfg_attr(feature = "ts", ts(type = "'offline' | 'idle' | 'do_not_disturb' | 'online'"))]
    pub state: &'static str,
    /// The minute when they were there last, Unix milliseconds, where they tell it.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub seen_at: Option<u64>,
    /// Within how long they were there last, where they tell no more: `day`, `week` or `month`.
    #[cfg_attr(feature = "ts", ts(type = "'day' | 'week' | 'month' | null"))]
    pub seen_within: Option<&'static str>,
}

impl PresenceView {
    pub(super) fn of(account: AccountId, state: PresenceState, seen: Option<Seen>) -> Self {
        let (seen_at, seen_within) = match seen {
            Some(Seen::At(at)) => (Some(at.0), None),
            Some(Seen::Within(Span::Day)) => (None, Some("day")),
            Some(Seen::Within(Span::Week)) => (None, Some("week")),
            Some(Seen::Within(Span::Month)) => (None, Some("month")),
            None => (None, None),
        };
        Self {
            account: account.to_string(),
            state: match state {
                PresenceState::Offline => "offline",
                PresenceState::Idle => "idle",
                PresenceState::DoNotDisturb => "do_not_disturb",
                PresenceState::Online => "online",
            },
            seen_at,
            seen_within,
        }
    }
}

/// Who writes in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct TypingView {
    /// Room id.
    pub room: String,
    /// They, but nobody of the own account.
    pub people: Vec<crate::views::PersonView>,
}

/// Everything of signals as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SignalsView {
    /// What the own account chose.
    pub own: ChoicesView,
    /// Of whom something is known; everybody else is as good as not there.
    pub people: Vec<PresenceView>,
    /// Who writes where.
    pub typing: Vec<TypingView>,
}
