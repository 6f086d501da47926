//! announcements: what the server says to everybody.

use serde_json::json;

use super::sign_in::opened;
use crate::args::Common;
use crate::error::CliError;
use crate::format;
use crate::print::Printer;

pub(crate) async fn run(
    common: &Common,
    printer: &Printer,
    put_away: Option<&str>,
    accept_key: bool,
) -> Result<(), CliError> {
    let session = opened(common).await?;
    let device = &session.device;
    // What is in force comes with the connection, in front of what waits in the mailbox.
    session.has_news().await?;
    if accept_key {
        session.within(device.accept_server_key()).await?;
    }
    if let Some(id) = put_away {
        session.within(device.put_away_announcement(id)).await?;
    }
    let view = device.announcements().await?;
    printer.result(&json!(view), || {
        let text = format::announcements(&view);
        if text.is_empty() {
            "The server says nothing at the moment.".to_owned()
        } else {
            text
        }
    })?;
    session.close().await
}
