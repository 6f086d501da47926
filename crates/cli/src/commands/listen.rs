//! listen.

use std::collections::BTreeMap;

use conclave_protocol::{EnvelopeId, RoomId};
use conclave_sdk::Device;
use conclave_sdk::views::{AccountView, BodyView, ChatView, Event, MessageView};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::args::Common;
use crate::error::CliError;
use crate::format;
use crate::print::Printer;
use crate::session::Session;

/// Messages looked at in a room at a time.
const PAGE: u32 = 200;

pub(crate) async fn listen(
    common: &Common,
    printer: &Printer,
    read: bool,
    unread: bool,
) -> Result<(), CliError> {
    let session = Session::open_offline(common)?;
    session.signed_in().await?;
    // Listens before it goes online, so that nothing arrives unseen.
    let events = session.device.events();
    let mut listener = Listener::new(&session.device, printer, read).await?;
    if unread {
        listener.print_unread().await?;
    }
    session.device.go_online().await?;
    tokio::select! {
        outcome = listener.run(events) => outcome?,
        () = asked_to_end() => {}
    }
    session.close().await
}

/// A message of somebody else, with their name.
#[derive(Serialize)]
struct Arrived<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    from: &'a str,
    #[serde(flatten)]
    message: &'a MessageView,
}

struct Listener<'a> {
    device: &'a Device,
    printer: &'a Printer,
    read: bool,
    /// Names by room.
    names: BTreeMap<String, String>,
    /// Whatever arrived up to this ordinal is printed, or was here before. Each message that arrives gets a
    /// higher one than all before it.
    seen: u64,
}

/// What happened since one looked last.
#[derive(Default)]
struct News {
    arrived: Vec<EnvelopeId>,
    /// What others did to messages.
    annotated: Vec<Event>,
    lagged: bool,
    account: bool,
}

impl<'a> Listener<'a> {
    async fn new(device: &'a Device, printer: &'a Printer, read: bool) -> Result<Self, CliError> {
        let mut listener = Self {
            device,
            printer,
            read,
            names: BTreeMap::new(),
            seen: 0,
        };
        for chat in listener.list_chats().await? {
            let Ok(room) = chat.room.parse::<RoomId>() else {
                continue;
            };
            let page = device.list_messages(room, None, PAGE).await?;
            listener.seen = newest(&page, listener.seen);
        }
        Ok(listener)
    }

    async fn run(&mut self, mut events: Receiver<Event>) -> Result<(), CliError> {
        loop {
            let news = self.next_news(&mut events).await?;
            if news.lagged {
                self.print_missed().await?;
            }
            let mut messages = self.device.list_messages_by_id(news.arrived).await?;
            messages.retain(|message| message.position.ordinal > self.seen);
            self.print(&messages).await?;
            self.seen = newest(&messages, self.seen);
            for event in &news.annotated {
                self.print_annotated(event).await?;
            }
            if news.account && !matches!(self.device.account().await?, AccountView::SignedIn { .. }) {
                return Err(CliError::SignedOut);
            }
        }
    }

    /// Waits for an event and takes what came with it, so that one look at the store serves them all.
    async fn next_news(&self, events: &mut Receiver<Event>) -> Result<News, CliError> {
        let mut news = News::default();
        match events.recv().await {
            Ok(event) => self.take(&mut news, event),
            Err(RecvError::Lagged(_)) => news.lagged = true,
            Err(RecvError::Closed) => return Err(conclave_sdk::SdkError::Closed.into()),
        }
        loop {
            match events.try_recv() {
                Ok(event) => self.take(&mut news, event),
                Err(TryRecvError::Lagged(_)) => news.lagged = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(news),
            }
        }
    }

    fn take(&self, news: &mut News, event: Event) {
        match event {
            Event::Arrived { message, .. } => news.arrived.extend(message.parse::<EnvelopeId>()),
            Event::Account => news.account = true,
            Event::Connection { state } => self.printer.note(&event, format::connection(state)),
            Event::Warning { ref failure } => self.printer.note(&event, &failure.message),
            Event::DeviceAdded { ref name } => {
                let text = format::device_added(name.as_deref());
                self.printer.note(&event, &text);
            }
            Event::Announcements { ref announcements } => {
                let text = format::announcements(announcements);
                if text.is_empty() {
                    self.printer.program_note(&event);
                } else {
                    self.printer.note(&event, &text);
                }
            }
            Event::Devices | Event::Settings | Event::Places { .. } | Event::Signals { .. } => {
                self.printer.program_note(&event);
            }
            Event::Answer { .. }
            | Event::Chats
            | Event::Timeline { .. }
            | Event::Approvals
            | Event::People => {}
            Event::Annotated { .. } => news.annotated.push(event),
        }
    }

