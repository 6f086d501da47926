//! Search, and timelines from a place in the middle.

use conclave_client::Failure;
use conclave_client::search::Day;
use conclave_client::search::views::SearchPosition;
use conclave_protocol::Timestamp;
use conclave_store::SearchError;
use js_sys::Date;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::device::{Device, message_id, number, position, room_id};
use crate::failure::{of_store, thrown, to_js};
use crate::released::{JsMessages, JsPosition, JsSearchPage, JsSearchPosition};

#[wasm_bindgen]
impl Device {
    /// A page of the messages that fit what was typed, newest first.
    pub fn search(&self, typed: &str, behind: JsSearchPosition, limit: u32) -> Result<JsSearchPage, JsValue> {
        let behind = search_position(&behind);
        let page = self.store.search(&self.engine, typed, &begins, behind, limit);
        let page = page.map_err(|error| match error {
            SearchError::Asked(failure) => thrown(&failure),
            SearchError::Store(error) => thrown(&of_store(&error)),
            SearchError::Read(_) => thrown(&Failure::storage()),
        })?;
        Ok(to_js(&page)?.unchecked_into())
    }

    /// A message with up to `each` ones before and behind it; oldest first.
    #[wasm_bindgen(js_name = listMessagesAround)]
    pub fn list_messages_around(&self, room: &str, message: &str, each: u32) -> Result<JsMessages, JsValue> {
        let rows = self
            .store
            .list_messages_around(room_id(room)?, message_id(message)?, each)
            .map_err(|error| thrown(&of_store(&error)))?
            .ok_or_else(|| thrown(&Failure::unknown_message()))?;
        self.show(&rows)
    }

    /// The messages of a room just behind a position; oldest first.
    #[wasm_bindgen(js_name = listMessagesAfter)]
    pub fn list_messages_after(
        &self,
        room: &str,
        after: JsPosition,
        limit: u32,
    ) -> Result<JsMessages, JsValue> {
        let Some(after) = position(&after) else {
            return Err(thrown(&Failure::unknown_message()));
        };
        let rows = self.store.list_messages_after(room_id(room)?, after, limit);
        self.show(&rows.map_err(|error| thrown(&of_store(&error)))?)
    }
}

/// When a day begins where this browser is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole milliseconds; a day before 1970 counts as its beginning"
)]
fn begins(day: Day) -> Option<Timestamp> {
    let (month, day_of_month) = (i32::from(day.month) - 1, i32::from(day.day));
    let date = Date::new_with_year_month_day(day.year.into(), month, day_of_month);
    let exists = date.get_month() + 1 == u32::from(day.month) && date.get_date() == u32::from(day.day);
    exists.then(|| Timestamp(date.get_time() as u64))
}

fn search_position(value: &JsValue) -> Option<SearchPosition> {
    let field = |name: &str| js_sys::Reflect::get(value, &name.into()).ok();
    Some(SearchPosition {
        number: number(field("number")?.as_f64()?),
        inside: field("inside")?.as_bool()?,
    })
}
