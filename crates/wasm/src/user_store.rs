//! What people set for themselves.

use conclave_client::user_store::folder_id;
use conclave_client::{Failure, Intent};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::device::{Device, account_id, room_id};
use crate::failure::{thrown, to_js};
use crate::released::{JsContacts, JsFolders, JsReleased, JsSettings};

/// What people want; the answer is an event with the same `ask`.
#[wasm_bindgen]
impl Device {
    /// Set something of a chat: a `ChatChange` as JSON.
    #[wasm_bindgen(js_name = setChat)]
    pub fn set_chat(&mut self, ask: u32, room: &str, change: &str) -> Result<JsReleased, JsValue> {
        let room = room_id(room)?;
        let change = serde_json::from_str(change).map_err(|_| JsValue::UNDEFINED)?;
        self.intend(ask, Intent::SetChat { room, change })
    }

    /// Keep what was begun to write in a chat.
    #[wasm_bindgen(js_name = saveDraft)]
    pub fn save_draft(&mut self, ask: u32, room: &str, text: Option<String>) -> Result<JsReleased, JsValue> {
        let room = room_id(room)?;
        self.intend(ask, Intent::SaveDraft { room, text })
    }

    /// Make a folder of chats, or change one.
    #[wasm_bindgen(js_name = setFolder)]
    pub fn set_folder(
        &mut self,
        ask: u32,
        id: Option<String>,
        name: String,
        rooms: Vec<String>,
    ) -> Result<JsReleased, JsValue> {
        let id = id.as_deref().map(folder).transpose()?;
        let rooms = rooms.iter().map(|room| room_id(room)).collect::<Result<_, _>>()?;
        self.intend(ask, Intent::SetFolder { id, name, rooms })
    }

    /// Delete a folder; its chats stay.
    #[wasm_bindgen(js_name = deleteFolder)]
    pub fn delete_folder(&mut self, ask: u32, id: &str) -> Result<JsReleased, JsValue> {
        let id = folder(id)?;
        self.intend(ask, Intent::DeleteFolder { id })
    }

    /// Set something by name.
    #[wasm_bindgen(js_name = setSetting)]
    pub fn set_setting(
        &mut self,
        ask: u32,
        name: String,
        value: Option<String>,
    ) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::SetSetting { name, value })
    }

    /// Set something of a person: a `PersonChange` as JSON.
    #[wasm_bindgen(js_name = setPerson)]
    pub fn set_person(&mut self, ask: u32, account: &str, change: &str) -> Result<JsReleased, JsValue> {
        let account = account_id(account)?;
        let change = serde_json::from_str(change).map_err(|_| JsValue::UNDEFINED)?;
        self.intend(ask, Intent::SetPerson { account, change })
    }

    /// Delete a request with all of its messages.
    #[wasm_bindgen(js_name = deleteRequest)]
    pub fn delete_request(&mut self, ask: u32, room: &str) -> Result<JsReleased, JsValue> {
        let room = room_id(room)?;
        self.intend(ask, Intent::DeleteRequest { room })
    }
}

/// What front ends look at.
#[wasm_bindgen]
impl Device {
    /// The person's folders, by name.
    #[wasm_bindgen(js_name = listFolders)]
    pub fn list_folders(&self) -> Result<JsFolders, JsValue> {
        let folders = self.engine.list_folders(&self.store);
        Ok(to_js(&folders.map_err(|_| thrown(&Failure::storage()))?)?.unchecked_into())
    }

    /// The person's settings by name.
    #[wasm_bindgen(js_name = listSettings)]
    pub fn list_settings(&self) -> Result<JsSettings, JsValue> {
        let settings = self.engine.list_settings(&self.store);
        Ok(to_js(&settings.map_err(|_| thrown(&Failure::storage()))?)?.unchecked_into())
    }

    /// Whom the person blocked or gave a name.
    #[wasm_bindgen(js_name = listContacts)]
    pub fn list_contacts(&self) -> Result<JsContacts, JsValue> {
        let contacts = self.engine.list_contacts(&self.store);
        Ok(to_js(&contacts.map_err(|_| thrown(&Failure::storage()))?)?.unchecked_into())
    }
}

fn folder(id: &str) -> Result<[u8; 8], JsValue> {
    folder_id(id).ok_or_else(|| thrown(&Failure::unknown_folder()))
}
