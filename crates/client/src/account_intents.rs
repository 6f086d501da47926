//! What a person wants of their account's sign-in, and an administrator of the server: questions that the server
//! answers by itself, and nothing of which is kept here. One more is one more variant of [`AccountIntent`], its request
//! in `ask_account`, and an [`Asked`] where its answer is one of a new form.

use conclave_protocol::admin::{AccountsPage, AuditPage, Figures, RegistrationSetting};
use conclave_protocol::announcements::{Announce, Announced, AnnouncementsFound};
use conclave_protocol::invites::{InviteMade, InvitesFound};
use conclave_protocol::logins::{LoginsEnded, LoginsFound};
use conclave_protocol::push::{PushState, PushSubscribe};
use conclave_protocol::reports::{CloseReport, ReportTaken, ReportsPage};
use conclave_protocol::second_step::{BackupCodes, SecondStepBegun, SecondStepConfirm, SecondStepFound};
use conclave_protocol::{AccountId, Bytes, DeviceId, ErrorCode};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use crate::account_views::{
    AccountsView, AuditView, FiguresView, LoginView, PushView, RegistrationInviteView, SecondStepView,
};
use crate::announcements::views::AnnouncementListedView;
use crate::appending::{AfterAppend, OwnAct};
use crate::calls::{Call, Nothing, Refusal, json, parse};
use crate::effects::{HttpBody, Method};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::presence::views::ChoiceChange;
use crate::reads::ReadError;
use crate::reporting::{ReportView, ReportsView};
use crate::views::Outcome;
use crate::work::Work;

/// An intent about the own account's sign-in or the server's administration.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum AccountIntent {
    /// Show the password once more, for what asks for a fresh sign-in. Answer: `Done`.
    Prove {
        /// The password.
        #[serde(deserialize_with = "secret")]
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        password: Zeroizing<String>,
        /// The code of the second step, where there is one.
        #[serde(default, deserialize_with = "optional_secret")]
        #[cfg_attr(feature = "ts", ts(type = "string | null"))]
        code: Option<Zeroizing<String>>,
    },
    /// Replace the password; it was just proven. Answer: `Ended`.
    ChangePassword {
        /// The new one.
        #[serde(deserialize_with = "secret")]
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        password: Zeroizing<String>,
        /// A strength meter found it strong: where the old password opened the history, this one does. Else none does.
        strong: bool,
        /// The recovery key as typed, where the old password opened the history and this device does not have the key.
        #[serde(default, deserialize_with = "optional_secret")]
        #[cfg_attr(feature = "ts", ts(type = "string | null"))]
        words: Option<Zeroizing<String>>,
        /// End every other login.
        end_others: bool,
    },
    /// End the account for good; the password was just proven. Answer: `Done`; everything here is forgotten.
    CloseAccount,
    /// How the second step stands. Answer: `SecondStep`.
    FindSecondStep,
    /// Begin a second step. Answer: `SecondStepBegun`.
    BeginSecondStep,
    /// Switch it on by a code of the authenticator app. Answer: `BackupCodes`.
    ConfirmSecondStep {
        /// Six digits.
        #[serde(deserialize_with = "secret")]
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        code: Zeroizing<String>,
    },
    /// Replace the backup codes. Answer: `BackupCodes`.
    RenewBackupCodes,
    /// Switch the second step off. Answer: `Done`.
    EndSecondStep,
    /// Where the account is signed in. Answer: `Logins`.
    ListLogins,
    /// End one of its logins. Answer: `Done`.
    EndLogin {
        /// Which one.
        login: String,
    },
    /// End every login but this one. Answer: `Ended`.
    EndOtherLogins,
    /// Choose how one is seen, and what of receipts and typing. Answer: `Done`.
    Choose {
        /// What.
        change: ChoiceChange,
    },
    /// Somebody uses this device, or nobody does for a while. Answer: `Done`.
    Active {
        /// Somebody does.
        active: bool,
    },
    /// The person writes in a room, or stopped; said at each key, told as often as is sensible. Answer: `Done`.
    Typing {
        /// Where.
        room: String,
        /// Writes; else stopped.
        active: bool,
    },
    /// Show everything of signals: an event `signals`. Answer: `Done`.
    ShowSignals,
    /// Whether this device is woken while it is closed. Answer: `Push`.
    FindPush,
    /// Have this device woken at an address that the browser gave, and not by chats that are muted or quiet; said again
    /// when that changed. Answer: `Done`.
    Subscribe {
        /// The address.
        endpoint: String,
        /// The browser's public key, base64url.
        p256dh: String,
        /// The browser's secret, base64url.
        #[serde(deserialize_with = "secret")]
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        auth: Zeroizing<String>,
    },
    /// Have this device woken no more. Answer: `Done`.
    Unsubscribe,
    /// Show what the server says to everybody: an event `announcements`. Answer: `Done`.
    ShowAnnouncements,
    /// Show one of them no more, on all own devices. Answer: `Done`.
    PutAwayAnnouncement {
        /// Which one.
        id: String,
    },
    /// Believe the key with which the server signs now. Answer: `Done`.
    AcceptServerKey,
    /// What a report of a message would reveal. Answer: `ReportPreview`.
    PreviewReport {
        /// Which message.
        message: String,
    },
    /// Reveal one message to the administrators. Answer: `Reported`.
    Report {
        /// Which message.
        message: String,
        /// `spam`, `abuse`, `illegal` or `other`.
        reason: String,
        /// What the person says to it; may be empty.
        note: String,
    },
    /// Something about the server's administration.
    Admin {
        /// What.
        #[serde(rename = "what")]
        intent: AdminIntent,
    },
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

