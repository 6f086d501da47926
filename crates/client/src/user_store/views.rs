//! What a front end gets of the user store, and what it gives.

use serde::{Deserialize, Serialize};

/// What a person wants to hear of a chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum NotificationLevel {
    /// Every message.
    #[default]
    Everything,
    /// Mentions of the person and of everyone.
    Mentions,
    /// Nothing.
    Nothing,
}

/// What is to be set of a chat; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, optional_fields))]
pub struct ChatChange {
    /// Stands above the others.
    pub favourite: Option<bool>,
    /// Says nothing until then, Unix milliseconds; 0 for not at all.
    #[cfg_attr(feature = "ts", ts(optional, type = "number"))]
    pub muted_until: Option<u64>,
    /// Stands apart until something happens there; where it is muted, also then.
    pub archived: Option<bool>,
    /// Looks unread until it is opened.
    pub marked_unread: Option<bool>,
    /// What is told of it.
    pub level: Option<NotificationLevel>,
}

/// A folder of chats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct FolderView {
    /// Names it.
    pub id: String,
    /// How it is called.
    pub name: String,
    /// Ids of the rooms in it.
    pub rooms: Vec<String>,
}

/// What is to be set of a person; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, optional_fields))]
pub struct PersonChange {
    /// Accept their request. What was accepted stays so.
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<bool>"))]
    pub accepted: bool,
    /// Hear nothing more of them.
    pub blocked: Option<bool>,
    /// What they are called here; empty to take it back.
    pub nickname: Option<String>,
}

/// Somebody whom the person blocked or gave a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ContactView {
    /// Account id.
    pub account: String,
    /// Handle; empty where it is not known here.
    pub username: String,
    /// What the person calls them.
    pub nickname: Option<String>,
    /// Nothing of them is taken in.
    pub blocked: bool,
}

/// A setting by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SettingView {
    /// Its name, which the front ends agree on.
    pub name: String,
    /// Its value.
    pub value: String,
}
