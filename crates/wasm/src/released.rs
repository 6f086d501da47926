//! Requests and events as the worker gets them.

use conclave_client::{HttpCall, Released, Request};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::to_js;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
import type { AccountView, ApprovalView, ChatView, ConnectionState, EditView, Event, FolderView, HistoryView, HistoryWaysView, MemberView, MessageView, PersonView, PlaceView, Position, SearchPageView, SearchPosition, SettingView, TrustView } from '../../protocol/generated';

/** Something to do for the engine, after everything was stored. */
export type Request =
  | { type: 'http'; id: number; method: string; path: string; body: Uint8Array<ArrayBuffer> | null; bearer: string | null }
  | { type: 'connect' }
  | { type: 'disconnect' }
  | { type: 'frame'; bytes: Uint8Array<ArrayBuffer> }
  /** Unix milliseconds; replaces the time asked for before. */
  | { type: 'wake_at'; at: number };

/** What follows from one input, in order. */
export interface Released {
  requests: Request[];
  events: Event[];
}
"#;

#[wasm_bindgen]
extern "C" {
    /// What follows from one input.
    #[wasm_bindgen(typescript_type = "Released")]
    pub type JsReleased;
    /// Who is signed in.
    #[wasm_bindgen(typescript_type = "AccountView")]
    pub type JsAccount;
    /// New devices that wait for approval.
    #[wasm_bindgen(typescript_type = "ApprovalView[]")]
    pub type JsApprovals;
    /// How the connection stands.
    #[wasm_bindgen(typescript_type = "ConnectionState")]
    pub type JsConnection;
    /// The list of chats.
    #[wasm_bindgen(typescript_type = "ChatView[]")]
    pub type JsChats;
    /// A page of messages.
    #[wasm_bindgen(typescript_type = "MessageView[]")]
    pub type JsMessages;
    /// Versions of a text.
    #[wasm_bindgen(typescript_type = "EditView[]")]
    pub type JsEdits;
    /// A room's past.
    #[wasm_bindgen(typescript_type = "HistoryView")]
    pub type JsHistory;
    /// What opens the account's history.
    #[wasm_bindgen(typescript_type = "HistoryWaysView")]
    pub type JsHistoryWays;
    /// How identities stand.
    #[wasm_bindgen(typescript_type = "TrustView[]")]
    pub type JsTrust;
    /// Groups and communities.
    #[wasm_bindgen(typescript_type = "PlaceView[]")]
    pub type JsPlaces;
    /// A group or community.
    #[wasm_bindgen(typescript_type = "PlaceView | null")]
    pub type JsPlace;
    /// The members of a group or community.
    #[wasm_bindgen(typescript_type = "MemberView[]")]
    pub type JsMembers;
    /// People by their accounts.
    #[wasm_bindgen(typescript_type = "PersonView[]")]
    pub type JsPeople;
    /// A page of what was found.
    #[wasm_bindgen(typescript_type = "SearchPageView")]
    pub type JsSearchPage;
    /// Where the next page of it begins.
    #[wasm_bindgen(typescript_type = "SearchPosition | null")]
    pub type JsSearchPosition;
    /// Folders of chats.
    #[wasm_bindgen(typescript_type = "FolderView[]")]
    pub type JsFolders;
    /// Settings by name.
    #[wasm_bindgen(typescript_type = "SettingView[]")]
    pub type JsSettings;
    /// Whom the person blocked or gave a name.
    #[wasm_bindgen(typescript_type = "ContactView[]")]
    pub type JsContacts;
    /// Where a page ends.
    #[wasm_bindgen(typescript_type = "Position | null")]
    pub type JsPosition;
}

pub(crate) fn released(released: &Released) -> Result<JsReleased, JsValue> {
    let requests = released
        .requests
        .iter()
        .map(request)
        .collect::<Result<Array, _>>()?;
    let fields = [
        ("requests", requests.into()),
        ("events", to_js(&released.events)?),
    ];
    Ok(object(&fields)?.into())
}

fn request(request: &Request) -> Result<JsValue, JsValue> {
    match request {
        Request::Http(call) => http(call),
        Request::Connect => object(&[("type", "connect".into())]),
        Request::Disconnect => object(&[("type", "disconnect".into())]),
        Request::Frame(frame) => object(&[("type", "frame".into()), ("bytes", bytes(frame))]),
        Request::WakeAt(at) => object(&[("type", "wake_at".into()), ("at", number(at.0))]),
    }
}

fn http(call: &HttpCall) -> Result<JsValue, JsValue> {
    object(&[
        ("type", "http".into()),
        ("id", number(call.id)),
        ("method", call.method.as_str().into()),
        ("path", call.path.as_str().into()),
        (
            "body",
            call.body.as_ref().map_or(JsValue::NULL, |body| bytes(&body.0)),
        ),
        (
            "bearer",
            call.bearer
                .as_ref()
                .map_or(JsValue::NULL, |token| token.as_str().into()),
        ),
    ])
}

fn object(fields: &[(&str, JsValue)]) -> Result<JsValue, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &JsValue::from_str(name), value)?;
    }
    Ok(object.into())
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counters and times of this device are below 2^53"
)]
fn number(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}