fn optional_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Zeroizing<String>>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Zeroizing::new))
}

/// What an administrator wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum AdminIntent {
    /// The registration invites in force and used up. Answer: `Invites`.
    ListInvites,
    /// Make one. Answer: `Invite`.
    MakeInvite {
        /// For how many people.
        uses: u32,
        /// For how many days.
        days: u32,
    },
    /// Withdraw one. Answer: `Done`.
    RevokeInvite {
        /// Which one.
        invite: String,
    },
    /// Who may register. Answer: `Registration`.
    FindRegistration,
    /// Say who may register: `open`, `invite` or `closed`. Answer: `Done`.
    SetRegistration {
        /// Who.
        registration: String,
    },
    /// Accounts whose handle contains a text. Answer: `Accounts`.
    ListAccounts {
        /// The text; empty for all.
        search: String,
        /// The last one of the page before.
        after: Option<String>,
    },
    /// Keep somebody out, at once. Answer: `Done`.
    Suspend {
        /// Who.
        account: String,
    },
    /// Let somebody in again. Answer: `Done`.
    Reactivate {
        /// Who.
        account: String,
    },
    /// Where somebody is signed in. Answer: `Logins`.
    ListLoginsOf {
        /// Who.
        account: String,
    },
    /// End a login of somebody. Answer: `Done`.
    EndLoginOf {
        /// Whose.
        account: String,
        /// Which one.
        login: String,
    },
    /// Lines of the audit log. Answer: `Audit`.
    ListAudit {
        /// Behind this number.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        after: u64,
    },
    /// How much there is. Answer: `Figures`.
    Figures,
    /// Say something to everybody, signed by the server. Answer: `Announced`.
    Announce {
        /// `notice`, `warning` or `maintenance`.
        kind: String,
        /// The words.
        text: String,
        /// Until when, Unix milliseconds; none for as long as possible.
        #[cfg_attr(feature = "ts", ts(type = "number | null"))]
        ends_at: Option<u64>,
    },
    /// What the server says and said to everybody. Answer: `Announcements`.
    ListAnnouncements,
    /// Reports, open or closed ones. Answer: `Reports`.
    ListReports {
        /// The closed ones.
        closed: bool,
        /// Behind so many.
        skip: u32,
    },
    /// Close a report. Answer: `Done`.
    CloseReport {
        /// Which one.
        id: String,
        /// What came of it; may be empty.
        outcome: String,
    },
    /// Take back what it says. Answer: `Done`.
    WithdrawAnnouncement {
        /// Which one.
        id: String,
    },
}

/// The form of an answer that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Nothing,
    Ended,
    SecondStep,
    SecondStepBegun,
    BackupCodes,
    Logins,
    /// Of somebody else, whose devices' names are not known here.
    LoginsOf,
    Push,
    Invite,
    Invites,
    Registration,
    Accounts,
    Audit,
    Figures,
    Announced,
    Announcements,
    Reported,
    Reports,
}

