//! What people want of messages: reply, edit, delete, react, pin, poll, forward, let them disappear.

use std::time::Duration;

use conclave_client::views::{EditView, MessageView, Outcome};
use conclave_client::{Failure, Intent, Reads as _, Table, TextWith};
use conclave_protocol::{EnvelopeId, RoomId, Timestamp};
use tokio::time::{sleep, timeout};

use crate::{Device, SdkError};

/// How often the outbox is looked at.
const GLANCE: Duration = Duration::from_millis(20);

impl Device {
    /// Like [`Device::send_text`], with what goes with the text: a quote, a thread, mentions.
    pub async fn send_text_with(
        &self,
        room: RoomId,
        text: &str,
        with: TextWith,
    ) -> Result<EnvelopeId, SdkError> {
        self.send(room, None, text, with).await
    }

    /// Writes an own text anew.
    pub async fn edit_message(&self, message: EnvelopeId, text: &str) -> Result<(), SdkError> {
        let text = text.to_owned();
        self.done(Intent::EditMessage { message, text }).await
    }

    /// Deletes a message: for everyone in the room, or on the own devices alone.
    pub async fn delete_message(&self, message: EnvelopeId, for_everyone: bool) -> Result<(), SdkError> {
        self.done(Intent::DeleteMessage {
            message,
            for_everyone,
        })
        .await
    }

    /// Reacts to a message, or takes that back.
    pub async fn react(&self, message: EnvelopeId, emoji: &str, on: bool) -> Result<(), SdkError> {
        let emoji = emoji.to_owned();
        self.done(Intent::React { message, emoji, on }).await
    }

    /// Pins a message in its room, or unpins it.
    pub async fn pin(&self, message: EnvelopeId, on: bool) -> Result<(), SdkError> {
        self.done(Intent::Pin { message, on }).await
    }

    /// Asks a room a question.
    pub async fn create_poll(
        &self,
        room: RoomId,
        question: &str,
        options: Vec<String>,
        multiple: bool,
        closes_at: Option<Timestamp>,
    ) -> Result<EnvelopeId, SdkError> {
        let intent = Intent::CreatePoll {
            room,
            id: None,
            question: question.to_owned(),
            options,
            multiple,
            closes_at,
        };
        self.queued(intent).await
    }

    /// Votes in a poll: places of the chosen options, from 0. It replaces the vote before, and no choice takes it
    /// back.
    pub async fn vote(&self, message: EnvelopeId, choices: Vec<u32>) -> Result<(), SdkError> {
        self.done(Intent::Vote { message, choices }).await
    }

    /// Closes an own poll.
    pub async fn close_poll(&self, message: EnvelopeId) -> Result<(), SdkError> {
        self.done(Intent::ClosePoll { message }).await
    }

    /// Sends a text again to a room, and says whose it was.
    pub async fn forward(&self, message: EnvelopeId, room: RoomId) -> Result<EnvelopeId, SdkError> {
        let id = None;
        self.queued(Intent::Forward { message, room, id }).await
    }

    /// Sets after how many seconds new messages of a direct chat disappear; 0 for never.
    pub async fn set_disappearing(&self, room: RoomId, seconds: u32) -> Result<(), SdkError> {
        self.done(Intent::SetDisappearing { room, seconds }).await
    }

    /// Pinned messages of a room, oldest first.
    pub async fn list_pinned(&self, room: RoomId) -> Result<Vec<MessageView>, SdkError> {
        let now = self.now();
        self.look(move |engine, store| {
            let rows = store.list_pinned(room)?;
            Ok(engine
                .show_messages(store, &rows, now)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }

    /// A message and what hangs from it as its thread, oldest first.
    pub async fn list_thread(&self, message: EnvelopeId) -> Result<Vec<MessageView>, SdkError> {
        let now = self.now();
        self.look(move |engine, store| {
            let rows = store.list_thread(message)?;
            Ok(engine
                .show_messages(store, &rows, now)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }

    /// What a text said, from the first version to the one that is shown.
    pub async fn list_edits(&self, message: EnvelopeId) -> Result<Vec<EditView>, SdkError> {
        self.look(move |engine, store| {
            let edits = engine
                .show_edits(store, message)
                .map_err(|_| Failure::storage())?;
            Ok(edits.ok_or_else(Failure::unknown_message)?)
        })
        .await
    }

    /// Waits until nothing waits to be sent. After [`SdkError::TimedOut`] it still waits in the outbox.
    pub async fn wait_until_outbox_is_empty(&self, limit: Duration) -> Result<(), SdkError> {
        let waiting = async {
            loop {
                let waits = self
                    .look(|_, store| {
                        let items = store.list_records(Table::Outbox, &[], 1);
                        Ok(!items.map_err(|_| Failure::storage())?.is_empty())
                    })
                    .await?;
                if !waits {
                    return Ok(());
                }
                sleep(GLANCE).await;
            }
        };
        timeout(limit, waiting).await.unwrap_or(Err(SdkError::TimedOut))
    }

    pub(crate) async fn queued(&self, intent: Intent) -> Result<EnvelopeId, SdkError> {
        match self.ask(intent).await? {
            Outcome::Queued { message } => message.parse().map_err(|_| SdkError::Mismatch),
            _ => Err(SdkError::Mismatch),
        }
    }
}
