//! reply, edit, delete, react, pin, pins, poll, vote, close-poll, forward and timer.

use conclave_protocol::{EnvelopeId, RoomId};
use conclave_sdk::{Failure, SdkError, TextWith};
use serde_json::json;

use crate::args::Common;
use crate::error::CliError;
use crate::format;
use crate::links::WhoArg;
use crate::messages::{MessageArg, TimeArg};
use crate::print::Printer;
use crate::session::Session;

use super::send::text_of;

/// A chat that is here and a message in it.
struct Touched {
    session: Session,
    room: RoomId,
    username: String,
    message: EnvelopeId,
}

impl Touched {
    async fn open(common: &Common, who: &WhoArg, message: MessageArg) -> Result<Self, CliError> {
        let session = Session::open(common).await?;
        let peer = session
            .find_chat(who)
            .await?
            .ok_or_else(|| CliError::NoChat(who.username.to_string()))?;
        let message = match message {
            MessageArg::Id(id) => id,
            MessageArg::Place(place) => {
                // What came since is in the chat before places are counted.
                session.has_news().await?;
                let last = session.device.list_messages(peer.room, None, place).await?;
                let there = usize::try_from(place).is_ok_and(|place| last.len() == place);
                let found = last
                    .first()
                    .filter(|_| there)
                    .and_then(|first| first.id.parse().ok());
                found.ok_or_else(|| CliError::Failed(Failure::unknown_message()))?
            }
        };
        Ok(Self {
            session,
            room: peer.room,
            username: peer.username,
            message,
        })
    }

    /// Waits until what was done is on the server, prints it, and closes the device.
    async fn end(self, printer: &Printer) -> Result<(), CliError> {
        let sent = self
            .session
            .device
            .wait_until_outbox_is_empty(self.session.timeout)
            .await;
        let view = self.session.device.find_message(self.message).await?;
        let value = json!({ "message": self.message.to_string(), "room": self.room.to_string(), "is": view });
        printer.result(&value, String::new)?;
        self.session.close().await?;
        sent_or_queued(sent)
    }
}

fn sent_or_queued(sent: Result<(), SdkError>) -> Result<(), CliError> {
    match sent {
        Ok(()) => Ok(()),
        Err(SdkError::TimedOut) => Err(CliError::Queued),
        Err(error) => Err(error.into()),
    }
}

/// Waits until a new message is on the server, prints it, and closes the device.
async fn end_new(
    session: Session,
    printer: &Printer,
    (room, username): (RoomId, &str),
    message: EnvelopeId,
) -> Result<(), CliError> {
    let sent = session.device.wait_until_sent(message, session.timeout).await;
    let delivery = session
        .device
        .find_message(message)
        .await?
        .map(|view| view.delivery);
    let value = json!({
        "message": message.to_string(),
        "room": room.to_string(),
        "to": username,
        "delivery": delivery,
    });
    printer.result(&value, String::new)?;
    session.close().await?;
    sent_or_queued(sent)
}

pub(crate) async fn reply(
    common: &Common,
    printer: &Printer,
    (who, message): (&WhoArg, MessageArg),
    words: &[String],
    in_thread: bool,
) -> Result<(), CliError> {
    let text = text_of(words)?;
    let touched = Touched::open(common, who, message).await?;
    let with = TextWith {
        reply_to: Some(touched.message).filter(|_| !in_thread),
        thread: Some(touched.message).filter(|_| in_thread),
        ..TextWith::default()
    };
    let device = &touched.session.device;
    let sent = device.send_text_with(touched.room, &text, with).await?;
    end_new(touched.session, printer, (touched.room, &touched.username), sent).await
}

pub(crate) async fn edit(
    common: &Common,
    printer: &Printer,
    (who, message): (&WhoArg, MessageArg),
    words: &[String],
) -> Result<(), CliError> {
    let text = text_of(words)?;
    let touched = Touched::open(common, who, message).await?;
    touched
        .session
        .device
        .edit_message(touched.message, &text)
        .await?;
    touched.end(printer).await
}

