//! send.

use std::io::{self, Read as _};

use conclave_protocol::limits::TEXT_MAX;
use conclave_sdk::SdkError;
use conclave_sdk::views::AccountView;
use serde_json::json;

use crate::args::Common;
use crate::error::CliError;
use crate::links::WhoArg;
use crate::print::Printer;
use crate::session::Session;

pub(crate) async fn send(
    common: &Common,
    printer: &Printer,
    to: &WhoArg,
    words: &[String],
) -> Result<(), CliError> {
    let text = text_of(words)?;
    let session = Session::open(common).await?;
    let peer = session.open_chat(to).await?;
    let message = session.device.send_text(peer.room, &text).await?;
    let sent = session.device.wait_until_sent(message, session.timeout).await;

    let delivery = session
        .device
        .find_message(message)
        .await?
        .map(|message| message.delivery);
    let value = json!({
        "message": message.to_string(),
        "room": peer.room.to_string(),
        "to": peer.username,
        "delivery": delivery,
    });
    printer.result(&value, String::new)?;
    let account = session.device.account().await?;
    session.close().await?;
    match sent {
        Ok(()) => {
            if matches!(
                account,
                AccountView::SignedIn {
                    offer_recovery_key: true,
                    ..
                }
            ) {
                printer.hint("Keep your recovery key: without it a lost device is a lost account. conclave recovery-key");
            }
            Ok(())
        }
        Err(SdkError::TimedOut) => Err(CliError::Queued),
        Err(error) => Err(error.into()),
    }
}

/// The text of a command line.
pub(super) fn text_of(words: &[String]) -> Result<String, CliError> {
    match words {
        [dash] if dash == "-" => read_text(io::stdin().lock()),
        words => Ok(words.join(" ")),
    }
}

/// Reads a text. One that is too long is read so far that this shows.
fn read_text(input: impl io::Read) -> Result<String, CliError> {
    let most = u64::try_from(TEXT_MAX).unwrap_or(u64::MAX).saturating_mul(4);
    let mut bytes = Vec::new();
    input.take(most).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| CliError::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_whole_and_has_to_be_text() {
        assert_eq!(read_text("one\ntwo\n".as_bytes()).unwrap(), "one\ntwo\n");
        assert!(read_text("x".repeat(TEXT_MAX * 5).as_bytes()).unwrap().len() > TEXT_MAX);
        assert!(matches!(
            read_text([0xFF, 0xFE].as_slice()),
            Err(CliError::NotText)
        ));
    }
}
