//! What JavaScript calls, in Node and in a browser.

use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// Replays the vectors of a file; gives the counts by kind as a JSON object.
#[wasm_bindgen]
pub fn check_vectors(name: &str, json: &str) -> Result<String, JsError> {
    let counts = crate::check(name, json)?;
    Ok(serde_json::to_string(&counts)?)
}
