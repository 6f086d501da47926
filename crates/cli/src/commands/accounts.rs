//! register, sign-in, sign-out, recovery-key, status.

use std::time::Duration;

use conclave_sdk::views::{AccountView, ConnectionState};
use serde_json::json;

use super::linking;
use super::sign_in::sign_in_with;
use crate::args::{Common, LocalArg, PasswordArg};
use crate::error::CliError;
use crate::format;
use crate::links::InviteArg;
use crate::password;
use crate::print::Printer;
use crate::session::{Session, spelled};

/// Time to tell the server what it should know soon but need not know now.
const AFTERWARDS: Duration = Duration::from_secs(10);

pub(crate) async fn register(
    common: &Common,
    printer: &Printer,
    name: &str,
    invite: &InviteArg,
    password: &PasswordArg,
) -> Result<(), CliError> {
    let session = Session::open_or_make(common, invite.server.as_ref())?;
    let password = password::read(password, true)?;
    session
        .within(session.device.register(name, &password, &invite.token))
        .await?;
    session.remember()?;
    settle(&session).await;
    print_account(&session, printer).await?;
    session.close().await
}

pub(crate) async fn sign_in(
    common: &Common,
    printer: &Printer,
    name: Option<&str>,
    code: Option<&str>,
    arg: &PasswordArg,
) -> Result<(), CliError> {
    let is_new = name.is_some() && !Session::exists(common)?;
    let session = if is_new {
        Session::open_or_make(common, None)?
    } else {
        Session::open_offline(common)?
    };
    let name = match name {
        Some(name) => spelled(name),
        None => session.person().await?.username,
    };
    let password = password::read(arg, false)?;
    session.device.go_online().await?;
    sign_in_with(&session, &name, &password, code, arg).await?;
    session.remember()?;
    if matches!(session.device.account().await?, AccountView::Joining { .. }) {
        linking::wait_for_approval(&session, printer).await?;
        return session.close().await;
    }
    settle(&session).await;
    print_account(&session, printer).await?;
    session.close().await
}

pub(crate) async fn sign_out(common: &Common, printer: &Printer) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.device.sign_out().await?;
    // It is told the next time if it cannot be told now.
    let _ = session
        .device
        .wait_until_quiet(AFTERWARDS.min(session.timeout))
        .await;
    let person = session.person().await?;
    printer.result(&json!({ "account": session.device.account().await? }), || {
        format!(
            "{} is signed out. Keys and messages stay on this device, encrypted.",
            person.username
        )
    })?;
    session.close().await
}

pub(crate) async fn recovery_key(common: &Common, printer: &Printer, kept: bool) -> Result<(), CliError> {
    let session = Session::open_offline(common)?;
    session.signed_in().await?;
    let words = session.device.recovery_words().await?;
    if kept {
        session.device.recovery_key_kept().await?;
    }
    printer.result(&json!({ "words": words, "kept": kept }), || format::words(&words))?;
    if !kept {
        printer.hint("Write these words down in this order. When you have: conclave recovery-key --kept");
    }
    session.close().await
}

pub(crate) async fn status(common: &Common, printer: &Printer, local: &LocalArg) -> Result<(), CliError> {
    let session = Session::open_offline(common)?;
    let before = session.device.account().await?;
    let asked = !local.offline && matches!(before, AccountView::SignedIn { .. });
    if asked {
        session.device.go_online().await?;
        session.has_news().await?;
    }
    let account = session.device.account().await?;
    let connection = session.device.connection();
    let unread: u32 = session
        .device
        .list_chats()
        .await?
        .iter()
        .map(|chat| chat.unread)
        .sum();
    let server = session.device.server().to_string();
    let value = json!({
        "account": account,
        "server": server,
        "connection": connection,
        "unread": unread,
        "data": session.folder.display().to_string(),
    });
    printer.result(&value, || {
        let who = match &account {
            AccountView::None | AccountView::Joining { .. } => "nobody".to_owned(),
            AccountView::SignedOut { person } => format!("{} (signed out)", person.username),
            AccountView::SignedIn { person, administrator: true, .. } => {
                format!("{} (administrator)", person.username)
            }
            AccountView::SignedIn { person, .. } => person.username.clone(),
        };
        let data = session.folder.display();
        let connection = format::connection(connection);
        format!("Account     {who}\nServer      {server}\nConnection  {connection}\nUnread      {unread}\nData        {data}")
    })?;
    session.close().await?;
    match account {
        AccountView::None | AccountView::Joining { .. } => Err(CliError::NoAccount),
        AccountView::SignedOut { .. } => Err(CliError::SignedOut),
        AccountView::SignedIn { .. } if asked && connection != ConnectionState::Online => {
            Err(CliError::Unreachable)
        }
        AccountView::SignedIn { .. } => Ok(()),
    }
}

/// After the first moment online the server has what others need to write to this device.
pub(crate) async fn settle(session: &Session) {
    // What does not happen now happens with the next command.
    if session
        .device
        .wait_until_online(AFTERWARDS.min(session.timeout))
        .await
        .is_ok()
    {
        let _ = session
            .device
            .wait_until_quiet(AFTERWARDS.min(session.timeout))
            .await;
    }
}

pub(crate) async fn print_account(session: &Session, printer: &Printer) -> Result<(), CliError> {
    let account = session.device.account().await?;
    let person = session.person().await?;
    let server = session.device.server();
    let value = json!({ "account": account, "server": server.to_string() });
    printer.result(&value, || {
        format!("Signed in as {} on {server}.", person.username)
    })
}
