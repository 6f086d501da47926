//! The REST endpoints, one file per feature.
//!
//! An endpoint is one place: what comes in, the rule, the answer. A handler opens at most one write
//! transaction and wakes nobody before it is committed.

pub(crate) mod accounts;
pub(crate) mod admin;
pub(crate) mod announcements;
pub(crate) mod blobs;
pub(crate) mod devices;
pub(crate) mod health;
pub(crate) mod invites;
pub(crate) mod links;
pub(crate) mod logins;
pub(crate) mod messages;
pub(crate) mod passwords;
pub(crate) mod places;
pub(crate) mod prekeys;
pub(crate) mod presence;
pub(crate) mod push;
pub(crate) mod recoveries;
pub(crate) mod reports;
pub(crate) mod resets;
pub(crate) mod rooms;
pub(crate) mod second_step;
pub(crate) mod vault;
