//! Sealing of bodies and files.

use conclave_crypto::attachments::{AttachmentReference, open_attachment, seal_attachment};
use conclave_crypto::{ContentKey, open_content, seal_content};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::BOUND;
use crate::randomness::Randomness;

/// One content key. A benchmark seals with it more than once; nothing else may.
#[wasm_bindgen]
pub struct Content(ContentKey);

#[wasm_bindgen]
impl Content {
    /// A new key.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "JavaScript knows constructors alone")]
    pub fn new() -> Self {
        Self(ContentKey::generate(&mut Randomness))
    }

    /// Pads and seals.
    pub fn seal(&self, text: &[u8]) -> Result<Vec<u8>, JsError> {
        Ok(seal_content(&self.0, &BOUND, text)?)
    }

    /// Opens and takes the padding off.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, JsError> {
        let mut text = open_content(&self.0, &BOUND, sealed)?;
        Ok(core::mem::take(&mut *text))
    }
}

/// A sealed file with what opens it.
#[wasm_bindgen]
pub struct File {
    reference: AttachmentReference,
    ciphertext: Vec<u8>,
}

#[wasm_bindgen]
impl File {
    /// Seals a file under a key of its own.
    #[wasm_bindgen(constructor)]
    pub fn new(file: &[u8]) -> Result<Self, JsError> {
        let (reference, ciphertext) = seal_attachment(file, &mut Randomness)?;
        Ok(Self {
            reference,
            ciphertext,
        })
    }

    /// Opens all of it, hash included.
    pub fn open(&self) -> Result<Vec<u8>, JsError> {
        let mut file = open_attachment(&self.reference, &self.ciphertext)?;
        Ok(core::mem::take(&mut *file))
    }
}