    async fn print_annotated(&self, event: &Event) -> Result<(), CliError> {
        let Event::Annotated {
            message, by, what, ..
        } = event
        else {
            return Ok(());
        };
        let found = match message.parse() {
            Ok(id) => self.device.find_message(id).await?,
            Err(_) => None,
        };
        self.printer
            .result(event, || format::annotated(&by.username, what, found.as_ref()))
    }

    async fn print_unread(&mut self) -> Result<(), CliError> {
        for chat in self.list_chats().await? {
            let Ok(room) = chat.room.parse::<RoomId>() else {
                continue;
            };
            let mut left = chat.unread;
            let mut pages = Vec::new();
            let mut before = None;
            while left > 0 {
                let page = self.device.list_messages(room, before, PAGE).await?;
                let Some(first) = page.first() else { break };
                before = Some(first.position);
                let mut unread: Vec<MessageView> = page
                    .into_iter()
                    .filter(|message| !message.mine && !message.blocked)
                    .collect();
                let skipped = unread
                    .len()
                    .saturating_sub(usize::try_from(left).unwrap_or(usize::MAX));
                unread.drain(..skipped);
                left = left.saturating_sub(u32::try_from(unread.len()).unwrap_or(u32::MAX));
                pages.push(unread);
            }
            for page in pages.iter().rev() {
                self.print(page).await?;
            }
        }
        Ok(())
    }

    /// More happened than was told: whatever is newer than what was printed is printed.
    async fn print_missed(&mut self) -> Result<(), CliError> {
        let mut seen = self.seen;
        for chat in self.list_chats().await? {
            let Ok(room) = chat.room.parse::<RoomId>() else {
                continue;
            };
            let mut pages = Vec::new();
            let mut before = None;
            loop {
                let mut page = self.device.list_messages(room, before, PAGE).await?;
                let Some(first) = page.first() else { break };
                before = Some(first.position);
                page.retain(|message| self.is_new(message));
                if page.is_empty() {
                    break;
                }
                seen = newest(&page, seen);
                pages.push(page);
            }
            for page in pages.iter().rev() {
                self.print(page).await?;
            }
        }
        self.seen = seen;
        Ok(())
    }

    /// What cannot be opened yet arrives when it can.
    fn is_new(&self, message: &MessageView) -> bool {
        let closed = matches!(message.body, BodyView::Unopened | BodyView::Lost { .. });
        message.position.ordinal > self.seen && !message.mine && !closed
    }

    async fn print(&mut self, messages: &[MessageView]) -> Result<(), CliError> {
        let mut last: BTreeMap<&str, &MessageView> = BTreeMap::new();
        for message in messages {
            let from = self.name(&message.room).await?;
            let value = Arrived {
                kind: "message",
                from: &from,
                message,
            };
            self.printer
                .result(&value, || format::arrived(message, &from, self.printer.zone()))?;
            let newest = last.entry(&message.room).or_insert(message);
            if message.position.sequence > newest.position.sequence {
                *newest = message;
            }
        }
        if self.read {
            for (room, message) in last {
                if let (Ok(room), Ok(message)) = (room.parse(), message.id.parse()) {
                    self.device.mark_read(room, message).await?;
                }
            }
        }
        Ok(())
    }

    async fn name(&mut self, room: &str) -> Result<String, CliError> {
        if let Some(name) = self.names.get(room) {
            return Ok(name.clone());
        }
        self.list_chats().await?;
        Ok(self.names.get(room).cloned().unwrap_or_else(|| "?".to_owned()))
    }

    async fn list_chats(&mut self) -> Result<Vec<ChatView>, CliError> {
        let chats = self.device.list_chats().await?;
        self.names
            .extend(chats.iter().map(|chat| (chat.room.clone(), format::name(chat))));
        Ok(chats)
    }
}

fn newest(messages: &[MessageView], seen: u64) -> u64 {
    messages
        .iter()
        .map(|message| message.position.ordinal)
        .fold(seen, u64::max)
}

/// Ctrl-C, or whoever started this wants it to end.
pub(crate) async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
