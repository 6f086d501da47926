//! What others wrote and nobody dealt with yet: the loop of a bot.
//!
//! A bot that only listens to events misses what came while it was away, and does things twice or never when it
//! is killed in between. [`Inbox`] goes by what the store calls unread instead, so that a message is handed out
//! until [`Inbox::done`] was called for it, over restarts, too. Never twice in one run.
//!
//! Invariant: it decides nothing. What is unread says the engine; an event is only a reason to look again.

use std::collections::BTreeSet;

use conclave_client::views::{BodyView, ChatView, Event, MessageView};
use conclave_protocol::{EnvelopeId, RoomId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::{Device, SdkError};

/// Messages looked at in a room at a time.
const PAGE: u32 = 200;

/// A message that somebody else wrote, and where.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The chat that it is in, as it stood when the message was found.
    pub chat: ChatView,
    /// The chat's room.
    pub room: RoomId,
    /// The message's id.
    pub id: EnvelopeId,
    /// It.
    pub message: MessageView,
}

/// What others wrote and nobody dealt with yet, on one device.
pub struct Inbox {
    device: Device,
    events: Receiver<Event>,
    /// Found and not handed out yet, the next one last.
    found: Vec<Arrived>,
    /// Handed out and perhaps still unread.
    given: BTreeSet<EnvelopeId>,
}

impl Inbox {
    /// Begins to listen. What is unread already is handed out first.
    pub fn new(device: &Device) -> Self {
        Self {
            events: device.events(),
            device: device.clone(),
            found: Vec::new(),
            given: BTreeSet::new(),
        }
    }

    /// The next message of somebody else that can be read here; waits for one. Messages of one chat come in their
    /// order. A future that is dropped loses nothing.
    pub async fn next(&mut self) -> Result<Arrived, SdkError> {
        loop {
            if let Some(next) = self.found.pop() {
                self.given.insert(next.id);
                return Ok(next);
            }
            self.found = self.unread().await?;
            self.found.reverse();
            if self.found.is_empty() {
                match self.events.recv().await {
                    // Whatever it was, or whatever was missed: the store knows.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(SdkError::Closed),
                }
            }
        }
    }

    /// Notes that a message, and all before it in its chat, was dealt with: it is not handed out again, and its
    /// author may see that it was read.
    pub async fn done(&mut self, arrived: &Arrived) -> Result<(), SdkError> {
        self.device.mark_read(arrived.room, arrived.id).await
    }

    /// What is unread and was not handed out, in every chat.
    async fn unread(&mut self) -> Result<Vec<Arrived>, SdkError> {
        let mut all = Vec::new();
        let mut unread = BTreeSet::new();
        for chat in self.device.list_chats().await? {
            let Ok(room) = chat.room.parse::<RoomId>() else {
                continue;
            };
            for message in self.unread_of(room, chat.unread).await? {
                let Ok(id) = message.id.parse::<EnvelopeId>() else {
                    continue;
                };
                unread.insert(id);
                if !self.given.contains(&id) && is_open(&message) {
                    all.push(Arrived {
                        chat: chat.clone(),
                        room,
                        id,
                        message,
                    });
                }
            }
        }
        // What was read meanwhile does not come again: the set stays as small as what is open.
        self.given.retain(|id| unread.contains(id));
        Ok(all)
    }

    /// The newest `count` messages of others in a room, oldest first.
    async fn unread_of(&self, room: RoomId, count: u32) -> Result<Vec<MessageView>, SdkError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut newest_first = Vec::new();
        let mut before = None;
        while newest_first.len() < count {
            let page = self.device.list_messages(room, before, PAGE).await?;
            let Some(first) = page.first() else { break };
            before = Some(first.position);
            newest_first.extend(page.into_iter().rev().filter(counts));
        }
        newest_first.truncate(count);
        newest_first.reverse();
        Ok(newest_first)
    }
}

/// Whether a message is one that can be unread at all: notices, what was deleted, and what somebody says who is
/// blocked are not.
fn counts(message: &MessageView) -> bool {
    !message.mine
        && !message.blocked
        && !matches!(
            message.body,
            BodyView::Notice { .. }
                | BodyView::Deleted { .. }
                | BodyView::RestoredHere
                | BodyView::IdentityChanged
        )
}

/// What cannot be opened yet is handed out when it can.
fn is_open(message: &MessageView) -> bool {
    !matches!(message.body, BodyView::Unopened | BodyView::Lost { .. })
}
