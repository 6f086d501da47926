//! One device's sessions with another.

use conclave_crypto::{PairwiseMessage, Purpose, Sessions};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::randomness::Randomness;
use crate::{BOUND, NOW};

/// What one of the two sides holds.
#[wasm_bindgen]
pub struct Conversation(pub(crate) Sessions);

#[wasm_bindgen]
impl Conversation {
    /// Seals a message and gives its bytes.
    pub fn seal(&mut self, text: &[u8]) -> Result<Vec<u8>, JsError> {
        Ok(self
            .0
            .seal(Purpose::MessageKey, &BOUND, text, NOW, &mut Randomness)?)
    }

    /// Opens a message of a session that both sides know.
    pub fn open(&mut self, bytes: &[u8]) -> Result<Vec<u8>, JsError> {
        let PairwiseMessage::Ratchet(message) = PairwiseMessage::from_bytes(bytes)? else {
            return Err(JsError::new("a first message is answered by a device"));
        };
        let mut text = self.0.open(Purpose::MessageKey, &BOUND, &message, NOW)?;
        Ok(core::mem::take(&mut *text))
    }
}