pub(crate) async fn delete(
    common: &Common,
    printer: &Printer,
    (who, message): (&WhoArg, MessageArg),
    for_me: bool,
) -> Result<(), CliError> {
    let touched = Touched::open(common, who, message).await?;
    touched
        .session
        .device
        .delete_message(touched.message, !for_me)
        .await?;
    touched.end(printer).await
}

pub(crate) async fn react(
    common: &Common,
    printer: &Printer,
    (who, message): (&WhoArg, MessageArg),
    emoji: &str,
    off: bool,
) -> Result<(), CliError> {
    let touched = Touched::open(common, who, message).await?;
    touched.session.device.react(touched.message, emoji, !off).await?;
    touched.end(printer).await
}

pub(crate) async fn pin(
    common: &Common,
    printer: &Printer,
    (who, message): (&WhoArg, MessageArg),
    off: bool,
) -> Result<(), CliError> {
    let touched = Touched::open(common, who, message).await?;
    touched.session.device.pin(touched.message, !off).await?;
    touched.end(printer).await
}

pub(crate) async fn pins(common: &Common, printer: &Printer, who: &WhoArg) -> Result<(), CliError> {
    let session = Session::open_offline(common)?;
    let peer = session
        .find_chat(who)
        .await?
        .ok_or_else(|| CliError::NoChat(who.username.to_string()))?;
    let messages = session.device.list_pinned(peer.room).await?;
    let value = json!({ "room": peer.room.to_string(), "with": peer.username, "messages": messages });
    printer.result(&value, || {
        let line = |message| format::remembered(message, &peer.username, printer.zone());
        messages.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    session.close().await
}

pub(crate) async fn poll(
    common: &Common,
    printer: &Printer,
    who: &WhoArg,
    (question, options): (&str, Vec<String>),
    multiple: bool,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    let peer = session.open_chat(who).await?;
    let sent = session
        .device
        .create_poll(peer.room, question, options, multiple, None)
        .await?;
    end_new(session, printer, (peer.room, &peer.username), sent).await
}

pub(crate) async fn vote(
    common: &Common,
    printer: &Printer,
    (who, message): (&WhoArg, MessageArg),
    choices: &[u32],
) -> Result<(), CliError> {
    let touched = Touched::open(common, who, message).await?;
    let places = choices.iter().map(|choice| choice.saturating_sub(1)).collect();
    touched.session.device.vote(touched.message, places).await?;
    touched.end(printer).await
}

pub(crate) async fn close_poll(
    common: &Common,
    printer: &Printer,
    (who, message): (&WhoArg, MessageArg),
) -> Result<(), CliError> {
    let touched = Touched::open(common, who, message).await?;
    touched.session.device.close_poll(touched.message).await?;
    touched.end(printer).await
}

pub(crate) async fn forward(
    common: &Common,
    printer: &Printer,
    (who, message): (&WhoArg, MessageArg),
    to: &WhoArg,
) -> Result<(), CliError> {
    let touched = Touched::open(common, who, message).await?;
    let peer = touched.session.open_chat(to).await?;
    let sent = touched.session.device.forward(touched.message, peer.room).await?;
    end_new(touched.session, printer, (peer.room, &peer.username), sent).await
}

pub(crate) async fn timer(
    common: &Common,
    printer: &Printer,
    who: &WhoArg,
    time: TimeArg,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    let peer = session.open_chat(who).await?;
    session.device.set_disappearing(peer.room, time.0).await?;
    let sent = session.device.wait_until_outbox_is_empty(session.timeout).await;
    let value = json!({ "room": peer.room.to_string(), "with": peer.username, "disappearing": time.0 });
    printer.result(&value, String::new)?;
    session.close().await?;
    sent_or_queued(sent)
}
