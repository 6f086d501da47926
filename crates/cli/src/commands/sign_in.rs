//! second-step, logins, change-password, close-account: the own account's sign-in.

use std::io::{self, BufRead as _};

use conclave_sdk::views::LoginView;
use serde_json::json;

use super::accounts::settle;
use crate::args::{Common, LoginsCommand, PasswordArg, ProofArg, SecondStepCommand};
use crate::error::CliError;
use crate::format;
use crate::password;
use crate::print::Printer;
use crate::session::Session;

/// The server's word for what the password has to be shown for.
const FRESH: &str = "fresh_sign_in_needed";
/// The server's word for a right password without the code that belongs to it.
const SECOND: &str = "second_step_needed";

/// Opens a session of somebody who is signed in.
pub(crate) async fn opened(common: &Common) -> Result<Session, CliError> {
    let session = Session::open(common).await?;
    session.signed_in().await?;
    Ok(session)
}

/// Shows the password, and the code of the second step where one is asked for.
pub(crate) async fn prove(session: &Session, arg: &ProofArg) -> Result<(), CliError> {
    let password = password::read(&arg.password, false)?;
    let code = arg.code.as_deref();
    let shown = session
        .within(session.device.prove_password(&password, code))
        .await;
    match shown {
        Err(error) if error.is(SECOND) && code.is_none() => {
            let code = password::read_code(&arg.password)?;
            session
                .within(session.device.prove_password(&password, Some(&code)))
                .await
        }
        other => other,
    }
}

/// Does something that may ask for a fresh sign-in: then the password is shown, and it is done again.
pub(crate) async fn with_proof<T>(
    session: &Session,
    arg: &ProofArg,
    act: impl AsyncFn() -> Result<T, CliError>,
) -> Result<T, CliError> {
    match act().await {
        Err(error) if error.is(FRESH) => {
            prove(session, arg).await?;
            act().await
        }
        other => other,
    }
}

pub(crate) async fn second_step(
    common: &Common,
    printer: &Printer,
    what: Option<SecondStepCommand>,
    arg: &ProofArg,
) -> Result<(), CliError> {
    let session = opened(common).await?;
    let device = &session.device;
    match what {
        None => {
            let step = session.within(device.second_step()).await?;
            printer.result(&json!({ "second_step": step }), || {
                if step.on {
                    format!(
                        "On. After your password a code is asked for. {} backup codes are left.",
                        step.backup_codes
                    )
                } else {
                    "Off. Your password alone signs in on a device of yours.".to_owned()
                }
            })?;
        }
        Some(SecondStepCommand::Begin) => {
            let begun = with_proof(&session, arg, async || {
                session.within(device.begin_second_step()).await
            })
            .await?;
            let value = json!({ "secret": begun.secret, "link": begun.link });
            printer.result(&value, || {
                let code = format::qr_code(&begun.link);
                format!("{code}\nSecret  {}\nLink    {}", begun.secret, begun.link)
            })?;
            printer.hint("Give this to your authenticator app. Then: conclave second-step confirm CODE");
        }
        Some(SecondStepCommand::Confirm { digits }) => {
            let codes = with_proof(&session, arg, async || {
                session.within(device.confirm_second_step(&digits)).await
            })
            .await?;
            print_codes(printer, &codes)?;
        }
        Some(SecondStepCommand::Off) => {
            with_proof(&session, arg, async || {
                session.within(device.end_second_step()).await
            })
            .await?;
            printer.result(&json!({ "on": false }), || "The second step is off.".to_owned())?;
        }
        Some(SecondStepCommand::Codes) => {
            let codes = with_proof(&session, arg, async || {
                session.within(device.renew_backup_codes()).await
            })
            .await?;
            print_codes(printer, &codes)?;
        }
    }
    session.close().await
}

fn print_codes(printer: &Printer, codes: &[String]) -> Result<(), CliError> {
    printer.result(&json!({ "backup_codes": codes }), || codes.join("\n"))?;
    printer.hint("Each of these signs you in once, when your app is not there. They are shown only now.");
    Ok(())
}