impl Engine {
    /// Takes an intent of a person who is signed in.
    pub(crate) fn account_intent(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        intent: AccountIntent,
    ) -> Result<(), ReadError> {
        let base = "/api/v1/account/second-step";
        let (method, path, body, asked) = match intent {
            AccountIntent::Prove { password, code } => return self.prove(work, ask, password, code),
            AccountIntent::ChangePassword {
                password,
                strong,
                words,
                end_others,
            } => {
                let words = words.as_ref().map(|words| words.as_str());
                return self.change_password(work, ask, password, strong, words, end_others);
            }
            AccountIntent::CloseAccount => {
                return self.append_own(work, OwnAct::Close, AfterAppend::Answer(ask));
            }
            AccountIntent::FindSecondStep => (Method::Get, base.to_owned(), None, Asked::SecondStep),
            AccountIntent::BeginSecondStep => (Method::Post, base.to_owned(), None, Asked::SecondStepBegun),
            AccountIntent::ConfirmSecondStep { code } => {
                let confirm = SecondStepConfirm {
                    code: code.as_str().to_owned(),
                };
                let path = format!("{base}/confirm");
                (Method::Post, path, Some(json(&confirm)), Asked::BackupCodes)
            }
            AccountIntent::RenewBackupCodes => {
                let path = format!("{base}/backup-codes");
                (Method::Post, path, None, Asked::BackupCodes)
            }
            AccountIntent::EndSecondStep => (Method::Delete, base.to_owned(), None, Asked::Nothing),
            AccountIntent::ListLogins => (Method::Get, "/api/v1/logins".to_owned(), None, Asked::Logins),
            AccountIntent::EndLogin { login } => {
                let Some(login) = segment(&login) else {
                    return self.nothing_there(work, ask);
                };
                (
                    Method::Delete,
                    format!("/api/v1/logins/{login}"),
                    None,
                    Asked::Nothing,
                )
            }
            AccountIntent::EndOtherLogins => {
                (Method::Delete, "/api/v1/logins".to_owned(), None, Asked::Ended)
            }
            AccountIntent::Choose { change } => return self.choose(work, ask, &change),
            AccountIntent::Active { active } => {
                self.set_active(work, ask, active);
                return Ok(());
            }
            AccountIntent::Typing { room, active } => {
                let Ok(room) = room.parse() else {
                    return self.nothing_there(work, ask);
                };
                return self.type_in(work, ask, room, active);
            }
            AccountIntent::ShowSignals => {
                self.show_signals(work)?;
                self.answer(work, ask, Outcome::Done);
                return Ok(());
            }
            AccountIntent::FindPush => (Method::Get, "/api/v1/push".to_owned(), None, Asked::Push),
            AccountIntent::Subscribe {
                endpoint,
                p256dh,
                auth,
            } => {
                let (Some(p256dh), Some(auth)) = (Bytes::from_text(&p256dh), Bytes::from_text(&auth)) else {
                    self.fail(work, ask, Failure::server(ErrorCode::Malformed, None));
                    return Ok(());
                };
                let subscribe = PushSubscribe {
                    endpoint,
                    p256dh,
                    auth,
                    rooms: work.quiet_rooms()?,
                };
                let path = "/api/v1/push/subscription".to_owned();
                (Method::Put, path, Some(json(&subscribe)), Asked::Nothing)
            }
            AccountIntent::Unsubscribe => (
                Method::Delete,
                "/api/v1/push/subscription".to_owned(),
                None,
                Asked::Nothing,
            ),
            AccountIntent::ShowAnnouncements => {
                self.show_announcements(work)?;
                self.answer(work, ask, Outcome::Done);
                return Ok(());
            }
            AccountIntent::PutAwayAnnouncement { id } => return self.put_away_announcement(work, ask, &id),
            AccountIntent::AcceptServerKey => return self.accept_server_key(work, ask),
            AccountIntent::PreviewReport { message } => {
                let Ok(message) = message.parse() else {
                    return self.nothing_there(work, ask);
                };
                return self.preview_report(work, ask, message);
            }
            AccountIntent::Report {
                message,
                reason,
                note,
            } => {
                let (Ok(message), Ok(reason)) = (message.parse(), reason.parse()) else {
                    return self.nothing_there(work, ask);
                };
                return self.report(work, ask, message, reason, note);
            }
            AccountIntent::Admin { intent } => match admin_request(intent) {
                Some(request) => request,
                None => return self.nothing_there(work, ask),
            },
        };
        self.call(work, Call::Asked { ask, asked }, method, path, body);
        Ok(())
    }

