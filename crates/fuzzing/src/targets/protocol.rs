//! `conclave-protocol`: what is read can be written and means the same again.

use std::sync::LazyLock;

use conclave_protocol::frames::{ClientFrame, ServerFrame};
use conclave_protocol::{
    AccountId, Bytes, EnvelopeId, Hash, Problem, RoomId, Token, Username, accounts, invites, logins,
    messages, prekeys, rooms,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::script::Script;
use crate::seeds;

static REAL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(seeds::frames);

/// The first byte chooses between arbitrary bytes and an altered real frame.
///
/// Law: a frame that is read is written to bytes that read as the same frame.
pub(crate) fn frames(input: &[u8]) {
    let mut script = Script::new(input);
    let bytes = if script.byte().is_multiple_of(3) {
        script.rest().to_vec()
    } else {
        let (one, other) = (script.pick(&REAL), script.pick(&REAL));
        script.alter(one, other)
    };
    if let Ok(frame) = ClientFrame::from_bytes(&bytes) {
        assert_eq!(ClientFrame::from_bytes(&frame.to_bytes()), Ok(frame));
    }
    if let Ok(frame) = ServerFrame::from_bytes(&bytes) {
        assert_eq!(ServerFrame::from_bytes(&frame.to_bytes()), Ok(frame));
    }
}

/// Reads a text as one of the REST bodies.
type Body = fn(&[u8]);

const BODIES: &[Body] = &[
    body::<accounts::RegistrationStart>,
    body::<accounts::RegistrationStarted>,
    body::<accounts::RegistrationFinish>,
    body::<accounts::AccountFound>,
    body::<accounts::EntriesPage>,
    body::<accounts::ServerInfo>,
    body::<invites::InviteMade>,
    body::<logins::LoginStart>,
    body::<logins::LoginStarted>,
    body::<logins::LoginFinish>,
    body::<logins::LoggedIn>,
    body::<logins::Refresh>,
    body::<logins::Ticket>,
    body::<messages::StoredEnvelope>,
    body::<messages::EnvelopesPage>,
    body::<prekeys::PrekeyUpload>,
    body::<prekeys::PrekeysUpload>,
    body::<prekeys::PrekeysLeft>,
    body::<prekeys::PrekeyClaimed>,
    body::<rooms::OpenDirectRoom>,
    body::<rooms::DirectRoomFound>,
    body::<Problem>,
];

/// The first byte names a body, the rest is JSON.
///
/// Law: what is read is written to JSON that reads as the same.
pub(crate) fn rest_bodies(input: &[u8]) {
    let mut script = Script::new(input);
    let read = script.pick(BODIES);
    read(script.rest());
}

fn body<T: Serialize + DeserializeOwned>(json: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(json) else {
        return;
    };
    let written = serde_json::to_string(&value).expect("a body is written");
    let again: T = serde_json::from_str(&written).expect("what was written is read");
    assert_eq!(serde_json::to_string(&again).expect("a body is written"), written);
}

/// A text as every kind of id.
///
/// Law: an id has one text.
pub(crate) fn ids(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    has_one_text::<AccountId>(text);
    has_one_text::<RoomId>(text);
    has_one_text::<Hash>(text);
    if let Ok(id) = text.parse::<EnvelopeId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
        let _ = id.time();
    }
    if let Ok(name) = text.parse::<Username>() {
        // What a person typed is folded; what came of it has one spelling.
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
    }
    let json = serde_json::to_string(text).expect("a text is written");
    if let Ok(bytes) = serde_json::from_str::<Bytes>(&json) {
        assert_eq!(serde_json::to_string(&bytes).expect("bytes are written"), json);
    }
    let _ = serde_json::from_str::<Token>(&json);
}

fn has_one_text<T: std::str::FromStr + ToString>(text: &str) {
    if let Ok(id) = text.parse::<T>() {
        assert_eq!(id.to_string(), text, "an id has two texts");
    }
}
