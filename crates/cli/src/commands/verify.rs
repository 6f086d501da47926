//! safety-number, verify, changes.

use std::io::{self, BufRead as _};

use conclave_protocol::AccountId;
use conclave_sdk::views::{PersonView, ProfileView, StandingView};
use conclave_sdk::{Judgment, SdkError};
use serde_json::json;

use crate::args::Common;
use crate::error::CliError;
use crate::format;
use crate::links::WhoArg;
use crate::print::Printer;
use crate::session::Session;

/// How somebody is verified.
pub(crate) struct How {
    pub(crate) code: String,
    pub(crate) accept: bool,
    pub(crate) remove: bool,
    pub(crate) yes: bool,
}

pub(crate) async fn safety_number(common: &Common, printer: &Printer, who: &WhoArg) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.has_news().await?;
    let (_, profile) = profile(&session, who).await?;
    let link = own_link(&session, &session.person().await?, &profile);
    let value = json!({ "profile": profile, "link": link });
    printer.result(&value, || shown(&profile, &link))?;
    session.close().await
}

pub(crate) async fn verify(
    common: &Common,
    printer: &Printer,
    who: &WhoArg,
    how: &How,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.has_news().await?;
    let (account, profile) = profile(&session, who).await?;
    let name = profile.person.username.clone();
    let said = if how.remove {
        session
            .within(session.device.judge(account, Judgment::None))
            .await?;
        format!("{name} is not marked as verified any more.")
    } else if how.accept {
        if !how.yes {
            printer.hint(&format!(
                "You had compared another identity under the name {name}. Type {name} to write to this one without comparing:"
            ));
            confirmed(&name)?;
        }
        session
            .within(session.device.judge(account, Judgment::Accepted))
            .await?;
        format!("You write to {name} without having compared.")
    } else if how.code.is_empty() {
        if !how.yes {
            let link = own_link(&session, &session.person().await?, &profile);
            printer.hint(&shown(&profile, &link));
            printer.hint("Do both of you see the same number? Type yes:");
            confirmed("yes")?;
        }
        session
            .within(session.device.judge(account, Judgment::Verified))
            .await?;
        format!("{name} is verified.")
    } else {
        session
            .within(session.device.compare_safety_code(account, &how.code))
            .await?;
        format!("It fits: {name} is verified.")
    };
    let profile = session.device.profile(account).await?;
    printer.result(&json!({ "profile": profile }), || said)?;
    // Own devices are told now, or with the next command.
    session.has_news().await?;
    session.close().await
}

pub(crate) async fn changes(
    common: &Common,
    printer: &Printer,
    who: Option<&WhoArg>,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.has_news().await?;
    let profile = if let Some(who) = who {
        let (account, _) = profile(&session, who).await?;
        // What the server had to say meanwhile is in.
        session.has_news().await?;
        session.device.profile(account).await?
    } else {
        let own = session.person().await?;
        let account = own.account.parse().map_err(|_| SdkError::Mismatch)?;
        session.device.profile(account).await?
    };
    printer.result(
        &json!({ "person": profile.person, "changes": profile.changes }),
        || {
            let lines: Vec<String> = profile
                .changes
                .iter()
                .map(|change| format::change(change, printer.zone()))
                .collect();
            lines.join("\n")
        },
    )?;
    session.close().await
}

/// Somebody of a name or a link, and what is known of them.
async fn profile(session: &Session, who: &WhoArg) -> Result<(AccountId, ProfileView), CliError> {
    session.check_link(who)?;
    let person = session
        .within(session.device.find_person(who.username.as_str(), who.account))
        .await?;
    let profile = session.device.profile(person.account).await?;
    if profile.own {
        return Err(CliError::OwnAccount);
    }
    Ok((person.account, profile))
}

/// What the other side scans or pastes.
fn own_link(session: &Session, own: &PersonView, profile: &ProfileView) -> String {
    let code = profile.safety_code.as_deref().unwrap_or_default();
    format!(
        "{}/#/verify/{}/{}/{code}",
        session.device.server(),
        own.username,
        own.account
    )
}

fn shown(profile: &ProfileView, link: &str) -> String {
    let number = format::safety_number(profile.safety_number.as_deref().unwrap_or_default());
    let name = &profile.person.username;
    let standing = match profile.standing {
        StandingView::Verified => format!("{name} is verified."),
        StandingView::Unchecked => format!("You have not compared with {name} yet."),
        StandingView::Changed => format!("The name {name} belonged to another identity before."),
        StandingView::Blocked => {
            format!("You had compared another identity under the name {name}. Nothing is sent to this one.")
        }
    };
    format!("{number}\n\n{standing}\n{name} compares the digits, or scans or pastes: {link}")
}

fn confirmed(expected: &str) -> Result<(), CliError> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    if line.trim() == expected {
        Ok(())
    } else {
        Err(CliError::NotConfirmed)
    }
}
