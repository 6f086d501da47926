//! What JavaScript catches: always a `Failure` with a code and a sentence.

use conclave_client::Failure;
use conclave_store::StoreError;
use serde::Serialize;
use wasm_bindgen::JsValue;

/// A value in the shape of its generated TypeScript type.
pub(crate) fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, JsValue> {
    let text = serde_json::to_string(value).map_err(|_| JsValue::UNDEFINED)?;
    js_sys::JSON::parse(&text)
}

/// Thrown by a method.
pub(crate) fn thrown(failure: &Failure) -> JsValue {
    to_js(failure).unwrap_or_else(|thrown| thrown)
}

/// A failure of the store. The last two codes stay between this crate and the worker, which waits or goes on in
/// memory.
pub(crate) fn of_store(error: &StoreError) -> Failure {
    match error {
        StoreError::Locked => Failure::storage_locked(),
        StoreError::Newer { .. } => Failure::storage_newer(),
        StoreError::InUse => Failure {
            code: "storage_in_use".to_owned(),
            message: "Another window still holds the data on this device. Close it and reload.".to_owned(),
            retry_after: None,
        },
        StoreError::NotSupported => Failure {
            code: "storage_unsupported".to_owned(),
            message: "This browser window cannot keep data on this device.".to_owned(),
            retry_after: None,
        },
        StoreError::Full | StoreError::Damaged | StoreError::Failed(_) => Failure::storage(),
    }
}
