//! The decoders of sealed content, for `crates/fuzzing` alone. Nothing that ships switches this on.

use crate::content::{Body, Content, Control};

/// Reads bytes as a message's content; tells whether what was read comes back from being written.
pub fn content_survives(bytes: &[u8]) -> bool {
    match Content::from_bytes(bytes) {
        // A kind of a later version is never written.
        Ok(content) => {
            content.body == Body::Unsupported || Content::from_bytes(&content.to_bytes()) == Ok(content)
        }
        Err(_) => true,
    }
}

/// Reads bytes as a control payload; tells whether what was read comes back from being written.
pub fn control_survives(bytes: &[u8]) -> bool {
    let Ok(control) = minicbor::decode::<Control>(bytes) else {
        return true;
    };
    let Ok(written) = minicbor::to_vec(&control) else {
        return false;
    };
    // Keys are never compared, so their encoding is: the same twice, nothing was lost in between.
    minicbor::decode::<Control>(&written)
        .is_ok_and(|again| minicbor::to_vec(&again).is_ok_and(|rewritten| rewritten == written))
}

/// A text as it is sealed, for seeds.
pub fn text_content(counter: u32, text: &str) -> Vec<u8> {
    Content {
        counter,
        previous: conclave_protocol::Hash([7; 32]),
        body: Body::Text(text.into()),
    }
    .to_bytes()
}
