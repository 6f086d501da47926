//! The decoders of sealed content, for `crates/fuzzing`, and the following of chains, for `crates/testing`. Nothing
//! that ships switches this on.

use conclave_protocol::{Bytes, PlaceId};
use conclave_sigchain::room::{RoomChain, RoomChainError};
use conclave_sigchain::{AccountChain, ChainError};

use crate::chains;
use crate::content::{Body, Content, Control};
use crate::places::taking;

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

/// Follows an account's chain by a page of entries, as a device does that knows it so far.
pub fn follow_account(chain: &AccountChain, page: &[Bytes]) -> Result<AccountChain, ChainError> {
    chains::follow(chain, page)
}

/// Reads a place's chain from its first entry, in pages.
pub fn read_place(place: PlaceId, pages: &[&[Bytes]]) -> Result<RoomChain, RoomChainError> {
    let mut entries = pages.iter().copied().flatten();
    let first = entries.next().ok_or(RoomChainError::Empty)?;
    let (mut chain, _) = taking::begin(place, first.as_slice())?;
    for entry in entries {
        taking::read_on(&mut chain, entry.as_slice())?;
    }
    Ok(chain)
}

/// Follows a place's chain by a page of entries, as a device does that knows it so far.
pub fn follow_place(known: &RoomChain, page: &[Bytes]) -> Result<RoomChain, RoomChainError> {
    let mut grown = None;
    for entry in page {
        taking::take_next(known, &mut grown, entry.as_slice())?;
    }
    Ok(grown.unwrap_or_else(|| known.clone()))
}