    pub(crate) fn nothing_there(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::server(ErrorCode::NotFound, None));
        Ok(())
    }

    /// The server answered.
    pub(crate) fn asked_answered(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        asked: Asked,
        answer: Result<Vec<u8>, Refusal>,
    ) -> Result<(), ReadError> {
        let names = match asked {
            Asked::Logins => work.device_names()?,
            _ => Vec::new(),
        };
        match outcome_of(asked, answer, &names) {
            Ok(outcome) => {
                self.answer(work, ask, outcome);
                Ok(())
            }
            Err(refusal) => self.ask_refused(work, ask, &refusal),
        }
    }
}

fn outcome_of(
    asked: Asked,
    answer: Result<Vec<u8>, Refusal>,
    names: &[(DeviceId, String)],
) -> Result<Outcome, Refusal> {
    Ok(match asked {
        Asked::Nothing => parse::<Nothing>(answer).map(|Nothing| Outcome::Done)?,
        Asked::Ended => Outcome::Ended {
            count: parse::<LoginsEnded>(answer)?.ended,
        },
        Asked::SecondStep => {
            let found = parse::<SecondStepFound>(answer)?;
            Outcome::SecondStep {
                second_step: SecondStepView {
                    on: found.on,
                    since: found.since,
                    backup_codes: found.backup_codes,
                },
            }
        }
        Asked::SecondStepBegun => {
            let begun = parse::<SecondStepBegun>(answer)?;
            Outcome::SecondStepBegun {
                secret: begun.secret,
                link: begun.link,
            }
        }
        Asked::Push => {
            let found = parse::<PushState>(answer)?;
            Outcome::Push {
                push: PushView {
                    key: found.key.map(|key| key.to_text()),
                    subscribed: found.subscribed,
                },
            }
        }
        Asked::BackupCodes => Outcome::BackupCodes {
            codes: parse::<BackupCodes>(answer)?.codes,
        },
        Asked::Logins | Asked::LoginsOf => {
            let found = parse::<LoginsFound>(answer)?;
            let logins = found.logins.iter().map(|login| {
                let named = names.iter().find(|(device, _)| *device == login.device);
                LoginView::of(login, named.map(|(_, name)| name.clone()))
            });
            Outcome::Logins {
                logins: logins.collect(),
            }
        }
        Asked::Invite => {
            let made = parse::<InviteMade>(answer)?;
            Outcome::Invite {
                token: made.token.0,
                expires: made.expires,
            }
        }
        Asked::Invites => {
            let found = parse::<InvitesFound>(answer)?;
            Outcome::Invites {
                invites: found.invites.iter().map(RegistrationInviteView::of).collect(),
            }
        }
        Asked::Registration => Outcome::Registration {
            registration: parse::<RegistrationSetting>(answer)?
                .registration
                .as_str()
                .to_owned(),
        },
        Asked::Accounts => Outcome::Accounts {
            page: AccountsView::of(&parse::<AccountsPage>(answer)?),
        },
        Asked::Audit => Outcome::Audit {
            page: AuditView::of(&parse::<AuditPage>(answer)?),
        },
        Asked::Figures => Outcome::Figures {
            figures: FiguresView::of(&parse::<Figures>(answer)?),
        },
        Asked::Announced => {
            let announced = parse::<Announced>(answer)?;
            Outcome::Announced {
                id: announced.announcement.to_string(),
                ends_at: announced.ends_at,
            }
        }
        Asked::Reported => Outcome::Reported {
            repeated: parse::<ReportTaken>(answer)?.repeated,
        },
        Asked::Reports => {
            let found = parse::<ReportsPage>(answer)?;
            Outcome::Reports {
                page: ReportsView {
                    reports: found.reports.iter().map(ReportView::of).collect(),
                    more: found.more,
                    open: found.open,
                },
            }
        }
        Asked::Announcements => {
            let found = parse::<AnnouncementsFound>(answer)?;
            let listed = found.announcements.iter().map(AnnouncementListedView::of);
            Outcome::Announcements {
                announcements: listed.collect(),
            }
        }
    })
}

