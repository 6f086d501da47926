//! chats and history.

use serde_json::json;

use crate::args::{Common, LocalArg};
use crate::error::CliError;
use crate::format;
use crate::links::WhoArg;
use crate::print::Printer;
use crate::session::Session;

pub(crate) async fn list(common: &Common, printer: &Printer, local: &LocalArg) -> Result<(), CliError> {
    let session = Session::open_with_news(common, local, printer).await?;
    let chats = session.device.list_chats().await?;
    printer.result(&json!({ "chats": chats }), || {
        let width = chats
            .iter()
            .map(|chat| format::name(chat).chars().count())
            .max()
            .unwrap_or(0);
        let lines: Vec<String> = chats
            .iter()
            .map(|chat| format::chat(chat, width, printer.zone()))
            .collect();
        lines.join("\n")
    })?;
    session.close().await
}

pub(crate) async fn history(
    common: &Common,
    printer: &Printer,
    with: &WhoArg,
    limit: u32,
    local: &LocalArg,
) -> Result<(), CliError> {
    let session = Session::open_with_news(common, local, printer).await?;
    let peer = session
        .find_chat(with)
        .await?
        .ok_or_else(|| CliError::NoChat(with.username.to_string()))?;
    let messages = session.device.list_messages(peer.room, None, limit).await?;
    let value = json!({ "room": peer.room.to_string(), "with": peer.username, "messages": messages });
    printer.result(&value, || {
        let line = |message| format::remembered(message, &peer.username, printer.zone());
        messages.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    session.close().await
}
