//! What a front end sees of people: how their identity stands, and what changed in their log.

use serde::Serialize;

use crate::views::PersonView;

/// How somebody's identity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum StandingView {
    /// Believed at first sight.
    Unchecked,
    /// Another identity had their name before, and nobody had compared that one, or the person accepted this one.
    Changed,
    /// Another identity had their name that was compared. Nothing is sent before this one is compared or accepted.
    Blocked,
    /// Compared.
    Verified,
}

/// Somebody whose identity stands otherwise than believed at first sight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct TrustView {
    /// Account id.
    pub account: String,
    /// How it stands.
    pub standing: StandingView,
    /// The account that has the name now, where that is another one.
    pub successor: Option<String>,
}

/// What opens the account's history, besides the recovery key and an approval by another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct HistoryWaysView {
    /// This device has seen what the account's log names; before that nothing is said.
    pub known: bool,
    /// The password does.
    pub password: bool,
    /// A change waits for the account's log.
    pub changing: bool,
    /// Changing it needs the recovery key's words, for this device does not have the key.
    pub asks_for_words: bool,
}

/// What is known of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ProfileView {
    /// Who, by the name under which an own device saw them first.
    pub person: PersonView,
    /// The own account.
    pub own: bool,
    /// How their identity stands.
    pub standing: StandingView,
    /// When they were compared, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub verified_at: Option<u64>,
    /// 60 digits, the same on both sides; none for the own account.
    pub safety_number: Option<String>,
    /// What this side shows for scanning, base64url; none for the own account.
    pub safety_code: Option<String>,
    /// The server shows a log of theirs that contradicts the known one; nothing is sent.
    pub disputed: bool,
    /// The account that has their name now, where that is another one.
    pub successor: Option<String>,
    /// Other identities that are known under their name, the earliest first.
    pub others: Vec<EarlierView>,
    /// Active devices.
    pub devices: u32,
    /// What changed in their log, the newest first.
    pub changes: Vec<ChangeView>,
}

/// Another identity under the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct EarlierView {
    /// Account id.
    pub account: String,
    /// Since when it is known, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub since: u64,
    /// It was compared.
    pub verified: bool,
}

/// Something that changed in an account's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChangeView {
    /// When, as its author says, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at: u64,
    /// What.
    pub what: WhatChangedView,
    /// By whom.
    pub by: ChangeAuthorView,
}

/// What changed. Names of devices are known for the own account alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum WhatChangedView {
    /// The account was made, with its first device.
    Made,
    /// A device was added.
    DeviceAdded {
        /// Its number.
        device: u32,
        /// Its name.
        name: Option<String>,
    },
    /// A device was removed.
    DeviceRemoved {
        /// Its number.
        device: u32,
        /// Its name.
        name: Option<String>,
    },
    /// The recovery key was replaced.
    RecoveryReplaced {
        /// All devices were removed with it.
        all_removed: bool,
    },
    /// The account ended.
    Closed,
}

/// Who changed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum ChangeAuthorView {
    /// One of the account's devices.
    Device {
        /// Its number.
        device: u32,
        /// Its name.
        name: Option<String>,
    },
    /// Whoever has the recovery key.
    RecoveryKey,
}
