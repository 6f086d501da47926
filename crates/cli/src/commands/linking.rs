//! link, approve, recover, and the waiting part of sign-in.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use conclave_protocol::LinkId;
use conclave_sdk::views::{AccountView, ApprovalStep, ApprovalView};
use conclave_sdk::{Device, SdkError};
use serde_json::json;
use zeroize::Zeroizing;

use super::accounts::{print_account, settle};
use super::listen::asked_to_end;
use crate::args::{Common, PasswordArg};
use crate::error::CliError;
use crate::format;
use crate::links::LinkArg;
use crate::password;
use crate::print::Printer;
use crate::session::{Session, spelled};

/// A meeting ends by itself after ten minutes; this is a little longer.
const MEETING: Duration = Duration::from_mins(11);

pub(crate) async fn link(common: &Common, printer: &Printer) -> Result<(), CliError> {
    let session = Session::open_or_make(common, None)?;
    let code = session.within(session.device.show_link_code()).await?;
    session.remember()?;
    printer.result(&json!({ "link": &*code }), || {
        format!(
            "{}\n{}\n\nOn a device that is signed in, scan this or run: conclave approve LINK\nShow it to nobody else.",
            format::qr_code(&code),
            &*code
        )
    })?;
    wait_until_joined(&session, printer).await
}

/// Waits for approval by the digits that are printed.
pub(crate) async fn wait_for_approval(session: &Session, printer: &Printer) -> Result<(), CliError> {
    printer
        .hint("This is a new device. Approve it on one that is signed in, there or with: conclave approve");
    let digits = match within_a_meeting(session, session.device.wait_for_digits(MEETING)).await {
        Ok(digits) => digits,
        Err(error) => return Err(given_up(session, error).await),
    };
    printer.result(&json!({ "digits": digits }), || {
        format!(
            "Type these digits on the other device: {} {}",
            part(&digits, 0),
            part(&digits, 3)
        )
    })?;
    wait_until_joined(session, printer).await
}

fn part(digits: &str, from: usize) -> &str {
    digits.get(from..from.saturating_add(3)).unwrap_or(digits)
}

async fn wait_until_joined(session: &Session, printer: &Printer) -> Result<(), CliError> {
    match within_a_meeting(session, session.device.wait_until_joined(MEETING)).await {
        Ok(()) => {
            settle(session).await;
            print_account(session, printer).await
        }
        Err(error) => Err(given_up(session, error).await),
    }
}

/// Nothing is left of a meeting that came to nothing.
async fn given_up(session: &Session, error: CliError) -> CliError {
    if matches!(session.device.account().await, Ok(AccountView::Joining { .. })) {
        let _ = session.device.cancel_joining().await;
        let _ = session.device.wait_until_quiet(Duration::from_secs(2)).await;
    }
    error
}

async fn within_a_meeting<T>(
    session: &Session,
    waiting: impl Future<Output = Result<T, SdkError>>,
) -> Result<T, CliError> {
    tokio::select! {
        outcome = waiting => Ok(outcome?),
        () = asked_to_end() => {
            let _ = session.device.cancel_joining().await;
            Err(CliError::GivenUp)
        }
    }
}

pub(crate) async fn approve(
    common: &Common,
    printer: &Printer,
    code: Option<&LinkArg>,
    digits: Option<&str>,
    yes: bool,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.device.wait_until_online(session.timeout).await?;
    let _ = session.device.wait_until_quiet(session.timeout).await;
    let link = if let Some(code) = code {
        session.check_server(code.server.as_ref())?;
        session.device.answer_link_code(&code.code).await?;
        wait(&session, |approval| {
            approval.step == ApprovalStep::ConfirmationNeeded
        })
        .await?
    } else {
        let waiting = list_waiting(&session.device).await?;
        let [link] = waiting.as_slice() else {
            session.close().await?;
            return Err(if waiting.is_empty() {
                CliError::NobodyWaits
            } else {
                CliError::SeveralWait(waiting.len())
            });
        };
        session.within(session.device.answer_link(*link)).await?;
        wait(&session, |approval| {
            approval.link == link.to_string() && approval.step == ApprovalStep::DigitsNeeded
        })
        .await?
    };
    let typed = match (code, digits) {
        (Some(_), _) if yes => None,
        (Some(_), _) => {
            if ask("Add this device to your account? Type yes: ")?.trim() != "yes" {
                session.device.decline_link(link).await?;
                let _ = session.device.wait_until_quiet(session.timeout).await;
                return Err(CliError::GivenUp);
            }
            None
        }
        (None, Some(digits)) => Some(digits.to_owned()),
        (None, None) => Some(ask("The six digits on the new device: ")?.to_string()),
    };
    session
        .within(session.device.confirm_link(link, typed.as_deref()))
        .await?;
    // It is told that it was added, and signs in by itself.
    wait(&session, |approval| {
        approval.link == link.to_string() && approval.step == ApprovalStep::Added
    })
    .await?;
    printer.result(&json!({ "approved": true }), || {
        "The new device is one of yours now.".to_owned()
    })?;
    session.close().await
}

