//! What the browser's worker calls: the engine and its store as one [`Device`], for `wasm-bindgen`.
//!
//! Each input of the engine is a method. It handles the input, stores what has to be stored, and only then
//! returns the requests to send and the events to show. This crate translates and decides nothing; it must
//! never hand a key to JavaScript or print anything but the place of a panic.
//!
//! Views travel as JSON text that the browser parses: one crossing for a page of messages instead of one for
//! each property, and no number that a stranger chose can fail the conversion.
//!
//! One more intent is one more method in [`device`], and one line in `web/src/lib/engine/calls.ts`.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod clock;
mod contents;
mod device;
mod failure;
mod places;
mod released;
mod search;
mod user_store;

pub use device::Device;

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn error(text: &str);
}

/// Runs once, when the module is loaded.
#[wasm_bindgen(start)]
pub fn start() {
    // The message of a panic may hold what was being worked on, so only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
        error(&format!(
            "the engine stopped at {}",
            place.as_deref().unwrap_or("an unknown place")
        ));
    }));
}
