//! history-password: whether the password opens the account's history, too.

use std::time::Duration;

use conclave_sdk::views::HistoryWaysView;
use serde_json::json;

use super::accounts::settle;
use crate::args::{Common, PasswordArg, Switch};
use crate::error::CliError;
use crate::password;
use crate::print::Printer;
use crate::session::Session;

/// How often it is looked whether the account's log has the change.
const LOOK_EVERY: Duration = Duration::from_millis(200);

const STRICT: &str = "Your history opens with the recovery key, or with the approval of another device of yours. \
                      Your password alone opens nothing.";
const BY_PASSWORD: &str = "Your password opens your history, too. Whoever learns it can read what you wrote and got; \
                           whoever runs the server can try to guess it. It adds no device and signs nothing.";

pub(crate) async fn run(
    common: &Common,
    printer: &Printer,
    change: Option<Switch>,
    words: bool,
    password: &PasswordArg,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.signed_in().await?;
    session.device.wait_until_online(session.timeout).await?;
    settle(&session).await;
    if let Some(change) = change {
        let person = session.person().await?;
        let words = words.then(password::read_words).transpose()?;
        let words = words.as_ref().map(|words| words.as_str());
        match change {
            Switch::On => {
                let password = password::read(password, false)?;
                if !password::is_strong(&password, &person.username) {
                    return Err(CliError::PasswordWeak);
                }
                let asked = session.device.set_history_password(Some(&password), words);
                session.within(asked).await?;
            }
            Switch::Off => {
                session
                    .within(session.device.set_history_password(None, words))
                    .await?;
            }
        }
    }
    let ways = stands(&session).await?;
    printer.result(
        &json!({ "password": ways.password, "changing": ways.changing }),
        || {
            let how = if ways.password { BY_PASSWORD } else { STRICT };
            if ways.changing {
                format!("{how}\nThis is being changed; look again in a moment.")
            } else {
                how.to_owned()
            }
        },
    )?;
    session.close().await
}

/// How it stands once nothing is on its way any more, or when the time is over.
async fn stands(session: &Session) -> Result<HistoryWaysView, CliError> {
    let settled = async {
        loop {
            let ways = session.device.history_ways().await?;
            if ways.known && !ways.changing {
                return Ok(ways);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(session.timeout, settled).await {
        Ok(ways) => ways,
        Err(_) => Ok(session.device.history_ways().await?),
    }
}
