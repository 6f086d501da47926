//! Logins, the second step, and the server's administration, as a front end gets them.

use conclave_protocol::admin::{AccountListed, AccountsPage, AuditPage, Figures};
use conclave_protocol::invites::InviteFound;
use conclave_protocol::logins::LoginFound;
use serde::Serialize;

/// How the second step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SecondStepView {
    /// A code is asked for after the password.
    pub on: bool,
    /// Since when, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub since: Option<u64>,
    /// Backup codes that were not used.
    pub backup_codes: u32,
}

/// Whether this device is woken while it is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PushView {
    /// The server's key, base64url, as a browser wants it; none where the server wakes nobody.
    pub key: Option<String>,
    /// The server wakes this device.
    pub subscribed: bool,
}

/// A login: one sign-in of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct LoginView {
    /// Its id.
    pub login: String,
    /// The device's number in its account.
    pub device: u32,
    /// The device's name, where it is one of the own account's and known here.
    pub name: Option<String>,
    /// Since when, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub created_at: u64,
    /// When it was refreshed last, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub refreshed_at: u64,
    /// Connected now.
    pub connected: bool,
    /// The very login that asks.
    pub current: bool,
}

impl LoginView {
    pub(crate) fn of(login: &LoginFound, name: Option<String>) -> Self {
        Self {
            login: login.login.to_string(),
            device: login.device.0,
            name,
            created_at: login.created_at,
            refreshed_at: login.refreshed_at,
            connected: login.connected,
            current: login.current,
        }
    }
}

/// A registration invite, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct RegistrationInviteView {
    /// Its id.
    pub invite: String,
    /// Who made it.
    pub made_by: String,
    /// When, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub created_at: u64,
    /// When it ends, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub expires_at: u64,
    /// How many registered with it.
    pub uses: u32,
    /// How many may.
    pub uses_max: u32,
    /// It was withdrawn.
    pub revoked: bool,
}

impl RegistrationInviteView {
    pub(crate) fn of(invite: &InviteFound) -> Self {
        Self {
            invite: invite.invite.to_string(),
            made_by: invite.made_by.to_string(),
            created_at: invite.created_at,
            expires_at: invite.expires_at,
            uses: invite.uses,
            uses_max: invite.uses_max,
            revoked: invite.revoked_at.is_some(),
        }
    }
}

/// A page of the server's accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AccountsView {
    /// The oldest first.
    pub accounts: Vec<AccountListedView>,
    /// More follow behind the last one.
    pub more: bool,
}

impl AccountsView {
    pub(crate) fn of(page: &AccountsPage) -> Self {
        Self {
            accounts: page.accounts.iter().map(AccountListedView::of).collect(),
            more: page.more,
        }
    }
}

/// An account, as its server knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AccountListedView {
    /// Its id.
    pub account: String,
    /// Its handle.
    pub username: String,
    /// Administers the server.
    pub administrator: bool,
    /// When it was made, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub created_at: u64,
    /// When a login of it was refreshed last, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub seen_at: Option<u64>,
    /// Kept out.
    pub suspended: bool,
    /// Ended.
    pub closed: bool,
    /// Devices that speak for it.
    pub devices: u32,
    /// A code is asked for after its password.
    pub second_step: bool,
}

impl AccountListedView {
    fn of(listed: &AccountListed) -> Self {
        Self {
            account: listed.account.to_string(),
            username: listed.username.to_string(),
            administrator: listed.administrator,
            created_at: listed.created_at,
            seen_at: listed.seen_at,
            suspended: listed.suspended_at.is_some(),
            closed: listed.closed_at.is_some(),
            devices: listed.devices,
            second_step: listed.second_step,
        }
    }
}

/// A page of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AuditView {
    /// Lines in order.
    pub lines: Vec<AuditLineView>,
    /// More follow.
    pub more: bool,
}

impl AuditView {
    pub(crate) fn of(page: &AuditPage) -> Self {
        let lines = page.lines.iter().map(|line| AuditLineView {
            sequence: line.sequence,
            time: line.time,
            actor: line.actor.map(|actor| actor.to_string()),
            act: line.act.clone(),
            subject: line.subject.clone(),
            hash: line.hash.to_string(),
        });
        Self {
            lines: lines.collect(),
            more: page.more,
        }
    }
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AuditLineView {
    /// Its number.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub sequence: u64,
    /// When, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub time: u64,
    /// The account that did it; none for the server's command line.
    pub actor: Option<String>,
    /// What was done.
    pub act: String,
    /// To what.
    pub subject: String,
    /// Covers this line and the one before.
    pub hash: String,
}

/// How much there is on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct FiguresView {
    /// Bytes of the database.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub database_bytes: u64,
    /// Numbers by name.
    pub counts: Vec<FigureView>,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct FigureView {
    /// Of what.
    pub name: String,
    /// How many.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub count: u64,
}

impl FiguresView {
    pub(crate) fn of(figures: &Figures) -> Self {
        let counts = figures.counts.iter().map(|figure| FigureView {
            name: figure.name.clone(),
            count: figure.count,
        });
        Self {
            database_bytes: figures.database_bytes,
            counts: counts.collect(),
        }
    }
}
