//! Groups and communities, as the worker asks for them.

use std::collections::BTreeMap;

use conclave_client::places::intents::PlaceIntent;
use conclave_client::views::{InviteForm, PlaceChange, PlaceSort};
use conclave_client::{Failure, Intent};
use conclave_protocol::{AccountId, PlaceId, RoomId};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::device::{Device, account_id};
use crate::failure::{of_store, thrown, to_js};
use crate::released::{JsMembers, JsPeople, JsPlace, JsPlaces, JsReleased};

/// What people want of groups and communities; the answer is an event with the same `ask`.
#[wasm_bindgen]
impl Device {
    /// Make a group or community.
    #[wasm_bindgen(js_name = createPlace)]
    pub fn create_place(
        &mut self,
        ask: u32,
        kind: &str,
        name: String,
        people: Vec<String>,
    ) -> Result<JsReleased, JsValue> {
        let kind = match kind {
            "community" => PlaceSort::Community,
            _ => PlaceSort::Group,
        };
        let people = accounts(&people)?;
        self.intend(ask, Intent::Place(PlaceIntent::Create { kind, name, people }))
    }

    /// Look at what stands behind an invite's link.
    #[wasm_bindgen(js_name = previewInvite)]
    pub fn preview_invite(&mut self, ask: u32, link: String) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::Place(PlaceIntent::Preview { link }))
    }

    /// Join by an invite's link, or ask to be let in.
    #[wasm_bindgen(js_name = joinPlace)]
    pub fn join_place(&mut self, ask: u32, link: String) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::Place(PlaceIntent::Join { link }))
    }

    /// Make an invite's link; `terms` is an `InviteForm` in JSON.
    #[wasm_bindgen(js_name = makePlaceInvite)]
    pub fn make_place_invite(&mut self, ask: u32, place: &str, terms: &str) -> Result<JsReleased, JsValue> {
        let (place, terms) = (place_id(place)?, parsed::<InviteForm>(terms)?);
        self.intend(ask, Intent::Place(PlaceIntent::Invite { place, terms }))
    }

    /// Change a group or community; `change` is a `PlaceChange` in JSON.
    #[wasm_bindgen(js_name = changePlace)]
    pub fn change_place(&mut self, ask: u32, place: &str, change: &str) -> Result<JsReleased, JsValue> {
        let (place, change) = (place_id(place)?, parsed::<PlaceChange>(change)?);
        self.intend(ask, Intent::Place(PlaceIntent::Change { place, change }))
    }

    /// Let somebody back in who started again.
    #[wasm_bindgen(js_name = letBackIn)]
    pub fn let_back_in(&mut self, ask: u32, place: &str, former: &str) -> Result<JsReleased, JsValue> {
        let (place, former) = (place_id(place)?, account_id(former)?);
        self.intend(ask, Intent::Place(PlaceIntent::LetBackIn { place, former }))
    }
}

/// What front ends look at.
#[wasm_bindgen]
impl Device {
    /// The groups and communities on this device.
    #[wasm_bindgen(js_name = listPlaces)]
    pub fn list_places(&self) -> Result<JsPlaces, JsValue> {
        let unread = self.unread()?;
        let views = self.engine.list_places(&self.store, &unread);
        let views = views.map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&views)?.unchecked_into())
    }

    /// One group or community.
    #[wasm_bindgen(js_name = findPlace)]
    pub fn find_place(&self, place: &str) -> Result<JsPlace, JsValue> {
        let unread = self.unread()?;
        let view = self.engine.find_place(&self.store, place_id(place)?, &unread);
        let view = view.map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&view)?.unchecked_into())
    }

    /// The members of a group or community.
    #[wasm_bindgen(js_name = listMembers)]
    pub fn list_members(&self, place: &str) -> Result<JsMembers, JsValue> {
        let views = self.engine.list_members(&self.store, place_id(place)?);
        let views = views.map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&views)?.unchecked_into())
    }

    /// Who accounts are, where that is known here.
    #[wasm_bindgen(js_name = listPeople)]
    pub fn list_people(&self, people: Vec<String>) -> Result<JsPeople, JsValue> {
        let views = self.engine.list_people(&self.store, &accounts(&people)?);
        let views = views.map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&views)?.unchecked_into())
    }
}

impl Device {
    fn unread(&self) -> Result<BTreeMap<RoomId, u32>, JsValue> {
        let unread = self.store.list_unread();
        Ok(unread
            .map_err(|error| thrown(&of_store(&error)))?
            .into_iter()
            .collect())
    }
}

fn accounts(texts: &[String]) -> Result<Vec<AccountId>, JsValue> {
    texts.iter().map(|text| account_id(text)).collect()
}

fn place_id(text: &str) -> Result<PlaceId, JsValue> {
    text.parse().map_err(|_| thrown(&Failure::unknown_place()))
}

/// What a form holds. The worker made it from generated types, so anything else is of another version.
fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, JsValue> {
    serde_json::from_str(text).map_err(|_| thrown(&Failure::answer_unreadable()))
}