/// What an administrator's intent asks the server; none where what it names cannot be.
fn admin_request(intent: AdminIntent) -> Option<(Method, String, Option<HttpBody>, Asked)> {
    const ADMIN: &str = "/api/v1/admin";
    const INVITES: &str = "/api/v1/invites";
    Some(match intent {
        AdminIntent::ListInvites => (Method::Get, INVITES.to_owned(), None, Asked::Invites),
        AdminIntent::MakeInvite { uses, days } => {
            let path = format!("{INVITES}?uses={uses}&days={days}");
            (Method::Post, path, None, Asked::Invite)
        }
        AdminIntent::RevokeInvite { invite } => {
            let path = format!("{INVITES}/{}", segment(&invite)?);
            (Method::Delete, path, None, Asked::Nothing)
        }
        AdminIntent::FindRegistration => (
            Method::Get,
            format!("{ADMIN}/registration"),
            None,
            Asked::Registration,
        ),
        AdminIntent::SetRegistration { registration } => {
            let setting = RegistrationSetting {
                registration: registration.parse().ok()?,
            };
            let path = format!("{ADMIN}/registration");
            (Method::Put, path, Some(json(&setting)), Asked::Nothing)
        }
        AdminIntent::ListAccounts { search, after } => {
            // A handle has no letter that a query would take for something else.
            let fits = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
            let search: String = search.to_lowercase().chars().filter(fits).collect();
            let after = match after {
                Some(after) => format!("&after={}", segment(&after)?),
                None => String::new(),
            };
            let path = format!("{ADMIN}/accounts?search={search}{after}");
            (Method::Get, path, None, Asked::Accounts)
        }
        AdminIntent::Suspend { account } => {
            let path = format!("{ADMIN}/accounts/{}/suspend", person(&account)?);
            (Method::Post, path, None, Asked::Nothing)
        }
        AdminIntent::Reactivate { account } => {
            let path = format!("{ADMIN}/accounts/{}/reactivate", person(&account)?);
            (Method::Post, path, None, Asked::Nothing)
        }
        AdminIntent::ListLoginsOf { account } => {
            let path = format!("{ADMIN}/accounts/{}/logins", person(&account)?);
            (Method::Get, path, None, Asked::LoginsOf)
        }
        AdminIntent::EndLoginOf { account, login } => {
            let path = format!(
                "{ADMIN}/accounts/{}/logins/{}",
                person(&account)?,
                segment(&login)?
            );
            (Method::Delete, path, None, Asked::Nothing)
        }
        AdminIntent::ListAudit { after } => {
            let path = format!("{ADMIN}/audit?after={after}");
            (Method::Get, path, None, Asked::Audit)
        }
        AdminIntent::Figures => (Method::Get, format!("{ADMIN}/figures"), None, Asked::Figures),
        AdminIntent::Announce { kind, text, ends_at } => {
            let announce = Announce {
                kind: kind.parse().ok()?,
                text,
                ends_at,
            };
            let path = format!("{ADMIN}/announcements");
            (Method::Post, path, Some(json(&announce)), Asked::Announced)
        }
        AdminIntent::ListReports { closed, skip } => {
            let state = if closed { "closed" } else { "open" };
            let path = format!("{ADMIN}/reports?state={state}&skip={skip}");
            (Method::Get, path, None, Asked::Reports)
        }
        AdminIntent::CloseReport { id, outcome } => {
            let path = format!("{ADMIN}/reports/{}/close", segment(&id)?);
            let close = CloseReport { outcome };
            (Method::Post, path, Some(json(&close)), Asked::Nothing)
        }
        AdminIntent::ListAnnouncements => {
            let path = format!("{ADMIN}/announcements");
            (Method::Get, path, None, Asked::Announcements)
        }
        AdminIntent::WithdrawAnnouncement { id } => {
            let path = format!("{ADMIN}/announcements/{}", segment(&id)?);
            (Method::Delete, path, None, Asked::Nothing)
        }
    })
}

fn person(text: &str) -> Option<AccountId> {
    text.parse().ok()
}

/// An id that a server gave, as a part of a path: nothing in it leads elsewhere.
fn segment(text: &str) -> Option<&str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    (!text.is_empty() && text.len() <= 64 && text.chars().all(fits)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_or_shown_leads_to_no_other_path() {
        for text in ["", "../devices", "a/b", "a?b", "a b", "ä"] {
            assert_eq!(segment(text), None, "{text}");
        }
        let listing = AdminIntent::ListAccounts {
            search: "Ben&after=x".to_owned(),
            after: None,
        };
        let (_, path, ..) = admin_request(listing).unwrap();
        assert_eq!(path, "/api/v1/admin/accounts?search=benafterx");
        let nobody = AdminIntent::Suspend {
            account: "ben".to_owned(),
        };
        assert!(admin_request(nobody).is_none());
    }
}
