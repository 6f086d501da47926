//! admin: what administrators of the server do.

use conclave_sdk::views::{AccountListedView, AnnouncementListedView, RegistrationInviteView, ReportView};
use serde_json::json;

use super::sign_in::{list, opened, with_proof};
use crate::args::{AdminCommand, Common, ProofArg};
use crate::error::CliError;
use crate::format;
use crate::print::Printer;
use crate::session::Session;

const HOUR_MS: u64 = 60 * 60 * 1000;

pub(crate) async fn run(
    common: &Common,
    printer: &Printer,
    what: AdminCommand,
    arg: &ProofArg,
) -> Result<(), CliError> {
    let session = opened(common).await?;
    let device = &session.device;
    match what {
        AdminCommand::Registration { set: None } => {
            let registration = session.within(device.registration()).await?;
            printer.result(&json!({ "registration": registration }), || registration.clone())?;
        }
        AdminCommand::Registration { set: Some(set) } => {
            let set = set.as_str();
            with_proof(&session, arg, async || {
                session.within(device.set_registration(set)).await
            })
            .await?;
            printer.result(&json!({ "registration": set }), || set.to_owned())?;
        }
        AdminCommand::Invites => {
            let invites = session.within(device.list_invites()).await?;
            printer.result(&json!({ "invites": invites }), || {
                lines(invites.iter().map(|invite| line_of_invite(invite, printer)))
            })?;
        }
        AdminCommand::Invite { uses, days } => {
            let invite = session.within(device.make_invite_for(uses, days)).await?;
            let value = json!({ "link": invite.link, "token": invite.token, "expires": invite.expires });
            printer.result(&value, || invite.link.clone())?;
        }
        AdminCommand::RevokeInvite { invite } => {
            session.within(device.revoke_invite(&invite)).await?;
            printer.result(&json!({ "revoked": invite }), || {
                "Nobody registers with it any more.".to_owned()
            })?;
        }
        AdminCommand::Accounts { search, after } => {
            let search = search.unwrap_or_default();
            let page = session
                .within(device.list_accounts(&search, after.as_deref()))
                .await?;
            printer.result(&json!(page), || {
                lines(
                    page.accounts
                        .iter()
                        .map(|account| line_of_account(account, printer)),
                )
            })?;
            if page.more
                && let Some(last) = page.accounts.last()
            {
                printer.hint(&format!("There are more: --after {}", last.account));
            }
        }
        AdminCommand::Suspend { who } => suspend(&session, printer, &who, true, arg).await?,
        AdminCommand::Reactivate { who } => suspend(&session, printer, &who, false, arg).await?,
        AdminCommand::Logins { who } => {
            let account = account_of(&session, &who).await?;
            let logins = session.within(device.list_logins_of(&account)).await?;
            printer.result(&json!({ "logins": logins }), || list(&logins, printer))?;
        }
        AdminCommand::EndLogin { who, login } => {
            let account = account_of(&session, &who).await?;
            with_proof(&session, arg, async || {
                session.within(device.end_login_of(&account, &login)).await
            })
            .await?;
            printer.result(&json!({ "ended": login }), || "That login has ended.".to_owned())?;
        }
        AdminCommand::Audit { after } => {
            let page = session.within(device.list_audit(after)).await?;
            printer.result(&json!(page), || {
                lines(page.lines.iter().map(|line| {
                    let at = format::date_and_time(line.time, printer.zone());
                    let actor = line.actor.as_deref().unwrap_or("command line");
                    let (act, subject) = (format::plain(&line.act), format::plain(&line.subject));
                    format!("{:>6}  {at}  {act}  {subject}  by {actor}", line.sequence)
                }))
            })?;
            if page.more
                && let Some(last) = page.lines.last()
            {
                printer.hint(&format!("There are more: --after {}", last.sequence));
            }
        }
        AdminCommand::Figures => {
            let figures = session.within(device.figures()).await?;
            printer.result(&json!(figures), || {
                let counts = figures.counts.iter().map(|figure| {
                    let name = format::plain(&figure.name);
                    format!("{:>12}  {name}", figure.count)
                });
                let bytes = format!("{:>12}  bytes of the database", figures.database_bytes);
                lines(counts.chain([bytes]))
            })?;
        }
        AdminCommand::Announce { kind, hours, text } => {
            let text = text.join(" ");
            let ends_at = hours.map(|hours| now().saturating_add(u64::from(hours).saturating_mul(HOUR_MS)));
            let id = with_proof(&session, arg, async || {
                session.within(device.announce(&kind, &text, ends_at)).await
            })
            .await?;
            printer.result(&json!({ "announcement": id }), || {
                format!("Everybody on this server is shown it now. To take it back: conclave admin withdraw-announcement {id}")
            })?;
        }
        AdminCommand::Reports { closed, skip } => {
            let page = session.within(device.list_reports(closed, skip)).await?;
            printer.result(&json!(page), || {
                if page.reports.is_empty() {
                    return "No message is reported.".to_owned();
                }
                lines(page.reports.iter().map(|report| line_of_report(report, printer)))
            })?;
            if page.more {
                let shown = u32::try_from(page.reports.len()).unwrap_or(u32::MAX);
                printer.hint(&format!("There are more: --skip {}", skip.saturating_add(shown)));
            }
        }
        AdminCommand::CloseReport { id, outcome } => {
            let outcome = outcome.join(" ");
            with_proof(&session, arg, async || {
                session.within(device.close_report(&id, &outcome)).await
            })
            .await?;
            printer.result(&json!({ "closed": id }), || "The report is closed.".to_owned())?;
        }
        AdminCommand::Announcements => {
            let announcements = session.within(device.list_announcements()).await?;
            printer.result(&json!({ "announcements": announcements }), || {
                if announcements.is_empty() {
                    return "Nothing was announced yet.".to_owned();
                }
                lines(
                    announcements
                        .iter()
                        .map(|announcement| line_of_announcement(announcement, printer)),
                )
            })?;
        }
        AdminCommand::WithdrawAnnouncement { id } => {
            with_proof(&session, arg, async || {
                session.within(device.withdraw_announcement(&id)).await
            })
            .await?;
            printer.result(&json!({ "withdrawn": id }), || {
                "It is shown to nobody any more.".to_owned()
            })?;
        }
    }
    session.close().await
}

