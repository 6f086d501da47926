//! What people want of messages, and what they look at beside the timeline.

use conclave_client::{Failure, Intent, TextWith};
use conclave_protocol::Timestamp;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::device::{Device, account_id, message_id, number, room_id};
use crate::failure::{of_store, thrown, to_js};
use crate::released::{JsEdits, JsMessages, JsReleased};

/// How everyone in a room is mentioned.
const EVERYONE: &str = "everyone";

/// What people want; the answer is an event with the same `ask`.
#[wasm_bindgen]
impl Device {
    /// Send a text under an id that the caller made. `mentions` has account ids, or "everyone".
    #[wasm_bindgen(js_name = sendText)]
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each of the front end's options"
    )]
    pub fn send_text(
        &mut self,
        ask: u32,
        room: &str,
        id: &str,
        text: String,
        reply_to: Option<String>,
        thread: Option<String>,
        mentions: Vec<String>,
    ) -> Result<JsReleased, JsValue> {
        let (room, id) = (room_id(room)?, Some(message_id(id)?));
        let message = |given: Option<String>| given.as_deref().map(message_id).transpose();
        let mut with = TextWith {
            reply_to: message(reply_to)?,
            thread: message(thread)?,
            ..TextWith::default()
        };
        for mention in &mentions {
            if mention == EVERYONE {
                with.mentions_everyone = true;
            } else {
                with.mentions.push(account_id(mention)?);
            }
        }
        self.intend(ask, Intent::SendText { room, id, text, with })
    }

    /// Write an own text anew.
    #[wasm_bindgen(js_name = editMessage)]
    pub fn edit_message(&mut self, ask: u32, message: &str, text: String) -> Result<JsReleased, JsValue> {
        let message = message_id(message)?;
        self.intend(ask, Intent::EditMessage { message, text })
    }

    /// Delete a message, for everyone or on the own devices alone.
    #[wasm_bindgen(js_name = deleteMessage)]
    pub fn delete_message(
        &mut self,
        ask: u32,
        message: &str,
        for_everyone: bool,
    ) -> Result<JsReleased, JsValue> {
        let message = message_id(message)?;
        self.intend(
            ask,
            Intent::DeleteMessage {
                message,
                for_everyone,
            },
        )
    }

    /// React to a message, or take that back.
    pub fn react(&mut self, ask: u32, message: &str, emoji: String, on: bool) -> Result<JsReleased, JsValue> {
        let message = message_id(message)?;
        self.intend(ask, Intent::React { message, emoji, on })
    }

    /// Pin a message in its room, or unpin it.
    pub fn pin(&mut self, ask: u32, message: &str, on: bool) -> Result<JsReleased, JsValue> {
        let message = message_id(message)?;
        self.intend(ask, Intent::Pin { message, on })
    }

    /// Ask a room a question, under an id that the caller made.
    #[wasm_bindgen(js_name = createPoll)]
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each of the front end's options"
    )]
    pub fn create_poll(
        &mut self,
        ask: u32,
        room: &str,
        id: &str,
        question: String,
        options: Vec<String>,
        multiple: bool,
        closes_at: Option<f64>,
    ) -> Result<JsReleased, JsValue> {
        let intent = Intent::CreatePoll {
            room: room_id(room)?,
            id: Some(message_id(id)?),
            question,
            options,
            multiple,
            closes_at: closes_at.map(|at| Timestamp(number(at))),
        };
        self.intend(ask, intent)
    }

    /// Vote in a poll.
    pub fn vote(&mut self, ask: u32, message: &str, choices: Vec<u32>) -> Result<JsReleased, JsValue> {
        let message = message_id(message)?;
        self.intend(ask, Intent::Vote { message, choices })
    }

    /// Close an own poll.
    #[wasm_bindgen(js_name = closePoll)]
    pub fn close_poll(&mut self, ask: u32, message: &str) -> Result<JsReleased, JsValue> {
        let message = message_id(message)?;
        self.intend(ask, Intent::ClosePoll { message })
    }

    /// Send a text again to a room, under an id that the caller made.
    pub fn forward(&mut self, ask: u32, message: &str, room: &str, id: &str) -> Result<JsReleased, JsValue> {
        let intent = Intent::Forward {
            message: message_id(message)?,
            room: room_id(room)?,
            id: Some(message_id(id)?),
        };
        self.intend(ask, intent)
    }

    /// Set after how many seconds new messages of a direct chat disappear; 0 for never.
    #[wasm_bindgen(js_name = setDisappearing)]
    pub fn set_disappearing(&mut self, ask: u32, room: &str, seconds: u32) -> Result<JsReleased, JsValue> {
        let room = room_id(room)?;
        self.intend(ask, Intent::SetDisappearing { room, seconds })
    }
}

/// What front ends look at.
#[wasm_bindgen]
impl Device {
    /// Pinned messages of a room, oldest first.
    #[wasm_bindgen(js_name = listPinned)]
    pub fn list_pinned(&self, room: &str) -> Result<JsMessages, JsValue> {
        let rows = self.store.list_pinned(room_id(room)?);
        self.show(&rows.map_err(|error| thrown(&of_store(&error)))?)
    }

    /// A message and what hangs from it as its thread, oldest first.
    #[wasm_bindgen(js_name = listThread)]
    pub fn list_thread(&self, message: &str) -> Result<JsMessages, JsValue> {
        let rows = self.store.list_thread(message_id(message)?);
        self.show(&rows.map_err(|error| thrown(&of_store(&error)))?)
    }

    /// What a text said, from the first version to the one that is shown.
    #[wasm_bindgen(js_name = listEdits)]
    pub fn list_edits(&self, message: &str) -> Result<JsEdits, JsValue> {
        let edits = self.engine.show_edits(&self.store, message_id(message)?);
        let edits = edits
            .map_err(|_| thrown(&Failure::storage()))?
            .ok_or_else(|| thrown(&Failure::unknown_message()))?;
        Ok(to_js(&edits)?.unchecked_into())
    }
}
