//! mute, favourite, archive: what a person sets of a chat, on all of their devices.

use std::time::Duration;

use conclave_sdk::user_store::{ChatChange, MUTED_FOREVER};
use serde_json::json;

use crate::args::Common;
use crate::error::CliError;
use crate::links::WhoArg;
use crate::print::Printer;
use crate::session::Session;

/// Other devices hear of it within this, or with the next command.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

pub(crate) async fn mute(
    common: &Common,
    printer: &Printer,
    with: &WhoArg,
    hours: Option<u32>,
    off: bool,
) -> Result<(), CliError> {
    let until = match hours {
        _ if off => 0,
        None => MUTED_FOREVER,
        Some(hours) => {
            conclave_sdk::clock::system()()
                .plus(u64::from(hours).saturating_mul(3_600_000))
                .0
        }
    };
    let change = ChatChange {
        muted_until: Some(until),
        ..ChatChange::default()
    };
    let said = if off { "is heard again" } else { "is muted" };
    set(common, printer, with, change, said).await
}

pub(crate) async fn favourite(
    common: &Common,
    printer: &Printer,
    with: &WhoArg,
    off: bool,
) -> Result<(), CliError> {
    let change = ChatChange {
        favourite: Some(!off),
        ..ChatChange::default()
    };
    let said = if off {
        "is no favourite any more"
    } else {
        "is a favourite"
    };
    set(common, printer, with, change, said).await
}

pub(crate) async fn archive(
    common: &Common,
    printer: &Printer,
    with: &WhoArg,
    off: bool,
) -> Result<(), CliError> {
    let change = ChatChange {
        archived: Some(!off),
        ..ChatChange::default()
    };
    let said = if off {
        "is out of the archive"
    } else {
        "is in the archive"
    };
    set(common, printer, with, change, said).await
}

async fn set(
    common: &Common,
    printer: &Printer,
    with: &WhoArg,
    change: ChatChange,
    said: &str,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    // What other devices set meanwhile comes first.
    session.has_news().await?;
    let peer = session
        .find_chat(with)
        .await?
        .ok_or_else(|| CliError::NoChat(with.username.to_string()))?;
    session
        .within(session.device.set_chat(peer.room, change.clone()))
        .await?;
    // What is not told now is told by the next command.
    session.device.wait_until_told(TOLD_WITHIN).await?;
    let value = json!({ "room": peer.room.to_string(), "with": peer.username, "set": change });
    printer.result(&value, || format!("The chat with {} {said}.", peer.username))?;
    session.close().await
}