/// New devices that ask, and those that an earlier command answered whose digits were not typed.
async fn list_waiting(device: &Device) -> Result<Vec<LinkId>, CliError> {
    let approvals = device.list_approvals().await?;
    let waiting = approvals.iter().filter(|approval| {
        matches!(
            approval.step,
            ApprovalStep::Asked | ApprovalStep::Connecting | ApprovalStep::DigitsNeeded
        )
    });
    Ok(waiting
        .filter_map(|approval| approval.link.parse().ok())
        .collect())
}

/// Waits until an approval is as wanted; one that ends before says why.
async fn wait(session: &Session, wanted: impl Fn(&ApprovalView) -> bool) -> Result<LinkId, CliError> {
    let reached = |approvals: &[ApprovalView]| {
        if let Some(approval) = approvals.iter().find(|approval| wanted(approval)) {
            return Some(approval.link.parse().map_err(|_| SdkError::Mismatch));
        }
        approvals.iter().find_map(|approval| match &approval.step {
            ApprovalStep::Ended { failure } => Some(Err(failure.clone().into())),
            _ => None,
        })
    };
    Ok(session.device.wait_for_approval(session.timeout, reached).await?)
}

pub(crate) async fn recover(
    common: &Common,
    printer: &Printer,
    name: &str,
    password: &PasswordArg,
) -> Result<(), CliError> {
    let session = Session::open_or_make(common, None)?;
    let words = password::read_words()?;
    let password = password::read(password, true)?;
    let name = spelled(name);
    session
        .within(
            session
                .device
                .recover(&name, &words, &password, password::is_strong(&password, &name)),
        )
        .await?;
    session.remember()?;
    settle(&session).await;
    print_account(&session, printer).await?;
    printer
        .hint("The old password opens nothing any more. Look at your devices, and remove what is not yours.");
    session.close().await
}

pub(crate) async fn reset_identity(
    common: &Common,
    printer: &Printer,
    name: &str,
    yes: bool,
    code: Option<&str>,
    arg: &PasswordArg,
) -> Result<(), CliError> {
    let name = spelled(name);
    if !yes {
        let prompt = format!(
            "All messages and chats of {name} are lost for good, unless the password was let open the history, and \
             people are told that {name} is somebody new.\n\
             Type {name} to start again: "
        );
        if ask(&prompt)?.trim() != name {
            return Err(CliError::NotConfirmed);
        }
    }
    let session = Session::open_or_make(common, None)?;
    let password = password::read(arg, false)?;
    let device = &session.device;
    let reset = session
        .within(device.reset_identity_with_code(&name, &password, code))
        .await;
    match reset {
        Err(error) if error.is("second_step_needed") && code.is_none() => {
            let code = password::read_code(arg)?;
            let again = device.reset_identity_with_code(&name, &password, Some(&code));
            session.within(again).await?;
        }
        other => other?,
    }
    session.remember()?;
    settle(&session).await;
    print_account(&session, printer).await?;
    printer.hint("Keep your recovery key this time: conclave recovery-key");
    session.close().await
}

/// Asks a person who looks on.
fn ask(prompt: &str) -> Result<Zeroizing<String>, CliError> {
    if io::stdin().is_terminal() {
        let mut out = io::stderr().lock();
        write!(out, "{prompt}")?;
        out.flush()?;
    }
    let mut line = Zeroizing::new(String::new());
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(CliError::NoTerminal);
    }
    Ok(line)
}
