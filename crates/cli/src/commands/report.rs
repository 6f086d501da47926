//! report: reveals one message to the people who run the server.

use std::io::{self, BufRead as _};

use conclave_protocol::EnvelopeId;
use serde_json::json;

use super::sign_in::opened;
use crate::args::Common;
use crate::error::CliError;
use crate::format;
use crate::print::Printer;

pub(crate) async fn run(
    common: &Common,
    printer: &Printer,
    message: EnvelopeId,
    reason: &str,
    note: &str,
    yes: bool,
) -> Result<(), CliError> {
    let session = opened(common).await?;
    let device = &session.device;
    let preview = device.preview_report(message).await?;
    let sent = format::date_and_time(preview.sent_at, printer.zone());
    let who = format::plain(&preview.username);
    let words = format::plain(&preview.words);
    if preview.provable && !yes {
        printer.hint(&format!(
            "{who}, {sent}: {words}\nThe people who run this server will read this message, and see that you \
             reported it. Type yes to go on:"
        ));
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        if line.trim() != "yes" {
            return Err(CliError::NotConfirmed);
        }
    }
    let repeated = session.within(device.report(message, reason, note)).await?;
    printer.result(&json!({ "reported": message, "repeated": repeated }), || {
        if repeated {
            "You had reported this message before.".to_owned()
        } else {
            "Reported. The people who run this server see this one message.".to_owned()
        }
    })?;
    session.close().await
}