pub(crate) async fn logins(
    common: &Common,
    printer: &Printer,
    what: Option<LoginsCommand>,
) -> Result<(), CliError> {
    let session = opened(common).await?;
    let device = &session.device;
    match what {
        None => {
            let logins = session.within(device.list_logins()).await?;
            printer.result(&json!({ "logins": logins }), || list(&logins, printer))?;
        }
        Some(LoginsCommand::End { login }) => {
            session.within(device.end_login(&login)).await?;
            printer.result(&json!({ "ended": login }), || "That login has ended.".to_owned())?;
        }
        Some(LoginsCommand::EndOthers) => {
            let ended = session.within(device.end_other_logins()).await?;
            printer.result(&json!({ "ended": ended }), || {
                format!("{ended} other logins have ended.")
            })?;
        }
    }
    session.close().await
}

/// Logins, a line each.
pub(crate) fn list(logins: &[LoginView], printer: &Printer) -> String {
    let lines = logins.iter().map(|login| {
        let name = login.name.clone();
        let name = name.unwrap_or_else(|| format!("device {}", login.device.saturating_add(1)));
        let since = format::date_and_time(login.created_at, printer.zone());
        let seen = if login.current {
            "this login".to_owned()
        } else if login.connected {
            "connected".to_owned()
        } else {
            let at = format::date_and_time(login.refreshed_at, printer.zone());
            format!("last refreshed {at}")
        };
        format!("{}  {}  since {since}  {seen}", login.login, format::plain(&name))
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) async fn change_password(
    common: &Common,
    printer: &Printer,
    end_others: bool,
    words: bool,
    arg: &ProofArg,
) -> Result<(), CliError> {
    let session = opened(common).await?;
    session.device.wait_until_online(session.timeout).await?;
    settle(&session).await;
    let person = session.person().await?;
    prove(&session, arg).await?;
    let words = words.then(password::read_words).transpose()?;
    let new = password::read_new(&arg.password)?;
    let strong = password::is_strong(&new, &person.username);
    let words = words.as_ref().map(|words| words.as_str());
    let changed = session.device.change_password(&new, strong, words, end_others);
    let ended = session.within(changed).await?;
    settle(&session).await;
    printer.result(&json!({ "ended": ended }), || {
        let others = if end_others {
            format!(" {ended} other logins have ended.")
        } else {
            String::new()
        };
        format!("Your password is replaced.{others}")
    })?;
    session.close().await
}

pub(crate) async fn close_account(
    common: &Common,
    printer: &Printer,
    yes: bool,
    arg: &ProofArg,
) -> Result<(), CliError> {
    let session = opened(common).await?;
    session.device.wait_until_online(session.timeout).await?;
    let person = session.person().await?;
    if !yes {
        printer.hint(&format!(
            "Your account ends for good, on every device. Nobody gets your name. Type {} to go on:",
            person.username
        ));
        if typed()?.trim() != person.username {
            return Err(CliError::NotConfirmed);
        }
    }
    prove(&session, arg).await?;
    session.within(session.device.close_account()).await?;
    printer.result(&json!({ "closed": person.username }), || {
        format!("The account {} has ended.", person.username)
    })?;
    Ok(session.device.close().await?)
}

fn typed() -> Result<String, CliError> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

/// Signs in; where the account has a second step, its code is asked for behind the password.
pub(crate) async fn sign_in_with(
    session: &Session,
    name: &str,
    password: &str,
    code: Option<&str>,
    arg: &PasswordArg,
) -> Result<(), CliError> {
    let device = &session.device;
    let signed_in = session
        .within(device.sign_in_with_code(name, password, code))
        .await;
    match signed_in {
        Err(error) if error.is(SECOND) && code.is_none() => {
            let code = password::read_code(arg)?;
            session
                .within(device.sign_in_with_code(name, password, Some(&code)))
                .await
        }
        other => other,
    }
}