async fn suspend(
    session: &Session,
    printer: &Printer,
    who: &str,
    suspended: bool,
    arg: &ProofArg,
) -> Result<(), CliError> {
    let account = account_of(session, who).await?;
    with_proof(session, arg, async || {
        session.within(session.device.suspend(&account, suspended)).await
    })
    .await?;
    printer.result(&json!({ "account": account, "suspended": suspended }), || {
        if suspended {
            "The account is suspended: it is signed out everywhere, and nobody signs in.".to_owned()
        } else {
            "The account may sign in again.".to_owned()
        }
    })
}

/// An account's id: as it was given, or of the handle that was.
async fn account_of(session: &Session, who: &str) -> Result<String, CliError> {
    let page = session.within(session.device.list_accounts(who, None)).await?;
    let found = page.accounts.into_iter().find(|account| account.username == who);
    Ok(found.map_or_else(|| who.to_owned(), |found| found.account))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

/// This computer's clock, in Unix milliseconds.
fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}

fn line_of_report(report: &ReportView, printer: &Printer) -> String {
    let sent = format::date_and_time(report.sent_at, printer.zone());
    let (reporter, accused) = (
        format::plain(&report.reporter),
        format::plain(&report.accused_name),
    );
    let words = report
        .words
        .as_deref()
        .unwrap_or("(of a kind that this version does not show)");
    let mut lines = vec![
        format!("{}  {}  by {reporter}", report.id, report.reason),
        format!("{accused}, {sent}: {}", format::plain(words)),
    ];
    if !report.note.is_empty() {
        lines.push(format!("{reporter} says: {}", format::plain(&report.note)));
    }
    if let Some(outcome) = &report.outcome {
        let by = format::plain(report.closed_by.as_deref().unwrap_or_default());
        lines.push(format!("closed by {by}: {}", format::plain(outcome)));
    }
    lines.join("\n    ")
}

fn line_of_announcement(announcement: &AnnouncementListedView, printer: &Printer) -> String {
    let until = format::date_and_time(announcement.ends_at, printer.zone());
    let state = if announcement.withdrawn_at.is_some() {
        "withdrawn".to_owned()
    } else if announcement.ends_at <= now() {
        "ended".to_owned()
    } else {
        format!("until {until}")
    };
    let (text, by) = (
        format::plain(&announcement.text),
        format::plain(&announcement.said_by),
    );
    format!(
        "{}  {}  {state}  by {by}  {text}",
        announcement.id, announcement.kind
    )
}

fn line_of_invite(invite: &RegistrationInviteView, printer: &Printer) -> String {
    let until = format::date_and_time(invite.expires_at, printer.zone());
    let state = if invite.revoked {
        "withdrawn".to_owned()
    } else {
        format!("until {until}")
    };
    let (uses, most, by) = (invite.uses, invite.uses_max, format::plain(&invite.made_by));
    format!("{}  used {uses} of {most}  {state}  by {by}", invite.invite)
}

fn line_of_account(account: &AccountListedView, printer: &Printer) -> String {
    let made = format::date_and_time(account.created_at, printer.zone());
    let state = match (account.closed, account.suspended, account.administrator) {
        (true, ..) => "  closed",
        (_, true, _) => "  suspended",
        (.., true) => "  administrator",
        _ => "",
    };
    let name = format::plain(&account.username);
    format!("{}  {name}  since {made}{state}", account.account)
}
