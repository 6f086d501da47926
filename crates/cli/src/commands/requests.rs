//! requests, accept, decline, block, blocked, nickname: who may reach the person, and what they are called.

use std::time::Duration;

use conclave_protocol::AccountId;
use conclave_sdk::SdkError;
use conclave_sdk::user_store::PersonChange;
use serde_json::json;

use crate::args::{Common, LocalArg};
use crate::error::CliError;
use crate::format;
use crate::links::WhoArg;
use crate::print::Printer;
use crate::session::Session;

/// Other devices hear of it within this, or with the next command.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

pub(crate) async fn list(common: &Common, printer: &Printer, local: &LocalArg) -> Result<(), CliError> {
    let session = Session::open_with_news(common, local, printer).await?;
    let mut requests = session.device.list_chats().await?;
    requests.retain(|chat| chat.request);
    printer.result(&json!({ "requests": requests }), || {
        let names = requests.iter().map(|chat| format::name(chat).chars().count());
        let width = names.max().unwrap_or(0);
        let line = |chat| format::chat(chat, width, printer.zone());
        requests.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    session.close().await
}

pub(crate) async fn accept(common: &Common, printer: &Printer, who: &WhoArg) -> Result<(), CliError> {
    let change = PersonChange {
        accepted: true,
        ..PersonChange::default()
    };
    set(common, printer, who, change, |name| {
        format!("The request of {name} is accepted.")
    })
    .await
}

pub(crate) async fn decline(common: &Common, printer: &Printer, who: &WhoArg) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.has_news().await?;
    let peer = session
        .find_chat(who)
        .await?
        .ok_or_else(|| CliError::NoChat(who.username.to_string()))?;
    session.within(session.device.delete_request(peer.room)).await?;
    session.device.wait_until_told(TOLD_WITHIN).await?;
    let value = json!({ "room": peer.room.to_string(), "with": peer.username });
    printer.result(&value, || format!("The request of {} is deleted.", peer.username))?;
    session.close().await
}

pub(crate) async fn block(
    common: &Common,
    printer: &Printer,
    who: &WhoArg,
    off: bool,
) -> Result<(), CliError> {
    let change = PersonChange {
        blocked: Some(!off),
        ..PersonChange::default()
    };
    set(common, printer, who, change, |name| {
        if off {
            format!("{name} is not blocked any more. What they wrote meanwhile does not come back.")
        } else {
            format!("{name} is blocked.")
        }
    })
    .await
}

pub(crate) async fn blocked(common: &Common, printer: &Printer, local: &LocalArg) -> Result<(), CliError> {
    let session = Session::open_with_news(common, local, printer).await?;
    let mut people = session.device.list_contacts().await?;
    people.retain(|person| person.blocked);
    printer.result(&json!({ "blocked": people }), || {
        let line = |person: &conclave_sdk::user_store::ContactView| match &person.nickname {
            Some(nickname) => format!(
                "{} ({})",
                format::plain(&person.username),
                format::plain(nickname)
            ),
            None => format::plain(&person.username),
        };
        people.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    session.close().await
}

pub(crate) async fn nickname(
    common: &Common,
    printer: &Printer,
    who: &WhoArg,
    words: &[String],
) -> Result<(), CliError> {
    let nickname = words.join(" ");
    let change = PersonChange {
        nickname: Some(nickname.clone()),
        ..PersonChange::default()
    };
    set(common, printer, who, change, |name| {
        if nickname.trim().is_empty() {
            format!("{name} is called {name} again.")
        } else {
            format!(
                "You call {name} {} now. Only you see that.",
                format::plain(nickname.trim())
            )
        }
    })
    .await
}

async fn set(
    common: &Common,
    printer: &Printer,
    who: &WhoArg,
    change: PersonChange,
    said: impl FnOnce(&str) -> String,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    // What other devices set meanwhile comes first.
    session.has_news().await?;
    let (account, username) = somebody(&session, who).await?;
    session
        .within(session.device.set_person(account, change.clone()))
        .await?;
    // What is not told now is told by the next command.
    session.device.wait_until_told(TOLD_WITHIN).await?;
    let value = json!({ "person": { "account": account.to_string(), "username": username }, "set": change });
    printer.result(&value, || said(&username))?;
    session.close().await
}

/// Somebody of a name or a link: of a chat, of those who are blocked, or found by the server.
async fn somebody(session: &Session, who: &WhoArg) -> Result<(AccountId, String), CliError> {
    session.check_link(who)?;
    if let Some(account) = session.find_person_of_chat(who).await? {
        return Ok((account, who.username.to_string()));
    }
    let contacts = session.device.list_contacts().await?;
    let named = contacts
        .into_iter()
        .find(|contact| contact.username == who.username.as_str());
    if let Some(account) = named.and_then(|contact| contact.account.parse::<AccountId>().ok())
        && who.account.is_none_or(|expected| expected == account)
    {
        return Ok((account, who.username.to_string()));
    }
    let found = session.device.find_person(who.username.as_str(), who.account);
    let person = session.within(found).await?;
    if person.account.to_string() == session.person().await?.account {
        return Err(SdkError::from(conclave_sdk::Failure::person_own()).into());
    }
    Ok((person.account, person.username))
}
